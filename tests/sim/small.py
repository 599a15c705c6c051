"""A small estate and scripted controllers: what the world itself does must not depend on who decides."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from controlplane.model.act import Act, Desired
from controlplane.model.errors import DriverError
from controlplane.model.estate import Estate
from controlplane.model.evidence import Observation
from controlplane.model.journal import Entry, EntryKind
from controlplane.model.plan import Plan
from controlplane.model.resources.datastore import Datastore
from controlplane.model.resources.degradation_policy import Knob
from controlplane.model.resources.failover_policy import FailoverPolicy
from controlplane.model.resources.region import Region
from controlplane.model.resources.safety_policy import SafetySpec
from controlplane.model.resources.scenario import Scenario
from controlplane.model.resources.service import Service
from controlplane.sim.daemon import Memory, ReplicaPorts
from controlplane.sim.outcome import Result
from controlplane.sim.simulate import simulate
from controlplane.store.memory import MemoryStore

FOREVER = datetime.max.replace(tzinfo=UTC)
TTL = timedelta(seconds=10)
REGIONS = {"dublin": ("EU", 1000.0), "frankfurt": ("EU", 1000.0), "london": ("UK", 600.0)}


def region(name: str, jurisdiction: str, capacity: float, **spec: Any) -> Region:
    body = {"jurisdiction": jurisdiction, "capacity": capacity, "headroom": 0.1, **spec}
    return Region.model_validate({"metadata": {"name": name}, "spec": body})


def service(name: str, **spec: Any) -> Service:
    return Service.model_validate({"metadata": {"name": name}, "spec": spec})


def estate(**safety: Any) -> Estate:
    """Three regions; checkout writes to orders-db, catalog stands alone, settlement runs in one place."""
    services = [
        service("catalog", tier=2, demand={"IE": 200.0, "DE": 200.0}, cost=0.5),
        service(
            "checkout",
            tier=0,
            demand={"IE": 100.0, "DE": 100.0},
            residency={"IE": ["EU"], "DE": ["EU"]},
            datastore="orders-db",
        ),
        service("settlement", placement="exclusive", datastore="orders-db", regions=["dublin", "frankfurt"], cost=10.0),
    ]
    store = Datastore.model_validate(
        {
            "metadata": {"name": "orders-db"},
            "spec": {"engine": "postgresql", "primary": "dublin", "replicas": ["frankfurt"], "rpo": "1s"},
        }
    )
    knob = Knob.model_validate(
        {"name": "search", "default": "full", "levels": [{"value": "off", "saves": {"catalog": 0.5}, "valueLost": 36}]}
    )
    policy = FailoverPolicy.model_validate({"metadata": {"name": "all"}, "spec": {"services": "*", "autonomy": "act"}})
    return Estate(
        regions={n: region(n, j, c) for n, (j, c) in REGIONS.items()},
        services={s.name: s for s in services},
        datastores={"orders-db": store},
        failover=(policy,),
        knobs={"search": knob},
        safety=SafetySpec.model_validate(safety),
    )


def scenario(duration: str, *faults: dict[str, Any], expect: list[dict[str, Any]] | None = None) -> Scenario:
    spec = {"seed": 1, "duration": duration, "faults": list(faults), "expect": expect or []}
    return Scenario.model_validate({"metadata": {"name": "test"}, "spec": spec})


def halves(estate: Estate, at: datetime) -> Plan:
    """Everything half in dublin, half in frankfurt."""
    target = {
        name: {origin: {"dublin": 0.5, "frankfurt": 0.5} for origin in estate.services[name].spec.demand}
        for name in estate.spread
    }
    knobs = {name: knob.default for name, knob in estate.knobs.items()}
    return Plan(at, True, target, target, knobs, {}, {}, {}, {}, {}, (), ())


@dataclass(slots=True)
class Scripted:
    """A process that keeps the lease and follows a script once it leads."""

    ports: ReplicaPorts
    script: Callable[["Scripted"], Awaitable[None]] | None = None
    seen: list[Observation] = field(default_factory=list)
    keep: bool = False
    epoch: int = 0
    busy: bool = False
    done: bool = False
    problems: list[str] = field(default_factory=list)

    def add(self, observation: Observation) -> None:
        if self.keep:
            self.seen.append(observation)

    async def run(self) -> None:
        lease = None
        while True:
            now = self.ports.clock.now()
            if lease is None:
                lease = await self.ports.leases.acquire("leader", self.ports.name, TTL, now)
            else:
                lease = await self.ports.leases.renew(lease, TTL, now)
            self.epoch = lease.epoch if lease else 0
            if lease and self.script and not self.done:
                self.done = self.busy = True
                await self.ports.journal.append([self.entry(EntryKind.LEADER, self.ports.name)])
                task = asyncio.create_task(self._follow())
                task.add_done_callback(lambda _: setattr(self, "busy", False))
            await self.ports.clock.sleep(1.0)

    async def _follow(self) -> None:
        assert self.script is not None
        await self.script(self)

    def quiet_until(self) -> datetime | None:
        return None if self.busy else FOREVER

    def leap(self, by: timedelta) -> None:
        """Nothing here is dated."""

    def entry(self, kind: EntryKind, subject: str, **facts: Any) -> Entry:
        return Entry(kind, self.ports.clock.now(), subject, self.ports.name, epoch=self.epoch, facts=facts)

    async def act(self, subject: str, desired: Desired, *, driver: str = "sim", intent: bool = True) -> Act:
        """One act, announced unless the script wants to do wrong, and its outcome."""
        now = self.ports.clock.now()
        previous = await self.ports.driver(driver).read(subject, desired)
        key = f"{subject}@{now.isoformat()}"
        act = Act(key, subject, desired, self.epoch, now + timedelta(seconds=30), previous)
        if intent:
            await self.ports.journal.append([self.entry(EntryKind.INTENT, subject, once_key=key)])
        try:
            await self.ports.driver(driver).apply(act)
            while not (await self.ports.driver(driver).confirm(act)).done and self.ports.clock.now() < act.deadline:
                await self.ports.clock.sleep(0.5)
        except DriverError as error:
            self.problems.append(f"{type(error).__name__}: {error}")
        if intent:
            await self.ports.journal.append([self.entry(EntryKind.OUTCOME, subject, once_key=key)])
        return act


@dataclass(slots=True)
class Cast:
    """Parts whose every process follows the same script."""

    script: Callable[[Scripted], Awaitable[None]] | None = None
    keep: bool = False
    daemons: list[Scripted] = field(default_factory=list)

    def healthy(self, estate: Estate, at: datetime) -> Plan:
        return halves(estate, at)

    def memory(self, clock: Callable[[], datetime]) -> Memory:
        store = MemoryStore(clock)
        return Memory(store.journal, store.state, store.leases)

    def daemon(self, estate: Estate, ports: ReplicaPorts) -> Scripted:
        self.daemons.append(Scripted(ports, self.script, keep=self.keep))
        return self.daemons[-1]


def play(
    scene: Scenario,
    script: Callable[[Scripted], Awaitable[None]] | None = None,
    *,
    over: Estate | None = None,
    leaps: bool = True,
    cast: Cast | None = None,
) -> Result:
    return simulate(over or estate(), [scene], parts=cast or Cast(script), leaps=leaps)[0]
