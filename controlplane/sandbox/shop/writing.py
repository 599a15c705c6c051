"""PostgreSQL from the shop: find the primary, write to it, and never wait for ever.

Acknowledged means: PostgreSQL said so without a warning. A write whose wait for the standby was cut short has
committed here only, so its warning makes it a failure.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import psycopg

from controlplane.sandbox.database import Connection, NoPrimary, bounded, dial
from controlplane.sandbox.plan import DatastorePlan

WRITE_TIMEOUT_S = 1.5
_DIAL_TIMEOUT_S = 1.0
_PAUSE_AFTER_FAILURE_S = 0.1
_MAX_CONNECTIONS = 8


class Primary:
    """Connections to whichever server of a datastore is writable now, as seen from one region.

    All servers are asked at once (``target_session_attrs=read-write``) and the first that is writable is taken: one
    after the other, as libpq does it, a frozen server would cost two seconds each time.
    """

    def __init__(self, store: DatastorePlan, region: str) -> None:
        self._infos = [store.conninfo(there, seen_from=region) for there in store.regions]
        self._idle: list[Connection] = []
        self._places = asyncio.Semaphore(_MAX_CONNECTIONS)
        self._not_before = 0.0

    async def run(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run one statement in its own transaction and return its rows. NoPrimary: it must count as not done."""
        deadline = asyncio.get_running_loop().time() + WRITE_TIMEOUT_S
        try:
            async with asyncio.timeout_at(deadline), self._places:
                connection = await self._take()
        except TimeoutError as late:
            raise NoPrimary("no connection in time") from late
        async with self._places:
            rows = await bounded(connection, _execute(connection, statement, values), deadline)
        self._idle.append(connection)
        return rows

    async def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            await self._idle.pop().close()

    async def _take(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed and not connection.broken:
                return connection
        loop = asyncio.get_running_loop()
        if loop.time() < self._not_before:
            raise NoPrimary("none was there a moment ago")
        try:
            return await _first_writable(self._infos)
        except NoPrimary:
            self._not_before = loop.time() + _PAUSE_AFTER_FAILURE_S
            raise


async def _execute(connection: Connection, statement: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
    warnings: list[str] = []

    def heed(diagnostic: psycopg.errors.Diagnostic) -> None:
        if diagnostic.severity_nonlocalized == "WARNING":
            warnings.append(diagnostic.message_primary or "")

    connection.add_notice_handler(heed)
    try:
        cursor = await connection.execute(statement.encode(), values)
        rows = await cursor.fetchall() if cursor.description else []
    finally:
        connection.remove_notice_handler(heed)
    if warnings:
        raise psycopg.OperationalError(warnings[0])
    return rows


async def _first_writable(infos: Sequence[str]) -> Connection:
    tasks = {asyncio.get_running_loop().create_task(dial(f"{info} target_session_attrs=read-write")) for info in infos}
    pending, taken = tasks, None
    try:
        async with asyncio.timeout(_DIAL_TIMEOUT_S):
            while pending:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    if task.exception() is None:
                        taken = task
                        return task.result()
    except TimeoutError as late:
        raise NoPrimary("no server answers") from late
    finally:
        for task in tasks:
            if task is not taken:
                task.add_done_callback(_discard)
                task.cancel()
    raise NoPrimary("no server is writable")


def _discard(dialled: "asyncio.Task[Connection]") -> None:
    """Let go of a connection that came second, and of the reason why one did not come."""
    if not dialled.cancelled() and dialled.exception() is None:
        dialled.result().pgconn.finish()
