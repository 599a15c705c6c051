"""A daemon's HTTP face over a desk that stands still."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from controlplane.api.address import Address
from controlplane.api.app import Manner, build_app
from controlplane.api.server import serving
from controlplane.service.service import Service
from controlplane.store.memory import MemoryStore
from tests.unit.service.shop import NOON, StillDesk


@dataclass
class Daemon:
    """What is served, and where."""

    desk: StillDesk
    store: MemoryStore
    address: Address = field(default_factory=Address)

    @property
    def url(self) -> str:
        return self.address.url


@asynccontextmanager
async def start(manner: Manner | None = None, at: Address | None = None) -> AsyncIterator[Daemon]:
    """Serve on a free port, or where it is said."""
    store = MemoryStore()
    daemon = Daemon(StillDesk(store.journal), store)
    manner = manner if manner is not None else Manner(now=lambda: NOON)
    app = build_app(Service(daemon.desk, store.journal), manner)
    async with serving(app, at or Address("127.0.0.1", 0), manner.callers) as bound:
        daemon.address = bound
        yield daemon


@pytest.fixture
async def daemon() -> AsyncIterator[Daemon]:
    async with start() as started:
        yield started


@pytest.fixture
async def http(daemon: Daemon) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=daemon.url, trust_env=False, timeout=10) as client:
        yield client
