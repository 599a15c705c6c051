"""Without a daemon: the same desk, here and now, for one person and one command."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from controlplane.model.desk import Mode
from controlplane.model.errors import Unreachable
from controlplane.model.journal import EntryKind, Json
from controlplane.model.verdict import Health
from controlplane.service.verbs import Said, Verb
from controlplane.service.wire.answers import Answers
from controlplane.wiring.daemon import Daemon, built, looking
from controlplane.wiring.options import DaemonOptions

_LOOK_FOR_S = 5.0
_LEASE_PATIENCE_S = 12.0
_DONE_WITHIN_S = 900.0
_IDLE_TURNS = 3
VANTAGE = "direct"


@asynccontextmanager
async def open_direct(policies: Sequence[Path], store: str) -> AsyncIterator["DirectDesk"]:
    """Look at everything once, take the lead, and answer. Raises Unreachable while a daemon leads: ask that one."""
    options = DaemonOptions(tuple(policies), store=store, vantage=VANTAGE, replica=f"{VANTAGE}-{os.getpid()}")
    async with built(options) as daemon, looking(daemon):
        desk = DirectDesk(daemon)
        machine = daemon.reconciler.machine
        try:
            await desk.look()
            await desk.lead()
            yield desk
        finally:
            await machine.actor.finish(machine.options.grace_s)
            await machine.leadership.release()
            await machine.supervisor.stop(2.0)


class DirectDesk(Answers):
    """What the HTTP client answers too. ``do`` comes back when what was asked is done, has failed, or is held."""

    def __init__(self, daemon: Daemon) -> None:
        super().__init__(daemon.service)
        self._daemon = daemon

    async def look(self) -> None:
        """Give the probes time to see what there is to see."""
        clock = self._daemon.clock
        ends = clock.monotonic() + _LOOK_FOR_S
        while True:
            await clock.sleep(0.1)
            if clock.monotonic() >= ends or self._has_looked():
                return

    async def lead(self) -> None:
        """Take the lease, waiting for that of a daemon that has died to run out. A look begins no act: ``do`` does."""
        machine = self._daemon.reconciler.machine
        machine.actor.looks_on = True
        ends = machine.clock.monotonic() + _LEASE_PATIENCE_S
        machine.decider.trusting = True
        while True:
            await self._daemon.reconciler.tick()
            if machine.leadership.problem:
                raise Unreachable(f"the store cannot be used: {machine.leadership.problem}")
            if self._daemon.reconciler.mode is Mode.LEADING:
                return
            if machine.clock.monotonic() >= ends:
                raise Unreachable(f"{machine.leadership.leader} leads: ask that daemon, without --direct")
            await machine.clock.sleep(0.5)

    async def do(self, verb: Verb, said: Said) -> Json:
        """Do it and see it through."""
        self._daemon.reconciler.machine.actor.looks_on = False
        answer = await super().do(verb, said)
        if isinstance(answer, dict) and answer.get("accepted") and answer.get("waiting") is None:
            began = answer.get("seq")
            await self._see_through()
            return {**answer, "outcomes": await self._outcomes(began if isinstance(began, int) else 0)}
        return answer

    async def _see_through(self) -> None:
        """Tick until nothing is in the air, to be done, or on its way by a ramp."""
        reconciler = self._daemon.reconciler
        machine, idle = reconciler.machine, 0
        ends = machine.clock.monotonic() + _DONE_WITHIN_S
        while idle < _IDLE_TURNS and machine.clock.monotonic() < ends:
            await reconciler.tick()
            if machine.leadership.problem:
                raise Unreachable(f"the store cannot be used: {machine.leadership.problem}")
            decision = reconciler.decision
            on_the_way = decision is not None and decision.plan.next != decision.plan.target
            idle = 0 if machine.actor.flights or on_the_way or machine.wake.is_set() else idle + 1
            try:
                async with asyncio.timeout(0.5):
                    await machine.wake.wait()
            except TimeoutError:
                continue

    async def _outcomes(self, after: int) -> list[Json]:
        entries = await self._daemon.store.journal.read(after=after)
        return [
            {"action": entry.action, "subject": entry.subject, "ending": entry.facts.get("ending"), "why": entry.why}
            for entry in entries
            if entry.kind is EntryKind.OUTCOME
        ]

    def _has_looked(self) -> bool:
        """Whether every watched place has been seen, one way or the other."""
        book = self._daemon.reconciler.machine.book
        verdicts = self._daemon.reconciler.machine.decider.look(self._daemon.clock.now())
        unknown = [verdict for verdict in verdicts.values() if verdict.state is Health.UNKNOWN]
        return bool(book.snapshot(self._daemon.clock.now()).samples) and not unknown
