"""What goes on beside the loop: telling people, vantages' exchange, renewals, reading back, watching the watchers."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from controlplane.engine.exchange import Exchange
from controlplane.engine.keepalive import Keepalive
from controlplane.engine.machine import Machine
from controlplane.model.desk import ESTATE
from controlplane.model.errors import DriverError
from controlplane.model.journal import EntryKind, Json
from controlplane.model.notice import Severity

_SEND_WITHIN_S = 10.0
_EXCHANGE_EVERY_S = 1.0
_WATCH_EVERY_S = 5.0

Chore = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Chores:
    """Each runs in a loop of its own under the supervisor, and reports to the watchdog. ``extra``: what the wiring
    adds (policies that change, say): a name, how long a silence is too long, and what is done again and again."""

    machine: Machine
    extra: dict[str, tuple[float, Chore]] = field(default_factory=dict)
    exchange: Exchange | None = None
    _mail: asyncio.Event = field(default_factory=asyncio.Event)

    def start(self) -> None:
        """Begin all of them."""
        machine = self.machine
        if not machine.options.vantages:
            self.exchange = Exchange(machine.ports.state, machine.clock, machine.book, machine.options.vantage)
            self._keep("exchange", 30.0, self._exchange(self.exchange))
        if machine.ports.notifier is not None:
            machine.supervisor.keep("notices", self._send)
        self._keep("keepalive", 30.0, self._renew(Keepalive(machine.actor)))
        if machine.options.audit_s is not None:
            self._keep("audit", 4 * machine.options.audit_s + 30.0, self._audit)
        machine.supervisor.keep("watchdog", self._repeat("watchdog", 60.0, self._watch))
        for name, (patience_s, chore) in self.extra.items():
            self._keep(name, patience_s, chore)

    def after_tick(self) -> None:
        """The loop has done a round."""
        self.machine.supervisor.well("tick")
        if self.machine.notes.outbox:
            self._mail.set()

    def quiet(self) -> tuple[str, ...]:
        """Loops, probes and vantages that have not been heard of for too long."""
        return self.machine.watchdog.quiet()

    def _keep(self, name: str, patience_s: float, chore: Chore) -> None:
        self.machine.supervisor.keep(name, self._repeat(name, patience_s, chore))

    def _repeat(self, name: str, patience_s: float, chore: Chore) -> Chore:
        async def again() -> None:
            while True:
                self.machine.watchdog.beat(name, patience_s)
                await chore()
                self.machine.supervisor.well(name)

        return again

    async def _send(self) -> None:
        """Notices, oldest first. A notifier that fails loses the notice, not the daemon its time."""
        machine = self.machine
        notifier = machine.ports.notifier
        while notifier is not None:
            await self._mail.wait()
            self._mail.clear()
            while machine.notes.outbox:
                notice = machine.notes.outbox.popleft()
                try:
                    async with asyncio.timeout(_SEND_WITHIN_S):
                        await notifier.send(notice)
                except (DriverError, TimeoutError) as error:
                    why = f"people could not be told of {notice.subject}: {str(error) or 'no answer in time'}"
                    await machine.scribe.note([machine.records.fact(EntryKind.SUPERVISE, "notifier", why)])

    def _exchange(self, exchange: Exchange) -> Chore:
        async def once() -> None:
            await exchange.round()
            await self.machine.clock.sleep(_EXCHANGE_EVERY_S)

        return once

    def _renew(self, keepalive: Keepalive) -> Chore:
        async def once() -> None:
            await self.machine.clock.sleep(await keepalive.round())

        return once

    async def _audit(self) -> None:
        """Read back what is in force: what somebody else has changed is found, and decided upon like anything else."""
        machine = self.machine
        await machine.clock.sleep(machine.options.audit_s or 0.0)
        if not machine.leadership.holds(machine.leadership.epoch) or machine.actor.flights:
            return
        before = machine.keeper.state
        await machine.recovery.read_back(machine.estate)
        after = machine.keeper.state
        if after != before and not machine.actor.flights:
            names = ("shares", "shed", "refused", "knobs", "holders", "primaries")
            changed: list[Json] = [name for name in names if getattr(after, name) != getattr(before, name)]
            why = f"found otherwise than left: {', '.join(map(str, changed))}"
            await machine.scribe.note([machine.records.fact(EntryKind.SUPERVISE, ESTATE, why, changed=changed)])
            machine.notes.tell(Severity.WARN, ESTATE, why)
            machine.wake.set()

    async def _watch(self) -> None:
        """Raise a hand for every loop, probe or vantage that falls silent."""
        machine = self.machine
        await machine.clock.sleep(_WATCH_EVERY_S)
        for name, silent in machine.watchdog.turned():
            why = f"{name} has gone quiet" if silent else f"{name} is heard of again"
            machine.notes.tell(Severity.WARN if silent else Severity.INFO, name, why)
            await machine.scribe.note([machine.records.fact(EntryKind.SUPERVISE, name, why, silent=silent)])
