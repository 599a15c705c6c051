"""Full implementations of the engine's ports in memory, with a tap to make them fail."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from controlplane.engine.desk import EngineDesk
from controlplane.engine.hands import Hand, Target
from controlplane.engine.parts import Options, Ports
from controlplane.engine.reconcile import Reconciler
from controlplane.model.act import Act, Confirmation, Desired, Fence, Holder, KnobSetting, Primary, Weights
from controlplane.model.desk import Policies
from controlplane.model.errors import DriverError
from controlplane.model.estate import Estate
from controlplane.model.evidence import Observation, Reading, Signal
from controlplane.model.journal import Entry, EntryKind
from controlplane.model.notice import Notice
from controlplane.sim.clock import SimClock, Timeline
from controlplane.sim.loop import VirtualLoop
from controlplane.store.memory import MemoryStore

START = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


class Killed(BaseException):
    """The process died at this instant: nothing after it in that process happens."""


@dataclass
class TargetWorld:
    """What is so out there: survives the daemon. ``did`` lists every effect in order."""

    values: dict[tuple[str, str], Desired] = field(default_factory=dict)
    epochs: dict[str, int] = field(default_factory=dict)
    did: list[tuple[str, Desired, int]] = field(default_factory=list)
    once: set[str] = field(default_factory=set)

    def put(self, subject: str, value: Desired) -> None:
        self.values[subject, _slot(value)] = value


def _slot(value: Desired) -> str:
    match value:
        case KnobSetting(region=region):
            return f"knob {region}"
        case Fence(region=region):
            return f"fence {region}"
        case _:
            return type(value).__name__


@dataclass
class MemoryDriver:
    """A whole driver over a TargetWorld. ``tap`` is called before each verb and may raise or wait; ``lies``: apply
    answers well and does nothing."""

    world: TargetWorld
    tap: Callable[[str, str], Coroutine[Any, Any, None]] | None = None
    lies: bool = False

    async def read(self, subject: str, like: Desired) -> Desired | None:
        await self._tap("read", subject)
        return self.world.values.get((subject, _slot(like)))

    async def apply(self, act: Act) -> None:
        await self._tap("apply", act.subject)
        if act.epoch < self.world.epochs.get(act.subject, 0):
            from controlplane.model.errors import Conflict

            raise Conflict(f"epoch {act.epoch} is stale")
        self.world.epochs[act.subject] = act.epoch
        if self.lies or act.once_key in self.world.once:
            return
        self.world.once.add(act.once_key)
        self.world.did.append((act.subject, act.desired, act.epoch))
        self.world.put(act.subject, act.desired)
        if isinstance(act.desired, Fence):
            self.world.put(act.subject, Holder(None))

    async def confirm(self, act: Act) -> Confirmation:
        await self._tap("confirm", act.subject)
        return Confirmation(self.world.values.get((act.subject, _slot(act.desired))) == act.desired)

    async def undo(self, act: Act) -> None:
        await self._tap("undo", act.subject)
        if act.previous is not None:
            self.world.did.append((act.subject, act.previous, act.epoch))
            self.world.put(act.subject, act.previous)

    async def _tap(self, verb: str, subject: str) -> None:
        if self.tap is not None:
            await self.tap(verb, subject)


@dataclass
class OneHand:
    """Every target by one driver, under one name."""

    driver: MemoryDriver
    keep_s: float | None = None

    def of(self, target: Target) -> Hand:
        return Hand(f"memory {target.sort}", self.driver, self.keep_s)


@dataclass
class Mailbox:
    """A notifier that keeps what it was told."""

    notices: list[Notice] = field(default_factory=list)

    async def send(self, notice: Notice) -> None:
        self.notices.append(notice)


@dataclass
class Stage:
    """One virtual world: a store, a target, and as many daemons as a test starts."""

    estate: Estate
    loop: VirtualLoop = field(default_factory=VirtualLoop)
    seed: int = 1
    world: TargetWorld = field(default_factory=TargetWorld)
    mailbox: Mailbox = field(default_factory=Mailbox)

    def __post_init__(self) -> None:
        self.timeline = Timeline(self.loop, START)
        self.clock = SimClock(self.timeline)
        self.store = MemoryStore(self.clock.now)
        self.driver = MemoryDriver(self.world)
        self.vantages = ("v1", "v2", "v3")
        self.daemons: list[Reconciler] = []

    def daemon(self, replica: str = "one", *, driver: MemoryDriver | None = None, **options: Any) -> Reconciler:
        ports = Ports(
            clock=self.clock,
            rng=Random(self.seed),
            journal=self.store.journal,
            state=self.store.state,
            leases=self.store.leases,
            hands=lambda _: OneHand(driver or self.driver),
            notifier=self.mailbox,
        )
        options.setdefault("vantages", self.vantages)
        options.setdefault("vantage", "v1")
        daemon = Reconciler.build(self.estate, ports, Options(replica, **options))
        self.daemons.append(daemon)
        return daemon

    def desk(self, daemon: Reconciler) -> EngineDesk:
        return EngineDesk(daemon, Policies("test", START))

    def see(self, *down: str, success: dict[str, float] | None = None) -> None:
        """Every vantage looks at every service once; those in the named regions fail."""
        now = self.clock.now()
        for daemon in self.daemons:
            for region in self.estate.regions:
                reading = Reading.FAILED if region in down else Reading.OK
                for subject in (*self.estate.services, *self.estate.datastores):
                    for vantage in self.vantages:
                        daemon.machine.book.add(
                            Observation(Signal.LIVENESS, vantage, region, subject, reading, now, valid_s=3.5)
                        )
                if success is not None and region in success:
                    for subject in self.estate.spread:
                        daemon.machine.book.add(
                            Observation(
                                Signal.SUCCESS,
                                "edge",
                                region,
                                subject,
                                Reading.OK,
                                now,
                                value=success[region],
                                weight=100.0,
                                valid_s=3.5,
                            )
                        )
            if "dublin" not in down:
                daemon.machine.book.add(
                    Observation(Signal.LAG, "v1", "frankfurt", "orders-db", Reading.OK, now, value=0.2, valid_s=3.5)
                )

    async def live(self, seconds: float, *down: str, success: dict[str, float] | None = None) -> None:
        """Let time go by with a look each second."""
        for _ in range(round(seconds)):
            self.see(*down, success=success)
            await asyncio.sleep(1.0)

    def run(self, main: Coroutine[Any, Any, None]) -> None:
        async def whole() -> None:
            try:
                async with asyncio.timeout(7200):
                    await main
            finally:
                for daemon in self.daemons:
                    daemon.stop()

        self.loop.run(whole())

    async def journal(self, *kinds: EntryKind) -> list[Entry]:
        entries = await self.store.journal.read(limit=100_000)
        return [entry for entry in entries if not kinds or entry.kind in kinds]

    def start(self, daemon: Reconciler) -> "asyncio.Task[None]":
        return asyncio.get_running_loop().create_task(daemon.run())


def shares(world: TargetWorld, name: str, region: str) -> float:
    """The share a region has of a service's traffic, summed over origins; what was never placed has none."""
    value = world.values.get((name, "Weights"))
    assert isinstance(value, Weights)
    return sum(by_region.get(region, 0.0) for by_region in value.shares.values())


__all__ = [
    "START",
    "DriverError",
    "Killed",
    "Mailbox",
    "MemoryDriver",
    "Primary",
    "Stage",
    "TargetWorld",
    "shares",
    "timedelta",
]
