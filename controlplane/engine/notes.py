"""What is new in this tick: for the journal only what has changed since the last one, for people what concerns them."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from controlplane.decide.explain import told, what
from controlplane.engine.outcome import Ending, Flight, Outcome
from controlplane.engine.records import Records
from controlplane.engine.worlds import Verdicts
from controlplane.model.desk import ESTATE
from controlplane.model.journal import Entry, EntryKind
from controlplane.model.notice import Notice, Severity
from controlplane.model.permit import Refusal
from controlplane.model.plan import ActionKind, Hold, Plan
from controlplane.model.rules import Reason, Rule
from controlplane.model.verdict import Health
from controlplane.model.world import Drain

_TOLD_HOLDS: Mapping[Rule, Severity] = {
    Rule.GLOBAL: Severity.PAGE,
    Rule.DATA: Severity.PAGE,
    Rule.DAMPING: Severity.PAGE,
    Rule.BLAST_RADIUS: Severity.WARN,
    Rule.STATIC: Severity.PAGE,
}
_PASSING = frozenset({"not-long-enough", "primary-not-long-enough", "knob-room"})
"""Waits that end by themselves: nobody has to be told."""
_MOST_WAITING = 200

Mark = tuple[str, ...]


@dataclass(slots=True)
class Notes:
    """Remembers what was last written of verdicts, holds, refusals and the plan. ``outbox``: notices to be sent."""

    records: Records
    outbox: deque[Notice] = field(default_factory=lambda: deque(maxlen=_MOST_WAITING))
    _states: dict[tuple[str, str], Health] = field(default_factory=dict)
    _holds: dict[str, Mark] = field(default_factory=dict)
    _refusals: dict[str, Mark] = field(default_factory=dict)
    _actions: frozenset[str] = frozenset()

    def verdicts(self, verdicts: Verdicts) -> list[Entry]:
        """One entry a region whose verdicts have changed; a first verdict of healthy or unknown is no news."""
        changed: dict[str, list[tuple[str, str]]] = {}
        for key, verdict in sorted(verdicts.items()):
            before = self._states.get(key)
            first = before is None and verdict.state in {Health.HEALTHY, Health.UNKNOWN}
            if verdict.state is not before and not first:
                changed.setdefault(key[0], []).append(key)
        self._states = {key: verdict.state for key, verdict in verdicts.items()}
        return [self.records.verdicts(region, [verdicts[k] for k in keys]) for region, keys in changed.items()]

    def plan(self, plan: Plan) -> list[Entry]:
        """The plan, if it wants something that the last one did not, or nothing any more: that parts of it are done
        by now is told by their outcomes."""
        mark = frozenset(f"{a.id}>{a.from_}>{a.to}>{a.value}" for a in plan.actions)
        before, self._actions = self._actions, mark
        return [self.records.plan(plan)] if mark - before or (before and not mark) else []

    def holds(self, holds: Iterable[Hold]) -> list[Entry]:
        """Holds that are new, have other reasons, or are over."""
        now = {hold.subject: hold for hold in holds}
        entries = []
        for subject, hold in now.items():
            mark = _mark(hold.reasons)
            if self._holds.get(subject) != mark:
                before = frozenset(self._holds.get(subject, ()))
                self._holds[subject] = mark
                entries.append(self.records.hold(hold))
                self._tell_hold(hold, before)
        for subject in [known for known in self._holds if known not in now]:
            rules = [Rule(code.partition(" ")[0]) for code in self._holds.pop(subject)]
            entries.append(self.records.fact(EntryKind.RELEASED, subject, "no longer held", rules))
        return entries

    def refusals(self, refusals: Iterable[Refusal]) -> list[Entry]:
        """The guard's refusals that are new or have other reasons."""
        now = {refusal.action.id: refusal for refusal in refusals}
        entries = []
        for name, refusal in now.items():
            mark = _mark(refusal.reasons)
            if self._refusals.get(name) != mark:
                self._refusals[name] = mark
                entries.append(self.records.refusal(refusal))
                if refusal.waiting:
                    self.tell(Severity.PAGE, refusal.action.subject, f"{what(refusal.action)}: waits for approval")
        for name in [known for known in self._refusals if known not in now]:
            del self._refusals[name]
        return entries

    def ended(self, flight: Flight, outcome: Outcome) -> None:
        """Tell people of acts that failed, and of those that moved a writer or a holder."""
        action = flight.action
        moved = action.kind in {ActionKind.PROMOTE, ActionKind.ACTIVATE, ActionKind.FENCE}
        if outcome.ending in {Ending.FAILED, Ending.UNDONE}:
            self.tell(Severity.WARN, action.subject, f"{what(action)}: {outcome.ending.value}: {outcome.detail}")
        elif outcome.ending.stands and moved:
            self.tell(Severity.INFO, action.subject, f"{what(action)}: {outcome.ending.value}", action.rules)

    def left(self, drain: Drain, plan: Plan) -> None:
        """Tell people that the machine leaves a place."""
        why = [r for a in plan.actions if drain.region in (a.from_ or "").split(",") for r in a.reasons]
        text = f"{_place(drain)} is being left: {told(dict.fromkeys(why))}"
        self.tell(Severity.WARN, drain.region, text, tuple(dict.fromkeys(r.rule for r in why)))

    def tell(self, severity: Severity, subject: str, text: str, rules: Iterable[Rule] = ()) -> None:
        """Put one notice into the outbox; when that is full the oldest gives way."""
        ids = tuple(rule.value for rule in rules)
        self.outbox.append(Notice(severity, self.records.clock.now(), subject, text, ids))

    def forget(self) -> None:
        """Another leader may have written since: write what stands now anew."""
        self._holds, self._refusals, self._actions = {}, {}, frozenset()

    def _tell_hold(self, hold: Hold, before: frozenset[str]) -> None:
        for why in hold.reasons:
            severity = Severity.WARN if why.code == "manual" else _TOLD_HOLDS.get(why.rule)
            if severity is not None and why.code not in _PASSING and _code(why) not in before:
                self.tell(severity, hold.subject, told([why]), [why.rule])


def _mark(reasons: Iterable[Reason]) -> Mark:
    return tuple(sorted({_code(why) for why in reasons}))


def _code(why: Reason) -> str:
    return f"{why.rule.value} {why.code}"


def _place(drain: Drain) -> str:
    return drain.region if drain.service == "*" else f"{drain.service} in {drain.region}"


def estate_hold(why: Reason) -> Hold:
    """A hold on everything."""
    return Hold(ESTATE, (why,))
