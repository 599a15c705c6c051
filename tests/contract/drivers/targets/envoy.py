"""A real Envoy."""

import http.server
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from controlplane.drivers.envoy.driver import EnvoyDriver, envoy
from controlplane.model.act import Weights
from tests.contract.drivers.cases import Bench, case
from tests.servers.edge import Edge, running_edge

BEFORE = Weights({"DE": {"frankfurt": 1.0}, "IE": {"dublin": 0.7, "frankfurt": 0.3}})
AFTER = Weights(
    {"DE": {"frankfurt": 0.9}, "IE": {"frankfurt": 0.85}}, shed={"DE": 0.1, "IE": 0.1}, refused={"IE": 0.05}
)
SHARES = {
    "checkout@DE": {"checkout@frankfurt": 1_000_000},
    "checkout@IE": {"checkout@dublin": 700_000, "checkout@frankfurt": 300_000},
    "search@IE": {"search@dublin": 1_000_000},
}


class Shop(http.server.BaseHTTPRequestHandler):
    """Answers with the port it runs on; ``/checkout/slow`` waits until it is let go."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in two packets waits for the first one's acknowledgement
    server: http.server.ThreadingHTTPServer
    gate = threading.Event()

    def do_GET(self) -> None:
        if self.path.endswith("/slow"):
            self.gate.wait(timeout=20)
        body = str(self.server.server_address[1]).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def shop() -> Iterator[int]:
    """A server of the shop; its port."""
    Shop.gate.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield int(server.server_address[1])
    finally:
        Shop.gate.set()
        server.shutdown()
        server.server_close()


@contextmanager
def running(folder: Path) -> Iterator[Edge]:
    """An edge over two regions, dublin and frankfurt, each a server of its own."""
    with shop() as dublin, shop() as frankfurt:
        clusters = {"checkout@dublin": dublin, "checkout@frankfurt": frankfurt, "shed": dublin, "refused": dublin}
        clusters |= {"search@dublin": dublin, "search@frankfurt": frankfurt}
        with running_edge(folder, clusters, SHARES) as edge:
            yield edge


def driver(edge: Edge, **more: str | float) -> EnvoyDriver:
    """A driver of the edge."""
    settings = {"file": str(edge.routes), "admin": edge.admin_url, "timeout": 1, **more}
    assert envoy.mistakes(settings) == ()
    return envoy(settings)


@case("envoy")
@asynccontextmanager
async def weights(folder: Path) -> AsyncIterator[Bench]:
    """Shares of two origins, one of them over two regions."""
    with running(folder) as edge:
        yield Bench(driver(edge), "checkout", BEFORE, AFTER, edge.routes.read_bytes, unknown="nothing")
