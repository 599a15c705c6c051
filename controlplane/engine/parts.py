"""What the loop is made of: its ports and its settings. The wiring and the simulator fill them in alike."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from controlplane.engine.attempt import Limits
from controlplane.engine.hands import Hands
from controlplane.engine.leadership import DEFAULT_TTL
from controlplane.engine.scribe import Spool
from controlplane.model.estate import Estate
from controlplane.ports.clock import Clock
from controlplane.ports.notifier import Notifier
from controlplane.ports.store import Journal, Leases, State


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything the loop touches. ``hands`` is asked again whenever the policies change; ``spool`` absent: memory."""

    clock: Clock
    rng: Random
    journal: Journal
    state: State
    leases: Leases
    hands: Callable[[Estate], Hands]
    notifier: Notifier | None = None
    spool: Spool | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """``replica``: this process, for lease and journal. ``vantage``: the name its probes look under.

    ``vantages``: everybody who is meant to look, where that is known from the start; empty: the replicas find each
    other through the store and read what the others believe. ``audit_s``: how often drivers are read back (None: only
    when the lead is taken).
    """

    replica: str
    vantage: str
    vantages: tuple[str, ...] = ()
    address: str | None = None
    tick_s: float = 1.0
    lease_ttl: timedelta = DEFAULT_TTL
    audit_s: float | None = 30.0
    grace_s: float = 5.0
    limits: Limits = field(default_factory=Limits)
