"""Steps: a live place is left by the ramp (R6), a failed one filled again late and slowly (R13), freezes kept (R12)."""

from collections.abc import Iterator
from datetime import timedelta

from controlplane.model.act import Act, Weights
from controlplane.model.resources.failover_policy import FailbackMode
from controlplane.sim.clock import Timeline
from controlplane.sim.conditions import Place
from controlplane.sim.ledger import ALL_OF_IT
from controlplane.sim.schedule import NEVER
from controlplane.sim.stage import Process
from controlplane.sim.watch.scene import DEAD_BELOW, LONG_AGO, REMEMBERED_S, SICK_BELOW, Breach, Scene, Watcher

_ROUNDING = 1e-5
_EARLY_S = 3.0
"""Evidence and clocks are that much apart from the truth."""
_RAMP_SLACK = 0.8
_FAILBACK = "failback"


class Ramp(Watcher):
    """What is still served somewhere leaves by steps, unless a whole region is gone and room has to be made."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._died_at = LONG_AGO
        self._before: dict[str, dict[str, float]] = {}

    def step(self) -> Iterator[Breach]:
        """Remember when a region was last dead."""
        if self.scene.truth.now.dead:
            self._died_at = self.scene.truth.second
        yield from ()

    def leap(self, by: int) -> None:
        """See Watcher."""
        if self._died_at == self.scene.truth.second:
            self._died_at += by

    def before_change(self, act: Act) -> Iterator[Breach]:
        """Keep what the service had."""
        if isinstance(act.desired, Weights):
            self._before = {origin: dict(by) for origin, by in self.scene.truth.shares[act.subject].items()}
        yield from ()

    def after_change(self, act: Act) -> Iterator[Breach]:
        """A grey place may lose one step at once."""
        if not isinstance(act.desired, Weights) or self.scene.truth.second - self._died_at < REMEMBERED_S:
            return
        step = self.scene.estate.policy(act.subject).ramp.step
        after = self.scene.truth.shares[act.subject]
        for origin, by in sorted(self._before.items()):
            for region, share in sorted(by.items()):
                lowest = self.scene.lowest_at((act.subject, region))
                grey = lowest is not None and DEAD_BELOW <= lowest < SICK_BELOW
                lost = share - after.get(origin, {}).get(region, 0.0)
                if grey and self._grey_region(region) and lost > step + _ROUNDING:
                    what = f"{lost:.0%} of {act.subject} from {origin} left {region} at once, of {step:.0%} a step"
                    yield Breach("R6", f"{act.subject}/{origin}/{region}", what)

    def _grey_region(self, region: str) -> bool:
        """Where users fail for want of room alone, room is made at once (R3)."""
        if self.scene.truth.second - self.scene.full_at.get(region, LONG_AGO) < REMEMBERED_S:
            return False
        lowest = self.scene.lowest_success(region)
        return lowest is None or lowest >= DEAD_BELOW


class Return(Watcher):
    """A place that was left because it failed gets nothing back before it has been well for long enough.

    Judged when the act is asked for, by what could be seen then: what its first users meet comes after.
    """

    def __init__(self, scene: Scene, timeline: Timeline) -> None:
        super().__init__(scene)
        self._timeline = timeline
        self._start = {place: self._share(place) for place in self._places()}
        self._left: set[Place] = set()
        self._raised_at: dict[Place, int] = {}
        self._had: dict[Place, float] = {}
        self._fled = False

    def _places(self) -> list[Place]:
        return [(name, region) for name in self.scene.estate.spread for region in self.scene.estate.regions]

    def _share(self, place: Place) -> float:
        name, region = place
        demand = self.scene.estate.services[name].spec.demand
        return sum(rate * self.scene.truth.shares[name].get(o, {}).get(region, 0.0) for o, rate in demand.items())

    def applying(self, process: Process, act: Act) -> Iterator[Breach]:
        """See what is to come back."""
        if isinstance(act.desired, Weights):
            for region in self.scene.estate.regions:
                if (act.subject, region) in self._left:
                    yield from self._returned((act.subject, region), act.desired)

    def before_change(self, act: Act) -> Iterator[Breach]:
        """Keep what places had that were left."""
        self._had = {place: self._share(place) for place in self._left if place[0] == act.subject}
        self._fled = isinstance(act.desired, Weights) and self._flees(act.subject, act.desired)
        yield from ()

    def after_change(self, act: Act) -> Iterator[Breach]:
        """See what was left, and what has all of it back."""
        if not isinstance(act.desired, Weights):
            return
        for region in self.scene.estate.regions:
            place = (act.subject, region)
            now = self._share(place)
            if now > self._had.get(place, now) + _ROUNDING and not self._fled:
                self._raised_at[place] = self.scene.truth.second
            crowded = self.scene.truth.second - self.scene.full_at.get(region, LONG_AGO) < REMEMBERED_S
            if crowded:
                continue  # left for want of room, and filled again when there is some
            if self._start[place] > 0 and now <= _ROUNDING and self.scene.sick_for(place) < 10 * REMEMBERED_S:
                self._left.add(place)
            elif now >= ALL_OF_IT * self._start[place]:
                self._left.discard(place)
                self._raised_at.pop(place, None)
        yield from ()

    def _returned(self, place: Place, wanted: Weights) -> Iterator[Breach]:
        name, region = place
        before = self.scene.truth.shares[name]
        raises = [by.get(region, 0.0) - before.get(o, {}).get(region, 0.0) for o, by in wanted.shares.items()]
        raised = max(raises, default=0.0)
        if raised <= _ROUNDING:
            return
        second, policy = self.scene.truth.second, self.scene.estate.policy(name)
        well_s, ramp = self.scene.sick_for(place), policy.failback_ramp
        about = f"{name}/{region}"
        if policy.failback.mode is FailbackMode.MANUAL:
            yield Breach("R13", about, f"{name} went back to {region} though a person was to say when")
        if well_s < policy.failback.stable_for.total_seconds() - _EARLY_S:
            yield Breach("R13", about, f"{name} went back to {region} after {well_s} s of health")
        if self._flees(name, wanted):
            return
        if raised > ramp.step + _ROUNDING:
            yield Breach(
                "R13", about, f"{raised:.0%} of {name} went back to {region} at once, of {ramp.step:.0%} a step"
            )
        last = self._raised_at.get(place, LONG_AGO)
        if second - last < ramp.every.total_seconds() * _RAMP_SLACK - _EARLY_S:
            yield Breach("R13", about, f"{name} went back to {region} by another step after {second - last} s")
        for freeze in self.scene.estate.safety.freezes:
            if _FAILBACK in freeze.denies and freeze.from_ <= self._timeline.now() < freeze.to - timedelta(
                seconds=_EARLY_S
            ):
                yield Breach("R12", about, f"{name} went back to {region} during the freeze {freeze.name}")

    def _flees(self, name: str, wanted: Weights) -> bool:
        """Whether the act leaves a place that is dead now: where that goes is not a way back, and knows no ramp."""
        for origin, by in self.scene.truth.shares[name].items():
            for region, share in by.items():
                lowest = self.scene.lowest_at((name, region))
                dead = region in self.scene.truth.now.dead or (lowest is not None and lowest < DEAD_BELOW)
                if dead and share > wanted.shares.get(origin, {}).get(region, 0.0) + _ROUNDING:
                    return True
        return False

    def next_change(self, second: int) -> int:
        """It speaks of acts alone."""
        return NEVER
