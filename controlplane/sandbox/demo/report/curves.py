"""What users got, by the second, as plain geometry."""

from collections.abc import Sequence
from dataclasses import dataclass

from controlplane.sandbox.demo.record import Record, Second
from controlplane.sandbox.demo.report.axis import Axis

HEIGHT = 130.0
_ROUND = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Shape:
    """A piece of a chart: ``path`` in SVG's words; ``tone`` names its colour; ``note`` is shown when pointed at."""

    path: str
    tone: str
    note: str
    line: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """``ticks``: (y, label). ``key``: (tone, what it stands for)."""

    title: str
    note: str
    shapes: tuple[Shape, ...]
    ticks: tuple[tuple[float, str], ...]
    key: tuple[tuple[str, str], ...]
    height: float = HEIGHT


@dataclass(frozen=True, slots=True)
class _Scale:
    top: float

    def y(self, value: float) -> float:
        return round(HEIGHT * (1 - min(value / self.top, 1.0)), 2)

    def ticks(self, unit: str) -> tuple[tuple[float, str], ...]:
        return tuple((self.y(part * self.top), f"{part * self.top:g}{unit}") for part in (0, 0.5, 1))


def charts(record: Record, axis: Axis, tones: dict[str, str]) -> list[Chart]:
    """Success, who answered, latency. ``tones``: colour by region."""
    seconds = record.seconds
    if not seconds:
        return []
    return [_success(seconds, axis), _answers(seconds, axis, tones), _latency(seconds, axis)]


def _success(seconds: Sequence[Second], axis: Axis) -> Chart:
    scale = _Scale(_above(max(second.sent for second in seconds)))
    shapes = []
    for second in seconds:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(second.failed.items()))
        note = f"{axis.label(second.at)}: {second.ok} of {second.sent} succeeded" + (f" ({kinds})" if kinds else "")
        shapes.append(Shape(_bar(axis, scale, second.at, 0, second.ok), "ok", note))
        if second.failures:
            shapes.append(Shape(_bar(axis, scale, second.at, second.ok, second.ok + second.failures), "bad", note))
    return Chart(
        "What users saw",
        "requests a second, by the second in which they were due",
        tuple(shapes),
        scale.ticks(""),
        (("ok", "succeeded"), ("bad", "failed")),
    )


def _answers(seconds: Sequence[Second], axis: Axis, tones: dict[str, str]) -> Chart:
    """Shares of the answers, stacked; seconds without an answer leave a gap."""
    scale = _Scale(1.0)
    names = [name for name in tones if any(second.regions.get(name) for second in seconds)]
    shapes = []
    below = [0.0] * len(seconds)
    for name in names:
        parts = [second.regions.get(name, 0) / max(sum(second.regions.values()), 1) for second in seconds]
        above = [low + part for low, part in zip(below, parts, strict=True)]
        shapes.append(Shape(_band(axis, scale, seconds, below, above), tones[name], name))
        below = above
    return Chart(
        "Who answered",
        "share of users' answers by region, read from the answers themselves",
        tuple(shapes),
        tuple((y, f"{float(label):.0%}") for y, label in scale.ticks("")),
        tuple((tones[name], name) for name in names),
    )


def _latency(seconds: Sequence[Second], axis: Axis) -> Chart:
    slowest = max((second.p99_ms or 0.0 for second in seconds), default=1.0)
    scale = _Scale(_above(max(slowest, 1.0)))
    lines = (
        Shape(
            _line(axis, scale, [(s.at, s.p99_ms) for s in seconds]), "warm", "99 of 100 requests were faster", line=True
        ),
        Shape(
            _line(axis, scale, [(s.at, s.p50_ms) for s in seconds]),
            "cool",
            "half of the requests were faster",
            line=True,
        ),
    )
    key = (("warm", "p99"), ("cool", "p50"))
    return Chart("How long it took", "milliseconds, from the instant a request was due", lines, scale.ticks(" ms"), key)


def _bar(axis: Axis, scale: _Scale, at: float, low: float, high: float) -> str:
    left, right = axis.x(at), axis.x(at + 1.0)
    gap = min(1.0, (right - left) * 0.15)
    return f"M{left:g} {scale.y(low):g}V{scale.y(high):g}H{right - gap:g}V{scale.y(low):g}Z"


def _band(axis: Axis, scale: _Scale, seconds: Sequence[Second], low: list[float], high: list[float]) -> str:
    """Steps, a second wide each: a share belongs to the whole second."""
    pairs = list(zip(seconds, low, high, strict=True))
    top = " ".join(f"L{axis.x(s.at):g} {scale.y(up):g}H{axis.x(s.at + 1):g}" for s, _, up in pairs)
    back = " ".join(f"L{axis.x(s.at + 1):g} {scale.y(down):g}H{axis.x(s.at):g}" for s, down, _ in reversed(pairs))
    return f"M{top[1:]} {back}Z"


def _line(axis: Axis, scale: _Scale, points: Sequence[tuple[float, float | None]]) -> str:
    path, drawn = [], False
    for at, value in points:
        if value is not None:
            path.append(f"{'L' if drawn else 'M'}{axis.x(at + 0.5):g} {scale.y(value):g}")
        drawn = value is not None
    return " ".join(path)


def _above(value: float) -> float:
    """The next round number."""
    size = 1.0
    while size * 10 < value:
        size *= 10
    return next((size * step for step in _ROUND if size * step >= value), size * 10)
