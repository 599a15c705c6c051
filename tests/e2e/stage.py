"""A sandbox, real daemons over it, and the command line: what an operator has, for tests to break."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from controlplane.model.estate import Estate
from controlplane.model.resources.failover_policy import FailoverPolicy
from controlplane.model.resources.safety_policy import MaxShift, MaxTransitions
from controlplane.sandbox.binding import write_policies
from controlplane.sandbox.demo.pace import Pace, at_pace
from controlplane.sandbox.load.options import LoadOptions
from controlplane.sandbox.plan import Address
from controlplane.sandbox.planning import Options
from controlplane.sandbox.sandbox import Sandbox
from controlplane.sandbox.wire import Pool, request
from controlplane.service.files import healthy_shares, read_estate, shop
from tests.servers.sandbox.small_estate import small_estate

PACE = Pace(
    unhealthy_for=timedelta(seconds=1),
    stable_for=timedelta(seconds=4),
    step=0.5,
    every=timedelta(seconds=1),
    knob_stable_for=timedelta(seconds=2),
)
SOURCE = Path(__file__).resolve().parents[2]
LEEWARD = (sys.executable, "-c", "from cli.main import main; main()")
PATIENCE_S = 90.0
_ANSWER_S = 5.0

Status = Mapping[str, Any]


def free_address() -> Address:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return Address("127.0.0.1", probe.getsockname()[1])


async def until(look: Callable[[], Awaitable[object]], what: str, within_s: float = PATIENCE_S) -> None:
    """Wait for something to become true."""
    try:
        async with asyncio.timeout(within_s):
            while not await look():  # noqa: ASYNC110
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise AssertionError(f"never came about: {what}") from None


@dataclass(frozen=True, slots=True)
class Said:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Daemon:
    """One ``leeward daemon``."""

    def __init__(self, process: "subprocess.Popen[bytes]", address: Address, log: Path) -> None:
        self.process, self.address, self.log = process, address, log

    async def ask(self, path: str) -> Any:
        """What it answers; None: nothing."""
        pool = Pool(self.address)
        reply = await pool.fetch(request("GET", self.address, path, {"connection": "close"}), _ANSWER_S)
        pool.close()
        return json.loads(reply.body) if reply is not None and reply.status == 200 else None

    async def status(self) -> Status:
        """Everything that is so now; empty: no answer."""
        found = await self.ask("/v1/status")
        return found if isinstance(found, dict) else {}

    async def journal(self, kind: str = "") -> list[dict[str, Any]]:
        """The newest thousand entries, oldest first."""
        entries = await self.ask("/v1/journal?limit=1000")
        return [entry for entry in entries or [] if not kind or entry["kind"] == kind]

    async def leads(self) -> None:
        """Wait until it leads and has judged every region."""

        async def well() -> bool:
            status = await self.status()
            judged = [region["state"] != "unknown" for region in status.get("regions", [])]
            return status.get("mode") == "leading" and bool(status.get("verdicts")) and all(judged)

        try:
            await until(well, "a daemon that leads")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log.read_text(errors='replace')[-3000:]}") from None

    async def knows(self) -> None:
        """Wait until it has seen the lag of every replica: a primary that is lost before that is rightly not replaced
        (R9)."""

        async def seen() -> bool:
            lag, stores = (await self.ask("/v1/world") or {}).get("lag", {}), (await self.status()).get("primaries", {})
            return bool(stores) and all(lag.get(store) for store in stores)

        await until(seen, "the lag of every replica known")

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait(timeout=10)

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                return self.process.wait(timeout=15)
            self.kill()
        return self.process.returncode


@dataclass
class Stage:
    """``policies``: the folder that daemons read. Everything that is started here is ended when the stage closes."""

    sandbox: Sandbox
    estate: Estate
    policies: Path
    address: Address
    daemons: list[Daemon] = field(default_factory=list)

    @property
    def home(self) -> Path:
        return self.sandbox.plan.home

    def start(self, name: str = "here", *, store: str = "leeward.db", lease_s: float = 4.0) -> Daemon:
        """A daemon of this name; the first one answers where the shop asks for its knobs."""
        address = free_address() if any(d.process.poll() is None for d in self.daemons) else self.address
        options = [
            *("--policies", str(self.policies), "--store", str(self.home / store), "--listen", str(address)),
            *("--state-dir", str(self.home / f"state-{name}"), "--replica", name, "--lease", f"{lease_s:g}"),
            *("--vantage", name),
        ]
        log = self.home / f"{name}.log"
        with log.open("ab") as sink:
            process = subprocess.Popen(
                [*LEEWARD, "daemon", *options], cwd=SOURCE, stdout=sink, stderr=sink, stdin=subprocess.DEVNULL
            )
        daemon = Daemon(process, address, log)
        self.daemons.append(daemon)
        return daemon

    async def leeward(self, *arguments: str) -> Said:
        """One command, to its end."""
        process = await asyncio.create_subprocess_exec(
            *LEEWARD,
            *arguments,
            cwd=SOURCE,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(PATIENCE_S):
            out, err = await process.communicate()
        return Said(process.returncode or 0, out.decode(), err.decode())

    async def users_succeed(self) -> None:
        """Wait for five seconds in a row in which users see no failure. Users have to be there."""
        await until(self._five_good_seconds, "five seconds in which every user succeeds")

    async def _five_good_seconds(self) -> bool:
        lines = (self.home / "users" / "seconds.jsonl").read_text().splitlines()
        newest = [json.loads(line) for line in lines[-5:]]
        return len(newest) == 5 and all(second["ok"] == second["sent"] > 0 for second in newest)

    def close(self) -> None:
        """End everything."""
        for daemon in self.daemons:
            daemon.stop()
        self.sandbox.down()


@asynccontextmanager
async def risen(directory: Path, estate: Estate, rate: float) -> AsyncIterator[Stage]:
    """A sandbox that is up, with the healthy plan in its edge, and no daemon yet."""
    address = free_address()
    sandbox = Sandbox.create(estate, directory, Options(rate=rate, ofrep=f"http://{address}"))
    stage = Stage(sandbox, estate, write_policies(estate, sandbox.plan), address)
    try:
        await sandbox.up(shares=healthy_shares(read_estate([stage.policies])))
        yield stage
    finally:
        stage.close()


def shop_at_pace() -> Estate:
    """The reference estate, with seconds where its policies have minutes."""
    return _unhurried(at_pace(read_estate([shop()]), PACE))


def small_at_pace() -> Estate:
    """Three regions with one of everything, at the same pace; all three are needed, and two do with a knob turned."""
    policy = {"metadata": {"name": "default"}, "spec": {"services": "*", "autonomy": "act"}}
    acting = replace(small_estate(capacity=300.0), failover=(FailoverPolicy.model_validate(policy),))
    return _unhurried(at_pace(acting, PACE))


def _unhurried(estate: Estate) -> Estate:
    """What R7 and R8 allow in half an hour is used up in a minute of tests that break one region after the other."""
    freely = {"max_shift": MaxShift(fraction=1.0), "max_transitions": MaxTransitions(count=100)}
    return replace(estate, safety=estate.safety.model_copy(update=freely))


def load() -> LoadOptions:
    """Users who do not try again."""
    return LoadOptions(retries=0)


def carried(status: Status, region: str) -> float:
    """A region's part of all requests."""
    return float(next((one["share"] for one in status.get("regions", []) if one["region"] == region), 1.0))


def drained(status: Status, region: str) -> bool:
    """Whether the region is left and carries nothing."""
    left = any(one["region"] == region and one["drained"] for one in status.get("regions", []))
    return left and carried(status, region) == 0.0
