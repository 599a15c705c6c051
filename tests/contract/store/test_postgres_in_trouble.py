"""What a store on PostgreSQL says and does when the server is gone, frozen, full of locks or forged upon."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from controlplane.model.errors import StoreLost, WrongUse
from controlplane.store.database import Bounds
from controlplane.store.sql import SqlStore, open_store
from tests.contract.store.harness import NOON, entry
from tests.contract.store.postgres import Postgres


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A server of its own: it is killed."""
    made = Postgres()
    try:
        made.start()
        yield made
    finally:
        made.remove()


@pytest.fixture
async def store(server: Postgres, request: pytest.FixtureRequest) -> AsyncIterator[SqlStore]:
    url = server.create(f"trouble{abs(hash(request.node.name))}")
    opened = await open_store(url, Bounds(busy_s=0.3, timeout_s=1.0))
    yield opened
    await opened.close()


async def test_a_server_that_was_killed_is_a_lost_store_and_comes_back_with_all_it_acknowledged(
    server: Postgres, store: SqlStore
) -> None:
    written = [(await store.journal.append([entry(f"s{n}")]))[0] for n in range(5)]
    server.kill()
    for _ in range(2):
        with pytest.raises(StoreLost):
            await store.journal.append([entry("lost")])
        with pytest.raises(StoreLost):
            await store.leases.look("leader")
    server.start()
    assert list(await until_found(store)) == written
    assert (await store.journal.append([entry("back")]))[0].seq == 6
    assert await store.journal.verify() is None


async def test_a_frozen_server_is_a_lost_store_within_the_bound(server: Postgres, store: SqlStore) -> None:
    await store.journal.append([entry()])
    server.signal(signal.SIGSTOP)
    try:
        async with asyncio.timeout(20):
            with pytest.raises(StoreLost, match="in time"):
                await store.journal.append([entry("lost")])
    finally:
        server.signal(signal.SIGCONT)
    await until_found(store)
    assert await store.journal.verify() is None


async def test_a_lock_that_is_not_let_go_is_a_lost_store(server: Postgres, store: SqlStore) -> None:
    async with await psycopg.AsyncConnection.connect(store.where) as hog:
        await hog.execute("LOCK TABLE head IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(StoreLost, match="locked by another session"):
            await store.journal.append([entry()])
    assert (await store.journal.append([entry()]))[0].seq == 1


@pytest.mark.parametrize("statement", [b"UPDATE journal SET body = ''", b"DELETE FROM journal", b"TRUNCATE journal"])
async def test_the_database_itself_refuses_to_change_history(store: SqlStore, statement: bytes) -> None:
    await store.journal.append([entry()])
    async with await psycopg.AsyncConnection.connect(store.where) as forger:
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            await forger.execute(statement)
    assert await store.journal.verify() is None


async def test_leases_go_by_the_database_clock_whatever_the_replica_believes(store: SqlStore) -> None:
    ttl = timedelta(seconds=30)
    lease = await store.leases.acquire("leader", "a", ttl, NOON - timedelta(days=400))
    assert lease is not None
    assert abs(lease.expires_at - datetime.now(UTC) - ttl) < timedelta(seconds=10)
    assert await store.leases.acquire("leader", "b", ttl, NOON + timedelta(days=4000)) is None
    assert (await store.leases.renew(lease, ttl, NOON + timedelta(days=4000))).epoch == 1


async def test_a_server_set_read_only_is_said_plainly(server: Postgres, store: SqlStore) -> None:
    database = store.where.rsplit("/", 1)[1]
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {database} SET default_transaction_read_only = on".encode())
    with pytest.raises(StoreLost, match="point the store at the primary"):
        await append_anew(store.where)


async def test_a_server_that_is_not_there_is_said_plainly_and_its_password_is_not() -> None:
    with pytest.raises(StoreLost, match="is the server running") as lost:
        await open_store("postgresql://leeward:hunter2@127.0.0.1:1/none", Bounds(timeout_s=2))
    assert "hunter2" not in str(lost.value)
    assert "127.0.0.1:1" in str(lost.value)


async def test_processes_that_start_at_the_same_time_make_one_schema(server: Postgres) -> None:
    url = server.create("together")
    stores = await asyncio.gather(*(open_store(url) for _ in range(4)))
    for opened in stores:
        await opened.journal.append([entry()])
    assert await stores[0].journal.verify() is None
    for opened in stores:
        await opened.close()


@pytest.mark.parametrize("address", ["mysql://a/b", "sqlite://", "oracle+x://h/d", "://"])
async def test_an_address_that_is_none_is_wrong_use(address: str) -> None:
    with pytest.raises(WrongUse):
        await open_store(address)


async def append_anew(address: str) -> None:
    """Open a store and write to it."""
    store = await open_store(address)
    try:
        await store.journal.append([entry()])
    finally:
        await store.close()


async def until_found(store: SqlStore) -> tuple[object, ...]:
    """Read, again and again while the server comes back."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await store.journal.read()
            except StoreLost:
                await asyncio.sleep(0.1)
