"""Simulate: policies and scenarios in, results out."""

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from controlplane.model.act import Act
from controlplane.model.estate import Estate
from controlplane.model.journal import Entry
from controlplane.model.resources.scenario import Scenario
from controlplane.sim.chance import seeded
from controlplane.sim.clock import Timeline
from controlplane.sim.daemon import Parts
from controlplane.sim.expect import Run, unmet
from controlplane.sim.eyes import Eyes
from controlplane.sim.ledger import open_ledger
from controlplane.sim.loop import MICROSECONDS, Stuck, VirtualLoop
from controlplane.sim.measure import metrics_of
from controlplane.sim.outcome import Result
from controlplane.sim.replicas import Crew, Replica
from controlplane.sim.schedule import Schedule
from controlplane.sim.stage import Process, Stage
from controlplane.sim.truth import begin
from controlplane.sim.watch.cause import Cause
from controlplane.sim.watch.post import Post
from controlplane.sim.watch.radius import Damping, Radius
from controlplane.sim.watch.record import IntentFirst, LeaderOnly
from controlplane.sim.watch.right import Handover, OneHolder
from controlplane.sim.watch.room import Capacity, Justice
from controlplane.sim.watch.scene import Scene, Watcher
from controlplane.sim.watch.steps import Ramp, Return
from controlplane.sim.watch.walls import Walls
from controlplane.sim.world import World

EPOCH = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
"""When every scenario begins."""
REPLICAS = 2


def simulate(
    estate: Estate, scenarios: Iterable[Scenario], *, parts: Parts, leaps: bool = True, start: datetime = EPOCH
) -> list[Result]:
    """Let the daemon's own code live through each scenario. ``leaps`` False lives through every second; the results
    are the same. Must not be called from inside a running event loop of the same thread."""
    return [Simulation(estate, scenario, parts, start).run(leaps=leaps) for scenario in scenarios]


class Simulation:
    """One scenario, set up and not yet run."""

    def __init__(self, estate: Estate, scenario: Scenario, parts: Parts, start: datetime = EPOCH) -> None:
        self.scenario = scenario
        self.loop = VirtualLoop()
        self.timeline = Timeline(self.loop, start)
        self.schedule = Schedule(estate, scenario)
        self.truth = begin(estate, parts.healthy(estate, start))
        self.ledger = open_ledger(estate, self.truth)
        self.journal: list[tuple[float, Entry]] = []
        memory = parts.memory(self._store_time)
        self.scene = Scene(estate, self.truth)
        self.post = Post(self.scene, ())
        seed = scenario.spec.seed
        self.stage = Stage(estate, self.timeline, self.truth, seed, seeded(seed, "faults"), _Witness(self))
        self.crew = Crew(self.stage, parts, memory, self._entry, scenario.spec.seed)
        self.post = Post(self.scene, self._watchers())
        names = sorted(estate.regions)[:REPLICAS]
        self.replicas = tuple(Replica(self.crew, number, name) for number, name in enumerate(names))

    def run(self, *, leaps: bool = True) -> Result:
        """Live through it and draw the sum."""
        world = World(
            stage=self.stage,
            schedule=self.schedule,
            ledger=self.ledger,
            post=self.post,
            replicas=self.replicas,
            eyes=Eyes(self.stage.estate),
            leaps=leaps,
        )
        self.crew.hire(self.loop)
        try:
            self.loop.run(world.run())
        except Stuck as error:
            self.crew.faults.append(f"the run broke off at {self.timeline.elapsed_s:g} s: {error}")
            for replica in self.replicas:
                replica.kill(restart=False)
        duration = math.ceil(self.scenario.spec.duration / timedelta(seconds=1))
        metrics = metrics_of(self.scenario, self.ledger, self.journal, duration)
        run = Run(self.stage.estate, self.scenario, self.ledger, self.journal, metrics)
        errors = [str(context.get("exception") or context.get("message")) for context in self.loop.faults]
        return Result(
            scenario=self.scenario.name,
            failed=(*unmet(run), *self.crew.faults, *errors),
            violations=tuple(self.post.found),
            metrics=metrics,
            journal=tuple(self.journal),
            ledger=self.ledger,
            duration_s=duration,
            notices=tuple(self.crew.notices),
            leapt_s=world.leapt_s,
            description=self.scenario.spec.description,
            faults=self.scenario.spec.faults,
        )

    def _store_time(self) -> datetime:
        """The store's clock knows of no leaps: see ``lens``."""
        return self.timeline.start + timedelta(microseconds=self.loop.microseconds)

    def _entry(self, process: Process, entry: Entry) -> None:
        self.journal.append((self.timeline.elapsed_us / MICROSECONDS, entry))
        self.post.entry(process, entry)

    def _watchers(self) -> tuple[Watcher, ...]:
        scene = self.scene
        return (
            Walls(scene),
            Capacity(scene),
            Justice(scene),
            Radius(scene),
            Damping(scene, self.ledger),
            Ramp(scene),
            Return(scene, self.timeline),
            OneHolder(scene),
            Handover(scene),
            IntentFirst(scene),
            LeaderOnly(scene, self.crew.leader, self.timeline),
            Cause(scene),
        )


class _Witness:
    """The stage's Watch: the ledger counts what the post looks at."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._before: object = None

    def applying(self, process: Process, act: Act) -> None:
        """See Watch."""
        self._simulation.post.applying(process, act)

    def before_change(self, act: Act) -> None:
        """See Watch."""
        truth = self._simulation.truth
        if act.subject in truth.shares:
            self._before = truth.shares[act.subject]
        elif act.subject in truth.seats:
            seat = truth.seats[act.subject]
            self._before = seat.owner if act.subject in truth.copies else tuple(seat.claims)
        self._simulation.post.before_change(act)

    def after_change(self, act: Act) -> None:
        """See Watch."""
        self._simulation.ledger.acted(self._simulation.truth, act, self._before)
        self._simulation.post.after_change(act)
