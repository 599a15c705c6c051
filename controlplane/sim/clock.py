"""The time of the false world, and the clocks that its processes read, which are all a little wrong."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from controlplane.sim.loop import MICROSECONDS, VirtualLoop


class Timeline:
    """True time: what the loop has run through, and what was leapt over between two of its timers.

    The loop's own time does not jump when the world leaps, so that every pending timer keeps its phase; only the
    calendar does.
    """

    def __init__(self, loop: VirtualLoop, start: datetime) -> None:
        self.loop = loop
        self.start = start
        self.leapt_us = 0

    @property
    def elapsed_us(self) -> int:
        """Microseconds since the scenario began."""
        return self.loop.microseconds + self.leapt_us

    @property
    def elapsed_s(self) -> float:
        """Seconds since the scenario began."""
        return self.elapsed_us / MICROSECONDS

    def now(self) -> datetime:
        """True time."""
        return self.start + timedelta(microseconds=self.elapsed_us)

    def leap(self, seconds: int) -> None:
        """Let so many whole seconds be over in which nothing happened."""
        self.leapt_us += seconds * MICROSECONDS

    def seconds_until(self, moment: datetime) -> float:
        """Scenario time of a moment of true time."""
        return (moment - self.start) / timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Drift:
    """A clock that is kept in step from outside: it errs by at most ``swing_us`` around ``offset_us``.

    The error runs up and down as a triangle over ``period_s``, so that the clock never goes back.
    """

    offset_us: int = 0
    swing_us: int = 0
    period_s: int = 2400

    def error_us(self, elapsed_us: int) -> int:
        """How far the clock is ahead of true time."""
        period = self.period_s * MICROSECONDS
        phase = elapsed_us % period
        rising = phase if phase * 2 <= period else period - phase
        return self.offset_us + self.swing_us * rising * 2 // period


@dataclass(frozen=True, slots=True)
class SimClock:
    """The Clock port of one process."""

    timeline: Timeline
    drift: Drift = Drift()

    def now(self) -> datetime:
        """What this process believes the time to be."""
        elapsed = self.timeline.elapsed_us
        return self.timeline.start + timedelta(microseconds=elapsed + self.drift.error_us(elapsed))

    def monotonic(self) -> float:
        """Seconds that the process has lived through; a leap is not among them."""
        return self.timeline.loop.time()

    async def sleep(self, seconds: float) -> None:
        """Wait in virtual time."""
        await asyncio.sleep(seconds)
