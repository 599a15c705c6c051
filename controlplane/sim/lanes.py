"""Lanes of a run: one thing over time as a row of bars, with nothing drawn yet."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from controlplane.model.resources.degradation_policy import KnobScope
from controlplane.model.resources.scenario import Fault
from controlplane.sim.expect import describe
from controlplane.sim.ledger import NOBODY, Ledger, RegionLog
from controlplane.sim.plot import Axis
from controlplane.sim.schedule import whole

WORST = 4
MOST_LETTERS = 27
"""What there is room for beside a lane."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of a lane. ``tone``: ``well``, ``ill1`` to ``ill4``, ``knob1`` to ``knob4``, ``held``, ``fault`` or
    ``none``; ``text`` is shown when it is pointed at; ``label`` is written into it where there is room."""

    x: float
    width: float
    tone: str
    text: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Lane:
    """One thing over time."""

    name: str
    bars: tuple[Bar, ...]


Span = tuple[int, str, str, str]
"""(second from which, tone, text, label)."""


def fault_lanes(faults: Iterable[Fault], axis: Axis) -> list[Lane]:
    """A lane a fault."""
    return [_fault(fault, axis) for fault in faults]


def lanes(ledger: Ledger, axis: Axis) -> list[tuple[str, list[Lane]]]:
    """Health of each region by its users, exclusive work, and the knobs that were turned."""
    health = [Lane(region, _bars(_health(log), axis)) for region, log in ledger.regions.items()]
    held = [Lane(name, _bars(_holding(history), axis)) for name, history in sorted(ledger.holders.items())]
    groups = [("Health, by users", health), ("Exclusive work", held), ("Knobs turned", _knobs(ledger, axis))]
    return [(title, found) for title, found in groups if found]


def _fault(fault: Fault, axis: Axis) -> Lane:
    begin = whole(fault.at)
    end = axis.end if fault.until is None else min(whole(fault.until), axis.end)
    x = axis.x(begin)
    bar = Bar(x, max(axis.x(end) - x, 2.0), "fault", describe(fault))
    return Lane(_short(describe(fault).partition(" from ")[0]), (bar,))


def _short(name: str) -> str:
    return name if len(name) <= MOST_LETTERS else f"{name[: MOST_LETTERS - 1]}…"


def _health(log: RegionLog) -> Iterable[Span]:
    for second, success in log.success.points:
        if success == NOBODY:
            yield second, "none", "nobody was sent here", ""
            continue
        ill = next((n for n, least in enumerate((0.999, 0.99, 0.9, 0.1)) if success >= least), WORST)
        yield second, f"ill{ill}" if ill else "well", f"{success:.1%} of attempts served", ""


def _holding(history: Sequence[tuple[int, tuple[str, ...]]]) -> Iterable[Span]:
    for second, where in history:
        tone = ("none", "held", "ill4")[min(len(where), 2)]
        yield second, tone, f"active in {' and '.join(where) or 'no region'}", " + ".join(where)


def _knobs(ledger: Ledger, axis: Axis) -> list[Lane]:
    found: list[Lane] = []
    for name, knob in ledger.estate.knobs.items():
        regional = knob.scope is KnobScope.REGION
        for region in ledger.regions if regional else list(ledger.regions)[:1]:
            spans: list[Span] = []
            for second, value in ledger.knobs[name, region]:
                depth = min(knob.depth(value), WORST)
                tone, label = (f"knob{depth}", str(value)) if depth else ("none", "")
                spans.append((second, tone, f"{name}: {value}", label))
            if any(tone != "none" for _, tone, _, _ in spans):
                found.append(Lane(f"{name} · {region}" if regional else name, _bars(spans, axis)))
    return found


def _bars(spans: Iterable[Span], axis: Axis) -> tuple[Bar, ...]:
    """Bars from each span to the next; equal neighbours become one."""
    merged: list[Span] = []
    for span in spans:
        if not merged or merged[-1][1:] != span[1:]:
            merged.append(span)
    ends = [*(second for second, *_ in merged[1:]), axis.end][: len(merged)]
    return tuple(
        Bar(axis.x(second), round(axis.x(end) - axis.x(second), 2), tone, text, label)
        for (second, tone, text, label), end in zip(merged, ends, strict=True)
        if end > second
    )
