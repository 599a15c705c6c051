"""The daemon's own code, handed to the false world."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controlplane.decide.plan import plan
from controlplane.engine.hands import Hand, Target
from controlplane.engine.parts import Options, Ports
from controlplane.engine.reconcile import Reconciler
from controlplane.model.estate import Estate
from controlplane.model.evidence import Observation
from controlplane.model.plan import Plan
from controlplane.model.world import World
from controlplane.sim.daemon import Memory, ReplicaPorts
from controlplane.store.memory import MemoryStore
from controlplane.wiring.hands import binding

SIM_DRIVER = "sim"


@dataclass(slots=True)
class SimHands:
    """Every binding is answered by the false world, under the name that the policies use."""

    estate: Estate
    ports: ReplicaPorts
    _made: dict[str, Hand] = field(default_factory=dict)

    def of(self, target: Target) -> Hand:
        """The hand for a target."""
        bound = binding(self.estate, target)
        name = SIM_DRIVER if bound is None else bound[0]
        if name not in self._made:
            self._made[name] = Hand(name, self.ports.driver(name))
        return self._made[name]


class SimDaemon:
    """See ``sim.daemon.Daemon``: one process, over the ports of the false world."""

    def __init__(self, estate: Estate, ports: ReplicaPorts) -> None:
        self.reconciler = Reconciler.build(
            estate,
            Ports(
                clock=ports.clock,
                rng=ports.chance,
                journal=ports.journal,
                state=ports.state,
                leases=ports.leases,
                hands=lambda now: SimHands(now, ports),
                notifier=ports.notifier,
            ),
            Options(replica=ports.name, vantage=ports.region, vantages=ports.vantages),
        )
        self._add = self.reconciler.machine.book.add

    def add(self, observation: Observation) -> None:
        """Take one sample."""
        self._add(observation)

    async def run(self) -> None:
        """Go on for ever."""
        await self.reconciler.run()

    def quiet_until(self) -> datetime | None:
        """Until when nothing would be done."""
        return self.reconciler.quiet_until()

    def leap(self, by: timedelta) -> None:
        """So much time is over."""
        self.reconciler.leap(by)


class SimParts:
    """See ``sim.daemon.Parts``."""

    def healthy(self, estate: Estate, at: datetime) -> Plan:
        """The plan of an estate in which nothing is wrong."""
        return plan(estate, World(at=at))

    def memory(self, clock: Callable[[], datetime]) -> Memory:
        """A fresh store that tells the time by ``clock``."""
        store = MemoryStore(clock)
        return Memory(store.journal, store.state, store.leases)

    def daemon(self, estate: Estate, ports: ReplicaPorts) -> SimDaemon:
        """A process that is not running yet."""
        return SimDaemon(estate, ports)
