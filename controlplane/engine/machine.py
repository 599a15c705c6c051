"""The parts of the loop, put together once for the daemon and the simulator alike."""

import asyncio
from dataclasses import dataclass

from controlplane.decide.explain import told
from controlplane.engine.acting import Actor
from controlplane.engine.attempt import Trier
from controlplane.engine.breaker import Backoff
from controlplane.engine.deciding import Decider
from controlplane.engine.execute import Executor
from controlplane.engine.gate import Gate
from controlplane.engine.keeper import Keeper
from controlplane.engine.leadership import Leadership
from controlplane.engine.notes import Notes
from controlplane.engine.observe import EvidenceBook
from controlplane.engine.parts import Options, Ports
from controlplane.engine.records import Records
from controlplane.engine.recover import Recovery
from controlplane.engine.scribe import Scribe
from controlplane.engine.supervise import Supervisor, Watchdog
from controlplane.model.estate import Estate
from controlplane.model.journal import EntryKind
from controlplane.model.notice import Severity
from controlplane.ports.clock import Clock


@dataclass(slots=True)
class Machine:
    """Who does what. ``wake``: set to have the next tick now. ``began_s``: when, on the monotonic clock."""

    estate: Estate
    ports: Ports
    options: Options
    book: EvidenceBook
    leadership: Leadership
    keeper: Keeper
    scribe: Scribe
    records: Records
    notes: Notes
    decider: Decider
    executor: Executor
    actor: Actor
    recovery: Recovery
    supervisor: Supervisor
    watchdog: Watchdog
    wake: asyncio.Event
    began_s: float

    @property
    def clock(self) -> Clock:
        """The only time there is."""
        return self.ports.clock

    def follow(self, estate: Estate) -> None:
        """Work by other policies from now on. Acts in the air end as they began."""
        self.estate = estate
        self.decider.follow(estate)
        self.executor.estate = estate
        self.executor.hands = self.ports.hands(estate)
        subjects = {"*", *estate.services, *estate.datastores}
        self.book.forget(self.clock.now(), unless=lambda key: key.region in estate.regions and key.subject in subjects)
        self.wake.set()


def assemble(estate: Estate, ports: Ports, options: Options) -> Machine:
    """Build every part. Must be called where an event loop runs or will run; nothing is started."""
    clock, wake = ports.clock, asyncio.Event()
    book = EvidenceBook(tuple(options.vantages or (options.vantage,)), on_flip=wake.set)
    leadership = Leadership(ports.leases, clock, options.replica, options.lease_ttl)
    keeper, scribe = Keeper(ports.state), Scribe(ports.journal, ports.spool)
    records = Records(options.replica, clock, told, lambda: leadership.epoch)
    notes = Notes(records)
    watchdog = Watchdog(clock)
    executor = Executor(
        estate=estate,
        hands=ports.hands(estate),
        trier=Trier(clock, ports.rng, options.limits),
        scribe=scribe,
        gate=Gate(leadership, keeper, clock),
        records=records,
        backoff=Backoff(clock, ports.rng),
    )
    reporter = _Reporter(records, scribe, notes)
    supervisor = reporter.supervisor = Supervisor(clock, ports.rng, reporter.told)
    return Machine(
        estate=estate,
        ports=ports,
        options=options,
        book=book,
        leadership=leadership,
        keeper=keeper,
        scribe=scribe,
        records=records,
        notes=notes,
        decider=Decider(estate, book),
        executor=executor,
        actor=Actor(executor, supervisor),
        recovery=Recovery(executor, ports.journal),
        supervisor=supervisor,
        watchdog=watchdog,
        wake=wake,
        began_s=clock.monotonic(),
    )


@dataclass(slots=True)
class _Reporter:
    """Journals what the supervisor reports, and tells people of the first of each row of failures."""

    records: Records
    scribe: Scribe
    notes: Notes
    supervisor: Supervisor | None = None

    def told(self, name: str, what: str) -> None:
        supervisor = self.supervisor
        failures = supervisor.failures.get(name, 0) if supervisor is not None else 0
        entry = self.records.fact(EntryKind.SUPERVISE, name, what, failures=failures)
        if failures <= 1:
            self.notes.tell(Severity.WARN, name, what)
        if supervisor is not None and _worth_writing(failures):
            supervisor.start("note of a failure", self.scribe.note([entry]))


def _worth_writing(failures: int) -> bool:
    """The first few, then ever fewer: a loop that fails each second must not fill the journal."""
    return failures <= 3 or failures & (failures - 1) == 0
