"""An event loop whose time is virtual: where another would wait, it moves its clock to the next timer."""

import asyncio
import heapq
from asyncio import events
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

MICROSECONDS = 1_000_000
TURNS_AT_ONE_INSTANT = 5_000


class Stuck(RuntimeError):
    """Nothing is left that could ever wake the loop, or it spins without time going on."""


class _Timer(events.TimerHandle):
    """Timers of one instant run in the order they were asked for, whatever shape the heap has."""

    __slots__ = ("order",)
    order: int
    _scheduled: bool

    def __lt__(self, other: object) -> bool:
        if isinstance(other, _Timer):
            return (self.when(), self.order) < (other.when(), other.order)
        return NotImplemented

    def enter(self, order: int) -> None:
        """Be on the heap, as asyncio marks it for the sake of cancelling."""
        self.order = order
        self._scheduled = True


class _Selector:
    """Stands where sockets are waited for. There are none: to wait is to move the clock."""

    def __init__(self, loop: "VirtualLoop") -> None:
        self._loop = loop
        self._turns = 0

    def select(self, timeout: float | None) -> list[object]:
        if timeout is None:
            raise Stuck("every task waits for something that nobody will ever do")
        if timeout > 0:
            self._turns = 0
            self._loop.advance()
        else:
            self._turns += 1
            if self._turns > TURNS_AT_ONE_INSTANT:
                turns, self._turns = self._turns, 0
                raise Stuck(f"{turns} turns of the loop at one instant, without time going on")
        return []

    def close(self) -> None:
        """Nothing is held."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Deterministic: time is a whole number of microseconds, and the same calls give the same order.

    Threads, sockets, subprocesses and signals do not work here, on purpose. An exception that nobody collects is
    kept in ``faults`` for the owner of the loop to raise.
    """

    def __init__(self) -> None:
        super().__init__()
        self.microseconds = 0
        self.faults: list[dict[str, Any]] = []
        self._order = 0
        self._clock_resolution = 0.5 / MICROSECONDS
        self._scheduled: list[_Timer]
        self._selector = _Selector(self)
        self.set_exception_handler(lambda _, context: self.faults.append(context))

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self.microseconds / MICROSECONDS

    def call_later(
        self,
        delay: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> _Timer:
        """As asyncio's, but in whole microseconds from now: the same wait is as long whatever time it is."""
        when_us = self.microseconds + max(0, round(delay * MICROSECONDS))
        return self.call_at(when_us / MICROSECONDS, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> _Timer:
        """As asyncio's, to the nearest microsecond."""
        if self.is_closed():
            raise RuntimeError("the loop is closed")
        timer = _Timer(round(when * MICROSECONDS) / MICROSECONDS, callback, args, self, context)
        self._order += 1
        timer.enter(self._order)
        heapq.heappush(self._scheduled, timer)
        return timer

    def advance(self) -> None:
        """Move the clock to the first timer."""
        self.microseconds = max(self.microseconds, round(self._scheduled[0].when() * MICROSECONDS))

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run ``main`` to its end, cancel whatever it left behind, and close the loop."""
        try:
            return self.run_until_complete(main)
        finally:
            try:
                left = asyncio.all_tasks(self)
                for task in left:
                    task.cancel()
                if left:
                    self.run_until_complete(asyncio.gather(*left, return_exceptions=True))
                self.run_until_complete(self.shutdown_asyncgens())
            finally:
                self.close()

    def _process_events(self, event_list: list[object]) -> None:
        """There are no sockets to serve."""

    def _write_to_self(self) -> None:
        """There is no other thread to be woken by."""
