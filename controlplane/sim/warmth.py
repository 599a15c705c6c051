"""Warmth: what a region's caches hold of the load that it carries."""

from dataclasses import dataclass, field

_DUST = 1e-9


@dataclass(slots=True)
class Warmth:
    """``warm``: units of load that the caches know, whatever the knobs save of it; ``batches``: (units gained, second
    in which they came).

    While the caches are cold, load that is gained costs twice as much, falling evenly to once over the refill.
    """

    warm: float = 0.0
    batches: list[tuple[float, int]] = field(default_factory=list)
    warming: float = 0.0

    def step(self, load: float, refill_s: float | None, second: int) -> float:
        """Follow the load of this second; the units that it costs on top of its own."""
        if not refill_s:
            self.batches.clear()
            self.warm, self.warming = load, 0.0
            return 0.0
        still = [(units, came) for units, came in self.batches if second - came < refill_s]
        self.warm += sum(units for units, came in self.batches if second - came >= refill_s)
        self.batches = still
        gained = load - self.warm - sum(units for units, _ in still)
        if gained > _DUST:
            still.append((gained, second))
        elif gained < -_DUST:
            self._lose(-gained)
        self.warming = sum(units * (1 - (second - came) / refill_s) for units, came in self.batches)
        return self.warming

    def _lose(self, units: float) -> None:
        """What came last goes first."""
        while units > _DUST and self.batches:
            held, came = self.batches.pop()
            if held > units:
                self.batches.append((held - units, came))
                return
            units -= held
        self.warm = max(0.0, self.warm - units)

    def state(self) -> tuple[object, ...]:
        """What tells one second from the next."""
        return (self.warm, tuple(self.batches), self.warming)
