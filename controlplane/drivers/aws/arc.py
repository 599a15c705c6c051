"""The arc driver: routing controls of Application Recovery Controller.

A cluster has five endpoints in five AWS regions, and any of them takes a change while most are there. They are asked in
turn; nothing of ARC's control plane is used. A routing control has no room for an epoch: what keeps an old leader away
is its lease and the permit alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from controlplane.drivers import (
    NUMBER,
    WORD,
    WORD_LIST,
    WORD_MAP,
    Kind,
    is_url,
    is_word_map,
    left_s,
    mistakes_in,
    number,
    word_map,
)
from controlplane.drivers.aws.calls import Answer, Calls, Where
from controlplane.drivers.aws.switchboard import STANDING, Board
from controlplane.model.act import Act, Capability, Confirmation, Desired
from controlplane.model.errors import Broken, Retry
from controlplane.model.resources.kind import Setting

_TIMEOUT_S = 1.5
_SERVICE = "route53-recovery-cluster"


class Cluster:
    """The endpoints of a cluster, asked one after the other until one answers."""

    def __init__(self, endpoints: Sequence[Calls]) -> None:
        self.endpoints = tuple(endpoints)
        self._next = 0

    async def ask(self, operation: str, **asked: Any) -> Answer:
        """The first answer. The next call begins at the next endpoint: what one took, another must know. Retry: none
        of them answers; Refused and Conflict are answers."""
        first, self._next = self._next, (self._next + 1) % len(self.endpoints)
        silent: Retry | Broken | None = None
        for turn in range(len(self.endpoints)):
            try:
                return await self.endpoints[(first + turn) % len(self.endpoints)].ask(operation, **asked)
            except (Retry, Broken) as error:
                error.__cause__ = error.__cause__ or silent
                silent = error
        raise Retry(f"none of {len(self.endpoints)} endpoints of the cluster answers: {silent}") from silent


class ArcDriver:
    """Regions switched on and off by routing controls, all of an act in one call."""

    def __init__(self, cluster: Cluster, controls: Mapping[str, str], board: Board, override: Sequence[str]) -> None:
        self._cluster, self._controls, self._board = cluster, dict(sorted(controls.items())), board
        self._override = list(override)

    async def read(self, subject: str, like: Desired) -> Desired | None:
        """The shares that come of the controls."""
        self._board.off_for(like)
        return self._board.shares(await self._off())

    async def apply(self, act: Act) -> None:
        """Set what has to change. ARC's own safety rules may refuse it."""
        left_s(act)
        await self._set(self._board.off_for(act.desired), await self._off())

    async def confirm(self, act: Act) -> Confirmation:
        """Read every control, from whichever endpoint's turn it is."""
        wanted, off = self._board.off_for(act.desired), await self._off()
        if off != wanted:
            return Confirmation(done=False, detail=f"off: {', '.join(sorted(off)) or 'nobody'}")
        effect = act.previous is None or self._board.off_for(act.previous) != wanted
        return Confirmation(done=True, effect=effect, in_force=True)

    async def undo(self, act: Act) -> None:
        """Put ``previous`` back, unless the controls are not as this act wanted them."""
        if act.previous is None:
            return
        off = await self._off()
        if off == self._board.off_for(act.desired):
            await self._set(self._board.off_for(act.previous), off)

    async def _off(self) -> frozenset[str]:
        off: set[str] = set()
        for region, arn in self._controls.items():
            answer = await self._cluster.ask("get_routing_control_state", RoutingControlArn=arn)
            if answer["RoutingControlState"] != "On":
                off.add(region)
        return frozenset(off)

    async def _set(self, wanted: frozenset[str], off: frozenset[str]) -> None:
        entries = [
            {"RoutingControlArn": arn, "RoutingControlState": "Off" if region in wanted else "On"}
            for region, arn in self._controls.items()
            if (region in wanted) != (region in off)
        ]
        if entries:
            more = {"SafetyRulesToOverride": self._override} if self._override else {}
            await self._cluster.ask("update_routing_control_states", UpdateRoutingControlStateEntries=entries, **more)


class ArcDrivers:
    """Makes arc drivers.

    Settings: ``endpoints`` (the cluster's endpoint URL by AWS region, all five), ``controls`` (ARN of a routing control
    by region), ``shares`` (what stands in DNS; see route53-switch), ``override`` (ARNs of safety rules to override),
    ``profile``, ``timeout`` (seconds for one endpoint, 1.5).
    """

    capabilities = frozenset({Capability.WEIGHTS})

    def mistakes(self, settings: Mapping[str, Setting]) -> tuple[str, ...]:
        """What is wrong with the settings, a sentence each."""
        known = {
            "endpoints": Kind("a map from AWS region to endpoint URL", _is_endpoints),
            "controls": WORD_MAP,
            "shares": STANDING,
            "override": WORD_LIST,
            "profile": WORD,
            "timeout": NUMBER,
        }
        found = mistakes_in(settings, known, needed=("endpoints", "controls", "shares"))
        if not found and (
            bare := sorted(set(Board.of(settings["shares"]).regions) - set(word_map(settings, "controls")))
        ):
            found = (f"setting 'controls' has none for {', '.join(bare)}",)
        return found

    def __call__(self, settings: Mapping[str, Setting]) -> ArcDriver:
        """A driver for one cluster."""
        timeout_s = number(settings, "timeout", _TIMEOUT_S)
        profile = str(settings["profile"]) if "profile" in settings else None
        endpoints = [
            Calls(_SERVICE, Where(region, profile, url, timeout_s))
            for region, url in word_map(settings, "endpoints").items()
        ]
        override = settings.get("override")
        rules = [str(arn) for arn in override] if isinstance(override, list) else []
        return ArcDriver(Cluster(endpoints), word_map(settings, "controls"), Board.of(settings["shares"]), rules)


def _is_endpoints(value: Setting) -> bool:
    return is_word_map(value) and isinstance(value, dict) and all(map(is_url, value.values()))


arc = ArcDrivers()
