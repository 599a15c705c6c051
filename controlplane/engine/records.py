"""What the journal is told, as entries: plain JSON facts and a sentence for people."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from controlplane.engine.outcome import Flight, Outcome
from controlplane.model.desk import ESTATE, MACHINE
from controlplane.model.journal import Entry, EntryKind, Json
from controlplane.model.permit import Permit, Refusal
from controlplane.model.plan import Action, Hold, Plan
from controlplane.model.rules import Reason, Rule, cited
from controlplane.model.verdict import Verdict
from controlplane.ports.clock import Clock

Say = Callable[[tuple[Reason, ...]], str]
"""Makes a sentence of reasons."""


@dataclass(frozen=True, slots=True)
class Records:
    """Writes entries in the name of one replica. ``say`` is ``decide.explain``'s, ``epoch`` what it leads under now."""

    replica: str
    clock: Clock
    say: Say
    epoch: Callable[[], int]

    def intent(self, permit: Permit, once_key: str) -> Entry:
        """What is about to be done, and everything that is needed to find out later whether it was."""
        action = permit.action
        facts: dict[str, Json] = {
            "replica": self.replica,
            "once_key": once_key,
            "kind": action.kind.value,
            "cause": action.cause.value,
            "from": action.from_,
            "to": action.to,
            "region": action.region,
            "permit_expires_at": permit.expires_at.isoformat(),
        }
        facts |= {name: value for name, value in _figures(action).items() if value not in (None, {}, 0.0)}
        return self._entry(EntryKind.INTENT, action, permit.epoch, facts)

    def outcome(self, flight: Flight, outcome: Outcome) -> Entry:
        """How it ended. ``intent`` is the place of the intent in the journal."""
        facts: dict[str, Json] = {
            "replica": self.replica,
            "kind": flight.action.kind.value,
            "cause": flight.action.cause.value,
            "from": flight.action.from_,
            "to": flight.action.to,
            "intent": flight.intent,
            "once_key": flight.once_key,
            "ending": outcome.ending.value,
            "took_s": outcome.took_s,
            "attempts": flight.attempts,
            "stragglers": outcome.stragglers,
        }
        if outcome.detail:
            facts["detail"] = outcome.detail
        return self._entry(EntryKind.OUTCOME, flight.action, flight.permit.epoch, facts)

    def undo(self, flight: Flight) -> Entry:
        """What was begun is about to be put back."""
        facts: dict[str, Json] = {
            "replica": self.replica,
            "intent": flight.intent,
            "once_key": flight.once_key,
        }
        return self._entry(EntryKind.UNDO, flight.action, flight.permit.epoch, facts)

    def hold(self, hold: Hold) -> Entry:
        """A decision not to act that is new or has changed."""
        codes: list[Json] = list(dict.fromkeys(why.code for why in hold.reasons))
        return self.fact(EntryKind.HOLD, hold.subject, self.say(hold.reasons), hold.rules, codes=codes)

    def refusal(self, refusal: Refusal) -> Entry:
        """The guard's no to an action."""
        codes: list[Json] = [why.code for why in refusal.reasons]
        facts: dict[str, Json] = {"codes": codes, "waiting": refusal.waiting, "kind": refusal.action.kind.value}
        return Entry(
            kind=EntryKind.REFUSED,
            at=self.clock.now(),
            subject=refusal.action.subject,
            by=MACHINE,
            why=self.say(refusal.reasons),
            rules=_ids(cited(refusal.reasons)),
            epoch=self.epoch(),
            action=refusal.action.id,
            facts=facts,
        )

    def plan(self, plan: Plan) -> Entry:
        """A plan whose actions differ from those of the last one."""
        actions: list[Json] = [
            {
                "id": a.id,
                "kind": a.kind.value,
                "subject": a.subject,
                "from": a.from_,
                "to": a.to,
                "after": list(a.after),
            }
            for a in plan.actions
        ]
        rules = sorted({rule for action in plan.actions for rule in action.rules}, key=lambda rule: rule.number)
        facts: dict[str, Json] = {"feasible": plan.feasible, "actions": actions, "drained": list(plan.drained)}
        if plan.costs is not None:
            facts["costs"] = {
                "acting": plan.costs.acting,
                "waiting": plan.costs.waiting,
                "next_best": plan.costs.next_best,
            }
        count = len(plan.actions)
        why = f"{count} {'action' if count == 1 else 'actions'}" if count else "nothing is left to do"
        return self.fact(EntryKind.PLAN, ESTATE, why, rules, **facts)

    def verdicts(self, region: str, changed: Iterable[Verdict]) -> Entry:
        """Verdicts of one region that have changed."""
        found = list(changed)
        states: dict[str, Json] = {verdict.service: verdict.state.value for verdict in found}
        rules = cited(tuple(why for verdict in found for why in verdict.reasons))
        why = self.say(tuple(dict.fromkeys(why for verdict in found for why in verdict.reasons)))
        return self.fact(EntryKind.VERDICT, region, why, rules, states=states)

    def fact(self, kind: EntryKind, subject: str, why: str, rules: Iterable[Rule] = (), **facts: Json) -> Entry:
        """Anything else that happened."""
        told: Mapping[str, Json] = {"replica": self.replica, **facts}
        return Entry(kind, self.clock.now(), subject, MACHINE, why, _ids(rules), self.epoch(), "", told)

    def _entry(self, kind: EntryKind, action: Action, epoch: int, facts: Mapping[str, Json]) -> Entry:
        why = self.say(action.reasons)
        now = self.clock.now()
        return Entry(kind, now, action.subject, MACHINE, why, _ids(action.rules), epoch, action.id, facts)


def _ids(rules: Iterable[Rule]) -> tuple[str, ...]:
    return tuple(rule.value for rule in rules)


def _figures(action: Action) -> dict[str, Json]:
    shares: dict[str, Json] = {origin: dict(by_region) for origin, by_region in action.shares.items()}
    return {
        "shares": shares,
        "shed": dict(action.shed),
        "refused": dict(action.refused),
        "value": action.value,
        "units": action.units,
        "leaves_live": action.leaves_live,
    }
