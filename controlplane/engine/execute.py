"""From permit to outcome: intent, effect, proof, record. The only caller of a driver's apply."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from controlplane.engine.attempt import Limits, Trier
from controlplane.engine.breaker import Backoff, Breaker
from controlplane.engine.effect import Effect
from controlplane.engine.gate import Gate
from controlplane.engine.hands import Hand, Hands, target_of
from controlplane.engine.keeper import Keeper
from controlplane.engine.outcome import Ending, Flight, Outcome, Stop
from controlplane.engine.records import Records
from controlplane.engine.scribe import Scribe
from controlplane.engine.steps import adopt, may_undo, settle
from controlplane.model.desk import Phase
from controlplane.model.errors import Broken, Conflict, DriverError, LeaseLost, Refused, StoreLost
from controlplane.model.estate import Estate
from controlplane.model.journal import Entry
from controlplane.model.permit import Permit
from controlplane.model.plan import ActionKind


@dataclass(slots=True)
class Executor:
    """Executes permits, and nothing else. ``on_end`` is called after each outcome.

    A permit is good for an effect only while its own time and the lease both last, and both are looked at right
    before each effect. Confirming is reading and needs neither.
    """

    estate: Estate
    hands: Hands
    trier: Trier
    scribe: Scribe
    gate: Gate
    records: Records
    backoff: Backoff
    on_end: Callable[[Flight, Outcome], None] | None = None
    breakers: dict[str, Breaker] = field(default_factory=dict)
    announced: int = 0

    @property
    def limits(self) -> Limits:
        """How long things may take."""
        return self.trier.limits

    def admits(self, permit: Permit) -> bool:
        """Whether neither the subject nor its driver rests from failures."""
        target = target_of(permit.action, self.estate)
        try:
            return self.backoff.ready(str(target)) and self.breaker(self.hands.of(target)).admits()
        except Broken:
            return False

    def breaker(self, hand: Hand) -> Breaker:
        """The breaker of a driver."""
        if hand.name not in self.breakers:
            self.breakers[hand.name] = Breaker(self.trier.clock)
        return self.breakers[hand.name]

    async def announce(self, permits: Sequence[Permit], facts: Sequence[Entry] = ()) -> tuple[Flight, ...]:
        """Journal the intents of some permits together, ``facts`` before them in the same writing. StoreLost or
        LeaseLost: none of the permits may be executed; the facts are kept in any case."""
        entered = [permit for permit in permits if self.admits(permit) and self._hand(permit)[1].enter()]
        if not entered or self.scribe.spooled or not self.scribe.reachable:
            await self.scribe.note(facts)
            facts = ()
        if not entered:
            return ()
        now, since_s = self.trier.clock.now(), self.trier.clock.monotonic()
        keys = [self._once_key(permit) for permit in entered]
        try:
            for permit in entered:
                self.gate.check(permit)
            intents = [self.records.intent(permit, key) for permit, key in zip(entered, keys, strict=True)]
            written = (await self.scribe.write([*facts, *intents]))[len(facts) :]
        except (StoreLost, LeaseLost):
            for permit in entered:
                self._hand(permit)[1].left()
            await self.scribe.note(facts)
            raise
        flights = []
        for permit, key, entry in zip(entered, keys, written, strict=True):
            lasts_s = self._lasts_s(permit)
            target, ends = target_of(permit.action, self.estate), now + timedelta(seconds=lasts_s)
            flights.append(Flight(permit, target, key, entry.seq, now, ends, since_s + lasts_s))
        return tuple(flights)

    async def run(self, flight: Flight) -> Outcome:
        """Carry one announced act through to its noted outcome. An act that was told to stop ends as any other; only
        when the whole task is cancelled from outside does the CancelledError go on."""
        since_s = self.trier.clock.monotonic()
        hand, breaker = self._hand(flight.permit)
        effect = Effect(flight, hand, self.trier, self.gate)
        cancelled = False
        try:
            outcome = await effect.make(self.gate.keeper.state, self.estate)
            breaker.succeeded()
        except (Refused, Conflict) as error:
            breaker.left()
            outcome = await self._fail(effect, f"{type(error).__name__.lower()}: {error}")
        except DriverError as error:
            breaker.failed()
            outcome = await self._fail(effect, str(error) or type(error).__name__)
        except LeaseLost as error:
            breaker.left()
            outcome = Outcome(Ending.ABORTED, str(error))
        except asyncio.CancelledError:
            breaker.left()
            cancelled = flight.stop is None
            outcome = await self._stopped(effect)
        took_s = round(self.trier.clock.monotonic() - since_s, 3)
        outcome = replace(outcome, took_s=took_s)
        await self._conclude(effect, outcome)
        if cancelled:
            raise asyncio.CancelledError
        return outcome

    async def _fail(self, effect: Effect, why: str) -> Outcome:
        """An act failed: put it back if that is safe, else find out how far it came."""
        flight = effect.flight
        if effect.begun and may_undo(flight.action) and await self._undo(effect):
            return Outcome(Ending.UNDONE, why, flight.stragglers)
        await _take_over(effect, self.gate.keeper)
        return Outcome(Ending.FAILED, why, flight.stragglers)

    async def _stopped(self, effect: Effect) -> Outcome:
        flight = effect.flight
        why = flight.stop or Stop.SHUTDOWN
        if why is Stop.SUPERSEDED:
            await _take_over(effect, self.gate.keeper)
            return Outcome(Ending.SUPERSEDED, why.value, flight.stragglers)
        if why is Stop.SHUTDOWN and effect.begun and may_undo(flight.action) and await self._undo(effect):
            return Outcome(Ending.UNDONE, why.value, flight.stragglers)
        return Outcome(Ending.ABORTED, why.value, flight.stragglers)

    async def _undo(self, effect: Effect) -> bool:
        """Undoing is an act too: it is journalled first, or does not happen."""
        try:
            await self.scribe.write([self.records.undo(effect.flight)])
        except (StoreLost, LeaseLost):
            return False
        return await effect.undo()

    async def _conclude(self, effect: Effect, outcome: Outcome) -> None:
        flight, act = effect.flight, effect.act
        if outcome.ending.stands and act is not None:
            epoch, now = flight.permit.epoch, self.trier.clock.now()
            self.gate.keeper.change(lambda state: settle(state, flight.action, act.desired, now, epoch))
        if outcome.ending.stands:
            self.backoff.succeeded(str(flight.target))
        elif outcome.ending in {Ending.FAILED, Ending.UNDONE}:
            self.backoff.failed(str(flight.target))
        try:
            await self.gate.keeper.save(flight.permit.epoch)
        except LeaseLost:
            self.gate.leadership.drop()
        except StoreLost as error:
            self.gate.leadership.problem = str(error)
        await self.scribe.note([self.records.outcome(flight, outcome)])
        if self.on_end is not None:
            self.on_end(flight, outcome)

    def _once_key(self, permit: Permit) -> str:
        """Epochs are never given twice, so neither is this, whichever replica counts."""
        self.announced += 1
        return f"{permit.epoch}.{self.announced}-{permit.action.id}"

    def _hand(self, permit: Permit) -> tuple[Hand, Breaker]:
        hand = self.hands.of(target_of(permit.action, self.estate))
        return hand, self.breaker(hand)

    def _lasts_s(self, permit: Permit) -> float:
        action = permit.action
        lasts_s = self.limits.deadline_s[action.kind]
        if action.kind is ActionKind.SCALE and (scale := self.estate.regions[action.subject].spec.scale) is not None:
            return max(lasts_s, 2 * scale.ready.total_seconds())
        return lasts_s


async def _take_over(effect: Effect, keeper: Keeper) -> None:
    """Take what has become of an act that did not end well for what is so: what its target has accepted will come
    about, and of the rest the target knows."""
    act, flight = effect.act, effect.flight
    if act is None or not effect.begun:
        return
    accepted = flight.phase is Phase.CONFIRMING and flight.stop is Stop.SUPERSEDED
    found = act.desired if accepted else await effect.read(act.desired)
    if found is not None:
        keeper.change(lambda state: adopt(state, flight.action.subject, found))
