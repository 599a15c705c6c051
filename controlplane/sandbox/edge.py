"""The edge: one Envoy whose routes come from a file, so that weights change without a restart.

**Who writes what.** The sandbox writes the bootstrap (listener, clusters, admin) once and the first route file. From
then on only the envoy driver replaces the route file, whole, by atomic rename within the same directory.

**The route file** (``rds.json`` in the sandbox's ``edge/`` directory) is a ``DiscoveryResponse`` in JSON holding one
``envoy.config.route.v3.RouteConfiguration`` named ``shop``::

    {"version_info": "7",
     "resources": [{
       "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
       "name": "shop",
       "virtual_hosts": [{
         "name": "shop", "domains": ["*"],
         "routes": [{
           "name": "checkout@IE",
           "match": {"path_separated_prefix": "/checkout",
                     "headers": [{"name": "x-origin", "string_match": {"exact": "IE"}}]},
           "stat_prefix": "checkout@IE",
           "route": {
             "timeout": "1.9s",
             "weighted_clusters": {"clusters": [
               {"name": "checkout@dublin", "weight": 700000},
               {"name": "checkout@frankfurt", "weight": 200000},
               {"name": "shed", "weight": 90000},
               {"name": "refused", "weight": 10000}]}}}]}]}]}

- One virtual host ``shop``; one route per (service, origin), its ``name`` and ``stat_prefix`` being
  ``{service}@{origin}``, sorted by service, then origin. The origin of a request is its ``x-origin`` header.
- Weights are whole numbers that add up to 1,000,000 per route. A weight of 0 is left out.
- Clusters named ``{service}@{region}`` exist for every service in every region where it is deployed, and count
  success, latency and requests in flight of that service there. Clusters named ``{region}`` lead to the same sockets
  for whoever needs no split by service. Regions of the estate that a service is not deployed in have no such cluster.
- ``shed`` answers 503 with ``x-leeward: shed`` ("busy, come back"), ``refused`` answers 451 with
  ``x-leeward: refused`` ("not here"). They are clusters like any other because Envoy draws one random number a
  request: a route fraction in front of a weighted route would be correlated with the choice behind it.
- The time-out is a little below the users' own 2 s, so that what a user gives up on is counted (504) at the edge too.
- No retries: a retry of Envoy's would go to the cluster already drawn, the same region. Users that try again draw anew.
- A driver keeps every field of a route that it does not set itself.
- A broken file keeps the old routes: ``http.edge.rds.shop.update_rejected`` counts it, ``update_success`` a good one,
  and ``http.edge.rds.shop.version_text`` tells which ``version_info`` is in force.

**What the admin address tells** (``/stats?filter=…&format=json``, or ``/stats/prometheus``):
``cluster.{service}@{region}.upstream_rq_2xx|4xx|5xx|total|timeout|cancelled`` (counters),
``cluster.{service}@{region}.upstream_rq_active`` (requests still in flight: the stragglers of a shift),
``cluster.{service}@{region}.upstream_rq_time`` (histogram, ms), ``cluster.shed.upstream_rq_total`` and
``vhost.shop.route.{service}@{origin}.upstream_rq_total`` (demand by origin, shed and refused included).
A dot in a service's name reads ``_`` in cluster statistics.
"""

import json
from collections.abc import Mapping
from typing import Any

from controlplane.sandbox.plan import Address, SandboxPlan

ROUTES = "shop"
SCALE = 1_000_000
TIMEOUT = "1.9s"
_TYPE = "type.googleapis.com/envoy."
_HCM = f"{_TYPE}extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_ROUTER = {"name": "router", "typed_config": {"@type": f"{_TYPE}extensions.filters.http.router.v3.Router"}}
_ANSWERS = {"shed": 503, "refused": 451}

Shares = Mapping[str, Mapping[str, Mapping[str, float]]]
"""service → origin → region → share; what is missing to 1 is shed."""


def write_edge(plan: SandboxPlan, shares: Shares) -> None:
    """Write bootstrap and first routes into the sandbox's ``edge/`` directory."""
    plan.routes.parent.mkdir(parents=True, exist_ok=True)
    (plan.routes.parent / "bootstrap.json").write_text(json.dumps(_bootstrap(plan)))
    write_routes(plan, shares, version="1")


def write_routes(plan: SandboxPlan, shares: Shares, *, version: str) -> None:
    """Replace the route file by atomic rename."""
    draft = plan.routes.with_suffix(".new")
    draft.write_text(json.dumps(routes(shares, version=version)))
    draft.replace(plan.routes)


def routes(shares: Shares, *, version: str) -> dict[str, Any]:
    """The route file's content for given shares."""
    listed = [
        _route(service, origin, shares[service][origin])
        for service in sorted(shares)
        for origin in sorted(shares[service])
    ]
    return {
        "version_info": version,
        "resources": [
            {
                "@type": f"{_TYPE}config.route.v3.RouteConfiguration",
                "name": ROUTES,
                "virtual_hosts": [{"name": "shop", "domains": ["*"], "routes": listed}],
            }
        ],
    }


def healthy_shares(plan: SandboxPlan) -> dict[str, dict[str, dict[str, float]]]:
    """Shares by capacity among the legal regions: where the healthy plan is not at hand."""
    result: dict[str, dict[str, dict[str, float]]] = {}
    for service in plan.services.values():
        for origin in service.demand:
            allowed = service.residency.get(origin)
            room = {
                region: plan.regions[region].capacity
                for region in service.regions
                if allowed is None or plan.regions[region].jurisdiction in allowed
            }
            total = sum(room.values())
            result.setdefault(service.name, {})[origin] = {region: units / total for region, units in room.items()}
    return result


def weights(shares: Mapping[str, float]) -> dict[str, int]:
    """Whole weights that add up to SCALE: what rounding leaves over goes to the largest; the rest is ``shed``."""
    whole = {region: round(share * SCALE) for region, share in sorted(shares.items()) if round(share * SCALE) > 0}
    missing = SCALE - sum(whole.values())
    if whole and abs(missing) <= len(whole):
        whole[max(whole, key=lambda region: (whole[region], region))] += missing
    elif missing > 0:
        whole["shed"] = missing
    return whole


def _route(service: str, origin: str, shares: Mapping[str, float]) -> dict[str, Any]:
    action = {
        "timeout": TIMEOUT,
        "weighted_clusters": {
            "clusters": [
                {"name": name if name in _ANSWERS else f"{service}@{name}", "weight": weight}
                for name, weight in weights(shares).items()
            ]
        },
    }
    name = f"{service}@{origin}"
    return {
        "name": name,
        "stat_prefix": name,
        "match": {
            "path_separated_prefix": f"/{service}",
            "headers": [{"name": "x-origin", "string_match": {"exact": origin}}],
        },
        "route": action,
    }


def _bootstrap(plan: SandboxPlan) -> dict[str, Any]:
    edge = plan.edge
    spread = [service for service in plan.services.values() if not service.exclusive]
    clusters = [_cluster(region.name, region.ingress) for region in plan.regions.values()]
    clusters += [
        _cluster(f"{service.name}@{region}", plan.regions[region].ingress)
        for service in spread
        for region in service.regions
    ]
    clusters += [_cluster("shed", edge.shed), _cluster("refused", edge.refused)]
    source = {"resource_api_version": "V3", "path_config_source": {"path": str(plan.routes)}}
    return {
        "node": {"id": f"edge-{plan.name}", "cluster": "edge"},
        "admin": {"address": _socket(edge.admin)},
        "static_resources": {
            "listeners": [
                _listener("edge", edge.listener, {"rds": {"route_config_name": ROUTES, "config_source": source}}),
                *(_listener(name, getattr(edge, name), _answer(name, status)) for name, status in _ANSWERS.items()),
            ],
            "clusters": clusters,
        },
    }


def _socket(address: Address) -> dict[str, Any]:
    return {"socket_address": {"address": address.host, "port_value": address.port}}


def _cluster(name: str, address: Address) -> dict[str, Any]:
    limits = {"max_connections": 4096, "max_pending_requests": 16384, "max_requests": 16384, "max_retries": 1024}
    return {
        "name": name,
        "alt_stat_name": name.replace(".", "_"),
        "type": "STATIC",
        "connect_timeout": "1s",
        "circuit_breakers": {"thresholds": [limits]},
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _socket(address)}}]}],
        },
    }


def _listener(name: str, address: Address, route_source: dict[str, Any]) -> dict[str, Any]:
    manager = {"@type": _HCM, "stat_prefix": name, "http_filters": [_ROUTER], "generate_request_id": False}
    return {
        "name": name,
        "address": _socket(address),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": {**manager, **route_source}}]}],
    }


def _answer(name: str, status: int) -> dict[str, Any]:
    route = {
        "match": {"prefix": "/"},
        "direct_response": {"status": status, "body": {"inline_string": name}},
        "response_headers_to_add": [{"header": {"key": "x-leeward", "value": name}}],
    }
    return {"route_config": {"name": name, "virtual_hosts": [{"name": name, "domains": ["*"], "routes": [route]}]}}
