"""Real time behind the Clock port, and waiting for what must come."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime


class WallClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def until(holds: Callable[[], object], what: str, *, within_s: float = 10.0) -> None:
    """Wait until it holds, or fail saying what did not come."""
    try:
        async with asyncio.timeout(within_s):
            while not holds():  # noqa: ASYNC110  what is waited for is outside this process
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"did not come within {within_s} s: {what}") from None
