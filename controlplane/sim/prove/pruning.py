"""Pruning: estates with one thing less."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from controlplane.model.estate import Estate
from controlplane.model.resources.datastore import Datastore
from controlplane.model.resources.degradation_policy import Knob
from controlplane.model.resources.safety_policy import SafetySpec
from controlplane.model.resources.scenario import EVERY, Fault
from controlplane.model.resources.service import Service

Keeps = Callable[[Fault], bool]
"""Whether a fault still means something."""


def smaller_estates(estate: Estate) -> Iterator[tuple[Estate, Keeps]]:
    """Every estate with one thing less, big things first, and which faults name nothing that is gone."""
    for region in estate.regions:
        if (smaller := without_region(estate, region)) is not None:
            yield smaller, _names_not(region)
    for name in estate.services:
        if len(estate.services) > 1:
            yield without_service(estate, name), _names_not(name)
    for name in estate.datastores:
        yield without_datastore(estate, name), _names_not(name)
    for name in estate.knobs:
        yield replace(estate, knobs={n: k for n, k in estate.knobs.items() if n != name}), _any
    for spot in range(len(estate.failover)):
        if len(estate.failover) > 1:
            yield replace(estate, failover=(*estate.failover[:spot], *estate.failover[spot + 1 :])), _any
    if estate.safety != SafetySpec():
        yield replace(estate, safety=SafetySpec()), _any
    yield from _plainer_services(estate)


def without_service(estate: Estate, gone: str) -> Estate:
    """Without a service, and without what others said of it."""
    services: dict[str, Service] = {}
    for name, service in estate.services.items():
        if name != gone:
            kept = tuple(needed for needed in service.spec.depends_on if needed.service != gone)
            services[name] = _changed(service, depends_on=kept)
    knobs = {name: knob for name, knob in estate.knobs.items() if not _saves(knob, gone)}
    return replace(estate, services=services, knobs=knobs)


def without_datastore(estate: Estate, gone: str) -> Estate:
    """Without a datastore; who used it has none then."""
    services = {
        name: _changed(service, datastore=None) if service.spec.datastore == gone else service
        for name, service in estate.services.items()
    }
    return replace(estate, services=services, datastores={n: s for n, s in estate.datastores.items() if n != gone})


def without_region(estate: Estate, gone: str) -> Estate | None:
    """Without a region; None if something would then run nowhere, or a policy ask for more than there is."""
    regions = {name: region for name, region in estate.regions.items() if name != gone}
    safety = estate.safety
    quorum = safety.vantage_quorum or 1
    if len(regions) < 2 or safety.min_serving_regions > len(regions) or quorum > len(regions):
        return None
    services: dict[str, Service] = {}
    for name, service in estate.services.items():
        listed = service.spec.regions
        kept = None if listed is None else tuple(region for region in listed if region != gone)
        if kept == ():
            return None
        services[name] = service if kept == listed else _changed(service, regions=kept)
    stores: dict[str, Datastore] = {}
    for name, store in estate.datastores.items():
        if store.spec.primary == gone:
            return None
        replicas = tuple(region for region in store.spec.replicas if region != gone)
        stores[name] = store.model_copy(update={"spec": store.spec.model_copy(update={"replicas": replicas})})
    smaller = replace(estate, regions=regions, services=services, datastores=stores)
    legal = all(smaller.legal(name, origin) for name, service in services.items() for origin in service.spec.demand)
    return smaller if legal else None


def _plainer_services(estate: Estate) -> Iterator[tuple[Estate, Keeps]]:
    for name, service in estate.services.items():
        plainer: list[Service] = []
        if service.spec.depends_on:
            plainer.append(_changed(service, depends_on=()))
        if service.spec.residency:
            plainer.append(_changed(service, residency={}))
        if len(service.spec.demand) > 1:
            for origin in service.spec.demand:
                left = {o: rate for o, rate in service.spec.demand.items() if o != origin}
                law = {o: where for o, where in service.spec.residency.items() if o != origin}
                plainer.append(_changed(service, demand=left, residency=law))
        for one in plainer:
            smaller = replace(estate, services={**estate.services, name: one})
            known = {origin for other in smaller.services.values() for origin in other.spec.demand}
            yield smaller, _origin_in(known)


def _changed(service: Service, **fields: object) -> Service:
    return service.model_copy(update={"spec": service.spec.model_copy(update=fields)})


def _saves(knob: Knob, service: str) -> bool:
    return any(service in level.saves for level in knob.levels)


def _any(_: Fault) -> bool:
    return True


def _names_not(gone: str) -> Keeps:
    def keeps(fault: Fault) -> bool:
        for field in ("region", "service", "datastore", "vantage", "replica", "between"):
            value = getattr(fault, field, None)
            if gone in (value if isinstance(value, tuple) else (value,)):
                return False
        return True

    return keeps


def _origin_in(known: set[str]) -> Keeps:
    return lambda fault: getattr(fault, "origin", EVERY) in {EVERY, *known}
