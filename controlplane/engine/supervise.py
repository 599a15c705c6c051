"""Who watches the watchers: loops that are restarted, tasks whose failure is told, and what has gone quiet.

The only module with a broad ``except``: whatever escapes a loop is journalled, and the loop begins again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from controlplane.ports.clock import Clock

_Result = TypeVar("_Result")

Report = Callable[[str, str], None]
"""Told the name of a loop or task and what happened to it; must return at once."""


@dataclass(slots=True)
class Beat:
    """When a loop was last heard of, and after how long a silence somebody should know."""

    at: float
    patience_s: float
    quiet: bool = False


@dataclass(slots=True)
class Watchdog:
    """Loops, probes and vantages report to it; ``quiet`` are those that have not for too long."""

    clock: Clock
    beats: dict[str, Beat] = field(default_factory=dict)

    def beat(self, name: str, patience_s: float) -> None:
        """The one of this name is alive."""
        beat = self.beats.get(name)
        if beat is None:
            self.beats[name] = Beat(self.clock.monotonic(), patience_s)
        else:
            beat.at, beat.patience_s = self.clock.monotonic(), patience_s

    def forget(self, name: str) -> None:
        """It is not expected to be heard of any more."""
        self.beats.pop(name, None)

    def quiet(self) -> tuple[str, ...]:
        """Who has been silent beyond patience."""
        now = self.clock.monotonic()
        return tuple(sorted(name for name, beat in self.beats.items() if now - beat.at > beat.patience_s))

    def turned(self) -> tuple[tuple[str, bool], ...]:
        """Who has fallen silent (True) or been heard of again (False) since the last time this was asked."""
        silent = set(self.quiet())
        news = []
        for name, beat in sorted(self.beats.items()):
            if beat.quiet != (name in silent):
                beat.quiet = name in silent
                news.append((name, beat.quiet))
        return tuple(news)


@dataclass(slots=True)
class Supervisor:
    """Owns the tasks of the engine. ``report`` is told of each failure; nothing fails in silence."""

    clock: Clock
    rng: Random
    report: Report
    first_rest_s: float = 0.1
    longest_rest_s: float = 10.0
    failures: dict[str, int] = field(default_factory=dict)
    _tasks: set["asyncio.Task[object]"] = field(default_factory=set)

    def keep(self, name: str, loop: Callable[[], Awaitable[None]]) -> "asyncio.Task[None]":
        """Run a loop for ever: when it fails, or ends, it is begun again after a rest that grows."""
        task = asyncio.get_running_loop().create_task(self._forever(name, loop), name=name)
        self._own(task)
        return task

    def start(self, name: str, once: Coroutine[object, object, _Result]) -> "asyncio.Task[_Result]":
        """Run something once beside the rest; its failure is told."""
        task = asyncio.get_running_loop().create_task(once, name=name)
        self._own(task)
        task.add_done_callback(self._tell)
        return task

    async def wait(self, tasks: Iterable["asyncio.Task[_Result]"], timeout_s: float) -> None:
        """Wait for some tasks, but not for ever. What they raised is told by ``start``."""
        waiting = list(tasks)
        if waiting:
            await asyncio.wait(waiting, timeout=timeout_s)

    async def stop(self, timeout_s: float) -> None:
        """End everything that is still running."""
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=timeout_s)

    async def guarded(self, name: str, once: Awaitable[object]) -> bool:
        """Await something whose failure must not end the caller; answers whether it went well."""
        try:
            await once
        except Exception as error:
            self._failed(name, error)
            return False
        return True

    async def _forever(self, name: str, loop: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await loop()
            except Exception as error:
                self._failed(name, error)
            else:
                self.report(name, "it ended, and is begun again")
            rest_s = min(self.longest_rest_s, self.first_rest_s * 2.0 ** min(self.failures.get(name, 0), 10))
            await self.clock.sleep(rest_s * self.rng.uniform(0.5, 1.0))

    def well(self, name: str) -> None:
        """A loop has done its round: its next failure is the first again."""
        self.failures.pop(name, None)

    def _own(self, task: "asyncio.Task[_Result]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _tell(self, task: "asyncio.Task[_Result]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(task.get_name(), error)

    def _failed(self, name: str, error: BaseException) -> None:
        self.failures[name] = self.failures.get(name, 0) + 1
        self.report(name, f"{type(error).__name__}: {error}")
