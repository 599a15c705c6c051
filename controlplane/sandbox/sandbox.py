"""The sandbox as a whole: made from an estate, brought up, looked at, taken down."""

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from controlplane.model.estate import Estate
from controlplane.sandbox import edge, postgres, recovery, servers
from controlplane.sandbox.faults import Faults
from controlplane.sandbox.plan import SandboxPlan, load_plan
from controlplane.sandbox.planning import Options, make_plan
from controlplane.sandbox.processes import Launch, Processes, Running, owned
from controlplane.sandbox.wire import Pool, request

FIRST_EPOCH = 1


class AlreadyUp(Exception):
    """A sandbox runs in this directory, or is being started there."""


@dataclass(frozen=True, slots=True)
class Step:
    """Progress of ``up``: ``done`` of ``of`` things are ready, ``what`` the latest."""

    what: str
    done: int
    of: int


Progress = Callable[[Step], None]


class Sandbox:
    """One sandbox in one state directory.

    ``faults`` begins and ends faults. Attached (the default of ``up``): its processes die with the thread that called
    ``up``, whatever happens to it, so call it from the main thread. Detached: they stay until ``down``.
    """

    def __init__(self, plan: SandboxPlan) -> None:
        self.plan = plan
        self.processes = Processes(plan.home / "processes", plan.home / "logs")
        self.faults = Faults(plan, self.processes)
        self._attached = False

    @classmethod
    def create(cls, estate: Estate, directory: Path, options: Options | None = None) -> "Sandbox":
        """Lay out a sandbox; nothing is started. Raises AlreadyUp."""
        directory.mkdir(parents=True, exist_ok=True)
        if any(running.alive for running in Processes(directory / "processes", directory / "logs").all()):
            raise AlreadyUp(f"a sandbox is up in {directory}: take it down first")
        plan = make_plan(estate, directory, options or Options())
        plan.save()
        return cls(plan)

    @classmethod
    def open(cls, directory: Path) -> "Sandbox":
        """The sandbox of a directory. FileNotFoundError: none was made there."""
        return cls(load_plan(directory))

    async def up(
        self, progress: Progress | None = None, *, shares: edge.Shares | None = None, attached: bool = True
    ) -> None:
        """Start everything and wait until all of it serves. ``shares``: the weights to begin with.

        On any failure, Ctrl-C included, nothing is left running. Raises AlreadyUp, NotReady, ServerFailed.
        """
        with owned(self.plan.home / "lock") as mine:
            if not mine or any(running.alive for running in self.processes.all()):
                raise AlreadyUp(f"a sandbox is up in {self.plan.home}")
            self._attached = attached
            try:
                await self._start(progress or (lambda _step: None), shares or edge.healthy_shares(self.plan))
            except BaseException:
                self.down()
                raise

    def down(self) -> None:
        """End every process, this one's or another's, and remove the databases; logs and traces stay. Works on what
        a crash left, and is safe to repeat."""
        self.processes.end(self.processes.all())
        self.faults.clear()
        shutil.rmtree(self.plan.home / "postgres", ignore_errors=True)

    async def revive(self, region: str) -> None:
        """Start a killed region again; its databases come back as standbys if others were promoted."""
        for fault in self.faults.active():
            if fault.kind == "kill" and fault.region == region:
                await self.faults.end(fault.id, attached=self._attached)
                return
        await recovery.revive(self.plan, self.processes, region, attached=self._attached)
        await self.faults.push(region)

    async def fault(self, kind: str, region: str, **parameters: Any) -> str:
        """Begin a fault; its id ends it. Raises BadFault."""
        return (await self.faults.inject(kind, region, **parameters)).id

    async def end(self, fault_id: str) -> None:
        """End a fault and mend what it broke. Raises BadFault."""
        await self.faults.end(fault_id, attached=self._attached)

    async def status(self) -> dict[str, Any]:
        """Processes, faults and addresses; per region what its shop says of itself (None: no answer)."""
        said = await asyncio.gather(*(self._ask_shop(region) for region in self.plan.regions))
        running = self.processes.all()
        return {
            "directory": self.plan.directory,
            "up": any(one.alive for one in running),
            "edge": self.plan.edge_url,
            "admin": self.plan.admin_url,
            "regions": {
                region: {"url": self.plan.region_url(region), "shop": answer}
                for region, answer in zip(self.plan.regions, said, strict=True)
            },
            "datastores": {name: await recovery.primary_of(store) for name, store in self.plan.datastores.items()},
            "processes": [
                {"name": one.name, "kind": one.kind, "region": one.region, "pid": one.pid, "alive": one.alive}
                for one in running
            ],
            "faults": [asdict(fault) for fault in self.faults.active()],
        }

    def holder_at_start(self, job: str) -> str:
        """Where an exclusive service begins: in its datastore's primary region, else in the first it lists."""
        service = self.plan.services[job]
        home = self.plan.datastores[service.datastore].primary if service.datastore else None
        return home if home in service.regions else service.regions[0]

    async def _start(self, progress: Progress, shares: edge.Shares) -> None:
        plan = self.plan
        self.faults.clear()
        for leftover in ("jobs", "logs", "postgres"):
            shutil.rmtree(plan.home / leftover, ignore_errors=True)
        jobs = [service.name for service in plan.services.values() if service.exclusive]
        of = 2 + len(plan.regions) * 2 + sum(len(store.regions) + 1 for store in plan.datastores.values()) + len(jobs)
        done: list[str] = []

        def ready(what: str) -> None:
            done.append(what)
            progress(Step(what, len(done), of))

        edge.write_edge(plan, shares)
        laid = asyncio.create_task(postgres.lay(plan))
        try:
            async with asyncio.TaskGroup() as tasks:
                for launch, look in self._light():
                    tasks.create_task(self._one(launch, look, ready))
                await asyncio.sleep(0)
                await laid
                for store in plan.datastores.values():
                    tasks.create_task(self._database(store.name, ready))
        except BaseExceptionGroup as group:
            raise _first(group) from group
        finally:
            laid.cancel()
        await asyncio.gather(*(self._activate(job, ready) for job in jobs))

    def _light(self) -> Iterable[tuple[Launch, Callable[[], Awaitable[bool]]]]:
        plan = self.plan
        yield servers.network(plan), lambda: _connects(plan.control)
        for region in plan.regions.values():
            yield servers.redis(plan, region.name), lambda region=region: _connects(region.redis)
            yield servers.shop(plan, region.name), lambda region=region: servers.answers(region.ingress, "/healthz")
        yield servers.envoy(plan), lambda: servers.answers(plan.edge.admin, "/ready")

    async def _one(self, launch: Launch, look: Callable[[], Awaitable[bool]], ready: Callable[[str], None]) -> None:
        running = self.processes.start(launch, attached=self._attached)
        await servers.ready(running, self._log(running), look)
        ready(launch.name)

    async def _database(self, name: str, ready: Callable[[str], None]) -> None:
        store = self.plan.datastores[name]
        for region in store.regions:
            await recovery.start_server(self.plan, self.processes, store, region, attached=self._attached)
            ready(f"{name} in {region}")
        primary = self.processes.find(postgres.launch(self.plan, store, store.primary).name)
        assert primary is not None
        await servers.ready(primary, self._log(primary), lambda: recovery.in_step(store))
        ready(f"replication of {name}")

    async def _activate(self, job: str, ready: Callable[[str], None]) -> None:
        shop = self.plan.regions[self.holder_at_start(job)].shop
        running = self.processes.find(f"shop-{self.holder_at_start(job)}")
        assert running is not None
        pool = Pool(shop)
        order = request("POST", shop, f"/_jobs/{job}/activate", {}, json.dumps({"epoch": FIRST_EPOCH}).encode())

        async def active() -> bool:
            reply = await pool.fetch(order, 3.0)
            return reply is not None and reply.status == 200 and bool(json.loads(reply.body)["active"])

        await servers.ready(running, self._log(running), active)
        pool.close()
        ready(job)

    async def _ask_shop(self, region: str) -> dict[str, Any] | None:
        shop = self.plan.regions[region].shop
        pool = Pool(shop)
        reply = await pool.fetch(request("GET", shop, "/_status", {}), 1.0)
        pool.close()
        return json.loads(reply.body) if reply is not None and reply.status == 200 else None

    def _log(self, running: Running) -> Path:
        return self.plan.home / "logs" / f"{running.name}.log"


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first plain error of a group: what a caller can be told."""
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


async def _connects(address: tuple[str, int]) -> bool:
    try:
        async with asyncio.timeout(1.0):
            _, writer = await asyncio.open_connection(*address)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
