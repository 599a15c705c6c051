"""The loop: renew the lease, look, judge, and, if this replica leads, take a turn."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controlplane.engine.calm import NEVER, Calm
from controlplane.engine.chores import Chores
from controlplane.engine.deciding import Decision
from controlplane.engine.machine import Machine, assemble
from controlplane.engine.parts import Options, Ports
from controlplane.engine.succession import Succession
from controlplane.engine.turn import Turn, static_hold
from controlplane.model.desk import Mode
from controlplane.model.errors import StoreLost
from controlplane.model.estate import Estate

_STATE_EVERY_S = 2.0
_JUST_AFTER_S = 0.001


@dataclass(slots=True)
class Reconciler:
    """Level-triggered: each tick decides from what is so, whatever has happened before. A tick that finds nothing new
    leaves the last decision as it is. ``on_tick`` is called after each."""

    machine: Machine
    turn: Turn
    chores: Chores
    succession: Succession
    calm: Calm
    mode: Mode = Mode.STARTING
    took_s: float = 0.0
    ticked_at: datetime | None = None
    on_tick: Callable[[], None] | None = None
    _loaded_at: float = field(default=float("-inf"))
    _stopping: bool = False

    @classmethod
    def build(cls, estate: Estate, ports: Ports, options: Options) -> "Reconciler":
        """All of the engine over these ports."""
        machine = assemble(estate, ports, options)
        turn = Turn(machine)
        return cls(machine, turn, Chores(machine), Succession(machine, turn), Calm(machine, turn))

    @property
    def decision(self) -> Decision | None:
        """The last one, if this replica leads."""
        return self.turn.decision

    async def run(self) -> None:
        """Tick until ``stop``: every ``tick_s``, at once when something is believed that was not before, and when a
        dwell, a ramp or a freeze ends."""
        machine = self.machine
        self.chores.start()
        while not self._stopping:
            machine.watchdog.beat("tick", 5 * machine.options.tick_s + 10)
            await machine.supervisor.guarded("tick", self.tick())
            try:
                async with asyncio.timeout(self._pause_s()):
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
        started_s = machine.clock.monotonic()
        machine.wake.clear()
        await self.succession.keep()
        now = machine.clock.now()
        same = self.calm.same_evidence(now)
        if self.succession.epoch:
            self.mode = Mode.LEADING if machine.leadership.store_ok else Mode.HOLDING
            if not (same and self.calm.same_turn(now)):
                await self.turn.take(machine.decider.look(now), now)
        else:
            if not same:
                machine.decider.look(now)
            await self._watch()
        self.ticked_at = machine.clock.now()
        self.took_s = machine.clock.monotonic() - started_s
        self.chores.after_tick()
        if self.on_tick is not None:
            self.on_tick()

    def quiet_until(self) -> datetime | None:
        """Until when ticks would change nothing if all evidence stays as it is; None: not quiet now.

        For the simulator, which then need not run them. ``leap`` tells the engine that it did not.
        """
        if not self.calm.settled():
            return None
        if self.mode is Mode.FOLLOWING:
            return NEVER
        now = self.machine.clock.now()
        if self.mode is not Mode.LEADING or not self.calm.same_turn(now):
            return None
        until = self.calm.until(now)
        return NEVER if until is None else until - 2 * timedelta(seconds=self.machine.options.tick_s)

    def leap(self, by: timedelta) -> None:
        """Time went on by so much, with the same evidence all the while."""
        self.machine.book.leap(by)
        self.machine.decider.surveyor.demand.leap(by)

    def _pause_s(self) -> float:
        """Seconds to the next tick: to the instant at which time alone may change the decision, if that is sooner."""
        tick_s = self.machine.options.tick_s
        now = self.machine.clock.now()
        until = self.calm.until(now) if self.mode is Mode.LEADING else None
        if until is None or until <= now:
            return tick_s
        return min(tick_s, (until - now).total_seconds() + _JUST_AFTER_S)

    async def _watch(self) -> None:
        """Another leads, or nobody can: go on watching, and know what is in force."""
        machine = self.machine
        if not machine.leadership.store_ok:
            self.mode = Mode.HOLDING
            await machine.scribe.note(machine.notes.holds([static_hold(store_ok=False)]))
            return
        self.mode = Mode.FOLLOWING
        await machine.scribe.note(machine.notes.holds(()))
        if machine.clock.monotonic() - self._loaded_at >= _STATE_EVERY_S:
            self._loaded_at = machine.clock.monotonic()
            try:
                await machine.keeper.load()
            except StoreLost as error:
                machine.leadership.problem = str(error)

    async def _shut_down(self) -> None:
        machine = self.machine
        await machine.actor.finish(machine.options.grace_s)
        await self.succession.give_up()
        await machine.supervisor.stop(machine.options.grace_s)
