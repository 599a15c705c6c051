"""When to leave a driver, or a subject, in peace for a while."""

from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

from controlplane.ports.clock import Clock


class Gate(StrEnum):
    """Closed lets everything through, open nothing, half-open one trial at a time."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(slots=True)
class Breaker:
    """Opens after ``threshold`` failures in a row, for ``open_s`` seconds, twice as long each time a trial fails.

    Half-open is single flight: one caller tries, the rest are turned away until it is known how that went.
    """

    clock: Clock
    threshold: int = 5
    open_s: float = 5.0
    longest_s: float = 60.0
    failures: int = 0
    _opened_at: float | None = None
    _wait_s: float = 0.0
    _trial: bool = False

    @property
    def gate(self) -> Gate:
        """What a caller would meet now."""
        if self._opened_at is None:
            return Gate.CLOSED
        return Gate.HALF_OPEN if self.clock.monotonic() >= self._opened_at + self._wait_s else Gate.OPEN

    def admits(self) -> bool:
        """Whether a caller would be let through now; asking changes nothing."""
        return self.gate is Gate.CLOSED or (self.gate is Gate.HALF_OPEN and not self._trial)

    def enter(self) -> bool:
        """Ask to be let through. Whoever is answered True must call ``succeeded``, ``failed`` or ``left``."""
        if not self.admits():
            return False
        self._trial = self.gate is Gate.HALF_OPEN
        return True

    def succeeded(self) -> None:
        """The target works."""
        self.failures, self._opened_at, self._trial, self._wait_s = 0, None, False, 0.0

    def failed(self) -> None:
        """The target does not work."""
        self.failures += 1
        if self._trial or self.failures >= self.threshold:
            self._wait_s = min(self.longest_s, self._wait_s * 2 if self._wait_s else self.open_s)
            self._opened_at = self.clock.monotonic()
        self._trial = False

    def left(self) -> None:
        """The caller went away without learning anything."""
        self._trial = False


@dataclass(slots=True)
class Backoff:
    """How long a subject rests after acts on it failed: longer each time, with jitter, forgotten on success."""

    clock: Clock
    rng: Random
    first_s: float = 0.5
    longest_s: float = 30.0
    _failures: dict[str, int] = field(default_factory=dict)
    _until: dict[str, float] = field(default_factory=dict)

    def ready(self, subject: str) -> bool:
        """Whether the subject may be acted upon again."""
        return self.clock.monotonic() >= self._until.get(subject, 0.0)

    def failed(self, subject: str) -> float:
        """Note a failure; answers the seconds of rest."""
        failures = self._failures[subject] = self._failures.get(subject, 0) + 1
        rest_s = min(self.longest_s, self.first_s * 2.0 ** (failures - 1)) * self.rng.uniform(0.75, 1.25)
        self._until[subject] = self.clock.monotonic() + rest_s
        return rest_s

    def succeeded(self, subject: str) -> None:
        """Forget its failures."""
        self._failures.pop(subject, None)
        self._until.pop(subject, None)

    def stuck(self, failures: int = 3) -> frozenset[str]:
        """Subjects whose acts have failed at least so often in a row."""
        return frozenset(subject for subject, count in self._failures.items() if count >= failures)

    def next_ready_s(self) -> float | None:
        """Seconds until the next resting subject is ready; None if none rests."""
        now = self.clock.monotonic()
        waits = [until - now for until in self._until.values() if until > now]
        return min(waits, default=None)
