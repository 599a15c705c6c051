"""Estates: small ones that nobody would have drawn, from a seed."""

from random import Random
from typing import Any

from controlplane.model.estate import Estate
from controlplane.model.resources.datastore import Datastore
from controlplane.model.resources.degradation_policy import Knob
from controlplane.model.resources.region import Region
from controlplane.model.resources.service import Service
from controlplane.sim.prove.rules import failover_policies, safety_policy

ORIGINS = ("DE", "GB", "IE")
_REGIONS = {"amsterdam": "EU", "dublin": "EU", "frankfurt": "EU", "london": "UK", "paris": "EU", "virginia": "US"}
_SERVICES = ("basket", "catalog", "checkout", "images", "login", "orders", "prices", "search")
_JOBS = ("billing", "mailer")
_STORES = ("accounts-db", "orders-db")
_RPOS = ("0s", "500ms", "2s", "10s")

Document = dict[str, Any]


def random_estate(chance: Random) -> Estate:
    """Two to five regions, two to eight services, datastores, jobs, knobs and policies."""
    regions = sorted(chance.sample(sorted(_REGIONS), chance.choice((2, 3, 3, 3, 4, 4, 5))))
    stores = {name: _store(chance, name, regions) for name in _STORES[: chance.choice((0, 1, 1, 2))]}
    spread = sorted(chance.sample(_SERVICES, chance.randint(2, 6)))
    services = _services(chance, spread, regions, stores)
    for name in _JOBS[: chance.choice((0, 1, 1, 2))]:
        services[name] = _job(chance, name, regions, stores)
    knobs = {name: _knob(chance, name, spread) for name in ("colours", "suggestions")[: chance.choice((0, 1, 1, 2))]}
    return Estate(
        regions={name: _region(chance, name, regions, services) for name in regions},
        services=dict(sorted(services.items())),
        datastores=stores,
        failover=failover_policies(chance),
        knobs=knobs,
        safety=safety_policy(chance, len(regions)),
    )


def _region(chance: Random, name: str, regions: list[str], services: dict[str, Service]) -> Region:
    """Room for all of the demand with something to spare, or with next to nothing."""
    units = sum(
        rate * service.spec.unit_cost for service in services.values() for rate in service.spec.demand.values()
    ) + sum(service.spec.unit_cost for service in services.values() if not service.spec.demand)
    headroom = chance.choice((0.1, 0.2, 0.2, 0.3))
    filled = chance.choice((0.35, 0.5, 0.6, 0.7, 0.85))
    spec: Document = {
        "jurisdiction": _REGIONS[name],
        "capacity": float(max(10, round(units / len(regions) / (1 - headroom) / filled))),
        "headroom": headroom,
        "latency": {origin: f"{chance.randint(4, 60)}ms" for origin in ORIGINS},
    }
    if chance.random() < 0.2:
        spec["faultDomains"] = {"campus": "shared"}
    return Region.model_validate({"metadata": {"name": name}, "spec": spec})


def _services(chance: Random, names: list[str], regions: list[str], stores: dict[str, Datastore]) -> dict[str, Service]:
    made: dict[str, Service] = {}
    for name in names:
        origins = chance.sample(ORIGINS, chance.choice((1, 2, 2, 3)))
        spec: Document = {
            "tier": chance.randint(0, 3),
            "value": float(chance.choice((1, 2, 5))),
            "cost": chance.choice((0.2, 0.5, 1.0, 2.0)),
            "demand": {origin: float(chance.choice((20, 50, 100, 200))) for origin in sorted(origins)},
        }
        if chance.random() < 0.3:
            spec["residency"] = {origins[0]: sorted({_REGIONS[region] for region in regions[:2]})}
        if len(regions) > 2 and chance.random() < 0.25:
            spec["regions"] = sorted(chance.sample(regions, len(regions) - 1))
        if stores and chance.random() < 0.4:
            spec["datastore"] = chance.choice(sorted(stores))
        if made and chance.random() < 0.5:
            strength = chance.choice(("strong", "strong", "weak"))
            spec["dependsOn"] = [{"service": chance.choice(sorted(made)), "strength": strength}]
        made[name] = _possible(name, spec, made, regions)
    return made


def _possible(name: str, spec: Document, made: dict[str, Service], regions: list[str]) -> Service:
    """Without what would leave an origin no legal place even on a good day: load would turn that away."""
    service = Service.model_validate({"metadata": {"name": name}, "spec": spec})
    homes = set(service.spec.regions or regions)
    for dependency in service.spec.depends_on:
        homes &= set(made[dependency.service].spec.regions or regions)
    for allowed in service.spec.residency.values():
        if not any(_REGIONS[home] in allowed for home in homes):
            spec = {key: value for key, value in spec.items() if key not in ("residency", "regions", "dependsOn")}
            return Service.model_validate({"metadata": {"name": name}, "spec": spec})
    return service


def _store(chance: Random, name: str, regions: list[str]) -> Datastore:
    homes = chance.sample(regions, chance.randint(min(2, len(regions)), min(3, len(regions))))
    spec = {"engine": "postgresql", "primary": homes[0], "replicas": sorted(homes[1:]), "rpo": chance.choice(_RPOS)}
    return Datastore.model_validate({"metadata": {"name": name}, "spec": spec})


def _job(chance: Random, name: str, regions: list[str], stores: dict[str, Datastore]) -> Service:
    spec: Document = {"placement": "exclusive", "tier": chance.randint(0, 3), "cost": chance.choice((0.0, 5.0))}
    if stores and chance.random() < 0.6:
        store = chance.choice(sorted(stores))
        spec["datastore"] = store
        spec["regions"] = [stores[store].spec.primary, *stores[store].spec.replicas]
    else:
        spec["regions"] = chance.sample(regions, chance.randint(2, len(regions)))
    return Service.model_validate({"metadata": {"name": name}, "spec": spec})


def _knob(chance: Random, name: str, services: list[str]) -> Knob:
    service = chance.choice(services)
    first = chance.choice((0.2, 0.3, 0.5))
    levels: list[Document] = [{"value": "simple", "saves": {service: first}, "valueLost": float(chance.randint(5, 50))}]
    if chance.random() < 0.6:
        deep = {service: round(first + chance.choice((0.2, 0.4)), 2)}
        levels.append({"value": "none", "saves": deep, "valueLost": float(chance.randint(60, 200))})
    body: Document = {
        "name": name,
        "default": "full",
        "scope": chance.choice(("estate", "region")),
        "levels": levels,
        "restore": {"stableFor": chance.choice(("1m", "3m", "5m"))},
    }
    return Knob.model_validate(body)
