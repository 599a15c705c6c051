"""The keeper of one PostgreSQL server: what an agent such as Patroni's does beside a real one.

A write is acknowledged once every standby that is there has it too, so that any of them may be promoted. If a standby
dies, writes must not hang for ever; yet a primary that has itself been cut off must never acknowledge without it, or
what it accepts is lost when that standby is promoted. So the keeper, and nobody else, lets a primary go on with fewer
standbys, and only while

- the standby has been away for a second,
- most of the other regions can be reached from here (a primary that the rest cannot reach cannot reach the rest), and
- since the last time this process stood still or was cut off, the other servers have been seen not to be primary.

A primary that sees another one on a later timeline has been replaced: it makes itself read-only, then follows that one.
A standby whose primary is gone follows the one that is there now.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress

from controlplane.sandbox import postgres, recovery
from controlplane.sandbox.database import ANSWER_S, NoPrimary, Server
from controlplane.sandbox.plan import DatastorePlan
from controlplane.sandbox.recovery import Site
from controlplane.sandbox.servers import NotReady
from controlplane.sandbox.wire import Pool, request

TICK_S = 0.25
STANDBY_AWAY_S = 1.0
_GAP_S = 2.0
_LOST_S, _PARTED_S = 2.0, 12.0
_TRY_AGAIN_S = 2.0
_STANDBYS = """SELECT application_name, reply_time > clock_timestamp() - interval '1500 ms',
 flush_lsn >= pg_current_wal_lsn() - 65536 FROM pg_stat_replication WHERE state = 'streaming'"""
_SETTINGS = "SELECT current_setting('synchronous_standby_names'), current_setting('default_transaction_read_only')"
_FOLLOWS = """SELECT (SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'),
 current_setting('primary_conninfo')"""
_WAITS_FOR = re.compile(r"FIRST (\d+) \(\*\)")
_RELOAD = "SELECT pg_reload_conf()"

Role = int | str | None
"""A timeline: primary. None: standby. A word: no answer."""


class Keeper:
    """Watches over one datastore's server in one region."""

    def __init__(self, site: Site, store: DatastorePlan, region: str) -> None:
        self._site, self._store, self._region = site, store, region
        self._own = Server(store.conninfo(region, seen_from=region))
        self._others = {
            there: Server(store.conninfo(there, seen_from=region)) for there in store.regions if there != region
        }
        self._peers = [(Pool(address), address) for address in site.plan.regions[region].peers.values()]
        self._seen = dict.fromkeys(self._others, 0.0)
        self._streamed = 0.0
        self._doubt = True
        self.state = "starting"

    async def run(self) -> None:
        """Watch for ever."""
        loop = asyncio.get_running_loop()
        last = self._streamed = loop.time()
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
        self._streamed = now
        self._seen = dict.fromkeys(self._others, now)

    async def _tick(self, now: float) -> None:
        mine = await self._own.timeline()
        if mine is None:
            await self._as_standby(now)
            return
        names, read_only = (await self._own.ask(_SETTINGS))[0]
        streaming = await self._own.ask(_STANDBYS)
        fresh = {name for name, is_fresh, _ in streaming if is_fresh}
        level = {name for name, _, is_level in streaming if is_level}
        self._seen |= dict.fromkeys(fresh & self._others.keys(), now)
        missing = {name: await _role(server) for name, server in self._others.items() if name not in fresh}
        newer = _latest(missing, after=mine)
        if newer is not None:
            await self._step_down(newer, already=read_only == "on")
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
        await self._own.ask(_RELOAD)

    async def _as_standby(self, now: float) -> None:
        """Go on following; if there is nobody to follow any more, follow the primary of today."""
        self.state, self._doubt = "standby", True
        self._seen = dict.fromkeys(self._others, now)
        streaming, info = (await self._own.ask(_FOLLOWS))[0]
        if streaming:
            self._streamed = now
        elif now - self._streamed > _LOST_S:
            self.state = "standby of nobody"
            primary = _latest({name: await _role(server) for name, server in self._others.items()})
            wanted = postgres.replication_info(self._store, self._region, primary) if primary else info
            if primary and now - self._streamed > _PARTED_S:
                await self._follow(primary)
            elif wanted != info:
                await self._own.ask(f"ALTER SYSTEM SET primary_conninfo = '{wanted}'")
                await self._own.ask(_RELOAD)

    async def _step_down(self, newer: str, *, already: bool) -> None:
        self.state = "replaced"
        if not already:
            await self._own.ask("ALTER SYSTEM SET default_transaction_read_only = on")
            await self._own.ask(_RELOAD)
        await self._own.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        await self._follow(newer)

    async def _follow(self, primary: str) -> None:
        """Have the server started anew as a standby, however often it takes."""
        while True:
            self.state = f"becoming a standby of {primary}"
            try:
                await recovery.follow(self._site, self._store, self._region, primary)
                break
            except (postgres.ServerFailed, NotReady, OSError) as problem:
                self.state = f"cannot follow {primary}: {problem}"
            await asyncio.sleep(_TRY_AGAIN_S)
            primary = _latest({name: await _role(server) for name, server in self._others.items()}) or primary
        self._start_over(asyncio.get_running_loop().time())

    async def _see_most(self) -> bool:
        """Whether most of the regions, this one counted, can be reached."""
        seen = await asyncio.gather(
            *(pool.fetch(request("GET", address, "/healthz", {}), ANSWER_S) for pool, address in self._peers)
        )
        return most(reply is not None for reply in seen)


def waits_for(names: str) -> int:
    """How many standbys a commit waits for, by ``synchronous_standby_names`` as written here."""
    match = _WAITS_FOR.fullmatch(names)
    return int(match[1]) if match else 0


def most(seen: Iterable[bool]) -> bool:
    """Whether this region and those that it sees are more than half of all."""
    votes = [True, *seen]
    return sum(votes) * 2 > len(votes)


async def _role(server: Server) -> Role:
    try:
        return await server.timeline()
    except NoPrimary:
        return "no answer"


def _latest(roles: Mapping[str, Role], *, after: int = 0) -> str | None:
    """Whoever is primary on the latest timeline, if that is later than ``after``."""
    primaries = [(role, name) for name, role in roles.items() if isinstance(role, int) and role > after]
    return max(primaries)[1] if primaries else None
