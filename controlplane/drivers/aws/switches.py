"""The route53-switch driver: objects in S3 that inverted health checks look at.

A health check that is inverted calls a region well while the object ``<region>.off`` is *not* there. Putting the object
takes the region out of the answers, by the data planes of S3 and Route 53 alone; losing S3 changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from controlplane.drivers import NUMBER, WORD, left_s, mistakes_in, number
from controlplane.drivers.aws.calls import PLACE, Calls, Where
from controlplane.drivers.aws.stamp import Stamp
from controlplane.drivers.aws.switchboard import STANDING, Board
from controlplane.model.act import Act, Capability, Confirmation, Desired
from controlplane.model.errors import Conflict
from controlplane.model.resources.kind import Setting

_SETTLE_S = 90.0
_OFF = ".off"
_STAMP = "stamp"


@dataclass(frozen=True, slots=True)
class _Seen:
    off: frozenset[str]
    stamp: Stamp
    etag: str | None


class SwitchDriver:
    """One bucket's switches. An object ``stamp`` beside them carries the epoch, written only over what was read."""

    def __init__(self, calls: Calls, bucket: str, prefix: str, board: Board, settle_s: float) -> None:
        self._calls, self._bucket, self._prefix = calls, bucket, prefix
        self._board, self._settle_s = board, settle_s

    async def read(self, subject: str, like: Desired) -> Desired | None:
        """The shares that come of the switches."""
        self._board.off_for(like)
        return self._board.shares((await self._look(subject)).off)

    async def apply(self, act: Act) -> None:
        """Write the stamp, then the switches: off first, so that nobody is on who should be neither."""
        left_s(act)
        off = self._board.off_for(act.desired)
        seen = await self._look(act.subject)
        seen.stamp.guard(act)
        await self._put(act, seen, off, Stamp.of(act))

    async def confirm(self, act: Act) -> Confirmation:
        """List the switches; done once health checks have surely seen them."""
        off = self._board.off_for(act.desired)
        seen = await self._look(act.subject)
        seen.stamp.guard(act)
        if seen.off != off:
            return Confirmation(done=False, detail=f"off: {', '.join(sorted(seen.off)) or 'nobody'}")
        left = self._settle_s - seen.stamp.age_s
        if left > 0 and seen.stamp.epoch:
            return Confirmation(done=False, detail=f"health checks have seen it in {left:.0f} s")
        effect = act.previous is None or self._board.off_for(act.previous) != off
        return Confirmation(done=True, effect=effect, in_force=True)

    async def undo(self, act: Act) -> None:
        """Put ``previous`` back, unless what is there now is not this act's."""
        if act.previous is None:
            return
        off = self._board.off_for(act.previous)
        seen = await self._look(act.subject)
        seen.stamp.guard(act)
        if seen.stamp.is_of(act):
            await self._put(act, seen, off, Stamp.of(act, undone=True))

    async def _put(self, act: Act, seen: _Seen, off: frozenset[str], stamp: Stamp) -> None:
        if seen.stamp.key != stamp.key:
            condition = {"IfNoneMatch": "*"} if seen.etag is None else {"IfMatch": seen.etag}
            await self._object("put_object", act.subject, _STAMP, Body=str(stamp).encode(), **condition)
        for region in sorted(off - seen.off):
            await self._object("put_object", act.subject, region + _OFF, Body=str(stamp).encode())
        for region in sorted(seen.off - off):
            await self._object("delete_object", act.subject, region + _OFF)

    async def _look(self, service: str) -> _Seen:
        folder = f"{self._prefix}{service}/"
        listed = await self._calls.ask("list_objects_v2", Bucket=self._bucket, Prefix=folder)
        there = {item["Key"].removeprefix(folder): item["ETag"] for item in listed.get("Contents", [])}
        off = frozenset(region for region in self._board.regions if region + _OFF in there)
        if _STAMP not in there:
            return _Seen(off, Stamp(), None)
        answer = await self._calls.ask("get_object", Bucket=self._bucket, Key=folder + _STAMP)
        if answer["ETag"] != there[_STAMP]:
            raise Conflict(f"the switches of {service} are being changed by somebody else")
        return _Seen(off, Stamp.read(await self._calls.text_of(answer["Body"])), answer["ETag"])

    async def _object(self, operation: str, service: str, name: str, **more: Any) -> None:
        await self._calls.ask(operation, Bucket=self._bucket, Key=f"{self._prefix}{service}/{name}", **more)


class SwitchDrivers:
    """Makes route53-switch drivers.

    Settings: ``bucket``, ``prefix`` (``leeward/``), ``shares`` (what stands in DNS: by origin, weights by region or a
    list in the order of failover), ``settle`` (seconds after which health checks have surely seen a switch: their
    interval times their threshold, 90), and those of every AWS driver.
    """

    capabilities = frozenset({Capability.WEIGHTS})

    def mistakes(self, settings: Mapping[str, Setting]) -> tuple[str, ...]:
        """What is wrong with the settings, a sentence each."""
        known = {"bucket": WORD, "prefix": WORD, "shares": STANDING, "settle": NUMBER, **PLACE}
        return mistakes_in(settings, known, needed=("bucket", "shares"))

    def __call__(self, settings: Mapping[str, Setting]) -> SwitchDriver:
        """A driver for one bucket."""
        prefix = str(settings.get("prefix", "leeward/")).rstrip("/") + "/"
        calls, board = Calls("s3", Where.of(settings)), Board.of(settings["shares"])
        return SwitchDriver(calls, str(settings["bucket"]), prefix, board, number(settings, "settle", _SETTLE_S))


route53_switch = SwitchDrivers()
