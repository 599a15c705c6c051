"""The account: what happened in a run, for people, in plain lines."""

from collections.abc import Iterator

from controlplane.model.journal import Entry, EntryKind
from controlplane.sim.expect import describe
from controlplane.sim.outcome import Result

MOST_LINES = 80
_TOLD = frozenset(
    {
        EntryKind.LEADER,
        EntryKind.VERDICT,
        EntryKind.HOLD,
        EntryKind.RELEASED,
        EntryKind.REFUSED,
        EntryKind.OUTCOME,
        EntryKind.UNDO,
        EntryKind.DRAINED,
        EntryKind.RESTORED,
        EntryKind.FREEZE,
        EntryKind.APPROVAL,
        EntryKind.SUPERVISE,
    }
)


def tell(result: Result) -> str:
    """The whole account of one scenario."""
    return "\n".join(_lines(result))


def clock(second: float) -> str:
    """Scenario time: ``2:08`` or ``1:02:08``."""
    whole = int(second)
    hours, minutes, seconds = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def events(result: Result) -> Iterator[tuple[float, Entry]]:
    """The entries that a reader wants to see."""
    return ((second, entry) for second, entry in result.journal if entry.kind in _TOLD)


def _lines(result: Result) -> Iterator[str]:
    verdict = "passed" if result.passed else "FAILED"
    yield f"{result.scenario}: {verdict}, {clock(result.duration_s)} of it"
    if result.description:
        yield f"  {result.description}"
    for fault in result.faults:
        yield f"  fault     {describe(fault)}"
    told = list(events(result))
    for second, entry in told[:MOST_LINES]:
        rules = f"  [{' '.join(str(rule) for rule in entry.rules)}]" if entry.rules else ""
        yield f"  {clock(second):>8}  {entry.kind.value:<9} {entry.subject:<16} {entry.why}{rules}"
    if len(told) > MOST_LINES:
        yield f"            … and {len(told) - MOST_LINES} entries more in the journal (--json)"
    for promotion in result.ledger.promotions:
        what = f"{promotion.datastore} is written in {promotion.region} now, {promotion.lost:g} writes lost"
        yield f"  {clock(promotion.second):>8}  {what}"
    yield from _figures(result)
    for sentence in result.failed:
        yield f"  not met   {sentence}"
    for sentence in result.violations:
        yield f"  VIOLATION {sentence}"


def _figures(result: Result) -> Iterator[str]:
    metrics = result.metrics
    users = metrics["failedFraction"]
    yield (
        f"  users: {0.0 if users is None else users:.4%} of requests failed ({metrics['failedRequests']:g}); "
        f"noticed after {_seconds(metrics['detectionS'])}, over after {_seconds(metrics['mitigationS'])}"
    )
    yield (
        f"  moves {metrics['moves']}, flaps {metrics['flaps']}, overloaded {metrics['overloadedS']:g} s, "
        f"two holders {metrics['doubleActiveS']:g} s, writes lost {metrics['lostWrites']:g}, "
        f"residency broken {metrics['residencyViolations']:g}, value lost {metrics['valueLost']:g}"
    )


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:g} s"
