"""A leader that does not tick by itself, to execute single permits."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from controlplane.engine.attempt import Limits
from controlplane.engine.outcome import Flight, Outcome
from controlplane.engine.reconcile import Reconciler
from controlplane.model.act import Holder, Primary, Weights
from controlplane.model.permit import Permit
from controlplane.model.plan import Action, ActionKind, Cause
from controlplane.model.rules import Rule, reason
from tests.unit.engine.estates import small_estate
from tests.unit.engine.ports import Stage

WHY = (reason(Rule.RAMP, "dead-region", region="dublin"),)
HOME = Weights({"DE": {"dublin": 1.0}, "IE": {"dublin": 1.0}})
AWAY = {"DE": {"frankfurt": 1.0}, "IE": {"frankfurt": 1.0}}


def shift(cause: Cause = Cause.FAILOVER, **fields: Any) -> Action:
    fields.setdefault("shares", AWAY)
    return Action("shift-checkout", ActionKind.SHIFT, "checkout", "dublin", "frankfurt", WHY, cause=cause, **fields)


def degrade() -> Action:
    return Action(
        "degrade-recommendations",
        ActionKind.DEGRADE,
        "recommendations",
        "full",
        "off",
        WHY,
        cause=Cause.CAPACITY,
        value="off",
    )


def fence() -> Action:
    return Action("fence-settlement", ActionKind.FENCE, "settlement", "dublin", None, WHY, region="dublin")


def activate() -> Action:
    return Action("activate-settlement", ActionKind.ACTIVATE, "settlement", "dublin", "frankfurt", WHY)


def promote() -> Action:
    return Action("promote-orders-db", ActionKind.PROMOTE, "orders-db", "dublin", "frankfurt", WHY)


class Bench(Stage):
    """A stage with a leader that does not tick by itself, and a target where everything is in dublin."""

    def __init__(self) -> None:
        super().__init__(small_estate())
        self.world.put("checkout", HOME)
        self.world.put("search", HOME)
        self.world.put("settlement", Holder("dublin"))
        self.world.put("orders-db", Primary("dublin", 0.0))
        self.failures: dict[str, list[Callable[[], Coroutine[Any, Any, None]]]] = {}
        self.driver.tap = self._tap

    async def lead(self) -> Reconciler:
        daemon = self.daemon(limits=Limits(deadline_s=dict.fromkeys(ActionKind, 20.0)))
        await daemon.machine.leadership.keep()
        await daemon.tick()
        return daemon

    def fail(self, verb: str, *errors: Exception | None, hang_s: float = 0.0) -> None:
        """The next calls of a verb fail one after the other; None lets one through; the last goes on for ever."""

        def call(error: Exception | None) -> Callable[[], Coroutine[Any, Any, None]]:
            async def once() -> None:
                if hang_s:
                    await asyncio.sleep(hang_s)
                if error is not None:
                    raise error

            return once

        self.failures[verb] = [call(error) for error in errors]

    async def _tap(self, verb: str, subject: str) -> None:
        queue = self.failures.get(verb)
        if queue:
            await (queue.pop(0) if len(queue) > 1 else queue[0])()

    def permit(self, daemon: Reconciler, action: Action, seconds: float = 8.0) -> Permit:
        return Permit(action, daemon.machine.leadership.epoch, self.clock.now() + timedelta(seconds=seconds))

    async def act(self, daemon: Reconciler, action: Action, seconds: float = 8.0) -> Outcome:
        flight, task = await self.begin(daemon, action, seconds)
        assert flight.task is task
        return await task

    async def begin(
        self, daemon: Reconciler, action: Action, seconds: float = 8.0
    ) -> tuple[Flight, "asyncio.Task[Outcome]"]:
        executor = daemon.machine.executor
        (flight,) = await executor.announce([self.permit(daemon, action, seconds)])
        flight.task = asyncio.get_running_loop().create_task(executor.run(flight))
        return flight, flight.task

    async def renew(self, daemon: Reconciler) -> None:
        """Keep the lease while an act goes on."""
        while True:
            await daemon.machine.leadership.keep()
            await asyncio.sleep(1)


def staged(test: Callable[[Bench], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run a test in virtual time on a bench of its own."""

    def run() -> None:
        bench = Bench()
        bench.run(test(bench))

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run
