"""The shop reads its knobs from a real OFREP endpoint, and goes on without it."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from controlplane.sandbox.planning import Options
from controlplane.sandbox.sandbox import Sandbox
from tests.servers.sandbox.conftest import until
from tests.servers.sandbox.small_estate import small_estate
from tests.servers.sandbox.users import region_says


class Daemon:
    """What the daemon serves of OFREP: one flag, bulk with an ETag and single."""

    def __init__(self) -> None:
        self.value = "full"
        self.unchanged = 0
        self.asked: set[str] = set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.asked.add(body["context"]["region"])
                flag = {"key": "recommendations", "value": outer.value, "variant": outer.value, "reason": "STATIC"}
                if not self.path.endswith("/flags"):
                    self._answer(200, flag)
                elif self.headers.get("if-none-match") == f'"{outer.value}"':
                    outer.unchanged += 1
                    self._answer(304, None)
                else:
                    self._answer(200, {"flags": [flag]})

            def _answer(self, status: int, document: object) -> None:
                body = b"" if document is None else json.dumps(document).encode()
                self.send_response(status)
                self.send_header("etag", f'"{outer.value}"')
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    made = Daemon()
    yield made
    made.stop()


async def _status(sandbox: Sandbox) -> dict[str, object]:
    return (await region_says(sandbox.plan, "dublin", "/_status")).body


async def test_a_turned_knob_saves_cost_and_stays_turned_when_the_daemon_is_gone(state: Path, daemon: Daemon) -> None:
    sandbox = Sandbox.create(small_estate(), state, Options(rate=50, ofrep=daemon.url))
    plan = sandbox.plan
    try:
        await sandbox.up()

        async def knob(value: str) -> bool:
            return (await _status(sandbox))["knobs"] == {"recommendations": value}

        async def cost() -> float:
            before = float(str((await _status(sandbox))["served"]))
            assert (await region_says(plan, "dublin", "/recommendation")).status == 200
            return float(str((await _status(sandbox))["served"])) - before

        assert await cost() == pytest.approx(1.0)
        daemon.value = "cached"
        await until(lambda: knob("cached"))
        assert await cost() == pytest.approx(0.5)
        daemon.value = "off"
        await until(lambda: knob("off"))
        assert await cost() == pytest.approx(0.0)
        assert {"dublin", "frankfurt", "london"} <= daemon.asked
        daemon.stop()

        async def alone() -> bool:
            return (await _status(sandbox))["knobs_reached"] is False

        await until(alone)
        await asyncio.sleep(1)
        assert await knob("off")
        assert daemon.unchanged > 0
    finally:
        sandbox.down()
