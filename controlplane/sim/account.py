"""The account: what happened in a run, for people, in plain lines."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from controlplane.model.journal import Entry, EntryKind
from controlplane.sim.expect import describe
from controlplane.sim.outcome import Result

MOST_LINES = 80
MOST_NAMES = 4
_SUBJECT = "\0"
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


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened, to one subject or to several alike."""

    second: float
    kind: str
    subject: str
    why: str
    rules: str


def events(result: Result) -> list[Line]:
    """What a reader wants to see. What is said of many at one instant in the same words is said once."""
    merged: dict[tuple[int, str, str, str], list[str]] = {}
    seconds: dict[tuple[int, str, str, str], float] = {}
    for second, entry in result.journal:
        if entry.kind in _TOLD:
            rules = " ".join(dict.fromkeys(str(rule) for rule in entry.rules))
            key = (int(second), entry.kind.value, _said(entry), rules)
            merged.setdefault(key, []).append(entry.subject)
            seconds.setdefault(key, second)
    return [
        Line(seconds[key], key[1], _names(subjects), key[2].replace(_SUBJECT, "it"), key[3])
        for key, subjects in merged.items()
    ]


def _said(entry: Entry) -> str:
    """The sentence of an entry with its subject and its dates left open; of verdicts, who is how."""
    if entry.kind is EntryKind.VERDICT and isinstance(states := entry.facts.get("states"), dict):
        by_state: dict[str, list[str]] = {}
        for name, state in states.items():
            by_state.setdefault(str(state), []).append(name)
        return "; ".join(f"{state}: {_names(names)}" for state, names in sorted(by_state.items()))
    said = re.sub(r"20\d\d-\d\d-\d\dT(\d\d:\d\d:\d\d)[.0-9]*\+00:00", r"\1", entry.why)
    return re.sub(rf"(?<![\w-]){re.escape(entry.subject)}(?![\w-])", _SUBJECT, said)


def _names(names: Sequence[str]) -> str:
    listed = list(dict.fromkeys(names))
    more = f" and {len(listed) - MOST_NAMES} more" if len(listed) > MOST_NAMES else ""
    return ", ".join(listed[:MOST_NAMES]) + more


def _lines(result: Result) -> Iterator[str]:
    verdict = "passed" if result.passed else "FAILED"
    yield f"{result.scenario}: {verdict}, {clock(result.duration_s)} of it"
    if result.description:
        yield f"  {result.description}"
    for fault in result.faults:
        yield f"  fault     {describe(fault)}"
    told = events(result)
    for line in told[:MOST_LINES]:
        rules = f"  [{line.rules}]" if line.rules else ""
        yield f"  {clock(line.second):>8}  {line.kind:<9} {line.subject}: {line.why}{rules}"
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
