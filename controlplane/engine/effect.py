"""The effect of one act on one driver: read, make true, see that it is, put back."""

from dataclasses import dataclass
from datetime import timedelta

from controlplane.engine.attempt import Trier
from controlplane.engine.bounds import of_driver
from controlplane.engine.gate import Gate
from controlplane.engine.hands import Hand
from controlplane.engine.outcome import Ending, Flight, Outcome
from controlplane.engine.state import EstateState
from controlplane.engine.steps import adopt, before, desired_of, known, same, wants_reading
from controlplane.model.act import Act, Confirmation, Desired
from controlplane.model.desk import Phase
from controlplane.model.errors import DriverError, LeaseLost, Retry
from controlplane.model.estate import Estate
from controlplane.model.plan import ActionKind

_FENCE_TRIES_S = 2.0


@dataclass(slots=True)
class Effect:
    """``begun``: whether anything may have been changed. ``act`` is known once what was so before has been read."""

    flight: Flight
    hand: Hand
    trier: Trier
    gate: Gate
    act: Act | None = None
    begun: bool = False

    async def make(self, state: EstateState, estate: Estate) -> Outcome:
        """Make it true and see that it is. Raises DriverError, or LeaseLost right before an effect that may not be."""
        flight, action = self.flight, self.flight.action
        found = known(action, state)
        if found is None and wants_reading(action):
            found = await self.read(desired_of(action, state, estate))
        if found is not None and action.kind is ActionKind.SHIFT and action.subject not in state.shares:
            state = adopt(state, action.subject, found)
        desired = desired_of(action, state, estate)
        previous = before(action, found)
        self.act = Act(flight.once_key, action.subject, desired, flight.permit.epoch, flight.deadline, previous)
        if found is not None and same(desired, found):
            return Outcome(Ending.NO_EFFECT, "it was so already")
        problem = await self._apply(self.act)
        flight.phase = Phase.CONFIRMING
        try:
            seen = await self.trier.confirm(self.hand.driver, self.act, flight.deadline_s, self._seen)
        except Retry as error:
            raise problem or error from error
        ending = Ending.DONE if seen.effect else Ending.NO_EFFECT
        return Outcome(ending, seen.detail, seen.stragglers)

    async def read(self, like: Desired) -> Desired | None:
        """What is so now; None if the target has never heard of it, or cannot be read."""
        try:
            return await of_driver(self.hand.driver.read(self.flight.action.subject, like), self.trier.limits.read_s)
        except DriverError:
            return None

    async def undo(self) -> bool:
        """Put back what was before, and answer whether that was seen."""
        act = self.act
        if act is None or act.previous is None:
            return False
        self.flight.phase = Phase.UNDOING
        until_s = self.trier.clock.monotonic() + self.trier.limits.undo_s
        ends = self.trier.clock.now() + timedelta(seconds=self.trier.limits.undo_s)
        back = Act(act.once_key, act.subject, act.desired, act.epoch, ends, act.previous)
        try:
            await self.trier.effect(lambda: self.hand.driver.undo(back), until_s, before_each=self._lead)
        except (DriverError, LeaseLost):
            return False
        return same(act.previous, await self.read(act.previous))

    async def _apply(self, act: Act) -> Retry | None:
        """An old holder that does not answer cannot be told to stop, but its lease may be seen to run out: only the
        confirmation says whether it is fenced."""
        self.flight.phase = Phase.APPLYING
        fence = self.flight.action.kind is ActionKind.FENCE
        until_s = self.flight.deadline_s
        if fence:
            until_s = min(until_s, self.trier.clock.monotonic() + _FENCE_TRIES_S)
        try:
            await self.trier.effect(lambda: self.hand.driver.apply(act), until_s, before_each=self._permit)
        except Retry as error:
            if not fence:
                raise
            return error
        return None

    def _permit(self, attempt: int) -> None:
        self.gate.check(self.flight.permit)
        self.flight.attempts, self.begun = attempt, True

    def _lead(self, _: int) -> None:
        self.gate.check_lead(self.flight.permit.epoch)

    def _seen(self, found: Confirmation) -> None:
        self.flight.stragglers = found.stragglers
