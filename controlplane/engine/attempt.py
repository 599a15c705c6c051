"""One verb of one driver, tried until it works, is refused, or time is up."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from controlplane.engine.bounds import of_driver
from controlplane.model.act import Act, Confirmation
from controlplane.model.errors import Broken, Retry
from controlplane.model.plan import ActionKind
from controlplane.ports.clock import Clock
from controlplane.ports.driver import Driver


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take, in seconds. ``deadline_s``: from intent to confirmation, by kind of action."""

    read_s: float = 2.0
    attempt_s: float = 5.0
    undo_s: float = 8.0
    first_wait_s: float = 0.05
    longest_wait_s: float = 2.0
    first_poll_s: float = 0.02
    longest_poll_s: float = 1.0
    deadline_s: dict[ActionKind, float] = field(
        default_factory=lambda: {
            ActionKind.SHIFT: 20.0,
            ActionKind.DEGRADE: 10.0,
            ActionKind.RESTORE: 10.0,
            ActionKind.SCALE: 900.0,
            ActionKind.FENCE: 30.0,
            ActionKind.ACTIVATE: 20.0,
            ActionKind.PROMOTE: 60.0,
        }
    )


@dataclass(frozen=True, slots=True)
class Trier:
    """Knows how to wait: virtual time in the simulator, and chance from the seed."""

    clock: Clock
    rng: Random
    limits: Limits

    async def effect(
        self, verb: Callable[[], Awaitable[None]], until: float, *, before_each: Callable[[int], None]
    ) -> None:
        """Try an effect until it works. Only what is transient is tried again, with full jitter; ``before_each`` is
        told the number of the try and may forbid it by raising.

        Raises the last DriverError, or what ``before_each`` raised.
        """
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(Retry),
            wait=self._jitter,
            stop=lambda _: self.clock.monotonic() >= until,
            sleep=self.clock.sleep,
            reraise=True,
        )
        async for attempt in retrying:
            with attempt:
                before_each(attempt.retry_state.attempt_number)
                await of_driver(verb(), min(self.limits.attempt_s, until - self.clock.monotonic()))

    async def confirm(
        self, driver: Driver, act: Act, until: float, seen: Callable[[Confirmation], None]
    ) -> Confirmation:
        """Read back until it is done. Retry when time is up first; Refused and Conflict at once."""
        wait_s, problem = self.limits.first_poll_s, "it was never seen done"
        while (left_s := until - self.clock.monotonic()) > 0:
            try:
                found = await of_driver(driver.confirm(act), min(self.limits.attempt_s, left_s))
            except (Retry, Broken) as error:
                problem = str(error)
            else:
                seen(found)
                if found.done:
                    return found
                problem = found.detail or problem
            await self.clock.sleep(min(wait_s, max(0.0, until - self.clock.monotonic())))
            wait_s = min(self.limits.longest_poll_s, wait_s * 1.5)
        raise Retry(f"not confirmed in time: {problem}")

    def _jitter(self, state: RetryCallState) -> float:
        cap = min(self.limits.longest_wait_s, self.limits.first_wait_s * 2.0**state.attempt_number)
        return self.rng.uniform(0, cap)
