"""Everything is in dublin, and daemons run."""

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from controlplane.engine.reconcile import Reconciler
from controlplane.model.act import Holder, Primary, Weights
from controlplane.model.desk import (
    AddOverride,
)
from controlplane.model.estate import Estate
from controlplane.model.journal import EntryKind
from controlplane.model.world import Override, OverrideState
from tests.unit.engine.estates import small_estate
from tests.unit.engine.ports import Stage, shares

HOME = Weights({"DE": {"dublin": 1.0}, "IE": {"dublin": 1.0}})


class Scene(Stage):
    """Everything is in dublin, and one daemon runs."""

    def __init__(self, estate: Estate | None = None) -> None:
        super().__init__(estate or small_estate())
        for service in ("checkout", "search"):
            self.world.put(service, HOME)
        self.world.put("settlement", Holder("dublin"))
        self.world.put("orders-db", Primary("dublin", 0.0))

    async def settled(self, replica: str = "one", **options: Any) -> Reconciler:
        daemon = self.daemon(replica, **options)
        self.start(daemon)
        await self.live(3)
        return daemon

    def in_dublin(self) -> float:
        return shares(self.world, "checkout", "dublin") + shares(self.world, "search", "dublin")

    async def rules_held(self) -> set[str]:
        return {rule for entry in await self.journal(EntryKind.HOLD) for rule in entry.rules}


def scene(estate: Estate | None = None) -> Callable[[Callable[[Scene], Coroutine[Any, Any, None]]], Callable[[], None]]:
    """Play a test in virtual time on a scene of its own."""

    def stage(test: Callable[[Scene], Coroutine[Any, Any, None]]) -> Callable[[], None]:
        def run() -> None:
            whole = Scene(estate)
            whole.run(test(whole))

        run.__name__, run.__doc__ = test.__name__, test.__doc__
        return run

    return stage


def drained(region: str = "dublin", by: str = "ana", hours: float = 2) -> Callable[[Scene], AddOverride]:
    return lambda s: AddOverride(
        Override(region, OverrideState.DRAINED, by, "maintenance", s.clock.now() + timedelta(hours=hours))
    )
