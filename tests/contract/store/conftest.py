"""The three stores behind one harness."""

from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.contract.store.harness import Harness, MemoryHarness, PostgresHarness, SqliteHarness
from tests.contract.store.postgres import Postgres

_numbers = count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    server = Postgres()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def harness(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Harness]:
    made: Harness
    match request.param:
        case "memory":
            made = MemoryHarness()
        case "sqlite":
            made = SqliteHarness(tmp_path / "leeward.db")
        case _:
            made = PostgresHarness(request.getfixturevalue("postgres").create(f"store{next(_numbers)}"))
    yield made
    await made.close()
