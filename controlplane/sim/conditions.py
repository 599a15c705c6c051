"""Conditions: what the faults that stand at one instant make so."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import assert_never

from controlplane.model.estate import Estate
from controlplane.model.resources import scenario as kinds
from controlplane.model.resources.scenario import EVERY, Fault

Place = tuple[str, str]
"""(service or datastore, region)."""


@dataclass(frozen=True, slots=True)
class DriverFault:
    """Acts of ``driver`` fail with the probability ``rate``, in the way of ``mode``."""

    driver: str
    rate: float
    mode: str

    def hits(self, driver: str) -> bool:
        """Whether it is this driver's."""
        return self.driver in (EVERY, driver)


@dataclass(slots=True)
class Conditions:
    """Everything that is wrong now. What is absent is well.

    ``dead``: regions that answer nothing. ``failing``: places that fail. ``errors``: share of user requests that fail
    at a place; ``ailing``: places whose liveness probes fail though some users are served. ``slow``: seconds added
    at a place. ``room``: factor on a region's capacity that nobody can give back; ``trimmed``: factor that a scale-up
    gives back. ``surge``: factor on the demand of (service, origin). ``blind``: (vantage, region) pairs that see
    nothing; ``edge_blind``: regions that the edges' counters do not tell of. ``parted``: pairs of regions, both ways
    round. ``lag``: seconds, or None where the metric is missing. ``cold``: refill time by region.
    """

    dead: set[str] = field(default_factory=set)
    failing: set[Place] = field(default_factory=set)
    errors: dict[Place, float] = field(default_factory=dict)
    ailing: set[Place] = field(default_factory=set)
    slow: dict[Place, float] = field(default_factory=dict)
    room: dict[str, float] = field(default_factory=dict)
    trimmed: dict[str, float] = field(default_factory=dict)
    surge: dict[tuple[str, str], float] = field(default_factory=dict)
    blind: set[tuple[str, str]] = field(default_factory=set)
    edge_blind: set[str] = field(default_factory=set)
    parted: set[tuple[str, str]] = field(default_factory=set)
    unmanaged: set[str] = field(default_factory=set)
    lag: dict[Place, float | None] = field(default_factory=dict)
    cold: dict[str, float] = field(default_factory=dict)
    alarms: set[str] = field(default_factory=set)
    driver_faults: list[DriverFault] = field(default_factory=list)
    edges_down: dict[str, float] = field(default_factory=dict)
    unresolved: set[str] = field(default_factory=set)
    no_backup: set[str] = field(default_factory=set)
    store_down: bool = False

    def reach(self, a: str, b: str) -> bool:
        """Whether two regions that both live can talk to each other."""
        return a not in self.dead and b not in self.dead and (a, b) not in self.parted

    def sees(self, vantage: str, region: str) -> bool:
        """Whether a vantage's samples about a region arrive at all."""
        return vantage not in self.dead and (vantage, region) not in self.blind


def build(estate: Estate, standing: Iterable[Fault], dead: Iterable[str]) -> Conditions:
    """What all the standing faults together make so. ``dead``: regions whose facility or whose turn has failed."""
    now = Conditions(dead=set(dead))
    for fault in standing:
        _enter(estate, fault, now)
    return now


def _enter(estate: Estate, fault: Fault, now: Conditions) -> None:
    match fault:
        case kinds.RegionDown():
            now.dead.update(chosen(fault.region, estate.regions))
        case kinds.ServiceDown() | kinds.ErrorRate() | kinds.Latency():
            _ail(estate, fault, now)
        case kinds.DemandSurge():
            _surge(estate, fault, now)
        case kinds.ProbeBlind():
            _blind(estate, fault, now)
        case kinds.Partition():
            _part(estate, fault, now)
        case kinds.ReplicationLag():
            _lag(estate, fault, now)
        case kinds.CapacityLoss():
            _scale(now.room, chosen(fault.region, estate.regions), 1 - fault.fraction)
        case kinds.ScaleIn():
            _scale(now.trimmed, chosen(fault.region, estate.regions), 1 - fault.fraction)
        case kinds.ColdCache():
            for region in chosen(fault.region, estate.regions):
                now.cold[region] = fault.refill.total_seconds()
        case _:
            _enter_elsewhere(estate, fault, now)


Elsewhere = (
    kinds.ManagementDown
    | kinds.FacilityAlarm
    | kinds.DriverError
    | kinds.EdgeDown
    | kinds.DnsFault
    | kinds.StoreDown
    | kinds.BackupMissing
    | kinds.Flap
    | kinds.DaemonCrash
)


def _enter_elsewhere(estate: Estate, fault: Elsewhere, now: Conditions) -> None:
    """Faults of what stands around the serving: buildings, consoles, hands, edges, names, the control plane."""
    match fault:
        case kinds.ManagementDown():
            now.unmanaged.update(chosen(fault.region, estate.regions))
        case kinds.FacilityAlarm():
            now.alarms.update(chosen(fault.region, estate.regions))
        case kinds.DriverError():
            now.driver_faults.append(DriverFault(fault.driver, fault.rate, fault.mode))
        case kinds.EdgeDown():
            for origin in chosen(fault.origin, origins(estate)):
                now.edges_down[origin] = 1 - (1 - now.edges_down.get(origin, 0.0)) * (1 - fault.share)
        case kinds.DnsFault():
            now.unresolved.update(chosen(fault.origin, origins(estate)))
        case kinds.StoreDown():
            now.store_down = True
        case kinds.BackupMissing():
            now.no_backup.update(chosen(fault.datastore, estate.datastores))
        case kinds.Flap() | kinds.DaemonCrash():
            pass  # the schedule has a flap's turns; a crash is over in the instant in which it happens
        case _:
            assert_never(fault)


def chosen(asked: str | None, known: Iterable[str]) -> tuple[str, ...]:
    """The names that a selector means: all for ``*`` and for none at all."""
    return tuple(known) if asked is None or asked == EVERY else (asked,)


def origins(estate: Estate) -> tuple[str, ...]:
    """Every origin that sends requests."""
    return tuple(sorted({origin for service in estate.services.values() for origin in service.spec.demand}))


def homes(estate: Estate, datastore: str) -> tuple[str, ...]:
    """The regions of a datastore's primary and replicas, as declared."""
    spec = estate.datastores[datastore].spec
    return tuple(dict.fromkeys((spec.primary, *spec.replicas)))


def _places(estate: Estate, service: str, region: str) -> list[Place]:
    """The places that a service and a region selector mean; ``*`` means services, a datastore must be named."""
    if service in estate.datastores and service not in estate.services:
        return [(service, home) for home in homes(estate, service) if region in (EVERY, home)]
    return [
        (name, home)
        for name in chosen(service, estate.services)
        for home in estate.deployed(name)
        if region in (EVERY, home)
    ]


def _ail(estate: Estate, fault: kinds.ServiceDown | kinds.ErrorRate | kinds.Latency, now: Conditions) -> None:
    for place in _places(estate, fault.service, fault.region):
        match fault:
            case kinds.ServiceDown():
                now.failing.add(place)
            case kinds.Latency():
                now.slow[place] = now.slow.get(place, 0.0) + fault.add.total_seconds()
            case kinds.ErrorRate():
                now.errors[place] = 1 - (1 - now.errors.get(place, 0.0)) * (1 - fault.rate)
                if not fault.probes_pass:
                    now.ailing.add(place)
            case _:
                assert_never(fault)


def _scale(factors: dict[str, float], regions: Iterable[str], factor: float) -> None:
    for region in regions:
        factors[region] = factors.get(region, 1.0) * factor


def _surge(estate: Estate, fault: kinds.DemandSurge, now: Conditions) -> None:
    for name in chosen(fault.service, estate.spread):
        for origin in estate.services[name].spec.demand:
            if fault.origin in (EVERY, origin):
                now.surge[name, origin] = now.surge.get((name, origin), 1.0) * fault.factor


def _blind(estate: Estate, fault: kinds.ProbeBlind, now: Conditions) -> None:
    """A vantage that sees nothing, or a region that nobody sees; the edges' counters go with vantage ``*`` only."""
    regions = chosen(fault.region, (*estate.regions, EVERY))
    for vantage in chosen(fault.vantage, estate.regions):
        now.blind.update((vantage, region) for region in regions)
    if fault.vantage == EVERY:
        now.edge_blind.update(regions)


def _part(estate: Estate, fault: kinds.Partition, now: Conditions) -> None:
    first, second = fault.between
    for a in chosen(first, estate.regions):
        for b in chosen(second, estate.regions):
            if a != b:
                now.parted |= {(a, b), (b, a)}


def _lag(estate: Estate, fault: kinds.ReplicationLag, now: Conditions) -> None:
    seconds = fault.lag.total_seconds() if isinstance(fault.lag, timedelta) else None
    for name in chosen(fault.datastore, estate.datastores):
        for region in homes(estate, name):
            if fault.region in (EVERY, region):
                now.lag[name, region] = seconds
