"""The stage: what hands, eyes and watchers of one run share."""

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from controlplane.model.act import Act
from controlplane.model.estate import Estate
from controlplane.sim.clock import Timeline
from controlplane.sim.loop import MICROSECONDS
from controlplane.sim.truth import Truth


@dataclass(slots=True)
class Process:
    """One life of a replica's process. Dead, it can do nothing more, not even tidy up behind itself."""

    name: str
    region: str
    alive: bool = True

    def breathe(self) -> None:
        """Stand at the head of everything a process asks of the world."""
        if not self.alive:
            raise asyncio.CancelledError(f"the process of {self.name} has died")


class Watch(Protocol):
    """Told of every act: when a process begins one, and when the world has changed by it."""

    def applying(self, process: Process, act: Act) -> None:
        """A process asks a driver for it."""
        ...

    def before_change(self, act: Act) -> None:
        """It is about to come about; what was so still is."""
        ...

    def after_change(self, act: Act) -> None:
        """It has come about."""
        ...


@dataclass(slots=True)
class Effects:
    """What was asked for and has yet to come about, in order of time."""

    _waiting: list[tuple[int, int, Callable[[], None]]] = field(default_factory=list)
    _asked: int = 0

    def ask(self, at_us: int, change: Callable[[], None]) -> None:
        """Let ``change`` come about in the first step of the world that is not before ``at_us``."""
        self._asked += 1
        heapq.heappush(self._waiting, (at_us, self._asked, change))

    def settle(self, now_us: int) -> bool:
        """Do what is due. Whether there was anything."""
        due = False
        while self._waiting and self._waiting[0][0] <= now_us:
            heapq.heappop(self._waiting)[2]()
            due = True
        return due

    def next_second(self, never: int) -> int:
        """The world's second in which the next change comes about."""
        return -(-self._waiting[0][0] // MICROSECONDS) if self._waiting else never


@dataclass(slots=True)
class Stage:
    """``calls``: how many calls to drivers are under way. ``unread``: acts whose effect has come about and that nobody
    has read back yet, by the second in which it did."""

    estate: Estate
    timeline: Timeline
    truth: Truth
    seed: int
    chance: Random
    watch: Watch
    effects: Effects = field(default_factory=Effects)
    calls: int = 0
    unread: dict[str, int] = field(default_factory=dict)
