"""The OpenAPI document against the running daemon: schemathesis makes the requests, and holds the answers to it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from controlplane.api.openapi import OPERATIONS, document

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def running() -> Iterator[str]:
    """A daemon in a process of its own, since schemathesis blocks; its address."""
    command = [sys.executable, "-m", "tests.servers.api.daemon"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(timeout=20)
        process.stdout.close()


def test_the_document_is_openapi_3_1_and_what_is_served(running: str) -> None:
    from openapi_spec_validator import validate

    served = httpx.get(f"{running}/openapi.json", trust_env=False).json()
    assert served == document()
    assert served["openapi"] == "3.1.0"
    validate(served)


def test_every_route_of_the_daemon_is_in_the_document() -> None:
    from starlette.routing import Route

    from controlplane.api.app import build_app
    from controlplane.service.service import Service
    from controlplane.store.memory import MemoryStore
    from tests.unit.service.shop import StillDesk

    store = MemoryStore()
    app = build_app(Service(StillDesk(store.journal), store.journal))
    served = {route.path for route in app.routes if isinstance(route, Route)}
    assert served - {operation.path for operation in OPERATIONS} == {"/", "/v1/events", "/openapi.json"}


@pytest.mark.timeout(170)
def test_no_request_that_schemathesis_can_think_of_gets_an_answer_that_the_document_does_not_have(
    running: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{running}/openapi.json"]
    limits = ["--max-examples", "25", "--seed", "7", "--phases", "examples,coverage,fuzzing", "--max-failures", "5"]
    manner = ["--request-timeout", "20", "--no-color", "--generation-database", "none", "--checks", "all"]
    left_out = ["--exclude-checks", "positive_data_acceptance,unsupported_method"]
    done = subprocess.run(
        [*command, *limits, *manner, *left_out], capture_output=True, text=True, cwd=tmp_path, timeout=160, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
