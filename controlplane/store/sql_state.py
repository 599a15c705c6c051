"""Documents by key on a database: versions, compare-and-set, fencing."""

import json

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from controlplane.model.errors import StoreLost, WriteRaced
from controlplane.model.journal import Json
from controlplane.store.chain import canonical
from controlplane.store.database import Database
from controlplane.store.fencing import forbid_stale, forbid_unfenced
from controlplane.store.schema import state
from controlplane.store.sql_journal import lock_head, raise_epoch


class SqlState:
    """See ``ports.store.State``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, key: str) -> tuple[Json, int]:
        """The document and its version; (None, 0) if there is none."""
        query = select(state.c.value, state.c.version).where(state.c.key == key)

        async def work(connection: AsyncConnection) -> Row[str, int] | None:
            return (await connection.execute(query)).one_or_none()

        found = await self._database.read(work)
        if found is None:
            return None, 0
        try:
            return json.loads(found.value), found.version
        except ValueError as error:
            raise StoreLost(f"the document {key} is no JSON: it was changed by another hand") from error

    async def save(self, key: str, value: Json, *, epoch: int, expected: int) -> int:
        """Replace version ``expected`` by ``value``; the new version."""
        text = canonical(value)

        async def work(connection: AsyncConnection) -> int:
            end = await lock_head(connection)
            query = select(state.c.version, state.c.epoch).where(state.c.key == key)
            found = (await connection.execute(query)).one_or_none()
            forbid_stale(epoch, end.epoch)
            forbid_unfenced(key, epoch, found.epoch if found else 0)
            version: int = found.version if found else 0
            if version != expected:
                raise WriteRaced(f"{key} is at version {version}, not {expected}: load it again")
            columns = {"value": text, "version": version + 1, "epoch": epoch}
            if found:
                await connection.execute(update(state).where(state.c.key == key).values(**columns))
            else:
                await connection.execute(insert(state).values(key=key, **columns))
            if epoch > end.epoch:
                await raise_epoch(connection, epoch)
            return version + 1

        return await self._database.write(work)
