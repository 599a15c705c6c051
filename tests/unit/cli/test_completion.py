"""Names for the shell: from the policies named or a daemon that answers at once, else none."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from cli.completion import (
    complete_approvals,
    complete_knob_values,
    complete_knobs,
    complete_left,
    complete_movable,
    complete_regions,
)
from tests.unit.cli.test_look import FOLDER


class Context:
    """As far as completion looks at typer's."""

    def __init__(self, **params: Any) -> None:
        self.params = params


@pytest.fixture
def policies(tmp_path: Path) -> list[Path]:
    (tmp_path / "shop.yaml").write_text(FOLDER)
    return [tmp_path]


def complete(what: Any, incomplete: str = "", **params: Any) -> list[str]:
    found: list[str] = what(Context(**params), incomplete)
    return found


def test_names_come_from_the_policies_that_are_named(policies: list[Path]) -> None:
    assert complete(complete_regions, policies=policies) == ["dublin", "frankfurt"]
    assert complete(complete_regions, "f", policies=policies) == ["frankfurt"]
    assert complete(complete_movable, policies=policies) == ["feed"]
    assert complete(complete_left, policies=policies) == ["dublin", "frankfurt", "feed"]
    assert complete(complete_knobs, policies=policies) == ["clips"]


def test_a_knob_is_completed_and_then_its_values(policies: list[Path]) -> None:
    assert complete(complete_knob_values, "cl", policies=policies) == ["clips="]
    assert complete(complete_knob_values, "clips=", policies=policies) == ["clips=full", "clips=off"]
    assert complete(complete_knob_values, "clips=o", policies=policies) == ["clips=off"]


def test_names_come_from_the_environment_s_policies(policies: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEEWARD_POLICIES", str(policies[0]))
    assert complete(complete_regions) == ["dublin", "frankfurt"]


def test_broken_policies_complete_nothing(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("kind: [")
    assert complete(complete_regions, policies=[tmp_path]) == []
    assert complete(complete_regions, policies=[tmp_path / "absent"]) == []


STATUS = {
    "regions": [{"region": "dublin"}, {"region": "london"}],
    "shares": {"checkout": {}},
    "holders": {"settlement": None},
    "primaries": {"orders-db": "dublin"},
    "knobs": {"coupons": "on"},
    "approvals": [{"id": "p7"}],
}


class Answering(BaseHTTPRequestHandler):
    """A daemon's status."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(STATUS).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library's name
        return


@pytest.fixture
def daemon() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_names_come_from_the_daemon_where_no_policies_are_named(daemon: str) -> None:
    assert complete(complete_regions, daemon=daemon) == ["dublin", "london"]
    assert complete(complete_movable, daemon=daemon) == ["checkout", "settlement", "orders-db"]
    assert complete(complete_knob_values, "c", daemon=daemon) == ["coupons="]
    assert complete(complete_approvals, daemon=daemon) == ["p7"]


def test_a_daemon_that_says_nothing_or_is_not_there_completes_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert complete(complete_regions, daemon=f"127.0.0.1:{silent.getsockname()[1]}") == []
    assert complete(complete_regions, daemon="127.0.0.1:1") == []
    assert complete(complete_regions, daemon="no such address") == []
    assert complete(complete_regions, daemon="unix:/nowhere") == []
