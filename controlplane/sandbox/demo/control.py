"""The control plane as anybody sees it: a process that was started, and what it answers over HTTP."""

import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from controlplane.sandbox.plan import Address
from controlplane.sandbox.processes import Launch, Running
from controlplane.sandbox.sandbox import Sandbox
from controlplane.sandbox.servers import NotReady
from controlplane.sandbox.wire import Pool, request

NAME = "daemon"
_READY_WITHIN_S = 40.0
_ANSWER_WITHIN_S = 2.0
_END_WITHIN_S = 5.0
_LOOK_EVERY_S = 0.1
_SOURCE = Path(__file__).resolve().parents[3]
_LINES_OF_LOG = 15


class ControlPlane:
    """One daemon over a sandbox. ``command`` starts it, answering at ``address``."""

    def __init__(self, sandbox: Sandbox, command: Sequence[str], address: Address) -> None:
        self._sandbox = sandbox
        self._command = command
        self._pool = Pool(address)
        self._running: Running | None = None

    def start(self) -> None:
        """Start it; it dies with this process, whatever happens."""
        plan = self._sandbox.plan
        launch = Launch(NAME, NAME, None, self._command, plan.home, {"PYTHONPATH": str(_SOURCE), "NO_COLOR": "1"})
        self._running = self._sandbox.processes.start(launch, attached=True)

    async def ready(self) -> None:
        """Wait until it has decided once. Raises NotReady with the last that it said."""
        for _ in range(round(_READY_WITHIN_S / _LOOK_EVERY_S)):
            if self._running is None or not self._running.alive:
                raise NotReady(f"the daemon ended at once:\n{self._last_words()}")
            reply = await self._pool.fetch(self._get("/readyz"), _ANSWER_WITHIN_S)
            if reply is not None and reply.status == 200:
                return
            await asyncio.sleep(_LOOK_EVERY_S)
        raise NotReady(f"the daemon is not ready after {_READY_WITHIN_S:g} s:\n{self._last_words()}")

    async def status(self) -> dict[str, Any] | None:
        """Everything that is so now; None: no answer."""
        found = await self._ask("/v1/status")
        return found if isinstance(found, dict) else None

    async def entries(self, after: int) -> list[dict[str, Any]]:
        """The journal after a place, empty without an answer."""
        found = await self._ask(f"/v1/journal?after={after}&limit=1000")
        return found if isinstance(found, list) else []

    async def stop(self) -> None:
        """Ask it to end, and end it if it does not."""
        self._pool.close()
        running = self._running
        if running is None:
            return
        self._sandbox.processes.signal([running], signal.SIGTERM)
        for _ in range(round(_END_WITHIN_S / _LOOK_EVERY_S)):
            if not running.alive:
                break
            await asyncio.sleep(_LOOK_EVERY_S)
        self._sandbox.processes.end([running])

    async def _ask(self, path: str) -> Any:
        reply = await self._pool.fetch(self._get(path), _ANSWER_WITHIN_S)
        return json.loads(reply.body) if reply is not None and reply.status == 200 else None

    def _get(self, path: str) -> bytes:
        return request("GET", self._pool.address, path, {})

    def _last_words(self) -> str:
        log = self._sandbox.plan.log(NAME)
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return "\n".join(lines[-_LINES_OF_LOG:])


def python(module: str, *arguments: str) -> list[str]:
    """A module of ours, run by this very interpreter."""
    return [sys.executable, "-m", module, *arguments]
