"""An estate's policies bound to a sandbox: the same documents, with its addresses and at its scale.

The daemon runs on the documents that ``write_policies`` leaves in the state directory; it need not know of a sandbox.
Demand and capacity are multiplied by the plan's factor, since that is what the edge counts and the shop can do.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controlplane.model.estate import Estate
from controlplane.model.resources.datastore import Datastore
from controlplane.model.resources.kind import Resource
from controlplane.model.resources.region import Region
from controlplane.model.resources.service import Placement, Service
from controlplane.sandbox.edge import ROUTES
from controlplane.sandbox.plan import LEASE_S, DatastorePlan, SandboxPlan

POLICIES = "policies"
_JOB = {
    "status": "/_jobs/{job}",
    "activate": "/_jobs/{job}/activate",
    "deactivate": "/_jobs/{job}/deactivate",
    "ttl": LEASE_S,
}
# A primary that is cut off cannot acknowledge without its standby (see shop/keeper.py), so that promoting the standby
# is itself the fence; the seconds are for what was on its way.
_SILENCE_PROVES_S = 2.0
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Watching:
    """How closely the sandbox is watched. Times as policies write them; ``hold`` keeps a connection open to each
    target, whose end is evidence at once; ``edge`` is how often the edge's counters are read. ``vantages``: how many
    daemons will look: no quorum can be larger."""

    interval: str = "250ms"
    timeout: str = "250ms"
    fall: int = 2
    rise: int = 3
    hold: bool = True
    edge: str = "1s"
    lag: str = "500ms"
    vantages: int = 1


def documents(estate: Estate, plan: SandboxPlan, watching: Watching | None = None) -> tuple[Document, ...]:
    """Every document of the bound policies, ready to be written as YAML or JSON."""
    chosen = watching or Watching()
    return (
        *(_region(region, plan) for region in estate.regions.values()),
        *(_service(service, plan, chosen) for service in estate.services.values()),
        *(_datastore(store, plan) for store in estate.datastores.values()),
        *(_document(policy) for policy in estate.failover),
        *_knobs(estate),
        _safety(estate, chosen),
    )


def write_policies(estate: Estate, plan: SandboxPlan, watching: Watching | None = None) -> Path:
    """Write the bound policies into the state directory; returns their folder."""
    import yaml

    folder = plan.home / POLICIES
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / "sandbox.yaml.new"
    draft.write_text(yaml.safe_dump_all(documents(estate, plan, watching), sort_keys=False, allow_unicode=True))
    draft.replace(folder / "sandbox.yaml")
    return folder


def _region(region: Region, plan: SandboxPlan) -> Document:
    document = _document(region)
    document["spec"]["capacity"] = _scaled(region.spec.capacity, plan)
    if region.spec.scale is not None:
        document["spec"]["scale"]["max"] = _scaled(region.spec.scale.max, plan)
    return document


def _service(service: Service, plan: SandboxPlan, watching: Watching) -> Document:
    document = _document(service)
    spec = document["spec"]
    bound = plan.services[service.name]
    if service.spec.placement is Placement.EXCLUSIVE:
        if service.spec.cost is not None:
            spec["cost"] = _scaled(service.spec.cost, plan)
        at = {region: plan.region_url(region) for region in bound.regions}
        spec["traffic"] = {"driver": "http", "with": {"at": at, **_JOB}}
        spec["probes"] = [_http(f"{url}/healthz", region, watching) for region, url in at.items()]
    else:
        spec["demand"] = {origin: _scaled(rate, plan) for origin, rate in service.spec.demand.items()}
        settings = {"file": str(plan.routes), "routes": ROUTES, "admin": plan.admin_url}
        spec["traffic"] = {"driver": "envoy", "with": settings}
        spec["probes"] = [
            *(_http(f"{plan.region_url(there)}/healthz/{service.name}", there, watching) for there in bound.regions),
            {"kind": "envoy", "target": plan.admin_url, "interval": watching.edge, "timeout": "1s"},
        ]
    if bound.datastore is not None and _watches(plan, service.name):
        spec["probes"] += _sql(plan.datastores[bound.datastore], bound.regions, watching)
    return document


def _watches(plan: SandboxPlan, service: str) -> bool:
    """A datastore is watched by the first service that uses it wherever it has a server."""
    store = plan.services[service].datastore
    users = [
        name
        for name, user in plan.services.items()
        if user.datastore == store and store is not None and set(plan.datastores[store].regions) <= set(user.regions)
    ]
    return users[:1] == [service]


def _http(url: str, region: str, watching: Watching) -> Document:
    return {
        "kind": "http",
        "target": url,
        "regions": [region],
        "interval": watching.interval,
        "timeout": watching.timeout,
        "fall": watching.fall,
        "rise": watching.rise,
        "with": {"keep": True, "hold": watching.hold},
    }


def _sql(store: DatastorePlan, regions: tuple[str, ...], watching: Watching) -> Iterator[Document]:
    for region in store.regions:
        if region in regions:
            yield {
                "kind": "sql",
                "target": postgres_url(store, region),
                "regions": [region],
                "interval": watching.lag,
                "timeout": "500ms",
                "fall": watching.fall,
                "rise": watching.rise,
                "with": {"datastore": store.name},
            }


def _datastore(store: Datastore, plan: SandboxPlan) -> Document:
    document = _document(store)
    bound = plan.datastores[store.name]
    document["spec"]["driver"] = "postgres"
    document["spec"]["with"] = {
        "servers": {region: postgres_url(bound, region) for region in bound.regions},
        "lease": _SILENCE_PROVES_S,
        "trustRefusal": True,
    }
    return document


def postgres_url(store: DatastorePlan, region: str) -> str:
    """A server's address as the world sees it."""
    return f"postgresql://leeward@{store.ingress[region]}/shop"


def _knobs(estate: Estate) -> Iterator[Document]:
    if estate.knobs:
        knobs = [{**_dump(knob), "driver": {"driver": "flags"}} for knob in estate.knobs.values()]
        yield {**_envelope("DegradationPolicy", "sandbox"), "spec": {"knobs": knobs}}


def _safety(estate: Estate, watching: Watching) -> Document:
    spec = _dump(estate.safety)
    spec["vantageQuorum"] = min(estate.safety.vantage_quorum or watching.vantages, watching.vantages)
    return {**_envelope("SafetyPolicy", "sandbox"), "spec": spec}


def _document(resource: Resource) -> Document:
    whole = _dump(resource)
    return {**_envelope(str(getattr(resource, "kind", "")), resource.name), **whole}


def _envelope(kind: str, name: str) -> Document:
    return {"apiVersion": "leeward/v1", "kind": kind, "metadata": {"name": name}}


def _dump(part: Any) -> dict[str, Any]:
    dumped: Mapping[str, Any] = part.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return dict(dumped)


def _scaled(number: float, plan: SandboxPlan) -> float:
    return round(number * plan.factor, 6)
