"""From an Estate to a SandboxPlan: addresses, scale, and what each process needs to know of the policies."""

import secrets
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from controlplane.model.estate import Estate
from controlplane.model.resources.service import Placement, Strength
from controlplane.sandbox.plan import (
    Address,
    DatastorePlan,
    EdgePlan,
    KnobPlan,
    RegionPlan,
    SandboxPlan,
    ServicePlan,
)

DEFAULT_RATE = 500.0
DEFAULT_OFREP = "http://127.0.0.1:8470"
_FIRST_REGION = 11


@dataclass(frozen=True, slots=True)
class Options:
    """What whoever makes a sandbox may choose.

    ``rate``: requests a second that the whole estate's declared demand is scaled to (0: as declared). ``ofrep``: the
    daemon's address. ``writes``: share of requests to services with a datastore that write.
    """

    rate: float = DEFAULT_RATE
    ofrep: str = DEFAULT_OFREP
    writes: float = 0.2


class _Addresses:
    """Hands out loopback addresses of a network of this sandbox's own, so that two sandboxes never meet.

    Each address is bound once and held until the plan is made. The preferred port is taken where it is free (a
    server listening on every interface may have it), else one that the kernel picks.
    """

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._network = f"127.{secrets.randbelow(250) + 2}.{secrets.randbelow(250) + 2}"

    def take(self, host: int, port: int) -> Address:
        name = f"{self._network}.{host}"
        for wanted in (port, 0):
            held = self._stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            try:
                held.bind((name, wanted))
            except OSError:
                continue
            return Address(name, held.getsockname()[1])
        raise OSError(f"no free port on {name}")


def make_plan(estate: Estate, directory: Path, options: Options) -> SandboxPlan:
    """Lay out a sandbox of an estate. Addresses are free at this moment and belong to it alone."""
    declared = sum(sum(service.spec.demand.values()) for service in estate.services.values())
    factor = options.rate / declared if options.rate and declared else 1.0
    with ExitStack() as stack:
        addresses = _Addresses(stack)
        hosts = {region: _FIRST_REGION + place for place, region in enumerate(estate.regions)}
        return SandboxPlan(
            name=secrets.token_hex(4),
            directory=str(directory.resolve()),
            factor=factor,
            regions={name: _region(estate, name, factor, addresses) for name in hosts},
            services=dict(_services(estate, factor)),
            datastores=dict(_datastores(estate, hosts, addresses)),
            knobs={
                name: KnobPlan(name, knob.default, tuple((level.value, dict(level.saves)) for level in knob.levels))
                for name, knob in estate.knobs.items()
            },
            edge=EdgePlan(
                addresses.take(1, 10000),
                addresses.take(1, 9901),
                addresses.take(1, 10001),
                addresses.take(1, 10002),
            ),
            control=addresses.take(2, 9000),
            ofrep=options.ofrep,
            writes=options.writes,
        )


def _region(estate: Estate, name: str, factor: float, addresses: _Addresses) -> RegionPlan:
    regions = list(estate.regions)
    host = _FIRST_REGION + regions.index(name)
    spec = estate.regions[name].spec
    return RegionPlan(
        name=name,
        jurisdiction=spec.jurisdiction,
        capacity=spec.capacity * factor,
        ingress=addresses.take(host, 8080),
        shop=addresses.take(host, 18080),
        redis=addresses.take(host, 6379),
        peers={peer: addresses.take(host, 28080 + place) for place, peer in enumerate(regions) if peer != name},
    )


def _services(estate: Estate, factor: float) -> Iterator[tuple[str, ServicePlan]]:
    for name, service in estate.services.items():
        spec = service.spec
        callable_ = [
            depends
            for depends in spec.depends_on
            if estate.services[depends.service].spec.placement is Placement.SPREAD
        ]
        exclusive = spec.placement is Placement.EXCLUSIVE
        yield (
            name,
            ServicePlan(
                name=name,
                tier=spec.tier,
                exclusive=exclusive,
                regions=estate.deployed(name),
                cost=spec.unit_cost * (factor if exclusive else 1.0),
                demand={origin: rate * factor for origin, rate in spec.demand.items()},
                residency={origin: tuple(allowed) for origin, allowed in spec.residency.items()},
                strong=tuple(d.service for d in callable_ if d.strength is Strength.STRONG),
                weak=tuple(d.service for d in callable_ if d.strength is Strength.WEAK),
                datastore=spec.datastore,
            ),
        )


def _datastores(estate: Estate, hosts: dict[str, int], addresses: _Addresses) -> Iterator[tuple[str, DatastorePlan]]:
    for number, (name, store) in enumerate(estate.datastores.items()):
        regions = (store.spec.primary, *(r for r in store.spec.replicas if r != store.spec.primary))
        server = {region: addresses.take(hosts[region], 15432 + number) for region in regions}
        ingress = {region: addresses.take(hosts[region], 5432 + number) for region in regions}
        reach = {
            viewer: {
                region: server[region] if region == viewer else addresses.take(host, 25432 + 100 * place + number)
                for place, region in enumerate(regions)
            }
            for viewer, host in hosts.items()
        }
        yield name, DatastorePlan(name, regions[0], regions[1:], server, ingress, reach)
