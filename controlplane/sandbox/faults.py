"""Faults: what befalls a region of the sandbox, and how it ends again.

Faults in force are kept in the state directory, so that whoever comes later can end them. Those of the network and of
the shop are pushed as a whole from that list, so that two on one region add up and ending one leaves the other.
"""

import fcntl
import json
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, assert_never

from controlplane.sandbox import network, recovery
from controlplane.sandbox.fault_kinds import EVERY, ActiveFault, BadFault, FaultKind, checked
from controlplane.sandbox.plan import SandboxPlan
from controlplane.sandbox.processes import Processes
from controlplane.sandbox.recovery import Site
from controlplane.sandbox.wire import Pool, request

__all__ = ["ActiveFault", "BadFault", "FaultKind", "Faults"]


class Faults:
    """Begins and ends them."""

    def __init__(self, plan: SandboxPlan, processes: Processes) -> None:
        self._plan = plan
        self._processes = processes
        self._file = plan.home / "faults.json"

    def active(self) -> tuple[ActiveFault, ...]:
        """What is in force, oldest first."""
        try:
            raw = json.loads(self._file.read_text())
        except FileNotFoundError:
            return ()
        return tuple(ActiveFault(**{**fault, "kind": FaultKind(fault["kind"])}) for fault in raw)

    def clear(self) -> None:
        """Forget them all (a sandbox that starts anew has none)."""
        self._file.unlink(missing_ok=True)

    async def inject(self, kind: str, region: str, **parameters: Any) -> ActiveFault:
        """Begin a fault. Raises BadFault."""
        fault = checked(self._plan, kind, region, parameters)
        with self._changing() as faults:
            number = 1 + max((int(known.id[1:]) for known in faults), default=0)
            fault = ActiveFault(f"f{number}", fault.kind, region, time.time(), fault.parameters)
            faults.append(fault)
        match fault.kind:
            case FaultKind.KILL:
                self._signal(fault, signal.SIGKILL)
            case FaultKind.FREEZE:
                self._signal(fault, signal.SIGSTOP)
            case _:
                await self._push(fault)
        return fault

    async def end(self, fault_id: str, *, attached: bool = False) -> ActiveFault:
        """End a fault and mend what it broke: killed processes start again, and its
        databases have a role again.
        Raises BadFault."""
        with self._changing() as faults:
            fault = next((known for known in faults if known.id == fault_id), None)
            if fault is None:
                raise BadFault(f"no fault {fault_id} is in force")
            faults.remove(fault)
        site = Site(self._plan, self._processes, attached)
        match fault.kind:
            case FaultKind.KILL:
                for region in self._regions(fault):
                    await recovery.revive(site, region)
                    await self.push(region)
            case FaultKind.FREEZE:
                self._signal(fault, signal.SIGCONT)
            case _:
                await self._push(fault)
        if fault.kind in {FaultKind.FREEZE, FaultKind.BLACKHOLE, FaultKind.PARTITION, FaultKind.RESET}:
            for region in self._regions(fault):
                await recovery.settled(site, region)
        return fault

    async def push(self, region: str) -> None:
        """Tell a region's shop what it suffers, as a whole."""
        mine = [fault for fault in self.active() if fault.region in {region, EVERY}]
        gone = max((f.parameters["fraction"] for f in mine if f.kind is FaultKind.CAPACITY), default=0.0)
        await self._tell(region, {"share": 1.0 - gone})
        for service in [EVERY, *self._plan.services]:
            hits = [fault.parameters for fault in mine if fault.parameters.get("service") == service]
            order = {
                "service": service,
                "rate": max((hit["rate"] for hit in hits if "rate" in hit), default=0.0),
                "add_s": sum(hit["add_s"] for hit in hits if "add_s" in hit),
                "liveness": "failing" if any(hit.get("liveness") == "failing" for hit in hits) else "healthy",
            }
            await self._tell(region, order)

    async def _push(self, fault: ActiveFault) -> None:
        match fault.kind:
            case FaultKind.BLACKHOLE | FaultKind.RESET:
                await self._weather(fault)
            case FaultKind.SLOW if "service" not in fault.parameters:
                await self._weather(fault)
            case FaultKind.SLOW | FaultKind.ERRORS | FaultKind.CAPACITY:
                for region in self._regions(fault):
                    await self.push(region)
            case FaultKind.PARTITION:
                pair = [fault.region, fault.parameters["peer"]]
                cut = any(
                    known.kind is FaultKind.PARTITION and {known.region, known.parameters["peer"]} == set(pair)
                    for known in self.active()
                )
                await network.order(self._plan, {"between": pair, "cut": cut})
            case FaultKind.LAG:
                lags = [
                    known.parameters["seconds"]
                    for known in self.active()
                    if known.kind is FaultKind.LAG
                    and known.region == fault.region
                    and known.parameters["datastore"] == fault.parameters["datastore"]
                ]
                store = self._plan.datastores[fault.parameters["datastore"]]
                await recovery.delay_replay(store, fault.region, max(lags, default=0.0))
            case FaultKind.KILL | FaultKind.FREEZE:
                return
            case _:
                assert_never(fault.kind)

    async def _weather(self, fault: ActiveFault) -> None:
        for region in self._regions(fault):
            mine = [known for known in self.active() if known.region in {region, EVERY}]
            slow = [f.parameters["add_s"] for f in mine if f.kind is FaultKind.SLOW and "service" not in f.parameters]
            now = network.Fault(
                blackhole=any(known.kind is FaultKind.BLACKHOLE for known in mine),
                add_s=sum(slow),
                reset=any(known.kind is FaultKind.RESET for known in mine),
            )
            await network.order(self._plan, {"region": region, "fault": asdict(now)})

    async def _tell(self, region: str, order: Mapping[str, object]) -> None:
        """A dead or frozen shop is told nothing: it is told again when it is back."""
        shop = self._plan.regions[region].shop
        pool = Pool(shop)
        headers = {"content-type": "application/json", "connection": "close"}
        await pool.fetch(request("POST", shop, "/_faults", headers, json.dumps(order).encode()), 2.0)
        pool.close()

    def _signal(self, fault: ActiveFault, number: signal.Signals) -> None:
        for region in self._regions(fault):
            self._processes.signal(self._processes.of(region), number)

    def _regions(self, fault: ActiveFault) -> tuple[str, ...]:
        return tuple(self._plan.regions) if fault.region == EVERY else (fault.region,)

    @contextmanager
    def _changing(self) -> Iterator[list[ActiveFault]]:
        """The list of faults, under a lock that other processes heed."""
        with Path(self._file.with_suffix(".lock")).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            faults = list(self.active())
            yield faults
            draft = self._file.with_suffix(".new")
            draft.write_text(json.dumps([asdict(fault) for fault in faults]))
            draft.replace(self._file)
