"""Truth: what the hands have set, who holds what, and what requests meet because of it and of the faults."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from controlplane.model.estate import Estate
from controlplane.model.plan import Plan
from controlplane.model.resources.degradation_policy import KnobScope
from controlplane.model.resources.kind import KnobValue
from controlplane.model.resources.service import Placement
from controlplane.sim.conditions import Conditions, Place, homes
from controlplane.sim.fluid import Inputs, Stream
from controlplane.sim.replication import Replication
from controlplane.sim.seats import LEASE_S, Seat
from controlplane.sim.stragglers import DNS_DRIVERS, Stragglers

Shares = dict[str, dict[str, dict[str, float]]]
_ROUNDING = 1e-5
"""Shares that add up to this little less than 1 have been rounded; nobody is turned away for it."""


@dataclass(slots=True)
class Truth:
    """``version`` grows with each change that a hand makes. ``knobs``: knob → region → value. ``epochs``: the highest
    epoch under which each subject was ever acted upon."""

    estate: Estate
    shares: Shares = field(default_factory=dict)
    shed: dict[str, dict[str, float]] = field(default_factory=dict)
    refused: dict[str, dict[str, float]] = field(default_factory=dict)
    knobs: dict[str, dict[str, KnobValue]] = field(default_factory=dict)
    units: dict[str, float] = field(default_factory=dict)
    seats: dict[str, Seat] = field(default_factory=dict)
    copies: dict[str, Replication] = field(default_factory=dict)
    stragglers: Stragglers = field(default_factory=Stragglers)
    epochs: dict[str, int] = field(default_factory=dict)
    now: Conditions = field(default_factory=Conditions)
    second: int = 0
    version: int = 0
    _version_of_costs: int = -1
    _costs: dict[Place, float] = field(default_factory=dict)
    _lost: float = 0.0

    def runs(self, subject: str, region: str) -> bool:
        """Whether the host of an exclusive service or datastore there is alive."""
        return region not in self.now.dead and (subject, region) not in self.now.failing

    def active(self, subject: str) -> tuple[str, ...]:
        """Regions in which the subject really runs or is written."""
        return self.seats[subject].active(partial(self.runs, subject))

    def capacity(self, region: str) -> float:
        """Units a second that the region can really carry, caches aside."""
        declared = self.estate.regions[region].spec.capacity
        units = self.units.get(region, declared)
        trimmed = 1.0 if units > declared else self.now.trimmed.get(region, 1.0)
        return units * self.now.room.get(region, 1.0) * trimmed

    @property
    def unit_costs(self) -> Mapping[Place, float]:
        """Units that a request takes at each place, what the knobs save counted."""
        self._follow_knobs()
        return self._costs

    @property
    def lost_an_hour(self) -> float:
        """Business value an hour that the knobs cost as they stand."""
        self._follow_knobs()
        return self._lost

    def _follow_knobs(self) -> None:
        if self._version_of_costs == self.version:
            return
        self._version_of_costs = self.version
        saved: dict[Place, float] = {}
        self._lost = 0.0
        for name, knob in self.estate.knobs.items():
            lost = 0.0
            for region, value in self.knobs[name].items():
                if depth := knob.depth(value):
                    level = knob.levels[depth - 1]
                    lost = lost + level.value_lost if knob.scope is KnobScope.REGION else level.value_lost
                    for service, share in level.saves.items():
                        saved[service, region] = saved.get((service, region), 0.0) + share
            self._lost += lost
        self._costs = {
            (name, region): self.estate.services[name].spec.unit_cost * (1 - min(1.0, saved.get((name, region), 0.0)))
            for name in self.estate.spread
            for region in self.estate.regions
        }

    def reaches_primary(self, service: str, region: str) -> bool:
        """Whether a service there can write, or needs no datastore (R14)."""
        name = self.estate.services[service].spec.datastore
        if name is None:
            return True
        return any(self.now.reach(region, primary) for primary in self.active(name))


def begin(estate: Estate, plan: Plan) -> Truth:
    """The healthy estate: shares and knobs of its plan, holders in their datastore's primary region."""
    truth = Truth(estate)
    for name in estate.spread:
        truth.shares[name] = {origin: dict(by) for origin, by in plan.target.get(name, {}).items()}
        truth.shed[name] = dict(plan.shed.get(name, {}))
        truth.refused[name] = dict(plan.refused.get(name, {}))
    for name, knob in estate.knobs.items():
        value = plan.knobs.get(name, knob.default)
        truth.knobs[name] = {
            region: value.get(region, knob.default) if isinstance(value, Mapping) else value
            for region in estate.regions
        }
    for name, store in estate.datastores.items():
        truth.seats[name] = Seat(name)
        truth.seats[name].claim(store.spec.primary, 0, 0)
        truth.copies[name] = Replication(name, homes(estate, name))
        truth.copies[name].start(store.spec.primary)
    for name in estate.exclusive:
        truth.seats[name] = Seat(name)
        truth.seats[name].claim(first_holder(estate, name), 0, 0)
    return truth


def first_holder(estate: Estate, name: str) -> str:
    """Where an exclusive service is at the start: by its datastore's primary, else in the first region listed."""
    listed = estate.deployed(name)
    store = estate.services[name].spec.datastore
    if store is not None and (primary := estate.datastores[store].spec.primary) in listed:
        return primary
    return listed[0]


def step_seats(truth: Truth) -> None:
    """Leases are renewed or lapse, and replicas follow whoever is the primary."""
    for name, seat in truth.seats.items():
        seat.renew(truth.second, partial(truth.runs, name))
    for name, copies in truth.copies.items():
        copies.step(truth.second, truth.now, truth.active(name))


def lease_left_s(truth: Truth, subject: str, region: str) -> int:
    """Seconds for which a region could still go on by its lease; 0 once it is fenced or lapsed."""
    claim = truth.seats[subject].claims.get(region)
    return 0 if claim is None else max(0, min(LEASE_S, claim.lease_until - truth.second))


def inputs_of(truth: Truth) -> Inputs:
    """What requests meet, as of now."""
    estate, now = truth.estate, truth.now
    well: dict[Place, float] = {}
    slow: dict[Place, float] = {}
    for name in estate.spread:
        for region in estate.deployed(name):
            _meet(truth, (name, region), well, slow)
    for name in estate.spread:
        for region in estate.regions:
            well.setdefault((name, region), 0.0)
    return Inputs(
        streams=_streams(truth),
        cost=truth.unit_costs,
        full_cost={name: estate.services[name].spec.unit_cost for name in estate.spread},
        well=well,
        slow={place: added for place, added in slow.items() if added > 0.0},
        hangs=frozenset(place for place in well if place[1] in now.dead),
        capacity={region: truth.capacity(region) for region in estate.regions},
        fixed=_fixed(truth),
        dead=frozenset(now.dead),
        cold=dict(now.cold),
    )


def _fixed(truth: Truth) -> dict[str, float]:
    load = dict.fromkeys(truth.estate.regions, 0.0)
    for name in truth.estate.exclusive:
        for region in truth.active(name):
            load[region] += truth.estate.services[name].spec.unit_cost
    return load


def _meet(truth: Truth, place: Place, well: dict[Place, float], slow: dict[Place, float]) -> float:
    """How well a place serves, with all that it strongly depends on (R14); ``load`` has refused cycles."""
    if place in well:
        return well[place]
    name, region = place
    now, estate = truth.now, truth.estate
    served = 0.0 if region in now.dead or place in now.failing else 1 - now.errors.get(place, 0.0)
    added = 0.0
    for dependency in estate.strong[name]:
        if estate.services[dependency].spec.placement is Placement.EXCLUSIVE:
            served *= any(now.reach(region, holder) for holder in truth.active(dependency))
        elif region not in estate.deployed(dependency):
            served = 0.0
        else:
            served *= _meet(truth, (dependency, region), well, slow)
            added = max(added, slow.get((dependency, region), 0.0))
    if not truth.reaches_primary(name, region):
        served = 0.0
    well[place] = served
    slow[place] = now.slow.get(place, 0.0) + added
    return served


def _streams(truth: Truth) -> tuple[Stream, ...]:
    estate, now = truth.estate, truth.now
    found: list[Stream] = []
    for name in estate.spread:
        weights = truth.stragglers.followed(name, truth.shares[name], truth.second)
        for origin, rate in estate.services[name].spec.demand.items():
            shares = weights.get(origin, {})
            whole = sum(shares.values())
            said = truth.shed[name].get(origin, 0.0) + truth.refused[name].get(origin, 0.0)
            answered = max(said, 1 - whole if 1 - whole > _ROUNDING else 0.0)
            routes = tuple((r, share / whole) for r, share in sorted(shares.items()) if share > 0.0) if whole else ()
            found.append(
                Stream(
                    service=name,
                    origin=origin,
                    rate=rate * now.surge.get((name, origin), 1.0),
                    routes=routes,
                    answered=min(1.0, answered) if whole else 1.0,
                    edges_down=now.edges_down.get(origin, 0.0),
                    resolves=origin not in now.unresolved,
                )
            )
    return tuple(found)


def behind_names(estate: Estate, service: str) -> bool:
    """Whether the service's users find it by names whose answers resolvers keep."""
    binding = estate.services[service].spec.traffic
    return binding is not None and binding.driver in DNS_DRIVERS
