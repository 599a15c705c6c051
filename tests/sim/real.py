"""The daemon's own code, put into the false world."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controlplane.decide.plan import plan
from controlplane.engine.hands import Hand, Sort, Target
from controlplane.engine.parts import Options, Ports
from controlplane.engine.reconcile import Reconciler
from controlplane.model.estate import Estate
from controlplane.model.evidence import Observation
from controlplane.model.plan import Plan
from controlplane.model.world import World
from controlplane.sim.daemon import Memory, ReplicaPorts
from controlplane.store.memory import MemoryStore


@dataclass(slots=True)
class SimHands:
    estate: Estate
    ports: ReplicaPorts
    made: dict[str, Hand] = field(default_factory=dict)

    def of(self, target: Target) -> Hand:
        name = self._name(target)
        if name not in self.made:
            self.made[name] = Hand(name, self.ports.driver(name))
        return self.made[name]

    def _name(self, target: Target) -> str:
        match target.sort:
            case Sort.SERVICE:
                binding = self.estate.services[target.name].spec.traffic
                return binding.driver if binding else "sim"
            case Sort.KNOB:
                knob = self.estate.knobs[target.name].driver
                return knob.driver if knob else "flags"
            case Sort.DATASTORE:
                return self.estate.datastores[target.name].spec.driver or "sim"
            case Sort.REGION:
                scale = self.estate.regions[target.name].spec.scale
                return scale.driver if scale else "sim"


class RealDaemon:
    def __init__(self, estate: Estate, ports: ReplicaPorts) -> None:
        self.loop = Reconciler.build(
            estate,
            Ports(
                clock=ports.clock,
                rng=ports.chance,
                journal=ports.journal,
                state=ports.state,
                leases=ports.leases,
                hands=lambda estate: SimHands(estate, ports),
                notifier=ports.notifier,
            ),
            Options(replica=ports.name, vantage=ports.region, vantages=ports.vantages),
        )

    def add(self, observation: Observation) -> None:
        self.loop.machine.book.add(observation)

    async def run(self) -> None:
        await self.loop.run()

    def quiet_until(self) -> datetime | None:
        return self.loop.quiet_until()

    def leap(self, by: timedelta) -> None:
        self.loop.leap(by)


class RealParts:
    def healthy(self, estate: Estate, at: datetime) -> Plan:
        return plan(estate, World(at=at))

    def memory(self, clock: Callable[[], datetime]) -> Memory:
        store = MemoryStore(clock)
        return Memory(store.journal, store.state, store.leases)

    def daemon(self, estate: Estate, ports: ReplicaPorts) -> RealDaemon:
        return RealDaemon(estate, ports)
