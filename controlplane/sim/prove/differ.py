"""Differ: two sets of policies under the same trouble, what each decided and which fared better."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from controlplane.model.estate import Estate
from controlplane.model.journal import EntryKind, Json
from controlplane.model.resources.scenario import Scenario
from controlplane.sim.outcome import Metrics, Result
from controlplane.sim.prove.cases import PartsMaker
from controlplane.sim.simulate import simulate

Better = Literal["new", "old", "same"]
DECIDED = (EntryKind.INTENT, EntryKind.HOLD, EntryKind.REFUSED, EntryKind.DRAINED, EntryKind.RESTORED)
_RELATIVE = 0.02
TOLERANCE: Mapping[str, float] = {
    "failedFraction": 1e-5,
    "failedRequests": 5.0,
    "detectionS": 1.0,
    "mitigationS": 2.0,
    "overloadedS": 1.0,
    "residencyViolations": 0.0,
    "lostWrites": 0.5,
    "doubleActiveS": 0.0,
    "flaps": 0.0,
    "moves": 2.0,
    "valueLost": 1.0,
}
"""How much worse a metric may be before it counts, beside a fiftieth of what it was. Less is always better."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Something that was decided at least once: what, about what, whither, and by which rules."""

    kind: str
    subject: str
    what: str
    rules: tuple[str, ...]

    def to_json(self) -> dict[str, Json]:
        """As the command prints it."""
        return {"kind": self.kind, "subject": self.subject, "what": self.what, "rules": list(self.rules)}


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric under both sets. None: what it counts never came about."""

    metric: str
    new: float | None
    old: float | None
    better: Better

    def to_json(self) -> dict[str, Json]:
        """As the command prints it."""
        return {"metric": self.metric, "new": self.new, "old": self.old, "better": self.better}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One scenario under both sets of policies."""

    scenario: str
    new: Result
    old: Result

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Every metric, in the order of the contract."""
        return tuple(_figure(name, self.new.metrics, self.old.metrics) for name in TOLERANCE)

    @property
    def gained(self) -> tuple[Decision, ...]:
        """Decisions that only the new policies made."""
        old = set(decisions(self.old))
        return tuple(made for made in decisions(self.new) if made not in old)

    @property
    def lost(self) -> tuple[Decision, ...]:
        """Decisions that only the old policies made."""
        new = set(decisions(self.new))
        return tuple(made for made in decisions(self.old) if made not in new)

    @property
    def regressions(self) -> tuple[str, ...]:
        """What is worse under the new policies, as sentences."""
        found = [
            f"{each.metric} is {_number(each.new)}, and was {_number(each.old)}"
            for each in self.figures
            if each.better == "old"
        ]
        if self.old.passed and not self.new.passed:
            found.append("it passed, and does not any more")
        was = {_without_second(sentence) for sentence in self.old.violations}
        found += [f"new: {sentence}" for sentence in self.new.violations if _without_second(sentence) not in was]
        return tuple(found)

    def to_json(self) -> dict[str, Json]:
        """As the command prints it."""
        return {
            "scenario": self.scenario,
            "passed": {"new": self.new.passed, "old": self.old.passed},
            "metrics": [figure.to_json() for figure in self.figures],
            "decisions": {
                "new": [made.to_json() for made in self.gained],
                "old": [made.to_json() for made in self.lost],
            },
            "regressions": list(self.regressions),
        }


def compare(new: Estate, old: Estate, scenarios: Iterable[Scenario], maker: PartsMaker) -> list[Comparison]:
    """Let the same scenarios happen under both."""
    parts = maker()
    return [
        Comparison(
            scenario.name,
            simulate(new, [scenario], parts=parts)[0],
            simulate(old, [scenario], parts=parts)[0],
        )
        for scenario in scenarios
    ]


def decisions(result: Result) -> list[Decision]:
    """What was decided, each once, in the order in which it first came: times and figures aside."""
    found: dict[Decision, None] = {}
    for _, entry in result.journal:
        if entry.kind in DECIDED:
            kind = entry.kind.value
            what = _whither(entry.facts) if entry.kind is EntryKind.INTENT else ""
            found[Decision(kind, entry.subject, what, tuple(str(rule) for rule in entry.rules))] = None
    return list(found)


def tally(comparisons: Sequence[Comparison]) -> dict[str, tuple[int, int]]:
    """For each metric: in how many scenarios the new set is better, and in how many the old one."""
    counts = {name: [0, 0] for name in TOLERANCE}
    for comparison in comparisons:
        for figure in comparison.figures:
            if figure.better != "same":
                counts[figure.metric][figure.better == "old"] += 1
    return {name: (new, old) for name, (new, old) in counts.items()}


def _figure(name: str, new: Metrics, old: Metrics) -> Figure:
    now, before = new[name], old[name]
    if now is None or before is None:
        missing = name == "mitigationS" and (now is None) != (before is None)
        better: Better = "same" if not missing else "old" if now is None else "new"
        return Figure(name, now, before, better)
    slack = max(TOLERANCE[name], _RELATIVE * abs(before))
    if now > before + slack:
        return Figure(name, now, before, "old")
    return Figure(name, now, before, "new" if now < before - slack else "same")


def _whither(facts: Mapping[str, Json]) -> str:
    return " ".join(f"{key} {facts[key]}" for key in ("kind", "value", "from", "to") if facts.get(key))


def _without_second(sentence: str) -> str:
    return sentence.split(" s: ", 1)[-1]


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"
