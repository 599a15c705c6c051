"""``python -m controlplane.sandbox.shop DIRECTORY REGION``: one region's shop, until killed."""

import asyncio
import sys
import time
from pathlib import Path

from controlplane.sandbox.plan import SandboxPlan, load_plan
from controlplane.sandbox.processes import Processes
from controlplane.sandbox.recovery import Site
from controlplane.sandbox.shop.app import Parts, Shop
from controlplane.sandbox.shop.cache import Cache
from controlplane.sandbox.shop.capacity import WorkQueue
from controlplane.sandbox.shop.faults import ShopFaults
from controlplane.sandbox.shop.jobs import Job
from controlplane.sandbox.shop.keeper import Keeper
from controlplane.sandbox.shop.knobs import Knobs
from controlplane.sandbox.shop.leases import Lease
from controlplane.sandbox.shop.writing import Primary


def assemble(plan: SandboxPlan, name: str) -> Parts:
    """Everything that one region's shop needs."""
    region = plan.regions[name]
    stores = {store.name: Primary(store, name) for store in plan.datastores.values()}
    site = Site(plan, Processes(plan.home / "processes", plan.home / "logs"), attached=True)
    traces = plan.home / "jobs"
    traces.mkdir(exist_ok=True)
    jobs = {}
    for service in plan.deployed(name):
        if service.exclusive:
            home = plan.lease_store(service.name)
            lease = Lease(service.name, name, stores[home.name]) if home is not None else None
            jobs[service.name] = Job(service.name, name, lease, traces / f"{service.name}@{name}.jsonl")
    return Parts(
        plan=plan,
        region=region,
        queue=WorkQueue(region.capacity, time.monotonic()),
        knobs=Knobs(plan, name),
        faults=ShopFaults(),
        stores=stores,
        jobs=jobs,
        keepers={store.name: Keeper(site, store, name) for store in plan.stores_in(name)},
        cache=Cache(region.redis),
    )


async def _run(plan: SandboxPlan, name: str) -> None:
    import uvicorn

    parts = assemble(plan, name)
    config = uvicorn.Config(
        Shop(parts),
        host=parts.region.shop.host,
        port=parts.region.shop.port,
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
        timeout_keep_alive=3600,
        backlog=2048,
    )
    parts.knobs.start()
    async with asyncio.TaskGroup() as tasks:
        for keeper in parts.keepers.values():
            tasks.create_task(keeper.run())
        for job in parts.jobs.values():
            tasks.create_task(job.run())
        tasks.create_task(uvicorn.Server(config).serve())


def main() -> None:
    """Run until killed."""
    import uvloop

    uvloop.run(_run(load_plan(Path(sys.argv[1])), sys.argv[2]))


if __name__ == "__main__":
    main()
