"""Leases on a database. PostgreSQL grants them by its own clock, SQLite by the caller's: there is one machine."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from controlplane.model.errors import LeaseLost
from controlplane.model.lease import Lease
from controlplane.store.database import Database
from controlplane.store.fencing import fences
from controlplane.store.schema import leases
from controlplane.store.sql_journal import lock_head, raise_epoch

_EPOCH_START = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DATABASE_CLOCK = text("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")


class SqlLeases:
    """See ``ports.store.Leases``. Whoever would change a lease locks the head first, so that no write of an older
    epoch can slip in beside it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def acquire(self, name: str, holder: str, ttl: timedelta, now: datetime) -> Lease | None:
        """The lease under a new epoch; None while another holds it."""

        async def work(connection: AsyncConnection) -> Lease | None:
            end = await lock_head(connection)
            found = await _find(connection, name)
            at_us = await self._clock(connection, now)
            if found and found.holder not in {"", holder} and _to_us(found.expires_at) > at_us:
                return None
            seen = max(found.epoch if found else 0, end.epoch if fences(name) else 0)
            lease = Lease(name, holder, seen + 1, _from_us(at_us + ttl // _MICROSECOND))
            columns = {"holder": holder, "epoch": lease.epoch, "expires_us": _to_us(lease.expires_at)}
            if found:
                await connection.execute(update(leases).where(leases.c.name == name).values(**columns))
            else:
                await connection.execute(insert(leases).values(name=name, **columns))
            if fences(name):
                await raise_epoch(connection, lease.epoch)
            return lease

        return await self._database.write(work)

    async def renew(self, lease: Lease, ttl: timedelta, now: datetime) -> Lease:
        """The lease for another ``ttl``; LeaseLost if it has run out or another holds it."""

        async def work(connection: AsyncConnection) -> Lease:
            await lock_head(connection)
            found = await _find(connection, lease.name)
            at_us = await self._clock(connection, now)
            if not found or (found.holder, found.epoch) != (lease.holder, lease.epoch):
                raise LeaseLost(f"{lease.name}: epoch {found.epoch if found else 0} leads, not {lease.epoch}")
            if _to_us(found.expires_at) <= at_us:
                raise LeaseLost(f"{lease.name}: the lease of epoch {lease.epoch} ran out")
            expires_us = at_us + ttl // _MICROSECOND
            await connection.execute(update(leases).where(leases.c.name == lease.name).values(expires_us=expires_us))
            return Lease(lease.name, lease.holder, lease.epoch, _from_us(expires_us))

        return await self._database.write(work)

    async def release(self, lease: Lease) -> None:
        """Let others have it at once; no error if it is lost already. Its epoch is remembered."""
        mine = (leases.c.name == lease.name) & (leases.c.holder == lease.holder) & (leases.c.epoch == lease.epoch)

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(update(leases).where(mine).values(holder=""))

        await self._database.write(work)

    async def look(self, name: str) -> Lease | None:
        """The lease as last granted, run out or not; None if nobody has it or ever had."""

        async def work(connection: AsyncConnection) -> Lease | None:
            return await _find(connection, name)

        found = await self._database.read(work)
        return found if found and found.holder else None

    async def _clock(self, connection: AsyncConnection, now: datetime) -> int:
        """The store's time, taken once all locks are held: waiting for them may have taken long."""
        if self._database.is_sqlite:
            return _to_us(now)
        at_us: int = (await connection.execute(_DATABASE_CLOCK)).scalar_one()
        return at_us


async def _find(connection: AsyncConnection, name: str) -> Lease | None:
    found = (await connection.execute(select(leases).where(leases.c.name == name))).one_or_none()
    return Lease(found.name, found.holder, found.epoch, _from_us(found.expires_us)) if found else None


def _to_us(at: datetime) -> int:
    return (at - _EPOCH_START) // _MICROSECOND


def _from_us(us: int) -> datetime:
    return _EPOCH_START + timedelta(microseconds=us)
