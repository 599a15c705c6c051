"""What the suite needs of each store besides its ports: opening it twice, time, and a forger's hand."""

import asyncio
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import psycopg

from controlplane.model.journal import Entry, EntryKind, Json
from controlplane.ports.store import Journal, Leases, State
from controlplane.store.memory import MemoryStore
from controlplane.store.sql import SqlStore, open_store

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def entry(subject: str = "dublin", *, epoch: int = 0, facts: dict[str, Json] | None = None) -> Entry:
    """An entry that differs by its subject."""
    return Entry(
        EntryKind.HOLD, NOON, subject, "dublin-1", "no news", ("R1", "R16"), epoch, action="a1", facts=facts or {}
    )


class Store(Protocol):
    """What a store hands out."""

    @property
    def journal(self) -> Journal: ...

    @property
    def state(self) -> State: ...

    @property
    def leases(self) -> Leases: ...

    async def close(self) -> None: ...


class Harness(Protocol):
    """``open`` is one process' view; twice is two. ``now`` and ``wait`` are time as the store's leases see it."""

    async def open(self) -> Store: ...

    async def close(self) -> None: ...

    def now(self) -> datetime: ...

    async def wait(self, lapse: timedelta) -> None: ...

    async def forge(self, seq: int, old: str, new: str) -> None:
        """Replace text in a stored entry, past all guards."""
        ...

    async def tear_out(self, seq: int) -> None:
        """Remove a stored entry, past all guards."""
        ...


class MemoryHarness:
    """Two views are two stores over the same books."""

    def __init__(self) -> None:
        self._first = MemoryStore()
        self._now = NOON

    async def open(self) -> Store:
        return MemoryStore(books=self._first.books)

    async def close(self) -> None:
        await self._first.close()

    def now(self) -> datetime:
        return self._now

    async def wait(self, lapse: timedelta) -> None:
        self._now += lapse

    async def forge(self, seq: int, old: str, new: str) -> None:
        text, previous, hash_ = self._first.books.lines[seq - 1]
        self._first.books.lines[seq - 1] = (text.replace(old, new), previous, hash_)

    async def tear_out(self, seq: int) -> None:
        del self._first.books.lines[seq - 1]


class SqliteHarness:
    """Two views are two sets of connections to one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opened: list[SqlStore] = []
        self._now = NOON

    async def open(self) -> Store:
        self._opened.append(await open_store(str(self.path)))
        return self._opened[-1]

    async def close(self) -> None:
        for store in self._opened:
            await store.close()

    def now(self) -> datetime:
        return self._now

    async def wait(self, lapse: timedelta) -> None:
        self._now += lapse

    async def forge(self, seq: int, old: str, new: str) -> None:
        self._change("UPDATE journal SET body = replace(body, ?, ?) WHERE seq = ?", old, new, seq)

    async def tear_out(self, seq: int) -> None:
        self._change("DELETE FROM journal WHERE seq = ?", seq)

    def _change(self, statement: str, *values: str | int) -> None:
        connection = sqlite3.connect(self.path)
        connection.execute("DROP TRIGGER journal_refuses_UPDATE")
        connection.execute("DROP TRIGGER journal_refuses_DELETE")
        assert connection.execute(statement, values).rowcount == 1
        connection.commit()
        connection.close()


class PostgresHarness:
    """Two views are two sets of connections to one database, whose clock is the one that counts."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._opened: list[SqlStore] = []

    async def open(self) -> Store:
        self._opened.append(await open_store(self.url))
        return self._opened[-1]

    async def close(self) -> None:
        for store in self._opened:
            await store.close()

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def wait(self, lapse: timedelta) -> None:
        await asyncio.sleep(lapse.total_seconds())

    async def forge(self, seq: int, old: str, new: str) -> None:
        await self._change("UPDATE journal SET body = replace(body, %s, %s) WHERE seq = %s", old, new, seq)

    async def tear_out(self, seq: int) -> None:
        await self._change("DELETE FROM journal WHERE seq = %s", seq)

    async def _change(self, statement: str, *values: str | int) -> None:
        async with await psycopg.AsyncConnection.connect(self.url) as connection:
            await connection.execute("ALTER TABLE journal DISABLE TRIGGER USER")
            changed = await connection.execute(statement.encode(), values)
            assert changed.rowcount == 1
