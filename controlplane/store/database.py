"""One database: connections, transactions, and the checks that SQL alone does not make."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sqlalchemy import URL, Connection, Engine, StaticPool, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from controlplane.model.errors import StoreLost
from controlplane.store.loss import losses
from controlplane.store.migrate import migrate

T = TypeVar("T")

_MIGRATION_S = 30.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long the store may keep anybody waiting. ``busy_s``: for another's lock; ``timeout_s``: for a transaction."""

    busy_s: float = 2.0
    timeout_s: float = 5.0
    max_pages: int | None = None


class Database:
    """A database that is open. ``write`` and ``read`` raise StoreLost for whatever keeps it from answering.

    One transaction of this process writes at a time: on SQLite a second one could only wait in a thread, and on
    PostgreSQL it would wait for the head's row.

    On SQLite a transaction's every statement is a trip to a thread and back. What stands between a decision and its
    effect, the journal's commit, goes there once, with a connection of its own (``write_whole``).
    """

    def __init__(self, url: URL, bounds: Bounds) -> None:
        self.where = url.render_as_string(hide_password=True)
        self._bounds = bounds
        self._path = Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None
        self._identity: tuple[int, int] | None = None
        self._engine = _sqlite_engine(url, bounds) if self._path else _postgres_engine(url, bounds)
        self._writer = self._engine.execution_options(leeward_write=True)
        self._desk = _Desk(url, bounds) if self._path else None
        self._turn = asyncio.Lock()
        self._running: set[asyncio.Task[object]] = set()

    @property
    def is_sqlite(self) -> bool:
        """Whether time is the caller's and locks are the file's."""
        return self._path is not None

    async def open(self) -> None:
        """Connect and migrate. On SQLite the file is made if it is not there."""
        async with AsyncExitStack() as undo:
            undo.push_async_callback(self.close)
            with losses(self.where):
                if self._path:
                    self._path.parent.mkdir(parents=True, exist_ok=True)
                async with asyncio.timeout(self._bounds.timeout_s + _MIGRATION_S), self._writer.begin() as connection:
                    await connection.run_sync(migrate)
                if self._path:
                    self._identity = _identity(self._path)
            undo.pop_all()

    async def write(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Do ``work`` in a transaction that may write: durable when this answers, or undone."""
        return await self._bounded(self._in_turn(work))

    async def write_whole(self, work: Callable[[Connection], T]) -> T:
        """As ``write``, for work that waits for nothing between its statements."""
        desk = self._desk
        if desk is None:
            return await self.write(lambda connection: connection.run_sync(work))

        async def at_the_desk() -> T:
            async with self._turn:
                await self._still_the_same()
                return await desk.write(work)

        return await self._bounded(at_the_desk())

    async def read(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Do ``work`` in a transaction that only reads: it waits for no writer."""
        return await self._bounded(self._begin(self._engine, work))

    async def close(self) -> None:
        """End what is running, give the connections back."""
        running = tuple(self._running)
        if running:
            _, late = await asyncio.wait(running, timeout=self._bounds.timeout_s)
            for task in late:
                task.cancel()
        with losses(self.where):
            if self._desk:
                await self._desk.close()
            await self._engine.dispose()

    async def _bounded(self, work: Coroutine[None, None, T]) -> T:
        """Wait for ``work`` within the bound, and not for its end when it is late.

        Ending a late transaction takes a server's answer, and the server is what is late.
        """
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._forget)
        try:
            done, _ = await asyncio.wait({task}, timeout=self._bounds.timeout_s)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not done:
            task.cancel()
            raise StoreLost(f"the store {self.where} does not answer in time")
        with losses(self.where):
            return task.result()

    def _forget(self, task: "asyncio.Task[object]") -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # a late one's; nobody waits for it any more

    async def _in_turn(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        async with self._turn:
            return await self._begin(self._writer, work)

    async def _begin(self, engine: AsyncEngine, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        await self._still_the_same()
        async with engine.begin() as connection:
            return await work(connection)

    async def _still_the_same(self) -> None:
        """A deleted SQLite file can still be written, by nobody but us, and is gone with the process: look first.

        It is never made anew here: a new file would begin at epoch 0, and epochs only grow.
        """
        if not self._path:
            return
        found = _identity(self._path)
        if found == self._identity:
            return
        if self._desk:
            await self._desk.let_go()
        await self._engine.dispose()
        if found is None:
            raise StoreLost(f"the store {self.where} was deleted: restore it, or restart to begin a new one")
        async with self._writer.begin() as connection:
            await connection.run_sync(migrate)
        self._identity = found


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


class _Desk:
    """One thread with one connection to a SQLite file, for whole transactions."""

    def __init__(self, url: URL, bounds: Bounds) -> None:
        engine = create_engine(
            url.set(drivername="sqlite+pysqlite"),
            poolclass=StaticPool,
            connect_args={"timeout": bounds.busy_s, "check_same_thread": False},
        )
        _listen(engine, bounds)
        self._engine = engine.execution_options(leeward_write=True)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")

    async def write(self, work: Callable[[Connection], T]) -> T:
        def whole() -> T:
            with self._engine.begin() as connection:
                return work(connection)

        return await asyncio.get_running_loop().run_in_executor(self._thread, whole)

    async def let_go(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._engine.dispose)

    async def close(self) -> None:
        await self.let_go()
        self._thread.shutdown(wait=False)


def _sqlite_engine(url: URL, bounds: Bounds) -> AsyncEngine:
    engine = create_async_engine(
        url.set(drivername="sqlite+aiosqlite"),
        pool_size=3,
        max_overflow=0,
        pool_timeout=bounds.timeout_s,
        connect_args={"timeout": bounds.busy_s},
    )
    _listen(engine.sync_engine, bounds)
    return engine


def _listen(engine: Engine, bounds: Bounds) -> None:
    def prepare(connection: DBAPIConnection, _record: object) -> None:
        # Transactions are begun below, by hand: the driver's own way begins them late and never IMMEDIATE.
        connection.isolation_level = None
        with ExitStack() as undo:
            undo.callback(connection.close)  # the pool never gets to know one that fails here
            cursor = connection.cursor()
            for pragma in _pragmas(bounds):
                cursor.execute(pragma)
            cursor.close()
            undo.pop_all()

    def begin(connection: Connection) -> None:
        # A transaction that reads first and writes later fails when another has written between: lock at the start.
        writes = connection.get_execution_options().get("leeward_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", begin)


def _pragmas(bounds: Bounds) -> tuple[str, ...]:
    limit = (f"PRAGMA max_page_count={bounds.max_pages}",) if bounds.max_pages else ()
    return (
        f"PRAGMA busy_timeout={round(bounds.busy_s * 1000)}",
        "PRAGMA journal_mode=WAL",
        "PRAGMA synchronous=FULL",
        "PRAGMA trusted_schema=OFF",
        *limit,
    )


def _postgres_engine(url: URL, bounds: Bounds) -> AsyncEngine:
    milliseconds = round(bounds.timeout_s * 1000)
    settings = {
        "statement_timeout": milliseconds,
        "lock_timeout": round(bounds.busy_s * 1000),
        "idle_in_transaction_session_timeout": 2 * milliseconds,
        "synchronous_commit": "on",
        "application_name": "leeward",
    }
    arguments: dict[str, object] = {
        "connect_timeout": max(2, round(bounds.timeout_s)),
        "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
        "tcp_user_timeout": milliseconds,
    }
    return create_async_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=3,
        max_overflow=2,
        pool_timeout=bounds.timeout_s,
        connect_args=arguments,
    )
