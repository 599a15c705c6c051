"""The real clock."""

import asyncio
import time
from datetime import UTC, datetime


class RealClock:
    """See ``ports.clock.Clock``."""

    def now(self) -> datetime:
        """What the machine believes the time to be."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
