"""SandboxPlan: what runs where in one sandbox, chosen once and kept in its state directory.

Every process of the sandbox reads it, so it is plain values and JSON, and imports nothing heavy.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

KnobValue = str | bool | int | float
PLAN_FILE = "plan.json"
LEASE_S = 10.0
"""How long an exclusive job may run on a lease that nobody renews."""


class Address(NamedTuple):
    """A TCP address on loopback."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class RegionPlan:
    """One region. ``ingress`` is the address that the world knows (faults of the network bite there); ``shop`` and
    ``redis`` are the sockets behind it. ``capacity`` in cost units a second, scaled. ``peers``: how this region
    reaches the shops of the others."""

    name: str
    jurisdiction: str
    capacity: float
    ingress: Address
    shop: Address
    redis: Address
    peers: Mapping[str, Address]


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """One service. ``demand``: requests a second by origin, scaled. ``exclusive``: a job, not a route."""

    name: str
    tier: int
    exclusive: bool
    regions: tuple[str, ...]
    cost: float
    demand: Mapping[str, float]
    residency: Mapping[str, tuple[str, ...]]
    strong: tuple[str, ...]
    weak: tuple[str, ...]
    datastore: str | None


@dataclass(frozen=True, slots=True)
class DatastorePlan:
    """One pair (or more) of PostgreSQL servers. ``server``: region → the server's own socket; ``ingress``: region →
    the address the world knows; ``reach``: region → region → how the first reaches the second's server."""

    name: str
    primary: str
    replicas: tuple[str, ...]
    server: Mapping[str, Address]
    ingress: Mapping[str, Address]
    reach: Mapping[str, Mapping[str, Address]]

    @property
    def regions(self) -> tuple[str, ...]:
        """Where its servers are, the first primary first."""
        return (self.primary, *self.replicas)

    def conninfo(self, region: str, *, seen_from: str | None = None) -> str:
        """How to connect to its server in a region, as the world sees it or from within a region."""
        host, port = self.ingress[region] if seen_from is None else self.reach[seen_from][region]
        return f"host={host} port={port} user=leeward dbname=shop connect_timeout=2"


@dataclass(frozen=True, slots=True)
class KnobPlan:
    """One knob: its default and, level by level, the share of each service's cost that it saves."""

    name: str
    default: KnobValue
    levels: tuple[tuple[KnobValue, Mapping[str, float]], ...]

    def saves(self, value: KnobValue) -> Mapping[str, float]:
        """Shares saved at a value; none at the default or at a value it does not have."""
        return next((saves for known, saves in self.levels if known == value and type(known) is type(value)), {})


@dataclass(frozen=True, slots=True)
class EdgePlan:
    """Envoy's addresses."""

    listener: Address
    admin: Address
    shed: Address
    refused: Address


@dataclass(frozen=True, slots=True)
class SandboxPlan:
    """``factor`` is what the estate's demand and capacity were multiplied by so that one machine carries it.
    ``control`` is where the network takes orders; ``ofrep`` where the shop asks for knobs; ``writes`` the share of
    requests to a service with a datastore that write."""

    name: str
    directory: str
    factor: float
    regions: Mapping[str, RegionPlan]
    services: Mapping[str, ServicePlan]
    datastores: Mapping[str, DatastorePlan]
    knobs: Mapping[str, KnobPlan]
    edge: EdgePlan
    control: Address
    ofrep: str
    writes: float = 0.2

    @property
    def home(self) -> Path:
        """The state directory."""
        return Path(self.directory)

    @property
    def routes(self) -> Path:
        """The route file that the envoy driver replaces."""
        return self.home / "edge" / "rds.json"

    @property
    def edge_url(self) -> str:
        """Where users send their requests."""
        return f"http://{self.edge.listener}"

    @property
    def admin_url(self) -> str:
        """Where Envoy tells its counters."""
        return f"http://{self.edge.admin}"

    def log(self, process: str) -> Path:
        """Where a process says what it says."""
        return self.home / "logs" / f"{process}.log"

    def region_url(self, region: str) -> str:
        """A region's shop as the world sees it."""
        return f"http://{self.regions[region].ingress}"

    def deployed(self, region: str) -> tuple[ServicePlan, ...]:
        """What is deployed in a region, by name."""
        return tuple(service for service in self.services.values() if region in service.regions)

    def stores_in(self, region: str) -> tuple[DatastorePlan, ...]:
        """The datastores with a server in a region."""
        return tuple(store for store in self.datastores.values() if region in store.regions)

    def lease_store(self, job: str) -> DatastorePlan | None:
        """Where a job's lease is kept: its own datastore, else the first there is."""
        named = self.services[job].datastore
        return self.datastores[named] if named else next(iter(self.datastores.values()), None)

    def save(self) -> None:
        """Write it into its directory, whole or not at all."""
        target = self.home / PLAN_FILE
        draft = target.with_suffix(".new")
        draft.write_text(json.dumps(asdict(self), indent=1))
        draft.replace(target)


def load_plan(directory: Path) -> SandboxPlan:
    """Read the plan of a state directory. FileNotFoundError: no sandbox was made there."""
    raw = json.loads((directory / PLAN_FILE).read_text())
    return SandboxPlan(
        **{
            **raw,
            "regions": {name: _region(value) for name, value in raw["regions"].items()},
            "services": {name: _service(value) for name, value in raw["services"].items()},
            "datastores": {name: _datastore(value) for name, value in raw["datastores"].items()},
            "knobs": {name: _knob(value) for name, value in raw["knobs"].items()},
            "edge": EdgePlan(**_addresses(raw["edge"])),
            "control": Address(*raw["control"]),
        }
    )


def _addresses(raw: Mapping[str, Any]) -> dict[str, Address]:
    return {name: Address(*value) for name, value in raw.items()}


def _region(raw: dict[str, Any]) -> RegionPlan:
    sockets = {key: Address(*raw[key]) for key in ("ingress", "shop", "redis")}
    return RegionPlan(**{**raw, **sockets, "peers": _addresses(raw["peers"])})


def _service(raw: dict[str, Any]) -> ServicePlan:
    lists = {key: tuple(raw[key]) for key in ("regions", "strong", "weak")}
    residency = {origin: tuple(allowed) for origin, allowed in raw["residency"].items()}
    return ServicePlan(**{**raw, **lists, "residency": residency})


def _datastore(raw: dict[str, Any]) -> DatastorePlan:
    reach = {region: _addresses(others) for region, others in raw["reach"].items()}
    return DatastorePlan(
        name=raw["name"],
        primary=raw["primary"],
        replicas=tuple(raw["replicas"]),
        server=_addresses(raw["server"]),
        ingress=_addresses(raw["ingress"]),
        reach=reach,
    )


def _knob(raw: dict[str, Any]) -> KnobPlan:
    return KnobPlan(raw["name"], raw["default"], tuple((value, saves) for value, saves in raw["levels"]))
