"""A store on a database: open it by its address, use its three ports, close it."""

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from controlplane.model.errors import WrongUse
from controlplane.store.database import Bounds, Database
from controlplane.store.sql_journal import SqlJournal
from controlplane.store.sql_leases import SqlLeases
from controlplane.store.sql_state import SqlState

_MEND = "write a path, sqlite:///path or postgresql://user@host/name"


class SqlStore:
    """The three ports over one database. Made by ``open_store``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.where = database.where
        self.journal = SqlJournal(database)
        self.state = SqlState(database)
        self.leases = SqlLeases(database)

    async def close(self) -> None:
        """Give the connections back."""
        await self._database.close()


async def open_store(address: str, bounds: Bounds = Bounds()) -> SqlStore:  # noqa: B008 frozen
    """Open ``leeward.db``, ``sqlite:///path`` or ``postgresql://user@host/name``, and bring its schema up to date.

    Raises WrongUse for an address that is none, StoreLost if the store cannot be opened.
    """
    url = store_url(address)
    try:
        database = Database(url, bounds)
    except ModuleNotFoundError as error:
        raise WrongUse("PostgreSQL needs its client: pip install 'leeward[postgres]'") from error
    await database.open()
    return SqlStore(database)


def store_url(address: str) -> URL:
    """The address as a URL; one without a scheme is the path of a SQLite file."""
    if "://" not in address:
        return URL.create("sqlite", database=str(Path(address).expanduser().absolute()))
    try:
        url = make_url(address)
    except ArgumentError as error:
        raise WrongUse(
            "the store's address is none: write a path, sqlite:///path or postgresql://user@host/name"
        ) from error
    backend = "postgresql" if url.get_backend_name() == "postgres" else url.get_backend_name()
    if backend not in {"sqlite", "postgresql"} or (backend == "sqlite" and not url.database):
        raise WrongUse(f"a store on {url.get_backend_name()} is not known: {_MEND}")
    return url.set(drivername=backend)
