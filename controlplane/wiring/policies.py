"""Policies that change on disk while the daemon runs: a good edit is followed, a broken one is refused."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from controlplane.engine.desk import EngineDesk
from controlplane.engine.machine import Machine
from controlplane.load.catalogue import Catalogue
from controlplane.load.estate import load_estate
from controlplane.load.files import fingerprint, policy_files
from controlplane.model.desk import Policies
from controlplane.model.errors import PoliciesInvalid
from controlplane.model.estate import Estate
from controlplane.model.journal import EntryKind, Json
from controlplane.model.notice import Severity

Print = tuple[tuple[str, int, int], ...]


def describe(paths: tuple[Path, ...], now: datetime) -> Policies:
    """The set of policies as faces name it: a digest of the text, and when it was read."""
    digest = sha256()
    for file in policy_files(paths):
        digest.update(file.read_bytes())
    return Policies(digest.hexdigest()[:12], now, tuple(map(str, paths)))


@dataclass(slots=True)
class PolicyWatch:
    """Looks at times and sizes every ``every_s`` seconds and reads again what has changed. ``followed`` is called
    with each new estate, ``machine`` and ``desk`` after it."""

    paths: tuple[Path, ...]
    catalogue: Catalogue
    machine: Machine
    desk: EngineDesk
    followed: Callable[[Estate], None]
    every_s: float = 2.0
    seen: Print = ()

    async def round(self) -> None:
        """One look."""
        await self.machine.clock.sleep(self.every_s)
        now = await asyncio.to_thread(fingerprint, self.paths)
        if now == self.seen:
            return
        self.seen = now
        await self.reload()

    async def reload(self) -> None:
        """Read the policies and follow them; what is wrong with them is told, and the last good set stays."""
        machine = self.machine
        try:
            estate = await asyncio.to_thread(load_estate, self.paths, self.catalogue)
            described = await asyncio.to_thread(describe, self.paths, machine.clock.now())
        except (PoliciesInvalid, OSError) as error:
            await self._refuse(str(error))
            return
        if described.version == self.desk.policies.version and not self.desk.policies.problem:
            return
        self.followed(estate)
        machine.follow(estate)
        self.desk.policies = described
        entry = machine.records.fact(EntryKind.POLICY, "estate", "policies were read again", version=described.version)
        await machine.scribe.note([entry])

    async def _refuse(self, problem: str) -> None:
        machine = self.machine
        self.desk.policies = replace(self.desk.policies, problem=problem)
        lines: list[Json] = list(problem.splitlines()[:20])
        why = f"a change of the policies was refused, the last good set stays: {problem.splitlines()[0]}"
        entry = machine.records.fact(EntryKind.POLICY, "estate", why, refused=True, problem=lines)
        await machine.scribe.note([entry])
        machine.notes.tell(Severity.WARN, "estate", why)
