"""Taking the lead: what the journal left open and what the world says, before anything new is done."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from controlplane.engine.bookkeeping import recall_left
from controlplane.engine.bounds import of_driver, of_store
from controlplane.engine.codec import read_action
from controlplane.engine.execute import Executor
from controlplane.engine.hands import Sort, Target, target_of
from controlplane.engine.outcome import Ending
from controlplane.engine.state import EstateState
from controlplane.engine.steps import adopt, desired_of, same, settle
from controlplane.model.act import Desired, Holder, KnobSetting, Primary, Weights
from controlplane.model.errors import DriverError, LeewardError
from controlplane.model.estate import Estate
from controlplane.model.journal import Entry, EntryKind, Json
from controlplane.model.plan import Action
from controlplane.model.resources.degradation_policy import KnobScope
from controlplane.ports.store import Journal

_PAGE = 1000
_AT_ONCE = 16


@dataclass(slots=True)
class Recovery:
    """Reads, never acts: what is half done is decided anew by the next plan, from what is now known to be so."""

    executor: Executor
    journal: Journal

    async def open_intents(self, after: int) -> tuple[tuple[Entry, ...], int]:
        """Intents without an outcome beyond a place in the journal, and the place up to which it was read."""
        pending: dict[int, Entry] = {}
        while True:
            page = await of_store(self.journal.read(after=after, limit=_PAGE))
            for entry in page:
                if entry.kind is EntryKind.INTENT:
                    pending[entry.seq] = entry
                elif entry.kind is EntryKind.OUTCOME and isinstance(of := entry.facts.get("intent"), int):
                    pending.pop(of, None)
            if page:
                after = page[-1].seq
            if len(page) < _PAGE:
                return tuple(pending.values()), after

    async def close(self, intents: Iterable[Entry]) -> tuple[Entry, ...]:
        """Find out how each ended: done if the world says so, else it is left to be decided anew."""
        closed = []
        for entry in intents:
            action = read_action(entry)
            found = action is not None and await self._stands(action)
            if action is not None and found:
                self._recall(action, entry)
            facts: dict[str, Json] = {
                "intent": entry.seq,
                "ending": (Ending.DONE if found else Ending.ABORTED).value,
                "detail": "found so by whoever took the lead" if found else "not found so; it is decided anew",
                "recovered": True,
                "kind": entry.facts.get("kind"),
                "from": entry.facts.get("from"),
                "to": entry.facts.get("to"),
            }
            now, epoch = self.executor.trier.clock.now(), self.executor.gate.leadership.epoch
            outcome = replace(entry, kind=EntryKind.OUTCOME, at=now, epoch=epoch, facts=facts)
            closed.append(replace(outcome, seq=0, previous="", hash=""))
        return tuple(closed)

    async def read_back(self, estate: Estate) -> tuple[str, ...]:
        """Take from every driver what is so now into the state, and answer the spread services that their target has
        never heard of. What cannot be read stays as it was last known."""
        wanted = list(_everything(estate, self.executor.gate.keeper.state.primaries))
        free = asyncio.Semaphore(_AT_ONCE)
        found = await asyncio.gather(*(self._read(target, like, free) for target, like in wanted))
        unheard = []
        for (target, like), (reached, value) in zip(wanted, found, strict=True):
            if value is not None:
                self._adopt(target, value)
            elif reached and isinstance(like, Weights):
                unheard.append(target.name)
        return tuple(unheard)

    async def _stands(self, action: Action) -> bool:
        keeper, executor = self.executor.gate.keeper, self.executor
        try:
            desired = desired_of(action, keeper.state, executor.estate)
            _, found = await self._read(target_of(action, executor.estate), desired, asyncio.Semaphore(1))
        except (LeewardError, KeyError):
            return False
        if not same(desired, found):
            return False
        if not _noted(keeper.state, action.subject, desired):
            now, epoch = executor.trier.clock.now(), executor.gate.leadership.epoch
            keeper.change(lambda state: settle(state, action, desired, now, epoch))
        return True

    def _recall(self, action: Action, intent: Entry) -> None:
        self.executor.gate.keeper.change(lambda state: recall_left(state, action, intent.at))

    async def _read(self, target: Target, like: Desired, free: asyncio.Semaphore) -> tuple[bool, Desired | None]:
        async with free:
            try:
                driver = self.executor.hands.of(target).driver
                return True, await of_driver(driver.read(target.name, like), self.executor.limits.read_s)
            except DriverError:
                return False, None

    def _adopt(self, target: Target, found: Desired) -> None:
        self.executor.gate.keeper.change(lambda state: adopt(state, target.name, found))


def _everything(estate: Estate, primaries: Mapping[str, str]) -> Iterable[tuple[Target, Desired]]:
    for name in estate.spread:
        yield Target(Sort.SERVICE, name), Weights({})
    for name in estate.exclusive:
        yield Target(Sort.SERVICE, name), Holder(None)
    for name, knob in estate.knobs.items():
        for region in (None,) if knob.scope is KnobScope.ESTATE else tuple(estate.regions):
            yield Target(Sort.KNOB, name, region), KnobSetting(knob.default, region)
    for name, store in estate.datastores.items():
        yield Target(Sort.DATASTORE, name), Primary(primaries.get(name, store.spec.primary), 0.0)


def _noted(state: EstateState, name: str, desired: Desired) -> bool:
    """Whether the state had it already: the last leader saved it, and was killed before it could say so."""
    if not isinstance(desired, Weights) or name not in state.shares:
        return False
    return same(desired, Weights(state.shares[name], state.shed.get(name, {}), state.refused.get(name, {})))
