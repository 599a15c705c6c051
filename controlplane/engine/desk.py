"""The desk: what people ask of the running loop."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from controlplane.engine.people import facts_of, heed, subject_of
from controlplane.engine.reconcile import Reconciler
from controlplane.engine.state import with_knob
from controlplane.model.desk import (
    Approve,
    Listener,
    Mode,
    PersonCommand,
    Phase,
    Policies,
    Receipt,
    Reject,
    Status,
    StoreHealth,
    Tick,
    WatchHealth,
)
from controlplane.model.errors import LeaseLost, StoreLost
from controlplane.model.estate import Estate
from controlplane.model.journal import Entry, EntryKind
from controlplane.model.plan import ActionKind, Plan
from controlplane.model.world import Knobs


@dataclass(slots=True)
class EngineDesk:
    """See ``service.desk.Desk``. ``policies`` is kept up to date by whoever loads them."""

    reconciler: Reconciler
    policies: Policies
    targets: Callable[[], tuple[int, float]] = lambda: (0, 0.0)

    @property
    def estate(self) -> Estate:
        """The policies in force."""
        return self.reconciler.machine.estate

    def snapshot(self) -> Status:
        """Everything that is so now, as the last tick left it."""
        reconciler, machine = self.reconciler, self.reconciler.machine
        leadership, state, decision = machine.leadership, machine.keeper.state, reconciler.decision
        now = machine.clock.now()
        verdicts = machine.decider.verdicts
        world = machine.decider.surveyor.survey(state, verdicts, machine.actor.stuck(), now)
        return Status(
            at=reconciler.ticked_at or now,
            replica=machine.options.replica,
            mode=reconciler.mode,
            epoch=leadership.epoch,
            policies=self.policies,
            world=world,
            leader=leadership.leader,
            leader_address=machine.options.address if leadership.epoch else state.address,
            lease_expires_at=leadership.expires_at(),
            plan=decision.plan if decision is not None else None,
            shed=state.shed,
            refused=state.refused,
            in_flight=machine.actor.seen(),
            approvals=state.approvals,
            paused=state.paused,
            frozen_since=state.frozen_since,
            store=self._store(),
            watch=self._watch(),
        )

    def flags(self) -> Knobs:
        """Knob values in force, and those that are being put in force now."""
        machine = self.reconciler.machine
        knobs = machine.keeper.state.knobs
        for flight in machine.actor.flights.values():
            action = flight.action
            turning = action.kind in {ActionKind.DEGRADE, ActionKind.RESTORE} and flight.stop is None
            if turning and action.value is not None and flight.phase is not Phase.UNDOING:
                knobs = with_knob(knobs, action.subject, action.value, action.region)
        return knobs

    async def submit(self, command: PersonCommand) -> Receipt:
        """Journal a command, save what it changes, answer, and wake the loop."""
        machine = self.reconciler.machine
        epoch = machine.leadership.epoch
        if self.reconciler.mode is Mode.HOLDING or not machine.leadership.store_ok:
            raise StoreLost(machine.leadership.problem or "the store cannot be reached")
        if not epoch or self.reconciler.mode is not Mode.LEADING:
            raise LeaseLost(f"{machine.leadership.leader or 'another replica'} leads, not this one")
        now = machine.clock.now()
        before = machine.keeper.state
        receipt = heed(before, command, now)[1]
        entry = Entry(
            kind=EntryKind.APPROVAL if isinstance(command, Approve | Reject) else EntryKind.PERSON,
            at=now,
            subject=subject_of(command),
            by=command.by,
            why=command.reason,
            rules=tuple(rule.value for rule in receipt.rules),
            epoch=epoch,
            facts={**facts_of(command, before), "accepted": receipt.accepted, "answer": receipt.why},
        )
        (written,) = await machine.scribe.write([entry])
        if receipt.accepted:
            machine.keeper.change(lambda state: heed(state, command, now)[0])
            await machine.keeper.save(epoch)
        machine.wake.set()
        return replace(receipt, seq=written.seq, plan=self._follows(now))

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Tell ``listener`` of every entry and tick until the function that is answered is called."""
        return self.reconciler.machine.scribe.listen(listener)

    def _follows(self, now: datetime) -> Plan:
        machine = self.reconciler.machine
        return machine.decider.decide(machine.keeper.state, machine.actor.stuck(), now).plan

    def _store(self) -> StoreHealth:
        machine = self.reconciler.machine
        leadership = machine.leadership
        return StoreHealth(leadership.store_ok, leadership.problem, leadership.lost_at, machine.scribe.spooled)

    def _watch(self) -> WatchHealth:
        machine, chores = self.reconciler.machine, self.reconciler.chores
        exchange = chores.exchange
        heard = dict(exchange.heard) if exchange is not None else dict.fromkeys(machine.book.vantages)
        count, lag_s = self.targets()
        return WatchHealth(count, lag_s, chores.quiet(), heard)


def tell_ticks(reconciler: Reconciler, desk: EngineDesk) -> None:
    """Have listeners told of each tick: what is so after it, and how long it took."""
    scribe = reconciler.machine.scribe
    reconciler.on_tick = lambda: scribe.tell(Tick(desk.snapshot(), reconciler.took_s)) if scribe.heard else None
