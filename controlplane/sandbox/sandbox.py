"""The sandbox as a whole: made from an estate, brought up, broken, mended, put under load, taken down."""

import asyncio
import json
import shutil
import signal
from dataclasses import asdict
from pathlib import Path
from typing import Any

from controlplane.model.estate import Estate
from controlplane.sandbox import edge, recovery
from controlplane.sandbox.faults import Faults
from controlplane.sandbox.load.options import LoadOptions
from controlplane.sandbox.load.options import launch as launch_users
from controlplane.sandbox.plan import SandboxPlan, load_plan
from controlplane.sandbox.planning import Options, make_plan
from controlplane.sandbox.processes import Processes, owned
from controlplane.sandbox.rise import Progress, Rise
from controlplane.sandbox.wire import Pool, request

_USERS_END_WITHIN_S = 10.0


class AlreadyUp(Exception):
    """A sandbox runs in this directory, or is being started there."""


class Sandbox:
    """One sandbox in one state directory.

    ``faults`` lists, begins and ends faults. Attached (the default of ``up``): its processes die with the thread that
    called ``up``, whatever happens to it, so call it from the main thread. Detached: they stay until ``down``.
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
            self.down()
            rise = Rise(recovery.Site(self.plan, self.processes, attached), progress or (lambda _step: None))
            risen = False
            try:
                await rise.run(shares or edge.healthy_shares(self.plan))
                risen = True
            finally:
                if not risen:
                    self.down()

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
                await self.end(fault.id)
                return
        await recovery.revive(recovery.Site(self.plan, self.processes, self._attached), region)
        await self.faults.push(region)

    async def fault(self, kind: str, region: str, **parameters: Any) -> str:
        """Begin a fault; its id ends it. Raises BadFault."""
        return (await self.faults.inject(kind, region, **parameters)).id

    async def end(self, fault_id: str) -> None:
        """End a fault and mend what it broke. Raises BadFault."""
        await self.faults.end(fault_id, attached=self._attached)

    def start_users(self, options: LoadOptions | None = None) -> Path:
        """Start the load generator, attached as the rest is; returns the file that grows by a JSON line a second."""
        chosen = options or LoadOptions()
        here = self.plan.home / "users"
        shutil.rmtree(here, ignore_errors=True)
        here.mkdir()
        self.processes.start(launch_users(self.plan, chosen), attached=self._attached)
        return here / "seconds.jsonl"

    async def stop_users(self) -> dict[str, Any]:
        """Stop the load generator and read its summary. FileNotFoundError: it has left none."""
        running = self.processes.find("users")
        if running is not None:
            self.processes.signal([running], signal.SIGTERM)
            for _ in range(round(_USERS_END_WITHIN_S / 0.05)):
                if not running.alive:
                    break
                await asyncio.sleep(0.05)
            self.processes.end([running])
        summary: dict[str, Any] = json.loads((self.plan.home / "users" / "summary.json").read_text())
        return summary

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

    async def _ask_shop(self, region: str) -> dict[str, Any] | None:
        shop = self.plan.regions[region].shop
        pool = Pool(shop)
        reply = await pool.fetch(request("GET", shop, "/_status", {}), 1.0)
        pool.close()
        return json.loads(reply.body) if reply is not None and reply.status == 200 else None
