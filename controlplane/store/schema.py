"""The tables, in one text for SQLite and PostgreSQL. Migrations make them; this is how they are spoken to."""

from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text

REVISION = "0001"
"""The newest migration; a database at it needs no migrating."""

metadata = MetaData()

# An integer primary key is SQLite's own row number, which makes appending and reading in order free.
_Place = BigInteger().with_variant(Integer(), "sqlite")

journal = Table(
    "journal",
    metadata,
    Column("seq", _Place, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
)

# One row: where the journal ends and the highest epoch seen. Its lock is what puts writers in a row on PostgreSQL.
head = Table(
    "head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
)

state = Table(
    "state",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
)

# Microseconds since 1970 by the store's clock. An empty holder: released; the epoch stays, so that it only grows.
leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
)
