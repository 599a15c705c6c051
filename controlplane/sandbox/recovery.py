"""Bringing back what a fault took: a region's processes, and its PostgreSQL servers in a role that is safe.

A server never comes back as a second primary: if another one is primary it is rewound and follows that one.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from controlplane.sandbox import postgres, servers
from controlplane.sandbox.plan import DatastorePlan, SandboxPlan
from controlplane.sandbox.processes import Processes

_ANSWER_S = 2.0


@dataclass(frozen=True, slots=True)
class Site:
    """Where to mend, and whether what is started dies with this process."""

    plan: SandboxPlan
    processes: Processes
    attached: bool = False


async def revive(site: Site, region: str) -> None:
    """Start a killed region again and wait until it serves. Raises NotReady or ServerFailed."""
    site.processes.end(site.processes.of(region))
    for store in site.plan.stores_in(region):
        primary = await primary_of(store, but=region)
        if primary is not None:
            await postgres.rejoin(site.plan, store, region, primary)
        await start_server(site, store, region)
    cache = site.processes.start(servers.redis(site.plan, region), attached=site.attached)
    shop = site.processes.start(servers.shop(site.plan, region), attached=site.attached)
    address = site.plan.regions[region].shop
    await servers.ready(shop, site.plan.log(shop.name), lambda: servers.answers(address, "/healthz"))
    if not cache.alive:
        raise servers.NotReady(f"the cache of {region} did not stay up")


async def settled(site: Site, region: str) -> None:
    """Wait until each server in a region that is back is either the primary of today or streams from it: the keepers
    beside them see to that. Raises NotReady if it takes too long."""
    for store in site.plan.stores_in(region):
        running = site.processes.find(postgres.launch(site.plan, store, region).name)
        if running is not None:
            await servers.ready(running, site.plan.log(running.name), partial(_has_a_role, store, region), still=False)


async def _has_a_role(store: DatastorePlan, region: str) -> bool:
    primary = await primary_of(store)
    return primary is None or primary == region or await _follows(store, region)


async def follow(site: Site, store: DatastorePlan, region: str, primary: str) -> None:
    """Stop a server, rewind it (a standby that has parted from the primary's history is copied anew), and start it
    as a standby of ``primary``. Raises ServerFailed or NotReady."""
    running = site.processes.find(postgres.launch(site.plan, store, region).name)
    if running is not None:
        site.processes.end([running])
    await postgres.rejoin(site.plan, store, region, primary, parted=True)
    await start_server(site, store, region)


async def start_server(site: Site, store: DatastorePlan, region: str) -> None:
    """Start one PostgreSQL server and wait until it answers."""
    running = site.processes.start(postgres.launch(site.plan, store, region), attached=site.attached)
    await servers.ready(running, site.plan.log(running.name), lambda: accepts(store, region))


async def accepts(store: DatastorePlan, region: str) -> bool:
    """Whether a server answers statements."""
    return await ask(store, region, "SELECT 1") is not None


async def primary_of(store: DatastorePlan, *, but: str | None = None) -> str | None:
    """The region of the primary on the latest timeline, looking at the servers' own sockets; None: there is none."""
    regions = [region for region in store.regions if region != but]
    timelines = await asyncio.gather(*(timeline(store, region) for region in regions))
    found = [(line, region) for line, region in zip(timelines, regions, strict=True) if line is not None]
    return max(found)[1] if found else None


async def timeline(store: DatastorePlan, region: str) -> int | None:
    """The timeline of a server that is primary; None: a standby, or no answer."""
    rows = await ask(
        store,
        region,
        "SELECT CASE WHEN pg_is_in_recovery() THEN NULL"
        " ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END",
    )
    return None if not rows or rows[0][0] is None else int(str(rows[0][0]))


async def in_step(store: DatastorePlan) -> bool:
    """Whether every replica streams from the first primary."""
    rows = await ask(store, store.primary, "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'")
    return bool(rows) and rows is not None and int(str(rows[0][0])) >= len(store.replicas)


async def delay_replay(store: DatastorePlan, region: str, seconds: float) -> None:
    """Make a standby apply what it has received so much later (0: at once)."""
    await ask(store, region, f"ALTER SYSTEM SET recovery_min_apply_delay = '{round(seconds * 1000)}ms'")
    await ask(store, region, "SELECT pg_reload_conf()")


async def _follows(store: DatastorePlan, region: str) -> bool:
    rows = await ask(store, region, "SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'")
    return rows is not None and int(str(rows[0][0])) == 1


async def ask(store: DatastorePlan, region: str, statement: str) -> Sequence[tuple[object, ...]] | None:
    """Rows of a statement at a server's own socket; None: no answer within two seconds."""
    from controlplane.sandbox.database import NoPrimary, Server

    server = Server(store.conninfo(region, seen_from=region), _ANSWER_S)
    try:
        return await server.ask(statement)
    except NoPrimary:
        return None
    finally:
        await server.close()
