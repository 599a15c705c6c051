"""One server, asked with a bound.

A cancelled psycopg call first asks the server to stop, and waits seconds for a frozen one. So calls run in tasks of
their own, and a call that is late is left to end by itself.
"""

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from controlplane.model.errors import Broken, DriverError, Refused, Retry

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.AsyncConnection[tuple[Any, ...]]

_Answer = TypeVar("_Answer")
_WRITER = "-c default_transaction_read_only=off -c synchronous_commit=local"
"""Our own sessions must get through a fence, and must not wait for a standby that is gone."""
_GONE = ("Connection refused", "Connection reset", "server closed the connection unexpectedly")
_DENIED = ("28", "42501")

_left_alone: set[asyncio.Task[Any]] = set()


class Gone(Retry):
    """Somebody answered that nothing listens there: no silence, but no server."""


class Server:
    """Errors: Retry when it cannot be reached (Gone when that is certain), Refused for lack of rights, else Broken."""

    def __init__(self, region: str, url: str, timeout_s: float) -> None:
        self.region = region
        self._url = url
        self._timeout_s = timeout_s

    async def ask(self, statement: str, *values: object, plain: bool = False) -> tuple[Any, ...]:
        """The first row, empty if there is none. ``plain``: as any client would see it."""
        rows = await self.run((statement, values), plain=plain)
        return rows[0] if rows else ()

    async def run(self, *statements: tuple[str, tuple[object, ...]], plain: bool = False) -> list[tuple[Any, ...]]:
        """Each statement in a transaction of its own, on one connection; the rows of the last."""
        return await self._bounded(self._run(statements, plain=plain))

    async def _run(
        self, statements: tuple[tuple[str, tuple[object, ...]], ...], *, plain: bool
    ) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = []
        connection = await self._connect(plain=plain)
        try:
            for statement, values in statements:
                cursor = await connection.execute(statement.encode(), values or None)
                rows = await cursor.fetchall() if cursor.description else []
        finally:
            connection.pgconn.finish()
        return rows

    async def _connect(self, *, plain: bool) -> "Connection":
        import psycopg

        url = self._url if plain else psycopg.conninfo.make_conninfo(self._url, options=_WRITER)
        return await psycopg.AsyncConnection.connect(
            url, autocommit=True, connect_timeout=10, application_name="leeward"
        )

    async def _bounded(self, work: Coroutine[Any, Any, _Answer]) -> _Answer:
        import psycopg

        task = asyncio.get_running_loop().create_task(work)
        try:
            await asyncio.wait({task}, timeout=self._timeout_s)
        finally:
            if not task.done():
                _leave_alone(task)
        if not task.done():
            raise Retry(f"{self.region}: the server did not answer within {self._timeout_s:.3g} s")
        try:
            return task.result()
        except psycopg.Error as error:
            raise _translated(self.region, error) from error


def _leave_alone(task: "asyncio.Task[Any]") -> None:
    def ended(task: "asyncio.Task[Any]") -> None:
        _left_alone.discard(task)
        if not task.cancelled():
            task.exception()  # it has been looked at: nobody waits for it any more

    _left_alone.add(task)
    task.add_done_callback(ended)
    task.cancel()


def _translated(region: str, error: "psycopg.Error") -> DriverError:
    import psycopg

    words = " ".join(str(error).split()) or type(error).__name__
    said = f"{region}: {words[:300]}"
    state = error.sqlstate or ""
    if any(sign in words for sign in _GONE):
        return Gone(said)
    if state.startswith(_DENIED):
        return Refused(said)
    if isinstance(error, psycopg.OperationalError):
        return Retry(said)
    return Broken(said)
