"""Asking one PostgreSQL server, with a bound on every wait.

A cancelled psycopg call first asks the server to cancel too, and waits seconds for a frozen one: here the connection is
cut underneath the driver instead.
"""

import asyncio
import os
import socket
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import psycopg

ANSWER_S = 0.5
Connection = psycopg.AsyncConnection[tuple[Any, ...]]

# A promoted server's checkpoint may still carry the old timeline; the WAL file's name is up to date.
_TIMELINE = """SELECT CASE WHEN pg_is_in_recovery() THEN NULL
 ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END"""


class NoPrimary(Exception):
    """No server answers as a writable primary in time, or a statement did not end well."""


class Server:
    """A kept connection to one server, asked with a bound."""

    def __init__(self, info: str, answer_s: float = ANSWER_S) -> None:
        self._info = info
        self._answer_s = answer_s
        self._connection: Connection | None = None

    async def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of a statement. NoPrimary: no answer in time."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._answer_s
        if self._connection is None or self._connection.closed:
            try:
                async with asyncio.timeout_at(deadline):
                    self._connection = await dial(self._info)
            except (TimeoutError, psycopg.Error, OSError) as problem:
                raise NoPrimary(str(problem)) from problem
        try:
            return await bounded(self._connection, _rows(self._connection, statement), deadline)
        except NoPrimary:
            self._connection = None
            raise

    async def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            await self._connection.close()

    async def timeline(self) -> int | None:
        """Its timeline if it is a primary, None if it is a standby. NoPrimary: no answer."""
        line = (await self.ask(_TIMELINE))[0][0]
        return None if line is None else int(line)


async def _rows(connection: Connection, statement: str) -> list[tuple[Any, ...]]:
    cursor = await connection.execute(statement.encode())
    return await cursor.fetchall() if cursor.description else []


async def bounded(
    connection: Connection, work: Coroutine[Any, Any, list[tuple[Any, ...]]], deadline: float
) -> list[tuple[Any, ...]]:
    """Await work on a connection until a deadline of the loop's clock. NoPrimary: late or failed, and the connection is
    gone with it."""
    task = asyncio.get_running_loop().create_task(work)
    done, _ = await asyncio.wait({task}, timeout=max(0.0, deadline - asyncio.get_running_loop().time()))
    if not done:

        def ended(task: "asyncio.Task[list[tuple[Any, ...]]]") -> None:
            connection.pgconn.finish()
            if not task.cancelled():
                task.exception()  # it has been looked at: nobody waits for it any more

        task.add_done_callback(ended)
        _cut(connection)
        raise NoPrimary("no answer in time")
    try:
        return task.result()
    except (psycopg.Error, OSError) as problem:
        connection.pgconn.finish()
        raise NoPrimary(str(problem)) from problem


def _cut(connection: Connection) -> None:
    """End a connection's socket; whoever waits on it wakes with an error."""
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as end:
        end.shutdown(socket.SHUT_RDWR)


async def dial(info: str) -> Connection:
    """Connect, each statement a transaction of its own."""
    return await psycopg.AsyncConnection.connect(info, autocommit=True)
