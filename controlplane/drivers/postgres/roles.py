"""What the servers of a datastore say of themselves, and what is written down in them."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from controlplane.drivers.postgres.server import Server
from controlplane.model.errors import Conflict, DriverError, Retry

_ROLE = """
SELECT pg_is_in_recovery(),
       CASE WHEN pg_is_in_recovery() THEN 0
            ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END,
       current_setting('default_transaction_read_only')::bool,
       (CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn(), '0/0')
             ELSE pg_current_wal_lsn() END - '0/0'::pg_lsn)::bigint,
       coalesce((SELECT status = 'streaming' FROM pg_stat_wal_receiver), false),
       extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8,
       pg_last_wal_receive_lsn() IS NOT DISTINCT FROM pg_last_wal_replay_lsn()
"""
_TABLE = """CREATE TABLE IF NOT EXISTS leeward_fencing
 (datastore text PRIMARY KEY, epoch bigint NOT NULL, once_key text NOT NULL)"""
_WRITE = """INSERT INTO leeward_fencing AS known VALUES (%s, %s, %s)
 ON CONFLICT (datastore) DO UPDATE SET epoch = excluded.epoch, once_key = excluded.once_key
 WHERE known.epoch <= excluded.epoch RETURNING epoch"""
_HAS_TABLE = "SELECT to_regclass('leeward_fencing') IS NOT NULL"
_READ = "SELECT epoch, once_key FROM leeward_fencing WHERE datastore = %s"


@dataclass(frozen=True, slots=True)
class Role:
    """One server. ``timeline`` 0 and ``read_only`` of no meaning on a standby. ``position``: bytes of WAL written, or
    received by a standby. ``behind_s``: age of the last commit that a standby replayed; None: none since it started."""

    standby: bool
    timeline: int
    read_only: bool
    position: int
    streaming: bool
    behind_s: float | None
    replayed_all: bool


async def role(server: Server) -> Role:
    """As any client sees it."""
    return Role(*await server.ask(_ROLE, plain=True))


async def roles(servers: Iterable[Server]) -> dict[str, Role | DriverError]:
    """All at once, each with what went wrong if something did."""

    async def ask(server: Server) -> Role | DriverError:
        try:
            return await role(server)
        except DriverError as error:
            return error

    asked = list(servers)
    found = await asyncio.gather(*map(ask, asked))
    return {server.region: answer for server, answer in zip(asked, found, strict=True)}


def latest_primary(found: dict[str, Role | DriverError]) -> str | None:
    """The primary on the latest timeline."""
    primaries = [
        (answer.timeline, region)
        for region, answer in sorted(found.items())
        if isinstance(answer, Role) and not answer.standby
    ]
    return max(primaries)[1] if primaries else None


async def stamp(server: Server, datastore: str) -> tuple[int, str]:
    """The highest epoch that has acted on the datastore, and the key of its last act. A standby knows them too."""
    if not (await server.ask(_HAS_TABLE))[0]:
        return 0, ""
    row = await server.ask(_READ, datastore)
    return (int(row[0]), str(row[1])) if row else (0, "")


async def guard(servers: Iterable[Server], datastore: str, epoch: int) -> None:
    """Conflict if any server that can be reached knows of a higher epoch: one that was replaced does not."""

    async def ask(server: Server) -> int:
        try:
            return (await stamp(server, datastore))[0]
        except Retry:
            return 0

    highest = max(await asyncio.gather(*map(ask, servers)), default=0)
    if highest > epoch:
        raise Conflict(f"epoch {highest} has acted on {datastore}, {epoch} is older")


async def write_stamp(server: Server, datastore: str, epoch: int, key: str) -> None:
    """Write down who acts, on a primary. Conflict if a higher epoch has acted."""
    if not await server.run((_TABLE, ()), (_WRITE, (datastore, epoch, key))):
        await guard([server], datastore, epoch)
