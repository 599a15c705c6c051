"""A real HTTP server a region, with a job that remembers the highest epoch."""

import http.server
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from controlplane.drivers.http.driver import HttpDriver
from controlplane.drivers.http.driver import http as http_driver
from controlplane.model.act import Fence, Holder
from controlplane.model.resources.kind import Setting
from tests.contract.drivers.cases import Bench, case


@dataclass
class Region:
    """One region's job. ``lies``: it says yes and does nothing."""

    name: str
    active: bool = False
    epoch: int = 0
    lies: bool = False
    orders: list[tuple[str, str]] = field(default_factory=list)
    server: http.server.ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        assert self.server is not None
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def order(self, verb: str, epoch: int) -> tuple[int, dict[str, Any]]:
        if epoch < self.epoch:
            return 409, {**self.show(), "why": "superseded"}
        if not self.lies:
            self.epoch = epoch
            self.active = verb in {"activate", "renew"}
        return 200, self.show()

    def show(self) -> dict[str, Any]:
        return {"active": self.active, "epoch": self.epoch, "why": ""}

    def stop(self) -> None:
        """Take the server down; the job may go on."""
        assert self.server is not None
        self.server.shutdown()
        self.server.server_close()


def _handler(region: Region) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(200, region.show())

        def do_POST(self) -> None:
            order = json.loads(self.rfile.read(int(self.headers["content-length"])))
            verb = self.path.rpartition("/")[2]
            region.orders.append((verb, self.headers["idempotency-key"]))
            self._answer(*region.order(verb, order["epoch"]))

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _answer(self, code: int, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(code)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


@contextmanager
def regions(*names: str) -> Iterator[dict[str, Region]]:
    """A server each."""
    made = {name: Region(name) for name in names}
    for region in made.values():
        region.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(region))
        threading.Thread(target=region.server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield made
    finally:
        for region in made.values():
            region.stop()


def driver(made: dict[str, Region], **more: Setting) -> HttpDriver:
    """A driver of the job."""
    at: dict[str, Setting] = {name: region.url for name, region in made.items()}
    settings: dict[str, Setting] = {"at": at, "timeout": 1, **more}
    assert http_driver.mistakes(settings) == ()
    return http_driver(settings)


def _bench(made: dict[str, Region], before: Holder | None, after: Holder | Fence) -> Bench:
    return Bench(
        driver(made),
        "settlement",
        before,
        after,
        lambda: {name: (region.active, region.epoch) for name, region in made.items()},
        undoable=before is not None,
    )


@case("http holder")
@asynccontextmanager
async def holder(_: Path) -> AsyncIterator[Bench]:
    """A job that is active nowhere yet."""
    with regions("dublin", "frankfurt") as made:
        yield _bench(made, Holder(None), Holder("frankfurt"))


@case("http fence")
@asynccontextmanager
async def fence(_: Path) -> AsyncIterator[Bench]:
    """A job that is active in the region to be fenced."""
    with regions("dublin", "frankfurt") as made:
        made["dublin"].active = True
        yield _bench(made, None, Fence("dublin"))
