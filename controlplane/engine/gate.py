"""Whether an effect may happen at this very instant."""

from dataclasses import dataclass

from controlplane.engine.keeper import Keeper
from controlplane.engine.leadership import Leadership
from controlplane.model.errors import LeaseLost
from controlplane.model.permit import Permit
from controlplane.model.plan import Cause
from controlplane.ports.clock import Clock


@dataclass(frozen=True, slots=True)
class Gate:
    """Asked right before each effect: the permit's own time, the lease, the store (R16) and a person's pause."""

    leadership: Leadership
    keeper: Keeper
    clock: Clock

    def check(self, permit: Permit) -> None:
        """LeaseLost, with the reason as its text, unless the permit is good for an effect now."""
        self.check_lead(permit.epoch)
        if self.clock.now() >= permit.expires_at:
            raise LeaseLost(f"the permit ran out at {permit.expires_at.isoformat()}")
        if self.keeper.state.paused is not None and permit.action.cause is not Cause.PERSON:
            raise LeaseLost("a person paused the daemon")

    def check_lead(self, epoch: int) -> None:
        """LeaseLost unless this epoch leads and has a store to answer to."""
        if not self.leadership.holds(epoch):
            raise LeaseLost(f"epoch {epoch} does not lead, or its store is lost")
