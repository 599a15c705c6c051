"""Bringing a sandbox up: everything at once, each part waited for by what it does, not by time."""

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from controlplane.sandbox import edge, postgres, recovery, servers
from controlplane.sandbox.plan import Address, SandboxPlan
from controlplane.sandbox.processes import Launch, Running
from controlplane.sandbox.recovery import Site
from controlplane.sandbox.wire import Pool, request

FIRST_EPOCH = 1
_LEFTOVERS = ("jobs", "logs", "postgres", "users")


@dataclass(frozen=True, slots=True)
class Step:
    """Progress: ``done`` of ``of`` things are ready, ``what`` the latest."""

    what: str
    done: int
    of: int


Progress = Callable[[Step], None]
Look = Callable[[], Awaitable[bool]]


class Rise:
    """One bringing-up."""

    def __init__(self, site: Site, progress: Progress) -> None:
        self._site = site
        self._plan = site.plan
        self._progress = progress
        self._jobs = [service.name for service in site.plan.services.values() if service.exclusive]
        stores = self._plan.datastores.values()
        self._of = 2 + 2 * len(self._plan.regions) + sum(1 + len(store.regions) for store in stores) + len(self._jobs)
        self._done = 0

    async def run(self, shares: edge.Shares) -> None:
        """Start everything. Raises NotReady or ServerFailed; what was started is left to the caller to end."""
        for leftover in _LEFTOVERS:
            shutil.rmtree(self._plan.home / leftover, ignore_errors=True)
        edge.write_edge(self._plan, shares)
        laid = asyncio.create_task(postgres.lay(self._plan))
        try:
            async with asyncio.TaskGroup() as tasks:
                for launch, look in self._light():
                    tasks.create_task(self._one(launch, look))
                await laid
                for name in self._plan.datastores:
                    tasks.create_task(self._database(name))
        except BaseExceptionGroup as group:
            raise _first(group) from group
        finally:
            if laid.cancel():
                with suppress(asyncio.CancelledError):
                    await laid
        await asyncio.gather(*(self._activate(job) for job in self._jobs))
        # Somebody else may have answered at the address of one that could not take it.
        for running in self._site.processes.all():
            servers.still_up(running, self._plan.log(running.name))

    def _light(self) -> Iterator[tuple[Launch, Look]]:
        plan = self._plan
        yield servers.network(plan), partial(_connects, plan.control)
        for region in plan.regions.values():
            yield servers.shop(plan, region.name), partial(servers.answers, region.ingress, "/healthz")
            yield servers.redis(plan, region.name), partial(_connects, region.redis)
        yield servers.envoy(plan), partial(servers.answers, plan.edge.admin, "/ready")

    async def _one(self, launch: Launch, look: Look) -> None:
        running = self._site.processes.start(launch, attached=self._site.attached)
        await servers.ready(running, self._plan.log(running.name), look)
        self._ready(launch.name)

    async def _database(self, name: str) -> None:
        store = self._plan.datastores[name]
        for region in store.regions:
            await recovery.start_server(self._site, store, region)
            self._ready(f"{name} in {region}")
        primary = self._running(postgres.launch(self._plan, store, store.primary).name)
        await servers.ready(primary, self._plan.log(primary.name), partial(recovery.in_step, store))
        self._ready(f"replication of {name}")

    async def _activate(self, job: str) -> None:
        region = holder_at_start(self._plan, job)
        shop = self._plan.regions[region].shop
        running = self._running(f"shop-{region}")
        pool = Pool(shop)
        order = request("POST", shop, f"/_jobs/{job}/activate", {}, json.dumps({"epoch": FIRST_EPOCH}).encode())

        async def active() -> bool:
            reply = await pool.fetch(order, 3.0)
            return reply is not None and reply.status == 200 and bool(json.loads(reply.body)["active"])

        await servers.ready(running, self._plan.log(running.name), active)
        pool.close()
        self._ready(job)

    def _running(self, name: str) -> Running:
        running = self._site.processes.find(name)
        if running is None:
            raise servers.NotReady(f"{name} was not started")
        return running

    def _ready(self, what: str) -> None:
        self._done += 1
        self._progress(Step(what, self._done, self._of))


def holder_at_start(plan: SandboxPlan, job: str) -> str:
    """Where an exclusive service begins: in its datastore's primary region, else in the first it lists."""
    service = plan.services[job]
    home = plan.datastores[service.datastore].primary if service.datastore else None
    return home if home is not None and home in service.regions else service.regions[0]


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first plain error of a group: what a caller can be told."""
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


async def _connects(address: Address) -> bool:
    try:
        async with asyncio.timeout(1.0):
            _, writer = await asyncio.open_connection(*address)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
