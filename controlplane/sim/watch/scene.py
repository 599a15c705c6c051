"""What watchers remember of the last seconds: what anybody who decides may have gone by."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from controlplane.model.act import Act
from controlplane.model.estate import Estate
from controlplane.model.journal import Entry
from controlplane.model.resources.service import Placement
from controlplane.sim.conditions import Conditions, Place
from controlplane.sim.fluid import CLIENT_TIMEOUT_S, Flow, Inputs
from controlplane.sim.schedule import NEVER
from controlplane.sim.stage import Process
from controlplane.sim.truth import Truth

REMEMBERED_S = 12
SICK_BELOW = 0.9
DEAD_BELOW = 0.1
LONG_AGO = -(1 << 40)


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule, and what broke it. ``about`` keeps one breach from being told a thousand times."""

    rule: str
    about: str
    what: str


@dataclass(frozen=True, slots=True)
class Glance:
    """One second: requests by (service, origin), units by region as its console says, users' success by region and
    place (absent: nobody was sent there)."""

    demand: Mapping[tuple[str, str], float]
    capacity: Mapping[str, float]
    by_region: Mapping[str, float]
    by_place: Mapping[Place, float]


@dataclass(slots=True)
class Scene:
    """``sick_at``: the last second in which a place failed for all to see, of itself or by a service it depends on
    there; ``troubled_at``: in which anything was wrong in a region that could be a reason to leave it; ``full_at``: in
    which it had more load than it can carry."""

    estate: Estate
    truth: Truth
    glances: deque[Glance] = field(default_factory=lambda: deque(maxlen=REMEMBERED_S))
    sick_at: dict[Place, int] = field(default_factory=dict)
    troubled_at: dict[str, int] = field(default_factory=dict)
    full_at: dict[str, int] = field(default_factory=dict)
    _flow: Flow | None = None
    _inputs: Inputs | None = None
    _sick: list[Place] = field(default_factory=list)

    def step(self, inputs: Inputs, flow: Flow) -> None:
        """Remember one second."""
        second = self.truth.second
        if flow is self._flow and self.glances:
            self.glances.append(self.glances[-1])
        else:
            self.glances.append(_glance(inputs, flow, self.truth.now))
        if inputs is not self._inputs or flow is not self._flow:
            self._inputs = inputs
            self._sick = _sick(self.truth, inputs, flow)
        for place in self._sick:
            self.sick_at[place] = second
        self._flow = flow
        for region in _troubled(self.truth.now):
            self.troubled_at[region] = second
        for region in flow.overloaded:
            self.full_at[region] = second

    def leap(self, by: int) -> None:
        """What is so now has been so all the while."""
        for when in (self.sick_at, self.troubled_at, self.full_at):
            for key, second in when.items():
                if second == self.truth.second:
                    when[key] = second + by  # type: ignore[index]

    def kinds_of_glances(self) -> list[Glance]:
        """The seconds remembered, those that differ in what they demand or offer."""
        found: list[Glance] = []
        for glance in self.glances:
            if not any(glance.demand == known.demand and glance.capacity == known.capacity for known in found):
                found.append(glance)
        return found

    def lowest_success(self, region: str) -> float | None:
        """The worst that users of a region fared in the seconds remembered; None if nobody was sent there."""
        seen = [glance.by_region[region] for glance in self.glances if region in glance.by_region]
        return min(seen, default=None)

    def lowest_at(self, place: Place) -> float | None:
        """The same of one place."""
        seen = [glance.by_place[place] for glance in self.glances if place in glance.by_place]
        return min(seen, default=None)

    def live(self, region: str) -> bool:
        """Whether leaving a region takes anything from its users (R8)."""
        lowest = self.lowest_success(region)
        return region not in self.truth.now.dead and (lowest is None or lowest >= DEAD_BELOW)

    def sick_for(self, place: Place) -> int:
        """Seconds since a place last failed; a very long time if it never did."""
        return self.truth.second - self.sick_at.get(place, LONG_AGO)


class Watcher:
    """One kind of breach, looked for wherever it can show. All methods answer with what they found."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def applying(self, process: Process, act: Act) -> Iterator[Breach]:
        """A process asks a driver for something."""
        yield from ()

    def before_change(self, act: Act) -> Iterator[Breach]:
        """It is about to come about."""
        yield from ()

    def after_change(self, act: Act) -> Iterator[Breach]:
        """It has come about."""
        yield from ()

    def entry(self, process: Process, entry: Entry) -> Iterator[Breach]:
        """Something was written into the journal."""
        yield from ()

    def step(self) -> Iterator[Breach]:
        """A second has passed."""
        yield from ()

    def leap(self, by: int) -> None:
        """Seconds have been leapt over, all like the last one."""

    def next_change(self, second: int) -> int:
        """The second in which this watcher would speak if all stays as it is."""
        return NEVER


def _glance(inputs: Inputs, flow: Flow, now: Conditions) -> Glance:
    sent: dict[str, float] = {}
    served: dict[str, float] = {}
    for (name, region), rate in flow.rate.items():
        sent[region] = sent.get(region, 0.0) + rate
        served[region] = served.get(region, 0.0) + rate * flow.success[name, region]
    return Glance(
        demand={
            (stream.service, stream.origin): 0.0 if stream.origin in now.unresolved else stream.rate
            for stream in inputs.streams
        },
        capacity={region: units - flow.extra[region] for region, units in inputs.capacity.items()},
        by_region={region: served[region] / rate for region, rate in sent.items() if rate > 0},
        by_place={place: flow.success[place] for place, rate in flow.rate.items() if rate > 0},
    )


def _sick(truth: Truth, inputs: Inputs, flow: Flow) -> list[Place]:
    """Places that fail, where somebody could see it: by a probe, by users that are sent there, by an alarm."""
    able: dict[Place, float] = {}
    now = truth.now
    found: list[Place] = []
    for place in inputs.well:
        fails = _able(truth, place, able) < SICK_BELOW
        probed = place[1] in now.dead or place in now.failing or place in now.ailing or place in now.slow
        if place[1] in now.alarms or (fails and (probed or flow.rate.get(place, 0.0) > 0.0)):
            found.append(place)
    return found


def _able(truth: Truth, place: Place, known: dict[Place, float]) -> float:
    """Share of requests that a place could serve if all datastores were well."""
    if place not in known:
        name, region = place
        now = truth.now
        late = now.slow.get(place, 0.0) >= CLIENT_TIMEOUT_S
        able = 0.0 if late or region in now.dead or place in now.failing else 1 - now.errors.get(place, 0.0)
        for dependency in truth.estate.strong[name]:
            if truth.estate.services[dependency].spec.placement is Placement.SPREAD:
                able *= _able(truth, (dependency, region), known)
        known[place] = able
    return known[place]


def _troubled(now: Conditions) -> set[str]:
    """Regions in which something is wrong that serving, or a building, suffers from."""
    found = {region for _, region in (*now.failing, *now.errors, *now.slow)}
    found |= {region for pair in now.parted for region in pair}
    return found | now.dead | now.alarms | set(now.room) | set(now.trimmed) | set(now.cold)
