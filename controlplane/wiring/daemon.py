"""The daemon: everything put together on the real clock, and its life from start to signal."""

import asyncio
import gc
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from random import Random

from controlplane.api.address import Address, parse_address
from controlplane.api.app import Manner, build_app
from controlplane.api.callers import read_callers
from controlplane.api.server import serving
from controlplane.drivers.webhook.notifier import WebhookNotifier
from controlplane.engine.desk import EngineDesk, tell_ticks
from controlplane.engine.parts import Options, Ports
from controlplane.engine.reconcile import Reconciler
from controlplane.load.estate import load_estate
from controlplane.load.files import fingerprint
from controlplane.model.errors import StoreLost
from controlplane.model.estate import Estate
from controlplane.model.resources.kind import Setting
from controlplane.ports.eyes import ProbeFactory
from controlplane.ports.notifier import Notifier
from controlplane.probes import registry as probes
from controlplane.probes.scheduler import Scheduler
from controlplane.service.service import Service
from controlplane.store.sql import SqlStore, open_store
from controlplane.telemetry.logs import JournalLog, write_logs
from controlplane.telemetry.metrics import Metrics
from controlplane.wiring.catalogue import InstalledCatalogue
from controlplane.wiring.clock import RealClock
from controlplane.wiring.hands import BoundHands
from controlplane.wiring.options import DaemonOptions
from controlplane.wiring.policies import PolicyWatch, describe
from controlplane.wiring.spool import FileSpool
from controlplane.wiring.watches import watches

_PROBES_PATIENCE_S = 10.0
_HEARD_EVERY_S = 2.0
_LATENESS_OF = 500
_LAST_WORD_S = 0.2  # the thread of a database that did not open still has something to tell the loop


class Factories(Mapping[str, ProbeFactory]):
    """Probe kinds, each imported when policies first use it."""

    def __getitem__(self, kind: str) -> ProbeFactory:
        return probes.factory(kind)

    def __iter__(self) -> Iterator[str]:
        return iter(probes.installed())

    def __len__(self) -> int:
        return len(probes.installed())


@dataclass(slots=True)
class Daemon:
    """All of one process."""

    options: DaemonOptions
    clock: RealClock
    store: SqlStore
    reconciler: Reconciler
    scheduler: Scheduler
    desk: EngineDesk
    service: Service
    metrics: Metrics

    def watch(self, estate: Estate) -> None:
        """Look at what these policies name."""
        self.scheduler.watch(watches(estate, self.options.vantage, self.clock))

    async def hear_probes(self) -> None:
        """Report to the watchdog for the scheduler, as long as that does what is due."""
        await self.clock.sleep(_HEARD_EVERY_S)
        if self.scheduler.quiet_s() < _PROBES_PATIENCE_S / 2:
            self.reconciler.machine.watchdog.beat("probes", _PROBES_PATIENCE_S)

    def targets(self) -> tuple[int, float]:
        """How much is watched, and how late the latest looks were."""
        late = list(self.scheduler.lateness)[-_LATENESS_OF:]
        return self.scheduler.watched, max(late, default=0.0)


def run(options: DaemonOptions) -> int:
    """Run until SIGTERM or SIGINT. Raises what keeps it from starting; answers the exit code of its end."""
    import uvloop

    write_logs(sys.stderr, options.log_level)
    uvloop.run(live(options))
    return 0


async def live(options: DaemonOptions, *, stop: asyncio.Event | None = None) -> None:
    """Start, answer, and go on until a signal comes or ``stop`` is set."""
    stopped = stop if stop is not None else asyncio.Event()
    async with built(options) as daemon:
        for number in (signal.SIGTERM, signal.SIGINT) if stop is None else ():
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        _listen(daemon)
        callers = read_callers(options.token_file, options.hosts)
        manner = Manner(callers=callers, metrics=daemon.metrics.text, now=daemon.clock.now)
        async with serving(build_app(daemon.service, manner), parse_address(options.listen), callers) as address:
            machine = daemon.reconciler.machine
            machine.options = replace(machine.options, address=str(address))
            with announced(options, address):
                _settle_memory()
                await _until(stopped, daemon)


def _settle_memory() -> None:
    """What is there from the start stays: it need not be searched for garbage in the middle of a failover."""
    gc.collect()
    gc.freeze()


@asynccontextmanager
async def built(options: DaemonOptions) -> AsyncIterator[Daemon]:
    """Everything made and connected, nothing running. Raises PoliciesInvalid, StoreLost or WrongUse."""
    catalogue, clock = InstalledCatalogue(), RealClock()
    prints = fingerprint(options.policies)
    estate = load_estate(options.policies, catalogue)
    options.state_dir.mkdir(parents=True, exist_ok=True)
    try:
        store = await open_store(options.store)
    except StoreLost:
        await clock.sleep(_LAST_WORD_S)
        raise
    try:
        reconciler = Reconciler.build(estate, _ports(options, store, clock), _engine(options))
        desk = EngineDesk(reconciler, describe(options.policies, clock.now()))
        metrics = Metrics(lambda: desk.estate)
        daemon = Daemon(
            options=options,
            clock=clock,
            store=store,
            reconciler=reconciler,
            scheduler=Scheduler(reconciler.machine.book.add, clock, Factories(), vantage=options.vantage),
            desk=desk,
            service=Service(desk, store.journal),
            metrics=metrics,
        )
        desk.targets = daemon.targets
        daemon.watch(estate)
        policies = PolicyWatch(options.policies, catalogue, reconciler.machine, desk, daemon.watch, options.reload_s)
        policies.seen = prints
        reconciler.chores.extra = {
            "policies": (30.0 + 2 * options.reload_s, policies.round),
            "eyes": (30.0, daemon.hear_probes),
        }
        yield daemon
    finally:
        await store.close()


@asynccontextmanager
async def looking(daemon: Daemon) -> AsyncIterator[None]:
    """Probe while the block lasts."""
    task = daemon.reconciler.machine.supervisor.keep("probes", daemon.scheduler.run)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=2.0)


async def _until(stopped: asyncio.Event, daemon: Daemon) -> None:
    """Run the loop until it is told to stop; what kills the loop itself is raised."""
    async with looking(daemon):
        loop = asyncio.create_task(daemon.reconciler.run(), name="reconcile")
        told = asyncio.create_task(stopped.wait())
        await asyncio.wait({loop, told}, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        daemon.reconciler.stop()
        await loop


def announced(options: DaemonOptions, address: Address) -> "_Announcement":
    """``daemon.json`` in the state directory, for as long as the daemon answers."""
    return _Announcement(options.state_dir / "daemon.json", {"address": str(address), "pid": os.getpid()})


@dataclass(slots=True)
class _Announcement:
    path: Path
    facts: dict[str, str | int]

    def __enter__(self) -> None:
        draft = self.path.with_suffix(".new")
        draft.write_text(json.dumps(self.facts), encoding="utf-8")
        draft.replace(self.path)

    def __exit__(self, *_: object) -> None:
        self.path.unlink(missing_ok=True)


def _ports(options: DaemonOptions, store: SqlStore, clock: RealClock) -> Ports:
    flags: dict[str, Setting] = {"file": str((options.state_dir / "leeward-flags.json").absolute())}
    return Ports(
        clock=clock,
        rng=Random(),  # noqa: S311  jitter, not secrets
        journal=store.journal,
        state=store.state,
        leases=store.leases,
        hands=lambda estate: BoundHands(estate, {"flags": flags}),
        notifier=_notifier(options),
        spool=FileSpool(options.state_dir / "spool.jsonl"),
    )


def _engine(options: DaemonOptions) -> Options:
    return Options(
        replica=options.name,
        vantage=options.vantage,
        tick_s=options.tick_s,
        lease_ttl=timedelta(seconds=options.lease_s),
    )


def _notifier(options: DaemonOptions) -> Notifier | None:
    if options.webhook is None:
        return None
    settings: dict[str, Setting] = {"url": options.webhook}
    if options.webhook_secret_env is not None:
        settings["secretEnv"] = options.webhook_secret_env
    return WebhookNotifier(settings)


def _listen(daemon: Daemon) -> None:
    """Telemetry hears what the journal has stored, and each tick."""
    daemon.desk.listen(daemon.metrics)
    daemon.desk.listen(JournalLog())
    if daemon.options.traces is not None:
        from controlplane.telemetry.traces import trace_to

        daemon.desk.listen(trace_to(daemon.options.traces, daemon.options.name))
    tell_ticks(daemon.reconciler, daemon.desk)
