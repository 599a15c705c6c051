"""Expectations: held against what really happened, literally; what was not met comes back as a sentence."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never

from controlplane.model.estate import Estate
from controlplane.model.journal import Entry, EntryKind
from controlplane.model.resources import scenario as kinds
from controlplane.model.resources.degradation_policy import KnobScope
from controlplane.model.resources.kind import format_duration
from controlplane.model.resources.scenario import EVERY, Expectation, Fault, Scenario
from controlplane.sim.ledger import Ledger
from controlplane.sim.outcome import Metrics
from controlplane.sim.schedule import whole
from controlplane.sim.truth import first_holder

HALF = 0.5


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run, as expectations look at it."""

    estate: Estate
    scenario: Scenario
    ledger: Ledger
    journal: Sequence[tuple[float, Entry]]
    metrics: Metrics

    def since(self, *names: str | None) -> int:
        """The first fault that names any of these, else the first fault, else the start."""
        faults = self.scenario.spec.faults
        named = [whole(fault.at) for fault in faults if _names(fault) & {name for name in names if name}]
        return min(named or [whole(fault.at) for fault in faults], default=0)

    def deadline(self, within: timedelta | None, *names: str | None) -> float:
        """The second by which something must have come about; the end if nothing is said."""
        if within is None:
            return whole(self.scenario.spec.duration)
        return self.since(*names) + within.total_seconds()


def unmet(run: Run) -> list[str]:
    """What was expected and did not come about."""
    return [sentence for expectation in run.scenario.spec.expect for sentence in _check(run, expectation)]


def _check(run: Run, wanted: Expectation) -> Iterator[str]:
    match wanted:
        case kinds.Drained():
            yield from _drained(run, wanted)
        case kinds.NotDrained():
            yield from _not_drained(run, wanted)
        case kinds.Restored():
            yield from _restored(run, wanted)
        case kinds.Held():
            yield from _held(run, wanted)
        case kinds.KnobTurned():
            yield from _knob(run, wanted)
        case kinds.Promoted():
            yield from _promoted(run, wanted)
        case kinds.NotPromoted():
            for promotion in run.ledger.promotions:
                if promotion.datastore in wanted.not_promoted:
                    yield f"{promotion.datastore} was promoted in {promotion.region} at {promotion.second} s"
        case kinds.HolderIs():
            yield from _holder(run, wanted)
        case kinds.MetricWithin():
            yield from _metric(run, wanted)
        case _:
            assert_never(wanted)


def _drained(run: Run, wanted: kinds.Drained) -> Iterator[str]:
    for region in wanted.drained:
        since = run.since(region)
        times = [second for second in run.ledger.regions[region].drained if second >= since]
        yield from _late(f"{region} was to be drained", times, run.deadline(wanted.within, region), "was not")


def _not_drained(run: Run, wanted: kinds.NotDrained) -> Iterator[str]:
    for region in wanted.not_drained:
        lowest = min(run.ledger.regions[region].weight.points, key=lambda point: point[1])
        if lowest[1] < HALF and run.ledger.regions[region].planned > 0:
            yield f"{region} was not to be drained, and carried {lowest[1]:.0%} of its share at {lowest[0]} s"


def _restored(run: Run, wanted: kinds.Restored) -> Iterator[str]:
    earliest = wanted.not_before.total_seconds()
    for region in wanted.restored:
        log = run.ledger.regions[region]
        if not log.restored:
            what = (
                f"it carried {log.weight.points[-1][1]:.0%} of it at the end" if log.drained else "it never was drained"
            )
            yield f"{region} was to carry its share again, and {what}"
        elif log.empty:
            yield f"{region} was to carry its share again, and was drained at the end"
        elif log.restored[0] < earliest:
            yield f"{region} was not to carry its share again before {earliest:g} s, and did at {log.restored[0]} s"


def _held(run: Run, wanted: kinds.Held) -> Iterator[str]:
    times = [
        second
        for second, entry in run.journal
        if entry.kind in (EntryKind.HOLD, EntryKind.REFUSED, EntryKind.FREEZE)
        and wanted.held.value in {str(rule) for rule in entry.rules}
    ]
    limit = run.deadline(wanted.within)
    yield from _late(f"a hold was to cite {wanted.held.value}", times, limit, "none did")


def _knob(run: Run, wanted: kinds.KnobTurned) -> Iterator[str]:
    knob = run.estate.knobs[wanted.knob]
    depth = knob.depth(wanted.at_least)
    regional = knob.scope is KnobScope.REGION and wanted.region is not None
    regions = (wanted.region,) if regional and wanted.region else tuple(run.estate.regions)
    times = sorted(
        second
        for region in regions
        for second, value in run.ledger.knobs[wanted.knob, region]
        if knob.depth(value) >= depth
    )
    what = f"{wanted.knob} was to be at {wanted.at_least} or deeper"
    yield from _late(what, times, run.deadline(wanted.within, wanted.region), "was not")


def _promoted(run: Run, wanted: kinds.Promoted) -> Iterator[str]:
    primary = run.estate.datastores[wanted.promoted].spec.primary
    to = wanted.to if wanted.to is not None else tuple(r for r in run.estate.regions if r != primary)
    times = [p.second for p in run.ledger.promotions if p.datastore == wanted.promoted and p.region in to]
    what = f"{wanted.promoted} was to be promoted in {_or(to)}"
    yield from _late(what, times, run.deadline(wanted.within, wanted.promoted, primary), "was not")


def _holder(run: Run, wanted: kinds.HolderIs) -> Iterator[str]:
    """With ``within`` it must have come there by then; without, it must be there at the end."""
    history = run.ledger.holders.get(wanted.holder, [])
    home = first_holder(run.estate, wanted.holder)
    what = f"{wanted.holder} was to be held in {_or(wanted.is_)}"
    if wanted.within is None:
        if not history or not set(history[-1][1]) & set(wanted.is_):
            yield f"{what} at the end, and was in {_or(history[-1][1]) if history and history[-1][1] else 'none'}"
        return
    limit = run.deadline(wanted.within, wanted.holder, home)
    held: list[float] = []
    for (second, active), after in zip(history, [*(point[0] for point in history[1:]), None], strict=True):
        if set(active) & set(wanted.is_) and (after is None or after > run.since(wanted.holder, home)):
            held.append(second)
    yield from _late(what, held, limit, "was not")


def _metric(run: Run, wanted: kinds.MetricWithin) -> Iterator[str]:
    value = run.metrics[wanted.metric]
    if value is None:
        yield f"{wanted.metric} has no value: what it counts never came about"
    elif wanted.at_most is not None and value > wanted.at_most:
        yield f"{wanted.metric} was to be at most {wanted.at_most:g}, and is {value:g}"
    elif wanted.at_least is not None and value < wanted.at_least:
        yield f"{wanted.metric} was to be at least {wanted.at_least:g}, and is {value:g}"


def _late(what: str, times: Iterable[float], limit: float, never: str) -> Iterator[str]:
    first = min(times, default=None)
    if first is None:
        yield f"{what} by {limit:g} s, and {never}"
    elif first > limit:
        yield f"{what} by {limit:g} s, and came to it at {first:g} s"


def _names(fault: Fault) -> set[str]:
    """Everything that a fault names: regions, services, datastores, drivers, replicas."""
    found: set[str] = set()
    for field in type(fault).model_fields:
        if field in ("kind", "mode", "liveness", "lag"):
            continue
        value = getattr(fault, field)
        found.update(part for part in (value if isinstance(value, tuple) else (value,)) if isinstance(part, str))
    return found - {EVERY}


def _or(names: Sequence[str]) -> str:
    return " or ".join(names)


def describe(fault: Fault) -> str:
    """A fault in a line: kind, what it names, from when to when."""
    names = ", ".join(sorted(_names(fault)))
    until = "the end" if fault.until is None else format_duration(fault.until)
    figures = [
        f"{field} {format_duration(value) if isinstance(value, timedelta) else value}"
        for field in type(fault).model_fields
        if field not in ("at", "until", "kind") and isinstance(value := getattr(fault, field), int | float | timedelta)
    ]
    what = " ".join(part for part in (fault.kind, names, *figures) if part)
    return f"{what} from {format_duration(fault.at)} to {until}"
