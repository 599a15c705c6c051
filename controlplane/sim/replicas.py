"""Replicas: the processes of the control plane, which are started, killed and started again."""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from controlplane.model.evidence import Observation
from controlplane.model.journal import Entry
from controlplane.model.notice import Notice
from controlplane.sim.chance import seeded
from controlplane.sim.clock import Drift, SimClock
from controlplane.sim.daemon import Daemon, Memory, Parts, ReplicaPorts
from controlplane.sim.hands import Hands
from controlplane.sim.lens import Door, Leader, SeenJournal, SeenLeases, SeenState
from controlplane.sim.loop import MICROSECONDS, VirtualLoop
from controlplane.sim.stage import Process, Stage

RESTART_S = 5
FIRST_TURN_US = (137_000, 411_000, 683_000)
DRIFTS = (Drift(12_000, 25_000, 2400), Drift(-9_000, 31_000, 3100), Drift(3_000, -22_000, 1900))
MOST_OWN_DEATHS = 5

T = TypeVar("T")
_living: ContextVar[Process | None] = ContextVar("_living", default=None)


@dataclass(slots=True)
class Crew:
    """What the processes of one run have in common."""

    stage: Stage
    parts: Parts
    memory: Memory
    on_entry: Callable[[Process, Entry], None]
    seed: int
    leader: Leader = field(default_factory=Leader)
    notices: list[Notice] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    tasks: dict[int, set[asyncio.Task[Any]]] = field(default_factory=dict)

    def hire(self, loop: VirtualLoop) -> None:
        """Know from now on which process has made which task."""

        def make(
            _: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T] | Generator[Any, None, T], **how: Any
        ) -> asyncio.Task[T]:
            task: asyncio.Task[T] = asyncio.Task(work, loop=loop, **how)
            if (process := _living.get()) is not None:
                own = self.tasks.setdefault(id(process), set())
                own.add(task)
                task.add_done_callback(own.discard)
                if not process.alive:
                    task.cancel()
            return task

        loop.set_task_factory(make)


@dataclass(slots=True)
class Teller:
    """The Notifier of the false world: people read it afterwards."""

    process: Process
    told: list[Notice]

    async def send(self, notice: Notice) -> None:
        """Keep it for the account."""
        self.process.breathe()
        self.told.append(notice)


@dataclass(slots=True)
class Replica:
    """One of the two: a name, a region, and at most one living process."""

    crew: Crew
    number: int
    name: str
    process: Process | None = None
    daemon: Daemon | None = None
    starts_us: int | None = 0
    own_deaths: int = 0
    lives: int = 0

    def start(self) -> None:
        """Begin a new life. Its loop turns at its own moment of the second."""
        timeline = self.crew.stage.timeline
        self.process = Process(self.name, self.name)
        self.lives += 1
        self.starts_us = None
        self.daemon = self.crew.parts.daemon(self.crew.stage.estate, self._ports(self.process))
        phase = FIRST_TURN_US[self.number % len(FIRST_TURN_US)]
        wait_us = (phase - timeline.elapsed_us) % MICROSECONDS
        context = copy_context()
        context.run(_living.set, self.process)
        task = context.run(timeline.loop.create_task, self._live(self.daemon, wait_us))
        task.add_done_callback(partial(self._ended, self.process))

    def kill(self, restart: bool) -> None:
        """Die at this instant. What was asked of the world before still comes about."""
        if self.process is not None:
            self.process.alive = False
            for task in sorted(self.crew.tasks.get(id(self.process), ()), key=lambda task: task.get_name()):
                task.cancel()
            self.process = self.daemon = None
        later = self.crew.stage.timeline.elapsed_us + RESTART_S * MICROSECONDS
        self.starts_us = later if restart else None

    def take(self, seen: list[Observation]) -> None:
        """Hand the samples of this second to the living process."""
        if self.daemon is not None:
            add = self.daemon.add
            for observation in seen:
                add(observation)

    def quiet_until(self) -> datetime | None:
        """As the daemon says; a replica that is dead for now is quiet until it starts again."""
        if self.daemon is not None:
            return self.daemon.quiet_until()
        return (
            None if self.starts_us is not None else datetime.max.replace(tzinfo=self.crew.stage.timeline.start.tzinfo)
        )

    def leap(self, by: timedelta) -> None:
        """Tell the living process how much time it has not noticed."""
        if self.daemon is not None:
            self.daemon.leap(by)

    async def _live(self, daemon: Daemon, wait_us: int) -> None:
        await asyncio.sleep(wait_us / MICROSECONDS)
        await daemon.run()

    def _ended(self, process: Process, task: asyncio.Task[None]) -> None:
        """What kills a daemon is a finding, and the world goes on: something starts it again."""
        if task.cancelled() or process is not self.process:
            return
        error = task.exception()
        why = "its loop ended" if error is None else f"{type(error).__name__}: {error}"
        self.own_deaths += 1
        second = self.crew.stage.timeline.elapsed_us // MICROSECONDS
        self.crew.faults.append(f"the daemon in {self.name} died by itself at {second} s: {why}")
        self.kill(restart=self.own_deaths < MOST_OWN_DEATHS)

    def _ports(self, process: Process) -> ReplicaPorts:
        crew, stage = self.crew, self.crew.stage
        door = Door(process, stage.truth)
        return ReplicaPorts(
            name=self.name,
            region=self.name,
            vantages=tuple(stage.estate.regions),
            clock=SimClock(stage.timeline, DRIFTS[self.number % len(DRIFTS)]),
            journal=SeenJournal(door, crew.memory.journal, crew.on_entry),
            state=SeenState(door, crew.memory.state),
            leases=SeenLeases(door, crew.memory.leases, stage.timeline, crew.leader),
            notifier=Teller(process, crew.notices),
            chance=seeded(crew.seed, self.name, self.lives),
            driver=lambda name: Hands(stage, process, name),
        )
