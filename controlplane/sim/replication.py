"""Replication: how far each replica is behind its primary, and what a promotion loses of it."""

from dataclasses import dataclass, field

from controlplane.sim.conditions import Conditions
from controlplane.sim.schedule import NEVER

USUAL_LAG_S = 0.2
RESYNC_S = 30
"""What an old primary takes to be rewound and to follow the new one."""


@dataclass(slots=True)
class Copy:
    """One region's copy. ``behind_s``: seconds of writes that it lacks; ``streaming``: whether it gets new ones.

    ``stale``: it was a primary once, and must be rewound before it can follow; done at ``rewound_at`` (0: not begun).
    """

    behind_s: float = USUAL_LAG_S
    streaming: bool = True
    stale: bool = False
    rewound_at: int = 0


@dataclass(slots=True)
class Replication:
    """One datastore. ``rate``: writes a second that the primary took when last it took any."""

    name: str
    regions: tuple[str, ...]
    copies: dict[str, Copy] = field(default_factory=dict)
    rate: float = 0.0
    primaries: frozenset[str] = frozenset()

    def start(self, primary: str) -> None:
        """Everything streams from the primary."""
        self.primaries = frozenset({primary})
        self.copies = {region: Copy() for region in self.regions}
        self.copies[primary] = Copy(behind_s=0.0, streaming=False)

    def step(self, second: int, now: Conditions, active: tuple[str, ...]) -> None:
        """Follow the primary that is there; without one, what was not copied stays uncopied.

        A primary that was fenced alive writes no more but still gives its tail away.
        """
        sources = active or tuple(region for region in sorted(self.primaries) if region not in now.dead)
        for region in self.regions:
            if region in active:
                self.copies[region] = Copy(behind_s=0.0, streaming=False)
                continue
            copy = self.copies[region]
            if active and region in self.primaries:
                copy = self.copies[region] = Copy(behind_s=float(RESYNC_S), streaming=False, stale=True)
            linked = any(now.reach(source, region) for source in sources)
            if copy.stale:
                self._rewind(copy, second, linked=linked)
            copy.streaming = linked and not copy.stale
            if copy.streaming:
                lag = now.lag.get((self.name, region))
                copy.behind_s = (USUAL_LAG_S if lag is None else lag) if active else max(0.0, copy.behind_s - 1.0)
        if active:
            self.primaries = frozenset(active)

    def _rewind(self, copy: Copy, second: int, *, linked: bool) -> None:
        if not linked:
            copy.rewound_at = 0
        elif copy.rewound_at == 0:
            copy.rewound_at = second + RESYNC_S
        elif second >= copy.rewound_at:
            copy.stale = False

    def lag_seen(self, region: str, now: Conditions) -> float | None:
        """What the replica's own metric says; None where it says nothing."""
        copy = self.copies[region]
        if not copy.streaming or now.lag.get((self.name, region), USUAL_LAG_S) is None:
            return None
        return copy.behind_s

    def loss_at_promotion(self, region: str) -> float:
        """Writes that are gone if this copy becomes the primary now."""
        copy = self.copies.get(region)
        return 0.0 if copy is None else self.rate * copy.behind_s

    def next_change(self, second: int) -> int:
        """When a resynchronisation ends."""
        ends = [copy.rewound_at for copy in self.copies.values() if copy.stale and copy.rewound_at > second]
        return min(ends, default=NEVER)

    def state(self) -> tuple[object, ...]:
        """What tells one second from the next."""
        return tuple(
            (region, copy.behind_s, copy.streaming, copy.stale, copy.rewound_at)
            for region, copy in sorted(self.copies.items())
        )
