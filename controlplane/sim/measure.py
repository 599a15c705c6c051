"""The metrics of a run, by the contract's definitions."""

from collections.abc import Sequence
from itertools import pairwise

from controlplane.model.journal import Entry, EntryKind
from controlplane.model.resources.scenario import Scenario
from controlplane.sim.ledger import FAILING_FROM, Ledger
from controlplane.sim.outcome import Metrics
from controlplane.sim.schedule import whole

CALM_S = 10
"""So long must users have been well before trouble counts as over."""
_DIGITS = 6
_NOTICED = frozenset({EntryKind.VERDICT, EntryKind.HOLD, EntryKind.PLAN})


def metrics_of(scenario: Scenario, ledger: Ledger, journal: Sequence[tuple[float, Entry]], end: int) -> Metrics:
    """Every metric that the contract names."""
    sums = {name: tally.total for name, tally in ledger.tallies.items()}
    fault = first_fault(scenario)
    return {
        "failedFraction": round(sums["failed"] / sums["requests"], 9) if sums["requests"] > 0 else 0.0,
        "failedRequests": round(sums["failed"], 3),
        "detectionS": None if fault is None else detection_s(journal, fault),
        "mitigationS": None if fault is None else mitigation_s(ledger, fault, end),
        "overloadedS": round(sums["overloadedS"], _DIGITS),
        "residencyViolations": round(sums["residencyViolations"], _DIGITS),
        "lostWrites": round(sum(promotion.lost for promotion in ledger.promotions), _DIGITS),
        "doubleActiveS": round(sums["doubleActiveS"], _DIGITS),
        "flaps": ledger.flaps,
        "moves": ledger.moves,
        "valueLost": round(sums["valueLost"], _DIGITS),
    }


def first_fault(scenario: Scenario) -> int | None:
    """The second in which the first fault begins."""
    return min((whole(fault.at) for fault in scenario.spec.faults), default=None)


def detection_s(journal: Sequence[tuple[float, Entry]], fault: int) -> float | None:
    """Seconds from the first fault until the journal first says that something is not as it should be."""
    for second, entry in journal:
        if second >= fault and entry.kind in _NOTICED:
            return round(second - fault, 3)
    return None


def mitigation_s(ledger: Ledger, fault: int, end: int) -> float | None:
    """Seconds from the first fault until users were well again: fewer than one request in a hundred fails unplanned,
    and so it stays for a while. 0 if none ever failed; None if they still do at the end."""
    began: int | None = None
    calm: int | None = None
    points = [*ledger.bad.points, (end, 0.0)]
    for (second, failing), (until, _) in pairwise(points):
        if until <= fault:
            continue
        if failing >= FAILING_FROM:
            began, calm = began if began is not None else max(second, fault), None
        elif began is not None:
            calm = calm if calm is not None else second
            if until - calm >= CALM_S or until == end:
                return float(calm - fault)
    return 0.0 if began is None else None
