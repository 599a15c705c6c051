"""Weights in a route configuration, and back. Pure: documents in, documents out.

A route named ``service@origin`` carries the service's traffic of that origin over weighted clusters. What a route says
otherwise (time-outs, retries, match) is whoever's who wrote it, and is kept; so are routes with other names.
"""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from controlplane.model.act import Weights
from controlplane.model.errors import Broken, Refused

WHOLE = 1_000_000
_SLACK = 1e-6
_MARK = "leeward"


@dataclass(frozen=True, slots=True)
class Naming:
    """How clusters are called: ``cluster`` holds ``{service}`` and ``{region}``."""

    cluster: str = "{service}@{region}"
    shed: str = "shed"
    refused: str = "refused"

    def of(self, service: str, region: str) -> str:
        """The cluster of a service in a region."""
        return self.cluster.replace("{service}", service).replace("{region}", region)

    def region(self, service: str, cluster: str) -> str | None:
        """The region that a cluster of the service leads to; None if it is none of its clusters."""
        before, _, after = self.cluster.replace("{service}", service).partition("{region}")
        inner = cluster.removeprefix(before).removesuffix(after)
        return inner if inner and self.of(service, inner) == cluster else None


@dataclass(frozen=True, slots=True)
class Stamp:
    """Who wrote a route last: kept in its ``metadata``, which Envoy carries along and shows."""

    epoch: int = 0
    key: str = ""


def configuration(document: Mapping[str, Any], name: str | None = None) -> dict[str, Any]:
    """The route configuration in a DiscoveryResponse. Broken if there is none."""
    for resource in document.get("resources", []):
        if isinstance(resource, dict) and "virtual_hosts" in resource and name in {None, resource.get("name")}:
            return resource
    raise Broken("the route file holds no route configuration")


def routes(config: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every route of every virtual host."""
    for host in config.get("virtual_hosts", []):
        yield from host.get("routes", [])


def routes_of(config: Mapping[str, Any], service: str) -> dict[str, dict[str, Any]]:
    """The service's routes by origin."""
    found: dict[str, dict[str, Any]] = {}
    for route in routes(config):
        owner, _, origin = str(route.get("name", "")).rpartition("@")
        if owner == service and origin:
            found[origin] = route
    return found


def clusters(route: Mapping[str, Any]) -> dict[str, int]:
    """Weights by cluster. A route to a single cluster gives it everything."""
    action = route.get("route", {})
    if "cluster" in action:
        return {action["cluster"]: WHOLE}
    listed = action.get("weighted_clusters", {}).get("clusters", [])
    return {item["name"]: int(item.get("weight", 0)) for item in listed if int(item.get("weight", 0)) > 0}


def weights(config: Mapping[str, Any], service: str, naming: Naming) -> Weights | None:
    """The service's shares as the routes have them; None if it has no route."""
    found = routes_of(config, service)
    if not found:
        return None
    shares: dict[str, dict[str, float]] = {}
    shed: dict[str, float] = {}
    refused: dict[str, float] = {}
    for origin, route in sorted(found.items()):
        given = clusters(route)
        total = sum(given.values()) or 1
        by_region = {naming.region(service, cluster): weight / total for cluster, weight in sorted(given.items())}
        shares[origin] = {region: share for region, share in by_region.items() if region is not None}
        if given.get(naming.shed):
            shed[origin] = given[naming.shed] / total
        if given.get(naming.refused):
            refused[origin] = given[naming.refused] / total
    return Weights(shares, shed, refused)


def whole_numbers(parts: Mapping[str, float]) -> dict[str, int]:
    """Shares that add up to 1 as whole weights that add up to a million, by largest remainder. Zeros are left out."""
    exact = {name: share * WHOLE for name, share in parts.items() if share > 0}
    floors = {name: int(value) for name, value in exact.items()}
    missing = WHOLE - sum(floors.values())
    by_remainder = sorted(exact, key=lambda name: (floors[name] - exact[name], name))
    for name in by_remainder[:missing] if missing > 0 else ():
        floors[name] += 1
    for name in by_remainder[missing:] if missing < 0 else ():
        floors[name] -= 1
    return {name: floors[name] for name in sorted(floors) if floors[name] > 0}


def wanted_clusters(service: str, desired: Weights, naming: Naming) -> dict[str, dict[str, int]]:
    """Whole weights by origin and cluster. Refused if an origin's parts do not add up to 1."""
    found: dict[str, dict[str, int]] = {}
    for origin in sorted({*desired.shares, *desired.shed, *desired.refused}):
        by_region = desired.shares.get(origin, {})
        parts = {naming.of(service, region): share for region, share in by_region.items()}
        parts |= {naming.shed: desired.shed.get(origin, 0.0), naming.refused: desired.refused.get(origin, 0.0)}
        if any(share < -_SLACK for share in parts.values()) or abs(sum(parts.values()) - 1) > _SLACK:
            raise Refused(f"{service}: the shares of {origin} do not add up to 1: {parts}")
        found[origin] = whole_numbers(parts)
    return found


def put(config: dict[str, Any], service: str, wanted: Mapping[str, Mapping[str, int]], stamp: Stamp) -> None:
    """Write weights into the service's routes, in place, all or none.

    Refused if an origin has no route and none that it could be made from, or if its route leads to no cluster.
    """
    found = routes_of(config, service)
    changed: list[tuple[dict[str, Any], Mapping[str, int]]] = []
    fresh: list[dict[str, Any]] = []
    for origin, given in wanted.items():
        route = found.get(origin)
        if route is None:
            route = _sibling(found, service, origin)
            fresh.append(route)
        if not isinstance(route.get("route"), dict):
            raise Refused(f"the route {service}@{origin} does not lead to clusters")
        changed.append((route, given))
    for route, given in changed:
        _give(route["route"], given)
        put_stamp(route, stamp)
    if fresh:
        first = next(iter(found.values()))
        host = next(host for host in config["virtual_hosts"] if any(route is first for route in host.get("routes", [])))
        place = next(place for place, route in enumerate(host["routes"]) if route is first)
        host["routes"][place:place] = fresh


def _give(action: dict[str, Any], given: Mapping[str, int]) -> None:
    action.pop("cluster", None)
    action["weighted_clusters"] = {
        **{key: value for key, value in action.get("weighted_clusters", {}).items() if key != "clusters"},
        "clusters": [{"name": name, "weight": weight} for name, weight in given.items()],
    }


def put_stamp(route: dict[str, Any], stamp: Stamp) -> None:
    """Write down, in the route itself, who wrote it."""
    metadata = route.setdefault("metadata", {}).setdefault("filter_metadata", {})
    metadata[_MARK] = {"epoch": stamp.epoch, "key": stamp.key}


def _sibling(found: Mapping[str, dict[str, Any]], service: str, origin: str) -> dict[str, Any]:
    """A new origin's route is another origin's with the name exchanged wherever it stands."""
    for known, route in sorted(found.items()):
        fresh: dict[str, Any] = copy.deepcopy(route)
        fresh["name"] = f"{service}@{origin}"
        if "stat_prefix" in fresh:
            fresh["stat_prefix"] = fresh["name"]
        if _exchange(fresh.get("match", {}), known, origin):
            return fresh
    raise Refused(f"the edge has no route {service}@{origin}, nor one that it could be made from")


def _exchange(match: Mapping[str, Any], known: str, origin: str) -> bool:
    for header in match.get("headers", []):
        wanted = header.get("string_match", {})
        if wanted.get("exact") == known:
            wanted["exact"] = origin
            return True
    return False


def stamp_of(route: Mapping[str, Any]) -> Stamp:
    """Who wrote a route last; nobody if it was not a driver."""
    mark = route.get("metadata", {}).get("filter_metadata", {}).get(_MARK, {})
    return Stamp(int(mark.get("epoch", 0)), str(mark.get("key", "")))


def highest_epoch(config: Mapping[str, Any]) -> int:
    """The highest epoch that has written anything into the configuration."""
    return max((stamp_of(route).epoch for route in routes(config)), default=0)


def same(config: Mapping[str, Any], service: str, wanted: Mapping[str, Mapping[str, int]]) -> bool:
    """Whether the service's routes have exactly these weights."""
    found = routes_of(config, service)
    return all(origin in found and clusters(found[origin]) == dict(given) for origin, given in wanted.items())
