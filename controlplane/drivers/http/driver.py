"""The http driver."""

import asyncio
from collections.abc import Mapping

from controlplane.drivers import NUMBER, WORD, WORD_LIST, WORD_MAP, Kind, Web, is_url, left_s, mistakes_in, number
from controlplane.drivers.http.jobs import Jobs, Paths, Standing
from controlplane.model.act import Act, Capability, Confirmation, Desired, Fence, Holder
from controlplane.model.errors import Broken, Conflict, DriverError, Refused, Retry
from controlplane.model.resources.kind import Setting

_TTL_S = 10.0
_TIMEOUT_S = 2.0
_GLANCE_S = 0.5
_MARGIN = 1.1
_REMEMBERED = 256


class HttpDriver:
    """The one region where an exclusive job is active.

    A fence is confirmed when the region says that the job has stopped, or when the region has not been heard of since
    the fence began and its lease has surely run out meanwhile: nobody renews it once the fence has begun.
    """

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._fenced_at: dict[str, float] = {}
        self._told: set[str] = set()
        self.keep_s = jobs.ttl_s / 3 if jobs.renewed else None
        """How often an activated holder has to be told again so that its lease does not lapse; None: never."""

    async def read(self, subject: str, like: Desired) -> Desired | None:
        """Where the job is active, or whether it is stopped in the region of a fence. Retry if that cannot be said
        because a region does not answer."""
        if isinstance(like, Fence):
            return None if (await self._jobs.status(subject, like.region)).active else like
        _holder(like)
        seen = await self._everywhere(subject)
        active = [region for region, standing in seen.items() if isinstance(standing, Standing) and standing.active]
        if len(active) > 1:
            raise Conflict(f"{subject} is active in {', '.join(active)}")
        if active:
            return Holder(active[0])
        for region, standing in seen.items():
            if isinstance(standing, DriverError):
                raise Retry(f"{region} does not say whether {subject} is active there") from standing
        return Holder(None)

    async def apply(self, act: Act) -> None:
        """Activate, or deactivate everywhere (no region), or fence one region. A fence that meets silence is no error:
        the lease runs out."""
        left_s(act)
        match act.desired:
            case Fence(region=region):
                self._fence_began(act.once_key)
                self._told.add(act.once_key)
                try:
                    await self._jobs.deactivate(act.subject, region, act)
                except Retry:
                    return
            case Holder(region=str(region)):
                await self._only_one(act, region)
                await self._jobs.activate(act.subject, region, act)
            case Holder():
                for standing in (await self._everywhere(act.subject)).values():
                    _not_superseded(act, standing)
                for region in self._jobs.regions:
                    await self._jobs.deactivate(act.subject, region, act)
            case _:
                raise Refused(f"http moves exclusive jobs, not {type(act.desired).__name__}")

    async def confirm(self, act: Act) -> Confirmation:
        """Ask the regions."""
        effect = act.previous is None or act.previous != act.desired
        match act.desired:
            case Fence(region=region):
                return await self._confirm_fence(act, region)
            case Holder(region=str(region)):
                standing = await self._jobs.status(act.subject, region)
                _not_superseded(act, standing)
                told = standing.epoch in {None, act.epoch}
                return Confirmation(standing.active and told, effect, detail=standing.why)
            case Holder():
                found = await self.read(act.subject, act.desired)
                return Confirmation(found == act.desired, effect)
            case _:
                raise Refused(f"http moves exclusive jobs, not {type(act.desired).__name__}")

    async def undo(self, act: Act) -> None:
        """Deactivate what this act's epoch has activated, then activate ``previous`` if there is one. A fence is lifted
        by the next activation, not by this."""
        if not isinstance(act.desired, Holder) or act.previous is None or act.previous == act.desired:
            return
        region = act.desired.region
        if region is not None:
            standing = await self._jobs.status(act.subject, region)
            _not_superseded(act, standing)
            if standing.epoch not in {None, act.epoch}:
                return
            await self._jobs.deactivate(act.subject, region, act)
        previous = _holder(act.previous)
        if previous.region is not None:
            await self._jobs.activate(act.subject, previous.region, act)

    async def _confirm_fence(self, act: Act, region: str) -> Confirmation:
        began, effect = self._fence_began(act.once_key), act.previous != act.desired
        try:
            standing = await self._jobs.status(act.subject, region)
        except (Retry, Broken) as silence:
            left_s = self._jobs.ttl_s * _MARGIN - (asyncio.get_running_loop().time() - began)
            if left_s <= 0:
                return Confirmation(done=True, effect=effect, detail=f"{region} is silent, and its lease has run out")
            return Confirmation(done=False, detail=f"{silence}; its lease has run out in {left_s:.1f} s")
        _not_superseded(act, standing)
        if not standing.active:
            return Confirmation(done=True, effect=effect)
        if act.once_key in self._told:  # it could not be reached then, or did not listen: it is told again
            await self._jobs.deactivate(act.subject, region, act)
        return Confirmation(done=False, detail=f"still active in {region}: {standing.why}")

    def _fence_began(self, key: str) -> float:
        """When the fence began, by this process: one that was started anew waits the whole lease again."""
        began = self._fenced_at.setdefault(key, asyncio.get_running_loop().time())
        while len(self._fenced_at) > _REMEMBERED:
            oldest = next(iter(self._fenced_at))
            del self._fenced_at[oldest]
            self._told.discard(oldest)
        return began

    async def _only_one(self, act: Act, region: str) -> None:
        """Who says that it is active elsewhere is believed, and must be fenced first; silence was the fence's matter,
        and is not waited for. One that is active here already is only told to go on."""
        if (await self._jobs.status(act.subject, region)).active:
            return
        try:
            async with asyncio.timeout(_GLANCE_S):
                seen = await self._everywhere(act.subject, but=region)
        except TimeoutError:
            return
        for other, standing in seen.items():
            _not_superseded(act, standing)
            if isinstance(standing, Standing) and standing.active:
                raise Conflict(f"{act.subject} is still active in {other}")

    async def _everywhere(self, job: str, *, but: str = "") -> dict[str, Standing | DriverError]:
        regions = [region for region in self._jobs.regions if region != but]

        async def ask(region: str) -> Standing | DriverError:
            try:
                return await self._jobs.status(job, region)
            except DriverError as error:
                return error

        return dict(zip(regions, await asyncio.gather(*map(ask, regions)), strict=True))


def _holder(desired: Desired) -> Holder:
    if not isinstance(desired, Holder):
        raise Refused(f"http moves exclusive jobs, not {type(desired).__name__}")
    return desired


def _not_superseded(act: Act, standing: Standing | DriverError) -> None:
    if isinstance(standing, Standing) and standing.epoch is not None and standing.epoch > act.epoch:
        raise Conflict(f"epoch {standing.epoch} has been there, {act.epoch} is older: {standing.why}")


class HttpDrivers:
    """Makes http drivers.

    Settings: ``at`` (a map from region to base URL, or one URL with ``{region}`` beside ``regions``), the paths
    ``status``, ``activate``, ``deactivate`` and ``renew`` (none: the job keeps its lease itself) with ``{job}`` in
    them, ``ttl`` (seconds after which a holder that is not renewed has surely stopped, 10), ``timeout`` (2).

    The calls: POST ``{"epoch": n, "ttl_s": s}`` with an ``idempotency-key``; 409 says that a higher epoch has been
    there. GET of ``status`` answers ``{"active": true, "epoch": n, "why": "…"}``.
    """

    capabilities = frozenset({Capability.HOLDER, Capability.FENCE})
    _PATHS = ("status", "activate", "deactivate", "renew")

    def mistakes(self, settings: Mapping[str, Setting]) -> tuple[str, ...]:
        """What is wrong with the settings, a sentence each."""
        known = {
            "at": Kind("a URL with {region}, or a map from region to URL", _is_at),
            "regions": WORD_LIST,
            "ttl": NUMBER,
            "timeout": NUMBER,
            **dict.fromkeys(self._PATHS, WORD),
        }
        found = mistakes_in(settings, known, needed=("at",))
        if isinstance(settings.get("at"), str) and "regions" not in settings:
            found = (*found, "setting 'regions' is missing: it lists the regions that {region} stands for")
        return found

    def __call__(self, settings: Mapping[str, Setting]) -> HttpDriver:
        """A driver for one job."""
        at, regions = settings["at"], settings.get("regions")
        if isinstance(at, dict):
            addresses = {region: str(url) for region, url in at.items()}
        else:
            named = regions if isinstance(regions, list) else []
            addresses = {str(region): str(at).replace("{region}", str(region)) for region in named}
        paths = Paths(**{name: str(settings[name]) for name in self._PATHS if name in settings})
        web = Web(timeout_s=number(settings, "timeout", _TIMEOUT_S))
        return HttpDriver(Jobs(addresses, paths, number(settings, "ttl", _TTL_S), web))


def _is_at(value: Setting) -> bool:
    if isinstance(value, dict):
        return WORD_MAP.check(value) and all(is_url(url) for url in value.values())
    return is_url(value) and "{region}" in str(value)


http = HttpDrivers()
