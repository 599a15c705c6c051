"""Who needs whom (R14): order, reach and the spread of failure along strong dependencies."""

from collections.abc import Mapping
from functools import lru_cache
from graphlib import TopologicalSorter

from controlplane.model.estate import Estate
from controlplane.model.resources.service import Placement


@lru_cache(maxsize=64)
def in_order(estate: Estate) -> tuple[str, ...]:
    """Services with every strong dependency before its dependents, by name where that leaves a choice."""
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for name in estate.services:
        sorter.add(name, *(d for d in estate.strong[name] if d in estate.services))
    sorter.prepare()
    order: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        order.extend(ready)
        sorter.done(*ready)
    return tuple(order)


@lru_cache(maxsize=64)
def possible(estate: Estate) -> Mapping[str, tuple[str, ...]]:
    """Regions in which a service could serve at all: deployed there, as all its strong dependencies are.

    An exclusive dependency is needed somewhere, not next door, so that its place does not matter here.
    """
    found: dict[str, tuple[str, ...]] = {}
    for name in in_order(estate):
        spread = [d for d in estate.strong[name] if estate.services[d].spec.placement is Placement.SPREAD]
        found[name] = tuple(r for r in estate.deployed(name) if all(r in found[d] for d in spread))
    return found


def broken_by(estate: Estate, broken: frozenset[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Spread the given failures, (service, region) pairs, along strong dependencies.

    Returns, for each further pair that cannot serve, the nearest dependency that stops it. A dependency on an
    exclusive service is not followed: it is met by its holder wherever that is.
    """
    stopped: dict[tuple[str, str], str] = {}
    for name in in_order(estate):
        for region in estate.deployed(name):
            if (name, region) in broken:
                continue
            for dependency in estate.strong[name]:
                if estate.services[dependency].spec.placement is Placement.EXCLUSIVE:
                    continue
                if (dependency, region) in broken or (dependency, region) in stopped:
                    stopped[name, region] = dependency
                    break
    return stopped
