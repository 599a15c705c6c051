"""Many short exchanges over raw sockets, with their wake-ups gathered into ticks.

An exchange that waits costs nothing until the next tick: what came in meanwhile is handled in one go. That halves the
CPU of a probe and costs up to a tick of lateness. What cannot wait (the confirmation of a connection that ended) is
``prompt``: it is handled the moment it happens, through an epoll of its own that the event loop watches.
"""

import asyncio
import math
import select
from collections.abc import Callable
from typing import Protocol

from controlplane.ports.clock import Clock
from controlplane.probes.wheel import Wheel

TICK_S = 0.01
_STALL_S = 0.1
_SLACK = 1e-6

Handler = Callable[[int], None]
"""Takes the epoll mask of what happened."""


class Waiting(Protocol):
    """An exchange that the reactor calls back."""

    def retry(self) -> None:
        """Try again to read what was not there a tick ago."""
        ...

    def expired(self, serial: int) -> None:
        """The time of exchange number ``serial`` is over, if it still goes on."""
        ...


class Reactor:
    """Belongs to one running event loop between ``open`` and ``close``.

    ``stalled_s`` adds up how late its own ticks came: a time-out during a stall says something about this process,
    nothing about the target.
    """

    def __init__(self, clock: Clock, *, tick_s: float = TICK_S) -> None:
        self.clock = clock
        self.timers: Wheel[tuple[Waiting, int]] = Wheel(tick_s)
        self.unread: list[Waiting] = []
        self.stalled_s = 0.0
        self.on_tick: Callable[[float], float | None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._gathered: select.epoll | None = None
        self._prompt: select.epoll | None = None
        self._gathered_handlers: dict[int, Handler] = {}
        self._prompt_handlers: dict[int, Handler] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._planned = 0.0

    def open(self) -> None:
        """Begin on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._gathered = select.epoll()
        self._prompt = select.epoll()
        self._loop.add_reader(self._prompt.fileno(), self._prompted)

    def close(self) -> None:
        """Stop ticking. Whoever registered sockets closes them."""
        if self._timer is not None:
            self._timer.cancel()
        if self._loop is not None and self._prompt is not None and self._gathered is not None:
            self._loop.remove_reader(self._prompt.fileno())
            self._prompt.close()
            self._gathered.close()
        self._gathered_handlers.clear()
        self._prompt_handlers.clear()
        self.timers.clear()
        self.unread.clear()
        self._loop = self._prompt = self._gathered = self._timer = None

    def register(self, fd: int, mask: int, handler: Handler, *, prompt: bool = False) -> None:
        """Call ``handler`` when something of ``mask`` happens to ``fd``: at the next tick, or at once."""
        epoll = self._prompt if prompt else self._gathered
        if epoll is None:
            raise RuntimeError("the reactor is not open")
        epoll.register(fd, mask)
        handlers = self._prompt_handlers if prompt else self._gathered_handlers
        handlers[fd] = handler

    def unregister(self, fd: int, *, prompt: bool = False) -> None:
        """Forget ``fd``; call it before the socket is closed."""
        epoll = self._prompt if prompt else self._gathered
        handlers = self._prompt_handlers if prompt else self._gathered_handlers
        if handlers.pop(fd, None) is not None and epoll is not None:
            epoll.unregister(fd)

    def expire(self, waiting: Waiting, serial: int, after_s: float) -> None:
        """Call ``waiting.expired(serial)`` at the first tick after so many seconds."""
        when = self.clock.monotonic() + after_s
        self.timers.put(when, (waiting, serial))
        if self._timer is None or self._planned > when:
            self.wake(when)

    def wake(self, at: float = 0.0) -> None:
        """See to it that a tick comes at the next border of ticks, or at the first that is not before ``at``."""
        if self._loop is None:
            return
        now = self.clock.monotonic()
        tick_s = self.timers.tick_s
        planned = max(math.floor(now / tick_s + _SLACK) + 1, math.ceil(at / tick_s - _SLACK)) * tick_s
        if self._timer is not None:
            if self._planned <= planned:
                return
            self._timer.cancel()
        self._planned = planned
        self._timer = self._loop.call_later(planned - now, self._tick)

    def _tick(self) -> None:
        now = max(self.clock.monotonic(), self._planned)  # the loop's timers may come a millisecond early
        late = now - self._planned
        if late > _STALL_S:
            self.stalled_s += late
        self._timer = None
        next_at: float | None = None
        try:
            self._read()
            for waiting, serial in self.timers.take(now):
                waiting.expired(serial)
            if self.on_tick is not None:
                next_at = self.on_tick(now)
        finally:
            self._plan(next_at)

    def _plan(self, next_at: float | None) -> None:
        if self._gathered_handlers or self.unread:
            self.wake()
            return
        times = [at for at in (next_at, self.timers.next_at) if at is not None]
        if times:
            self.wake(min(times))

    def _read(self) -> None:
        unread, self.unread = self.unread, []
        for waiting in unread:
            waiting.retry()
        if self._gathered is not None and self._gathered_handlers:
            self._handle(self._gathered, self._gathered_handlers)

    def _prompted(self) -> None:
        if self._prompt is not None:
            self._handle(self._prompt, self._prompt_handlers)

    @staticmethod
    def _handle(epoll: select.epoll, handlers: dict[int, Handler]) -> None:
        for fd, mask in epoll.poll(0):
            handler = handlers.get(fd)
            if handler is not None:
                handler(mask)
