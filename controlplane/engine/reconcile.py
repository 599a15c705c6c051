"""The loop: renew the lease, look, judge, and, if this replica leads, take a turn."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from controlplane.engine.bookkeeping import empty
from controlplane.engine.breaker import Gate
from controlplane.engine.chores import Chores
from controlplane.engine.deciding import Decision
from controlplane.engine.machine import Machine, assemble
from controlplane.engine.parts import Options, Ports
from controlplane.engine.state import recall
from controlplane.engine.turn import Turn, static_hold
from controlplane.model.desk import ESTATE, Mode
from controlplane.model.errors import LeaseLost, StoreLost
from controlplane.model.estate import Estate
from controlplane.model.journal import EntryKind

_NEVER = datetime.max.replace(tzinfo=UTC)
_STATE_EVERY_S = 2.0


@dataclass(slots=True)
class Reconciler:
    """Level-triggered: each tick decides from what is so, whatever has happened before. ``on_tick`` is called
    after each."""

    machine: Machine
    turn: Turn
    chores: Chores
    mode: Mode = Mode.STARTING
    decision: Decision | None = None
    took_s: float = 0.0
    ticked_at: datetime | None = None
    on_tick: Callable[[], None] | None = None
    _epoch: int = 0
    _loaded_at: float = field(default=float("-inf"))
    _stopping: bool = False

    @classmethod
    def build(cls, estate: Estate, ports: Ports, options: Options) -> "Reconciler":
        """All of the engine over these ports."""
        machine = assemble(estate, ports, options)
        return cls(machine, Turn(machine), Chores(machine))

    async def run(self) -> None:
        """Tick until ``stop``: every ``tick_s``, and at once when something is believed that was not before."""
        machine = self.machine
        self.chores.start()
        while not self._stopping:
            machine.watchdog.beat("tick", 5 * machine.options.tick_s + 10)
            await machine.supervisor.guarded("tick", self.tick())
            try:
                async with asyncio.timeout(machine.options.tick_s):
                    await machine.wake.wait()
            except TimeoutError:
                continue
        await self._shut_down()

    def stop(self) -> None:
        """Ask ``run`` to end: acts in the air get their grace, then the lease is given up."""
        self._stopping = True
        self.machine.wake.set()

    async def tick(self) -> None:
        """One turn of the loop."""
        machine = self.machine
        started = machine.clock.monotonic()
        machine.wake.clear()
        await machine.leadership.keep()
        await self._catch_up()
        if machine.leadership.epoch != self._epoch:
            await self._change_lead(machine.leadership.epoch)
        now = machine.clock.now()
        verdicts = machine.decider.look(now)
        if self._epoch:
            self.mode = Mode.LEADING if machine.leadership.store_ok else Mode.HOLDING
            self.decision = await self.turn.take(verdicts, now)
        else:
            await self._watch()
        self.ticked_at = machine.clock.now()
        self.took_s = machine.clock.monotonic() - started
        self.chores.after_tick()
        if self.on_tick is not None:
            self.on_tick()

    def quiet_until(self) -> datetime | None:
        """Until when ticks would change nothing if all evidence stays as it is; None: not quiet now.

        For the simulator, which then need not run them. ``leap`` tells the engine that it did not.
        """
        machine = self.machine
        if self.mode is Mode.FOLLOWING:
            return _NEVER if self._calm() else None
        if self.mode is not Mode.LEADING or self.decision is None or not self._calm():
            return None
        if machine.keeper.dirty or machine.decider.decided_from is not machine.keeper.state:
            return None
        return self.decision.plan.wake_at or _NEVER

    def _calm(self) -> bool:
        """Whether nothing is under way, waits to be tried again, or is being counted."""
        machine = self.machine
        executor, now = machine.executor, machine.clock.now()
        if machine.actor.flights or machine.wake.is_set() or machine.scribe.spooled or machine.notes.outbox:
            return False
        if not machine.leadership.store_ok or executor.backoff.next_ready_s() is not None:
            return False
        if any(breaker.gate is not Gate.CLOSED for breaker in executor.breakers.values()):
            return False
        return machine.decider.surveyor.demand.settled and machine.book.settled(now)

    def leap(self, by: timedelta) -> None:
        """Time went on by so much, with the same evidence all the while."""
        self.machine.book.leap(by)
        self.machine.decider.surveyor.demand.leap(by)

    async def _catch_up(self) -> None:
        """Journal what was spooled while the store was away (R16)."""
        machine = self.machine
        machine.scribe.reachable = machine.leadership.store_ok
        if machine.scribe.reachable and machine.scribe.spooled:
            try:
                await machine.scribe.flush()
            except StoreLost as error:
                machine.leadership.problem = str(error)

    async def _change_lead(self, epoch: int) -> None:
        machine = self.machine
        if self._epoch:
            entry = machine.records.fact(EntryKind.LEADER, ESTATE, "gives up the lead", was_epoch=self._epoch)
            self._epoch = 0
            machine.notes.forget()
            await machine.scribe.note([entry])
        if not epoch:
            return
        try:
            await self._take_lead(epoch)
        except LeaseLost:
            machine.leadership.drop()
        except StoreLost as error:
            machine.leadership.problem = str(error)

    async def _take_lead(self, epoch: int) -> None:
        """Read the journal and the world before anything new is done."""
        machine = self.machine
        state = await machine.keeper.load()
        decider = machine.decider
        decider.verdicts = recall(state, decider.verdicts, trusting=decider.trusting)
        decider.forget()
        await machine.scribe.write([machine.records.fact(EntryKind.LEADER, ESTATE, "takes the lead")])
        intents, place = await machine.recovery.open_intents(state.settled)
        closed = await machine.recovery.close(intents)
        self.turn.unheard = set(await machine.recovery.read_back(machine.estate))
        machine.actor.highest_intent = max(machine.actor.highest_intent, place)
        if closed:
            await machine.scribe.write(closed)
        state = machine.keeper.change(lambda known: replace(known, epoch=epoch, address=machine.options.address))
        await machine.keeper.save(epoch)
        self.turn.complete = {drain for drain in state.drains if empty(state, drain.region)}
        self._epoch = epoch

    async def _watch(self) -> None:
        """Another leads, or nobody can: go on watching, and know what is in force."""
        machine = self.machine
        self.decision = None
        if machine.leadership.store_ok:
            self.mode = Mode.FOLLOWING
            await machine.scribe.note(machine.notes.holds(()))
            if machine.clock.monotonic() - self._loaded_at >= _STATE_EVERY_S:
                try:
                    await machine.keeper.load()
                except StoreLost as error:
                    machine.leadership.problem = str(error)
                self._loaded_at = machine.clock.monotonic()
        else:
            self.mode = Mode.HOLDING
            await machine.scribe.note(machine.notes.holds([static_hold(store_ok=False)]))

    async def _shut_down(self) -> None:
        machine = self.machine
        await machine.actor.finish(machine.options.grace_s)
        if machine.leadership.epoch:
            await machine.supervisor.guarded("last save", machine.keeper.save(machine.leadership.epoch))
            entry = machine.records.fact(EntryKind.LEADER, ESTATE, "stops, and gives up the lead")
            await machine.scribe.note([entry])
        await machine.leadership.release()
        await machine.supervisor.stop(machine.options.grace_s)
