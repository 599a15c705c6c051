"""Sums over time that a leap cannot change."""

from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """A sum kept as runs of equal values: a thousand steps of one value, and one leap over a thousand, add the same.

    Floating-point sums depend on how they are grouped, so the grouping is made a property of the values alone: a run
    ends when the value changes, never because of how time was cut.
    """

    closed: float = 0.0
    value: float = 0.0
    count: int = 0

    def add(self, value: float, count: int = 1) -> None:
        """Add ``value`` so many times."""
        if value == self.value:
            self.count += count
            return
        self.closed += self.value * self.count
        self.value, self.count = value, count

    @property
    def total(self) -> float:
        """The sum so far."""
        return self.closed + self.value * self.count


@dataclass(slots=True)
class Run:
    """A figure over time as runs: (second at which it began, value), for plots and for questions about the past."""

    points: list[tuple[int, float]]

    def put(self, second: int, value: float) -> None:
        """Say what the figure is from this second on."""
        if not self.points or self.points[-1][1] != value:
            self.points.append((second, value))
