"""Holders whose lease lapses by itself are told again in time, for as long as this replica surely leads."""

from dataclasses import dataclass, field
from datetime import timedelta

from controlplane.engine.acting import Actor
from controlplane.engine.bounds import of_driver
from controlplane.engine.hands import Sort, Target
from controlplane.model.act import Act, Holder
from controlplane.model.errors import DriverError

_PATIENCE_S = 1.5


@dataclass(slots=True)
class Keepalive:
    """No act: it changes nothing and moves nothing, it only keeps true what is. It goes on when a person has paused
    the daemon, and stops with the lease: another may be fencing the holder by then."""

    actor: Actor
    _told_at: dict[str, float] = field(default_factory=dict)
    _told: int = 0

    async def round(self) -> float:
        """Renew what is due; answers the seconds until something is due again."""
        executor = self.actor.executor
        state, clock = executor.gate.keeper.state, executor.trier.clock
        rest_s = 5.0
        for service in executor.estate.exclusive:
            region = state.holders.get(service)
            target = Target(Sort.SERVICE, service)
            keep_s = self._keep_s(target)
            if keep_s is None:
                continue
            rest_s = min(rest_s, keep_s / 2)
            due = clock.monotonic() - self._told_at.get(service, float("-inf")) >= keep_s
            free = target not in self.actor.flights and target not in self.actor.busy
            if region is not None and due and free and (service, region) not in state.fenced:
                await self._renew(target, region)
        return rest_s

    def _keep_s(self, target: Target) -> float | None:
        try:
            return self.actor.executor.hands.of(target).keep_s
        except DriverError:
            return None

    async def _renew(self, target: Target, region: str) -> None:
        executor = self.actor.executor
        epoch, clock = executor.gate.leadership.epoch, executor.trier.clock
        if not epoch:
            return
        ends = clock.now() + timedelta(seconds=_PATIENCE_S)
        self._told += 1
        act = Act(f"{epoch}.keep{self._told}-{target.name}", target.name, Holder(region), epoch, ends)
        self.actor.busy.add(target)
        try:
            await of_driver(executor.hands.of(target).driver.apply(act), _PATIENCE_S)
        except DriverError:
            return
        finally:
            self.actor.busy.discard(target)
        self._told_at[target.name] = clock.monotonic()
