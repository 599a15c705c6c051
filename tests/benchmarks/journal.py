"""Durable appends to the journal beside raw sqlite3 and raw psycopg, in turns within one run.

`python -m tests.benchmarks.journal [--json]`. Commits a second are entries acknowledged as durable; CPU is the figure
to trust on a shared machine.
"""

import asyncio
import json
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from controlplane.model.journal import Entry, EntryKind, Json
from controlplane.store.chain import seal
from controlplane.store.memory import MemoryStore
from controlplane.store.sql import SqlStore, open_store
from tests.contract.store.postgres import Postgres

ROUNDS = 5
SINGLE = 200
GROUP = 100
GROUPS = 20
CALLERS = 100

Figures = dict[str, float]


def _entry(n: int) -> Entry:
    facts: dict[str, Json] = {
        "from": "dublin",
        "to": "frankfurt",
        "shares": {"DE": {"frankfurt": 0.75, "dublin": 0.25}},
    }
    at = datetime(2026, 11, 24, tzinfo=UTC)
    return Entry(EntryKind.INTENT, at, f"service-{n}", "dublin-1", "dublin is dead", ("R6",), 3, f"a{n}", facts)


async def _timed(count: int, work: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    """Entries a second, and CPU milliseconds an entry."""
    cpu, wall = time.process_time(), time.perf_counter()
    await work()
    return count / (time.perf_counter() - wall), (time.process_time() - cpu) * 1000 / count


def _raw_sqlite(path: Path, groups: int, size: int) -> Callable[[], Awaitable[None]]:
    async def work() -> None:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE IF NOT EXISTS raw (seq INTEGER PRIMARY KEY, body TEXT, hash TEXT)")
        for n in range(groups):
            connection.execute("BEGIN IMMEDIATE")
            for m in range(size):
                whole, text = seal(_entry(n * size + m), 1, "")
                connection.execute("INSERT INTO raw (body, hash) VALUES (?, ?)", (text, whole.hash))
            connection.execute("COMMIT")
        connection.close()

    return work


def _raw_postgres(url: str, count: int) -> Callable[[], Awaitable[None]]:
    async def work() -> None:
        async with await psycopg.AsyncConnection.connect(url) as connection:
            await connection.execute("CREATE TABLE IF NOT EXISTS raw (seq SERIAL PRIMARY KEY, body TEXT, hash TEXT)")
            await connection.commit()
            for n in range(count):
                whole, text = seal(_entry(n), 1, "")
                await connection.execute("INSERT INTO raw (body, hash) VALUES (%s, %s)", (text, whole.hash))
                await connection.commit()

    return work


def _ours(store: SqlStore | MemoryStore, groups: int, size: int) -> Callable[[], Awaitable[None]]:
    async def work() -> None:
        for n in range(groups):
            await store.journal.append([_entry(n * size + m) for m in range(size)])

    return work


def _together(store: SqlStore) -> Callable[[], Awaitable[None]]:
    async def caller(n: int) -> None:
        for m in range(GROUPS):
            await store.journal.append([_entry(n * GROUPS + m)])

    async def work() -> None:
        await asyncio.gather(*(caller(n) for n in range(CALLERS)))

    return work


async def _round(sqlite: SqlStore, postgres: SqlStore, raw: Path) -> Figures:
    runs: dict[str, tuple[int, Callable[[], Awaitable[None]]]] = {
        "rawSqlite": (SINGLE, _raw_sqlite(raw, SINGLE, 1)),
        "sqlite": (SINGLE, _ours(sqlite, SINGLE, 1)),
        "rawSqliteGroups": (GROUP * GROUPS, _raw_sqlite(raw, GROUPS, GROUP)),
        "sqliteGroups": (GROUP * GROUPS, _ours(sqlite, GROUPS, GROUP)),
        "sqliteTogether": (CALLERS * GROUPS, _together(sqlite)),
        "rawPostgres": (SINGLE, _raw_postgres(postgres.where, SINGLE)),
        "postgres": (SINGLE, _ours(postgres, SINGLE, 1)),
        "postgresTogether": (CALLERS * GROUPS, _together(postgres)),
        "memory": (SINGLE, _ours(MemoryStore(), SINGLE, 1)),
    }
    figures: Figures = {}
    for name, (count, work) in runs.items():
        figures[f"{name}PerS"], figures[f"{name}CpuMs"] = await _timed(count, work)
    return figures


async def _measure() -> Figures:
    server = Postgres()
    try:
        server.start()
        with tempfile.TemporaryDirectory() as folder:
            sqlite = await open_store(str(Path(folder) / "leeward.db"))
            postgres = await open_store(server.create("leeward"))
            rounds = [await _round(sqlite, postgres, Path(folder) / "raw.db") for _ in range(ROUNDS)]
            medians = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
            medians["leaseRenewalMs"] = await _renewals(sqlite)
            medians["whole"] = float(await sqlite.journal.verify() is None and await postgres.journal.verify() is None)
            await sqlite.close()
            await postgres.close()
            return medians
    finally:
        server.remove()


async def _renewals(store: SqlStore) -> float:
    lease = await store.leases.acquire("leader", "a", timedelta(hours=1), datetime(2026, 11, 24, tzinfo=UTC))
    assert lease is not None
    started = time.perf_counter()
    for _ in range(SINGLE):
        await store.leases.renew(lease, timedelta(hours=1), datetime(2026, 11, 24, tzinfo=UTC))
    return (time.perf_counter() - started) * 1000 / SINGLE


def main() -> int:
    """Print the medians; exit 1 if a chain did not come out whole."""
    figures = asyncio.run(_measure())
    rounded = {name: round(value, 3 if name.endswith("Ms") else 0) for name, value in figures.items()}
    if "--json" in sys.argv:
        print(json.dumps(rounded))
    else:
        print("\n".join(f"{name:24}{value:>12}" for name, value in rounded.items()))
    return 0 if figures["whole"] else 1


if __name__ == "__main__":
    sys.exit(main())
