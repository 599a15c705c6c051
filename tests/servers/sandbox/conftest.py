"""Sandboxes for tests: one that many tests share (each ends what it begins), and fresh ones."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from controlplane.sandbox.planning import Options
from controlplane.sandbox.sandbox import Sandbox
from tests.servers.sandbox.small_estate import small_estate

RATE = 120.0
NOBODY = "http://127.0.0.1:9"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sandbox]:
    """One that is up, and down when the module's tests are over."""
    made = Sandbox.create(small_estate(), tmp_path_factory.mktemp("sandbox"), Options(rate=RATE, ofrep=NOBODY))
    await made.up()
    try:
        yield made
    finally:
        made.down()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state directory that does not exist yet."""
    return tmp_path / "state"


async def until(look: Callable[[], Awaitable[bool]], within_s: float = 20.0) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(within_s):
        while not await look():  # noqa: ASYNC110
            await asyncio.sleep(0.1)
