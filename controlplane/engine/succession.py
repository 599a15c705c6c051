"""Taking the lead and giving it up."""

from dataclasses import dataclass, replace
from datetime import datetime

from controlplane.engine.bookkeeping import empty
from controlplane.engine.leadership import Leadership
from controlplane.engine.machine import Machine
from controlplane.engine.state import recall
from controlplane.engine.turn import Turn
from controlplane.model.desk import ESTATE
from controlplane.model.errors import LeaseLost, StoreLost
from controlplane.model.journal import EntryKind


@dataclass(slots=True)
class Succession:
    """``epoch``: the one under which this replica has taken up the lead; 0 while it has not."""

    machine: Machine
    turn: Turn
    epoch: int = 0

    async def keep(self) -> None:
        """Renew the lease or try to get it, and journal what was spooled while the store was away (R16)."""
        machine = self.machine
        await machine.leadership.keep()
        machine.scribe.reachable = machine.leadership.store_ok
        if machine.scribe.reachable and machine.scribe.spooled:
            try:
                await machine.scribe.flush()
            except StoreLost as error:
                machine.leadership.problem = str(error)
        if machine.leadership.epoch != self.epoch:
            await self._change(machine.leadership.epoch)

    async def give_up(self) -> None:
        """Save what is not saved yet, say so, and let another have the lease at once."""
        machine = self.machine
        if machine.leadership.epoch:
            await machine.supervisor.guarded("last save", machine.keeper.save(machine.leadership.epoch))
            entry = machine.records.fact(EntryKind.LEADER, ESTATE, "stops, and gives up the lead")
            await machine.scribe.note([entry])
        await machine.leadership.release()

    async def _change(self, epoch: int) -> None:
        machine = self.machine
        if self.epoch:
            entry = machine.records.fact(EntryKind.LEADER, ESTATE, "gives up the lead", was_epoch=self.epoch)
            self.epoch, self.turn.decision = 0, None
            machine.notes.forget()
            await machine.scribe.note([entry])
        if not epoch:
            return
        try:
            await self._take(epoch)
        except LeaseLost:
            machine.leadership.drop()
        except StoreLost as error:
            machine.leadership.problem = str(error)

    async def _take(self, epoch: int) -> None:
        """Read the journal and the world before anything new is done."""
        machine = self.machine
        state = await machine.keeper.load()
        decider = machine.decider
        unwatched_until = _unwatched_until(machine.leadership)
        decider.verdicts = recall(state, decider.verdicts, trusting=decider.trusting, unwatched_until=unwatched_until)
        decider.forget()
        await machine.scribe.write([machine.records.fact(EntryKind.LEADER, ESTATE, "takes the lead")])
        intents, place = await machine.recovery.open_intents(state.settled)
        closed = await machine.recovery.close(intents)
        self.turn.unheard = set(await machine.recovery.read_back(machine.estate))
        machine.actor.highest_intent = max(machine.actor.highest_intent, place)
        if closed:
            await machine.scribe.write(closed)
        address = machine.options.address
        state = machine.keeper.change(lambda known: replace(known, epoch=epoch, address=address))
        await machine.keeper.save(epoch)
        self.turn.complete = {drain for drain in state.drains if empty(state, drain.region)}
        self.epoch = epoch


def _unwatched_until(leadership: Leadership) -> datetime | None:
    """When this process began to look, if the last leader may have stopped before; else None. A lease that ends at some
    time was renewed a whole life of it before at the latest."""
    led_until = leadership.led_until
    unwatched = led_until is not None and leadership.began_at > led_until - leadership.ttl
    return leadership.began_at if unwatched else None
