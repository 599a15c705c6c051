"""Daemons in processes, and a small estate that they watch: two regions, each a real HTTP server of this test."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

PATIENCE_S = 30.0
REGIONS = ("dublin", "frankfurt")


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait for something to become so, but not for ever."""
    ends = asyncio.get_running_loop().time() + PATIENCE_S
    while not await condition():
        if asyncio.get_running_loop().time() >= ends:
            raise AssertionError(f"it never came about: {what}")
        await asyncio.sleep(0.05)


@dataclass
class Site:
    """A region's server: well until it is told otherwise, with one job that runs or does not."""

    name: str
    well: bool = True
    active: bool = False
    epoch: int = 0
    port: int = 0
    told: int = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            line = head.split(b"\r\n", 1)[0].decode()
            length = next((int(h.split(b":")[1]) for h in head.lower().split(b"\r\n") if b"content-length" in h), 0)
            order = json.loads(await reader.readexactly(length)) if length else {}
            status, body = self._reply(line, order)
            text = json.dumps(body).encode()
            fields = f"HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {len(text)}\r\n"
            writer.write(fields.encode() + b"connection: close\r\n\r\n" + text)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _reply(self, line: str, order: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if not self.well:
            return 503, {}
        if order.get("epoch", self.epoch) < self.epoch:
            return 409, {"active": self.active, "epoch": self.epoch, "why": "a higher epoch has been here"}
        if " /_jobs/settlement/activate " in line:
            self.active, self.epoch, self.told = True, order["epoch"], self.told + 1
        elif " /_jobs/settlement/deactivate " in line:
            self.active, self.epoch = False, order["epoch"]
        return 200, {"active": self.active, "epoch": self.epoch, "why": ""}


@dataclass
class Estate:
    """Sites, policies and a store in one directory."""

    home: Path
    sites: dict[str, Site]
    daemons: list["Daemon"] = field(default_factory=list)

    @property
    def policies(self) -> Path:
        return self.home / "policies"

    def write(self, *, knobs: tuple[str, ...] = ("recommendations",), more: str = "") -> None:
        """Write the policies, as an editor would: whole files, swapped in."""
        ports = {name: site.port for name, site in self.sites.items()}
        at = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
        probes = [
            {"kind": "http", "target": f"{url}/", "regions": [name], "interval": "100ms", "fall": 2, "rise": 2}
            for name, url in at.items()
        ]
        documents: list[dict[str, Any]] = [
            {"kind": "Region", "metadata": {"name": name}, "spec": {"jurisdiction": "EU", "capacity": 100}}
            for name in REGIONS
        ]
        documents += [
            {"kind": "Service", "metadata": {"name": "shop"}, "spec": {"demand": {"IE": 1}, "probes": probes}},
            {
                "kind": "Service",
                "metadata": {"name": "settlement"},
                "spec": {
                    "placement": "exclusive",
                    "probes": probes,
                    "traffic": {"driver": "http", "with": {"at": at, "ttl": 1}},
                },
            },
            {
                "kind": "FailoverPolicy",
                "metadata": {"name": "default"},
                "spec": {"autonomy": "act", "unhealthyFor": "500ms"},
            },
            {
                "kind": "DegradationPolicy",
                "metadata": {"name": "knobs"},
                "spec": {
                    "knobs": [
                        {
                            "name": name,
                            "default": "full",
                            "levels": [{"value": "off", "saves": {"shop": 0.5}, "valueLost": 1}],
                        }
                        for name in knobs
                    ]
                },
            },
        ]
        text = "\n---\n".join(json.dumps({"apiVersion": "leeward/v1", **document}) for document in documents)
        self.policies.mkdir(exist_ok=True)
        draft = self.home / "draft"
        draft.write_text(text + more, encoding="utf-8")
        draft.replace(self.policies / "all.yaml")

    async def daemon(self, name: str, *options: str) -> "Daemon":
        """Start a daemon and wait until it answers."""
        daemon = Daemon(self, name)
        self.daemons.append(daemon)
        await daemon.start(*options)
        return daemon


@dataclass
class Daemon:
    """One process."""

    estate: Estate
    name: str
    process: asyncio.subprocess.Process | None = None
    url: str = ""

    @property
    def state(self) -> Path:
        return self.estate.home / self.name

    async def start(self, *options: str) -> None:
        with (self.estate.home / f"{self.name}.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.command(*options), stderr=log, stdout=log, env={**os.environ, "NO_COLOR": "1"}
            )
        await until(self._answers, f"{self.name} answers: {self.log()[-2000:]}")

    def command(self, *options: str) -> tuple[str, ...]:
        store = str(self.estate.home / "store.db")
        return (
            *(sys.executable, "-m", "cli.main", "daemon", "--policies", str(self.estate.policies), "--store", store),
            *("--listen", "127.0.0.1:0", "--vantage", "here", "--replica", self.name, "--state-dir", str(self.state)),
            *("--lease", "2", "--tick", "0.2", *options),
        )

    def log(self) -> str:
        return (self.estate.home / f"{self.name}.log").read_text(encoding="utf-8")

    async def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end."""
        process = self.process
        assert process is not None
        if process.returncode is None:
            process.send_signal(how)
        async with asyncio.timeout(PATIENCE_S):
            return await process.wait()

    async def get(self, path: str) -> Any:
        async with httpx.AsyncClient() as client:
            return (await client.get(f"{self.url}{path}", timeout=10)).json()

    async def status(self) -> Any:
        return await self.get("/v1/status")

    async def mode(self, wanted: str) -> None:
        async def so() -> bool:
            return bool((await self.status())["mode"] == wanted)

        await until(so, f"{self.name} is {wanted}")

    async def _answers(self) -> bool:
        announced = self.state / "daemon.json"
        assert self.process is not None
        if self.process.returncode is not None:
            raise AssertionError(f"{self.name} ended with {self.process.returncode}: {self.log()[-2000:]}")
        if not announced.exists():
            return False
        self.url = json.loads(announced.read_text(encoding="utf-8"))["address"]
        async with httpx.AsyncClient() as client:
            return (await client.get(f"{self.url}/healthz", timeout=10)).status_code == 200


@asynccontextmanager
async def estate_in(home: Path) -> AsyncIterator[Estate]:
    """Two sites that answer, policies about them, and at the end no process of ours."""
    estate = Estate(home, {name: Site(name) for name in REGIONS})
    servers = []
    for site in estate.sites.values():
        server = await asyncio.start_server(site.answer, "127.0.0.1", 0)
        site.port = server.sockets[0].getsockname()[1]
        servers.append(server)
    estate.write()
    try:
        yield estate
    finally:
        for daemon in estate.daemons:
            if daemon.process is not None and daemon.process.returncode is None:
                await daemon.end(signal.SIGKILL)
        for server in servers:
            server.close()
