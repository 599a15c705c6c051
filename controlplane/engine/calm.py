"""When a turn of the loop would change nothing, and until when it will not."""

from dataclasses import dataclass
from datetime import UTC, datetime

from controlplane.engine.breaker import Gate
from controlplane.engine.machine import Machine
from controlplane.engine.state import next_expiry
from controlplane.engine.turn import FIRST_LOOKS_S, Turn
from controlplane.engine.worlds import PROMOTION_SEEN

NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Calm:
    """The same evidence, the same state, and no instant passed that makes a difference by itself: then the last turn
    still says everything. Cheap to ask, for it is asked at every tick."""

    machine: Machine
    turn: Turn

    def same_evidence(self, now: datetime) -> bool:
        """Whether everything that is believed was judged already, and is as fresh or stale as it was then."""
        machine = self.machine
        stale = machine.book.stale_ones(now)
        return not stale and machine.book.revision == machine.decider.looked_at and machine.leadership.store_ok

    def same_turn(self, now: datetime) -> bool:
        """Whether one who leads would decide and start what it did the last time."""
        machine, turn = self.machine, self.turn
        if turn.decision is None or turn.decided_from is not machine.keeper.state or machine.keeper.dirty:
            return False
        if (
            machine.actor.flights
            or turn.unstarted
            or not self._at_rest()
            or machine.clock.monotonic() - machine.began_s < FIRST_LOOKS_S
        ):
            return False
        until = self.until(now)
        return until is None or now < until

    def settled(self) -> bool:
        """Whether besides nothing is under way, and no change of belief is being counted."""
        machine = self.machine
        if machine.actor.flights or machine.wake.is_set() or machine.scribe.spooled or machine.notes.outbox:
            return False
        now = machine.clock.now()
        return self._at_rest() and machine.book.settled(now) and self.same_evidence(now)

    def until(self, now: datetime) -> datetime | None:
        """When time alone could change the decision, or what people said runs out."""
        state, decision = self.machine.keeper.state, self.turn.decision
        promoted = [at + PROMOTION_SEEN for at in state.primary_since.values() if at + PROMOTION_SEEN > now]
        ends = [decision.plan.wake_at if decision is not None else None, next_expiry(state), *promoted]
        return min((end for end in ends if end is not None), default=None)

    def _at_rest(self) -> bool:
        """Whether no driver or subject rests from failures, and every average has arrived."""
        executor = self.machine.executor
        if executor.backoff.next_ready_s() is not None:
            return False
        if any(breaker.gate is not Gate.CLOSED for breaker in executor.breakers.values()):
            return False
        return self.machine.decider.surveyor.demand.settled
