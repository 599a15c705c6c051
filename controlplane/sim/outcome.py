"""Outcome: what came of a scenario, as a noun and as the JSON of the contract."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from controlplane.model.journal import Entry, Json
from controlplane.model.notice import Notice
from controlplane.model.resources.scenario import Fault
from controlplane.sim.ledger import Ledger

Metrics = Mapping[str, float | int | None]


@dataclass(frozen=True, slots=True)
class Result:
    """``failed``: expectations that were not met, as sentences; ``violations``: breaches of rules, each with its rule
    and second. ``journal``: entries with the second of the scenario at which they were written. ``ledger``: the run
    second by second, for reports. ``leapt_s``: how much of it was leapt over, which the result does not depend on.
    """

    scenario: str
    failed: tuple[str, ...]
    violations: tuple[str, ...]
    metrics: Metrics
    journal: tuple[tuple[float, Entry], ...]
    ledger: Ledger
    duration_s: int
    notices: tuple[Notice, ...] = ()
    leapt_s: int = 0
    description: str = ""
    faults: tuple[Fault, ...] = field(default=())

    @property
    def passed(self) -> bool:
        """Everything expected came about, and no rule was broken."""
        return not self.failed and not self.violations

    def to_json(self) -> dict[str, Json]:
        """As CONTRACTS has it."""
        return {
            "scenario": self.scenario,
            "passed": self.passed,
            "failed": list(self.failed),
            "violations": list(self.violations),
            "metrics": dict(self.metrics),
            "journal": [entry_json(second, entry) for second, entry in self.journal],
        }


def entry_json(second: float, entry: Entry) -> dict[str, Json]:
    """One line of the journal; ``second`` is scenario time by the true clock, ``at`` the writer's."""
    return {
        "seq": entry.seq,
        "second": second,
        "at": entry.at.isoformat(),
        "kind": entry.kind.value,
        "subject": entry.subject,
        "by": entry.by,
        "why": entry.why,
        "rules": [str(rule) for rule in entry.rules],
        "epoch": entry.epoch,
        "action": entry.action,
        "facts": dict(entry.facts),
    }
