"""What a database's errors mean to whoever needs the store: StoreLost, with a sentence to act on."""

from collections.abc import Iterator
from contextlib import contextmanager
from sqlite3 import Error as SqliteError

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from controlplane.model.errors import StoreLost

_SENTENCES = (
    ("attempt to write a readonly database", "is read-only: give the daemon's user the right to write it"),
    ("database or disk is full", "is on a full disk, or at its size limit: make room"),
    ("disk i/o error", "could not be read or written: look at the disk and its limits"),
    ("unable to open database file", "cannot be opened: look at the folder, its rights and its room"),
    ("file is not a database", "is not a Leeward store: it is corrupt or something else's file"),
    ("malformed", "is corrupt: restore it from a backup"),
    ("database is locked", "is locked by another process that does not let go"),
    ("read-only transaction", "is a standby or set read-only: point the store at the primary"),
    ("the journal is append-only", "refused a change of history"),
    ("statement timeout", "does not answer in time"),
    ("lock timeout", "is locked by another session that does not let go"),
    ("connection refused", "refuses connections: is the server running?"),
    ("password authentication failed", "refuses the user or password"),
    ("permission denied", "refuses: the user lacks a right"),
    ("no such table", "has lost its tables: restore it from a backup"),
    ("does not exist", "lacks what is asked of it"),
    ("no space left", "is on a full disk: make room"),
)


def lost(where: str, error: BaseException) -> StoreLost:
    """StoreLost that names the store (never its password), what is wrong and the original words."""
    words = _words(error)
    known = next((sentence for sign, sentence in _SENTENCES if sign in words.lower()), "cannot be reached")
    return StoreLost(f"the store {where} {known} ({words})")


@contextmanager
def losses(where: str) -> Iterator[None]:
    """Turn what a database or its driver raises inside into StoreLost, the cause chained."""
    try:
        yield
    except TimeoutError as error:
        raise StoreLost(f"the store {where} does not answer in time") from error
    except (SQLAlchemyError, SqliteError, OSError, UnicodeError) as error:
        raise lost(where, error) from error


def _words(error: BaseException) -> str:
    """The driver's own first line, without SQLAlchemy's statement and link around it."""
    origin = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return (str(origin).strip() or type(origin).__name__).splitlines()[0]
