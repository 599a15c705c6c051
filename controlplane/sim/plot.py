"""Curves of a run as plain geometry, in the coordinates of an SVG, with nothing drawn yet."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from controlplane.sim.account import clock
from controlplane.sim.ledger import Ledger

WIDTH = 960.0
LEFT = 168.0
_TICKS = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)
Points = Sequence[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class Axis:
    """Seconds to x."""

    end: int

    def x(self, second: float) -> float:
        """The place of a second."""
        return round(LEFT + (WIDTH - LEFT) * min(second, self.end) / max(self.end, 1), 2)

    def ticks(self) -> list[tuple[float, str]]:
        """Where times are written, at round distances."""
        step = next((step for step in _TICKS if self.end / step <= 10), _TICKS[-1])
        return [(self.x(second), clock(second)) for second in range(0, self.end + 1, step)]


@dataclass(frozen=True, slots=True)
class Line:
    """One curve or, with ``area``, a band. ``tone`` picks its colour; ``path`` is an SVG path."""

    name: str
    tone: int
    path: str
    area: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """A chart with its own scale. ``ticks``: (y, label). ``key``: whether its lines need a legend."""

    title: str
    note: str
    height: float
    lines: tuple[Line, ...]
    ticks: tuple[tuple[float, str], ...]
    key: bool = True


@dataclass(frozen=True, slots=True)
class _Scale:
    """Values to y: ``top`` at the upper edge, ``floor`` at the lower."""

    height: float
    top: float = 1.0
    floor: float = 0.0

    def y(self, value: float) -> float:
        part = (value - self.floor) / (self.top - self.floor)
        return round(self.height * (1 - min(1.0, max(0.0, part))), 2)

    def ticks(self, values: Iterable[float]) -> tuple[tuple[float, str], ...]:
        return tuple((self.y(value), f"{value:.0%}") for value in values if self.floor <= value <= self.top)


def panels(ledger: Ledger, axis: Axis) -> list[Panel]:
    """Users, traffic and load."""
    return [_users(ledger, axis), _traffic(ledger, axis), _load(ledger, axis)]


def _users(ledger: Ledger, axis: Axis) -> Panel:
    seconds = sorted({second for second, _ in (*ledger.bad.points, *ledger.turned_away.points)})
    bad, away = _sample(ledger.bad.points, seconds), _sample(ledger.turned_away.points, seconds)
    served = [(second, 1 - bad[second] - away[second]) for second in seconds]
    planned = [(second, 1 - away[second]) for second in seconds]
    lowest = min((value for _, value in served), default=1.0)
    floor = next((floor for floor in (0.99, 0.9, 0.5) if lowest >= floor), 0.0)
    scale = _Scale(120.0, floor=floor)
    lines = (
        Line("promised (not shed, not refused)", 7, _stairs(planned, axis, scale.y)),
        Line("answered", 0, _stairs(served, axis, scale.y)),
    )
    ticks = scale.ticks(floor + (1 - floor) * part for part in (0.0, 0.5, 1.0))
    return Panel("Users served", "of all requests; retries within the client's patience counted", 120.0, lines, ticks)


def _traffic(ledger: Ledger, axis: Axis) -> Panel:
    """Stacked: what each region was sent, of all declared demand."""
    whole = sum(log.planned for log in ledger.regions.values()) or 1.0
    seconds = sorted({second for log in ledger.regions.values() for second, _ in log.weight.points})
    scale = _Scale(150.0)
    below = dict.fromkeys(seconds, 0.0)
    lines: list[Line] = []
    for tone, (region, log) in enumerate(ledger.regions.items()):
        weight = _sample(log.weight.points, seconds)
        above = {second: below[second] + weight[second] * log.planned / whole for second in seconds}
        band = f"{_stairs(sorted(above.items()), axis, scale.y)} {_back(sorted(below.items()), axis, scale.y)}"
        lines.append(Line(region, tone, band, area=True))
        below = above
    return Panel(
        "Traffic", "where requests were sent, of declared demand", 150.0, tuple(lines), scale.ticks((0.0, 0.5, 1.0))
    )


def _load(ledger: Ledger, axis: Axis) -> Panel:
    used: dict[str, list[tuple[int, float]]] = {}
    for region, log in ledger.regions.items():
        capacity = ledger.estate.regions[region].spec.capacity
        used[region] = [(second, load / capacity) for second, load in log.load.points]
    most = max((value for points in used.values() for _, value in points), default=0.0)
    scale = _Scale(150.0, top=1.05 * min(max(most, 1.0), 3.0))
    lines = tuple(Line(r, tone, _stairs(points, axis, scale.y)) for tone, (r, points) in enumerate(used.items()))
    return Panel(
        "Load", "of declared capacity, retries counted", 150.0, lines, scale.ticks((0.0, 0.5, 1.0, 1.5, 2.0, 3.0))
    )


def _sample(points: Points, seconds: Iterable[int]) -> dict[int, float]:
    """The value that holds at each of some seconds."""
    found: dict[int, float] = {}
    place, value = 0, points[0][1] if points else 0.0
    for second in seconds:
        while place < len(points) and points[place][0] <= second:
            value = points[place][1]
            place += 1
        found[second] = value
    return found


def _stairs(points: Points, axis: Axis, y: Callable[[float], float]) -> str:
    """A path that holds each value until the next one."""
    if not points:
        return ""
    path = [f"M{axis.x(points[0][0])} {y(points[0][1])}"]
    for (_, before), (second, value) in pairwise(points):
        if y(before) != y(value):
            path.append(f"H{axis.x(second)}V{y(value)}")
    path.append(f"H{axis.x(axis.end)}")
    return "".join(path)


def _back(points: Points, axis: Axis, y: Callable[[float], float]) -> str:
    """The lower edge of a band, from right to left."""
    path = [f"L{axis.x(axis.end)} {y(points[-1][1])}"] if points else []
    for (_, before), (second, value) in reversed(list(pairwise(points))):
        if y(before) != y(value):
            path.append(f"H{axis.x(second)}V{y(before)}")
    return "".join([*path, f"H{axis.x(points[0][0])}Z" if points else ""])
