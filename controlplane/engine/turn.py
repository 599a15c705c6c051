"""One turn of the one who leads: decide, note what is new, start what is permitted."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from controlplane.decide.placement import demand_of, healthy_plan
from controlplane.engine.approvals import granted, sync
from controlplane.engine.bookkeeping import empty, mark_left, note_freeze, note_room, restored, unmark
from controlplane.engine.deciding import Decision
from controlplane.engine.machine import Machine
from controlplane.engine.notes import estate_hold
from controlplane.engine.outcome import Flight, Outcome
from controlplane.engine.placing import with_first_placements
from controlplane.engine.state import EstateState, expire, remember
from controlplane.engine.worlds import Verdicts
from controlplane.model.desk import ESTATE
from controlplane.model.errors import LeaseLost, StoreLost
from controlplane.model.journal import Entry, EntryKind
from controlplane.model.notice import Severity
from controlplane.model.permit import Permit, Refusal, Standing
from controlplane.model.plan import Hold
from controlplane.model.rules import Rule, reason
from controlplane.model.verdict import EVERY_SERVICE
from controlplane.model.world import Drain, Shares

FIRST_LOOKS_S = 10.0


@dataclass(slots=True)
class Turn:
    """``unheard``: services whose target has never heard of them. ``complete``: drains whose end has been told.
    ``decision`` is the last one, ``decided_from`` the state it was made from, ``unstarted`` how many
    actions could have begun and have not."""

    machine: Machine
    unheard: set[str] = field(default_factory=set)
    complete: set[Drain] = field(default_factory=set)
    decision: Decision | None = None
    decided_from: EstateState | None = None
    unstarted: int = 0

    async def take(self, verdicts: Verdicts, now: datetime) -> None:
        """Decide from what is so now, and act on it as far as lease, store, guard and people let."""
        machine, before = self.machine, self.machine.keeper.state
        keeper = machine.keeper
        keeper.change(lambda state: machine.decider.surveyor.alarmed(remember(expire(state, now), verdicts), now))
        self.decided_from = keeper.state
        self.decision = decision = self._decide(keeper.state, now)
        plan = decision.plan
        answers = machine.decider.answer(decision, self._standing(decision))
        refusals = [answer for answer in answers if isinstance(answer, Refusal)]
        permits = [answer for answer in answers if isinstance(answer, Permit) and not answer.action.after]
        chosen = machine.actor.choose(permits, plan.next)
        self.unstarted = len(permits)
        begun = tuple(permit.action for permit in chosen)
        over = restored(keeper.state, plan, self._healthy(decision)) if plan.returning else ()
        keeper.change(lambda state: note_freeze(note_room(state, plan, now), plan, now))
        keeper.change(lambda state: sync(state, plan, refusals, now))
        keeper.change(lambda state: mark_left(unmark(state, over, now), plan, begun, now))
        notes = machine.notes
        entries = notes.verdicts(verdicts)
        entries += notes.plan(plan)
        entries += notes.holds(self._holds(decision))
        entries += notes.refusals([r for r in refusals if not r.action.after and not _only_static(r)])
        entries += self._turned(before, decision, over)
        await self._write_and_start(entries, chosen)

    def ended(self, flight: Flight, outcome: Outcome) -> None:
        """An act has ended: tell, and look again at once."""
        machine = self.machine
        machine.notes.ended(flight, outcome)
        if outcome.ending.stands:
            self.unheard.discard(flight.action.subject)
        settled = machine.actor.settled()
        machine.keeper.change(lambda state: _settled(state, settled))
        machine.wake.set()

    def _decide(self, state: EstateState, now: datetime) -> Decision:
        machine = self.machine
        decision = machine.decider.decide(state, machine.actor.stuck(), now)
        if not self.unheard:
            return decision
        return Decision(decision.world, with_first_placements(decision.plan, machine.estate, self.unheard))

    def _healthy(self, decision: Decision) -> Shares:
        estate = self.machine.estate
        return healthy_plan(estate, demand_of(estate, decision.world)).shares

    def _standing(self, decision: Decision) -> Standing:
        leadership, state = self.machine.leadership, self.machine.keeper.state
        return Standing(
            epoch=leadership.epoch,
            lease_expires_at=leadership.expires_at(),
            store_ok=leadership.store_ok,
            paused=state.paused is not None,
            approved=granted(state, decision.plan.actions),
        )

    def _holds(self, decision: Decision) -> list[Hold]:
        held = [hold for hold in decision.plan.holds if not self._premature(hold)]
        return held if self.machine.leadership.store_ok else [*held, static_hold(store_ok=False)]

    def _premature(self, hold: Hold) -> bool:
        """Whether it only says that nothing is known, or not for long, by one who has hardly begun to look."""
        machine = self.machine
        young = machine.clock.monotonic() - machine.began_s < FIRST_LOOKS_S
        return young and all(why.rule in {Rule.BLIND, Rule.DAMPING} for why in hold.reasons)

    def _turned(self, before: EstateState, decision: Decision, over: Iterable[Drain]) -> list[Entry]:
        """Drains begun, complete and undone, and the freeze of changes."""
        machine, state = self.machine, self.machine.keeper.state
        fact, entries = machine.records.fact, []
        for drain in state.drains:
            if drain not in before.drains:
                machine.notes.left(drain, decision.plan)
            if drain.service == EVERY_SERVICE and drain not in self.complete and empty(state, drain.region):
                self.complete.add(drain)
                why = f"nothing is left in {drain.region}"
                entries.append(fact(EntryKind.DRAINED, drain.region, why, [Rule.RAMP], cause=drain.cause))
                machine.notes.tell(Severity.INFO, drain.region, why, [Rule.RAMP])
        for drain in over:
            self.complete.discard(drain)
            why = f"{drain.region} carries its share again"
            facts = {"service": drain.service, "cause": drain.cause}
            entries.append(fact(EntryKind.RESTORED, drain.region, why, [Rule.FAILBACK], **facts))
            machine.notes.tell(Severity.INFO, drain.region, why, [Rule.FAILBACK])
        if (before.frozen_since is None) != (state.frozen_since is None):
            frozen = state.frozen_since is not None
            why = "a fault is everywhere at once: freeze changes, look for what changed" if frozen else "free again"
            entries.append(fact(EntryKind.FREEZE, ESTATE, why, [Rule.GLOBAL], frozen=frozen))
            machine.notes.tell(Severity.PAGE if frozen else Severity.INFO, ESTATE, why, [Rule.GLOBAL])
        return entries

    async def _write_and_start(self, entries: list[Entry], chosen: tuple[Permit, ...]) -> None:
        """Facts and intents in one writing, then the effects, each only if the one before it is safe in the store.

        The state comes last: users of a dead region wait for the effect, and what an intent leaves behind can be read
        from the journal.
        """
        machine, leadership = self.machine, self.machine.leadership
        try:
            if chosen:
                flights = await machine.actor.announce(chosen, entries)
                self.unstarted -= len(flights)
                machine.actor.launch(flights, self.ended)
            else:
                await machine.scribe.note(entries)
            if leadership.store_ok and machine.keeper.dirty:
                await machine.keeper.save(leadership.epoch)
        except LeaseLost:
            leadership.drop()
        except StoreLost as error:
            leadership.problem = str(error)


def static_hold(*, store_ok: bool) -> Hold:
    """Everything is held: without lease or store there is no new act (R16)."""
    return estate_hold(reason(Rule.STATIC, "no-lease" if store_ok else "store-lost"))


def _only_static(refusal: Refusal) -> bool:
    return all(why.rule is Rule.STATIC for why in refusal.reasons)


def _settled(state: EstateState, place: int) -> EstateState:
    return state if place <= state.settled else replace(state, settled=place)
