"""A region's capacity: work queues, waits longer as load nears it, and is turned away past it."""

MAX_WAIT_S = 1.0


class WorkQueue:
    """First come, first served at ``units`` cost units a second; ``share`` of it is left under a capacity fault.

    A queue in cost units drains by itself, so that a request costs one subtraction and (if it waits) one timer,
    while latency and refusals are those of a real queue with one server and a bounded wait.
    """

    def __init__(self, units: float, now: float) -> None:
        self._declared = units
        self._backlog = 0.0
        self._at = now
        self.share = 1.0
        self.served = 0.0
        self.refused = 0

    @property
    def units(self) -> float:
        """What it can do now, in cost units a second."""
        return self._declared * self.share

    def admit(self, cost: float, now: float) -> float | None:
        """Queue a piece of work: seconds until it is done, or None if it would wait too long."""
        units = self.units
        self._backlog = max(0.0, self._backlog - (now - self._at) * units)
        self._at = now
        if units <= 0 or self._backlog > MAX_WAIT_S * units:
            self.refused += 1
            return None
        wait = self._backlog / units
        self._backlog += cost
        self.served += cost
        return wait + cost / units

    def wait_s(self, now: float) -> float:
        """How long a piece of work would wait now."""
        units = self.units
        return max(0.0, self._backlog - (now - self._at) * units) / units if units > 0 else MAX_WAIT_S
