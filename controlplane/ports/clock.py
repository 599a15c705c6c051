"""Time, as the engine sees it. The simulator's clock is virtual."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """``now`` is UTC and aware; ``monotonic`` in seconds never goes back; ``sleep`` waits at least that long."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...
