"""The keeper of one PostgreSQL server: what an agent such as Patroni's does beside a real one.

A write is acknowledged once every standby that is there has it too, so that any of them may be promoted. If a standby
dies, writes must not hang for ever; yet a primary that has itself been cut off must never acknowledge without it, or
what it accepts is lost when that standby is promoted. So the keeper, and nobody else, lets a primary go on with fewer
standbys, and only while

- the standby has been away for a second,
- most of the other regions can be reached from here (a primary that the rest cannot reach cannot reach the rest), and
- since the last time this process stood still or was cut off, the other servers have been seen not to be primary.

A primary that sees another one on a later timeline makes itself read-only: it has been replaced.
"""

import asyncio
import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import psycopg

from controlplane.sandbox.plan import DatastorePlan, SandboxPlan
from controlplane.sandbox.shop.database import Connection, NoPrimary, bounded, cut, dial
from controlplane.sandbox.wire import Pool, request

TICK_S = 0.25
STANDBY_AWAY_S = 1.0
_GAP_S = 2.0
_ANSWER_S = 0.5
_ROLE = "SELECT pg_is_in_recovery(), (SELECT timeline_id FROM pg_control_checkpoint())"
# A promoted server's checkpoint may still carry the old timeline; the WAL file's name is up to date.
_TIMELINE = "SELECT ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int"
_STANDBYS = """SELECT application_name, reply_time > clock_timestamp() - interval '1500 ms',
 flush_lsn >= pg_current_wal_lsn() - 65536 FROM pg_stat_replication WHERE state = 'streaming'"""
_SETTINGS = "SELECT current_setting('synchronous_standby_names'), current_setting('default_transaction_read_only')"
_WAITS_FOR = re.compile(r"FIRST (\d+) \(\*\)")


class Server:
    """A kept connection to one server, asked with a bound."""

    def __init__(self, info: str) -> None:
        self._info = info
        self._connection: Connection | None = None

    async def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of a statement. NoPrimary: no answer in time."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _ANSWER_S
        if self._connection is None or self._connection.closed:
            try:
                async with asyncio.timeout_at(deadline):
                    self._connection = await dial(self._info)
            except (TimeoutError, psycopg.Error, OSError) as problem:
                raise NoPrimary(str(problem)) from problem
        try:
            return await bounded(self._connection, _rows(self._connection, statement), deadline)
        except NoPrimary:
            cut(self._connection)
            self._connection = None
            raise

    async def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            await self._connection.close()

    async def timeline(self) -> int | None:
        """Its timeline if it is a primary, None if it is a standby. NoPrimary: no answer."""
        if (await self.ask(_ROLE))[0][0]:
            return None
        return int((await self.ask(_TIMELINE))[0][0])


async def _rows(connection: Connection, statement: str) -> list[tuple[Any, ...]]:
    cursor = await connection.execute(statement.encode())
    return await cursor.fetchall() if cursor.description else []


class Keeper:
    """Watches over one datastore's server in one region."""

    def __init__(self, plan: SandboxPlan, store: DatastorePlan, region: str) -> None:
        self._own = Server(store.conninfo(region, seen_from=region))
        self._others = {
            there: Server(store.conninfo(there, seen_from=region)) for there in store.regions if there != region
        }
        self._peers = [(Pool(address), address) for address in plan.regions[region].peers.values()]
        self._seen = dict.fromkeys(self._others, 0.0)
        self._doubt = True
        self.state = "starting"

    async def run(self) -> None:
        """Watch for ever."""
        loop = asyncio.get_running_loop()
        last = loop.time()
        while True:
            await asyncio.sleep(TICK_S)
            now = loop.time()
            if now - last > _GAP_S:
                self._start_over(now)
            last = now
            with suppress(NoPrimary):
                await self._tick(now)

    def _start_over(self, now: float) -> None:
        """Nothing that was seen before counts."""
        self._doubt = True
        self._seen = dict.fromkeys(self._others, now)

    async def _tick(self, now: float) -> None:
        mine = await self._own.timeline()
        if mine is None:
            self.state = "standby"
            self._start_over(now)
            return
        names, read_only = (await self._own.ask(_SETTINGS))[0]
        streaming = await self._own.ask(_STANDBYS)
        fresh = {name for name, is_fresh, _ in streaming if is_fresh}
        level = {name for name, _, is_level in streaming if is_level}
        self._seen |= dict.fromkeys(fresh & self._others.keys(), now)
        missing = {name: await _role(server) for name, server in self._others.items() if name not in fresh}
        if any(isinstance(role, int) and role > mine for role in missing.values()):
            await self._step_down(already=read_only == "on")
            return
        if all(role is None for role in missing.values()):
            self._doubt = False
        await self._settle(waits_for(names), fresh, level, now)

    async def _settle(self, count: int, fresh: set[str], level: set[str], now: float) -> None:
        """Wait for every standby that is there: for more as they catch up, for fewer once they are surely away."""
        there = sum(now - seen < STANDBY_AWAY_S for seen in self._seen.values())
        if len(level & fresh) > count:
            await self._wait_for(len(level & fresh))
        elif there < count and not self._doubt and await self._see_most():
            await self._wait_for(there)
        elif there < count:
            self.state = "waiting for a standby"
        else:
            self.state = "in step" if count == len(self._others) else "short of a standby" if count else "alone"

    async def _wait_for(self, count: int) -> None:
        names = f"FIRST {count} (*)" if count else ""
        await self._own.ask(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
        await self._own.ask("SELECT pg_reload_conf()")

    async def _step_down(self, *, already: bool) -> None:
        self.state = "replaced"
        if not already:
            await self._own.ask("ALTER SYSTEM SET default_transaction_read_only = on")
            await self._own.ask("SELECT pg_reload_conf()")
        await self._own.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )

    async def _see_most(self) -> bool:
        """Whether most of the regions, this one counted, can be reached."""
        seen = await asyncio.gather(
            *(pool.fetch(request("GET", address, "/healthz", {}), _ANSWER_S) for pool, address in self._peers)
        )
        return _most(reply is not None for reply in seen)


def waits_for(names: str) -> int:
    """How many standbys a commit waits for, by ``synchronous_standby_names`` as written here."""
    match = _WAITS_FOR.fullmatch(names)
    return int(match[1]) if match else 0


async def _role(server: Server) -> int | str | None:
    """A timeline if it is primary, None if it is a standby, a word if it does not answer."""
    try:
        return await server.timeline()
    except NoPrimary:
        return "unreachable"


def _most(seen: Iterable[bool]) -> bool:
    votes = [True, *seen]
    return sum(votes) * 2 > len(votes)
