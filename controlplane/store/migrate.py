"""Bring a database to the present schema. Alembic is imported only when there is something to do."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from controlplane.model.errors import StoreLost
from controlplane.store.schema import REVISION

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x1EEDA2D  # any number, as long as every replica takes the same


def migrate(connection: Connection) -> None:
    """Run what is missing in the caller's transaction, so that a failure leaves nothing half made.

    Replicas that start together take turns: by the write lock on SQLite, by an advisory lock on PostgreSQL.
    Raises StoreLost for a database that a newer version has made.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    found = _revision(connection)
    if found == REVISION:
        return
    if found is not None and found > REVISION:
        raise StoreLost(f"the store is at revision {found}, this version knows up to {REVISION}: run the newer version")
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
