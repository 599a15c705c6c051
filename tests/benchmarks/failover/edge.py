"""Envoy for each contestant: the same listener, time-out and upstreams; what takes a region out is what differs."""

import json
from enum import Enum
from pathlib import Path
from typing import Any

from tests.servers.edge import route_file

SERVICE = "shop"
ORIGIN = "EU"
TIMEOUT = "1s"
PATIENCE = 0.8
"""What a look may take, as a share of the interval, whoever looks."""
_EXTENSIONS = "type.googleapis.com/envoy.extensions"


class Contestant(Enum):
    LEEWARD = "leeward"
    CHECKS = "envoyChecks"
    OUTLIERS = "envoyOutliers"


def write(folder: Path, who: Contestant, ports: tuple[int, int], regions: dict[str, int], interval_s: float) -> None:
    """Bootstrap and, for Leeward, the first routes: a third for each region. ``ports``: users' and admin."""
    if who is Contestant.LEEWARD:
        clusters, source = _routed_by_file(folder, regions)
    else:
        clusters, source = _routed_by_envoy(
            regions, _checks(interval_s) if who is Contestant.CHECKS else _outliers(interval_s)
        )
    (folder / "bootstrap.json").write_text(json.dumps(_bootstrap(ports, clusters, source)))


def _routed_by_file(folder: Path, regions: dict[str, int]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    clusters = [_cluster(f"{SERVICE}@{name}", [port], {}) for name, port in regions.items()]
    clusters += [_cluster("shed", [1], {}), _cluster("refused", [1], {})]
    weights = {f"{SERVICE}@{name}": 1_000_000 // len(regions) for name in regions}
    weights[f"{SERVICE}@{next(iter(regions))}"] += 1_000_000 - sum(weights.values())
    routes = route_file({f"{SERVICE}@{ORIGIN}": weights})
    routes["resources"][0]["virtual_hosts"][0]["routes"][0]["route"]["timeout"] = TIMEOUT
    (folder / "rds.json").write_text(json.dumps(routes))
    file = {"path_config_source": {"path": str(folder / "rds.json")}, "resource_api_version": "V3"}
    return clusters, {"rds": {"route_config_name": SERVICE, "config_source": file}}


def _routed_by_envoy(regions: dict[str, int], own: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    route = {"match": {"prefix": "/"}, "route": {"cluster": SERVICE, "timeout": TIMEOUT}}
    hosts = [{"name": SERVICE, "domains": ["*"], "routes": [route]}]
    return [_cluster(SERVICE, list(regions.values()), own)], {"route_config": {"name": SERVICE, "virtual_hosts": hosts}}


def _checks(interval_s: float) -> dict[str, Any]:
    """Both intervals are set: without traffic Envoy would look once a minute."""
    each = f"{interval_s:g}s"
    check = {
        "timeout": f"{interval_s * PATIENCE:g}s",
        "interval": each,
        "no_traffic_interval": each,
        "no_traffic_healthy_interval": each,
        "unhealthy_threshold": 2,
        "healthy_threshold": 2,
        "http_health_check": {"path": "/healthz"},
    }
    return {"health_checks": [check]}


def _outliers(interval_s: float) -> dict[str, Any]:
    return {
        "outlier_detection": {
            "consecutive_5xx": 5,
            "consecutive_gateway_failure": 5,
            "enforcing_consecutive_gateway_failure": 100,
            "interval": f"{interval_s:g}s",
            "base_ejection_time": "30s",
            "max_ejection_percent": 100,
        }
    }


def _bootstrap(ports: tuple[int, int], clusters: list[dict[str, Any]], source: dict[str, Any]) -> dict[str, Any]:
    router = {"name": "router", "typed_config": {"@type": f"{_EXTENSIONS}.filters.http.router.v3.Router"}}
    manager = {
        "@type": f"{_EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "edge",
        "http_filters": [router],
        "generate_request_id": False,
        **source,
    }
    listener = {
        "name": "edge",
        "address": _address(ports[0]),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    return {
        "node": {"id": "edge", "cluster": "edge"},
        "admin": {"address": _address(ports[1])},
        "static_resources": {"listeners": [listener], "clusters": clusters},
    }


def _cluster(name: str, ports: list[int], own: dict[str, Any]) -> dict[str, Any]:
    endpoints = [{"endpoint": {"address": _address(port)}} for port in ports]
    limits = {"max_connections": 4096, "max_pending_requests": 16384, "max_requests": 16384}
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "circuit_breakers": {"thresholds": [limits]},
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]},
        **own,
    }


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
