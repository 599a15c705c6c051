"""A timing wheel: items by the tick in which they are due.

Thousands of timers cost one wake-up a tick, and what is not due is not looked at.
"""

import heapq
import math
from typing import Generic, TypeVar

Item = TypeVar("Item")

_SLACK = 1e-6


class Wheel(Generic[Item]):
    """Times are the caller's monotonic seconds; an item is due at the first tick that is not before its time."""

    __slots__ = ("_buckets", "_order", "tick_s")

    def __init__(self, tick_s: float) -> None:
        self.tick_s = tick_s
        self._buckets: dict[int, list[Item]] = {}
        self._order: list[int] = []

    def put(self, when: float, item: Item) -> None:
        """Keep ``item`` until the tick of ``when``."""
        tick = math.ceil(when / self.tick_s - _SLACK)
        bucket = self._buckets.get(tick)
        if bucket is None:
            self._buckets[tick] = [item]
            heapq.heappush(self._order, tick)
        else:
            bucket.append(item)

    def take(self, now: float) -> list[Item]:
        """Remove and return what is due, earliest tick first."""
        reached = math.floor(now / self.tick_s + _SLACK)
        due: list[Item] = []
        while self._order and self._order[0] <= reached:
            due += self._buckets.pop(heapq.heappop(self._order))
        return due

    @property
    def next_at(self) -> float | None:
        """When something is due next; None when nothing is kept."""
        return self._order[0] * self.tick_s if self._order else None

    def clear(self) -> None:
        """Forget everything."""
        self._buckets.clear()
        self._order.clear()
