"""What is handed in: the daemon's own code and memory. The false world knows them by these protocols only."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Protocol

from controlplane.model.estate import Estate
from controlplane.model.evidence import Observation
from controlplane.model.plan import Plan
from controlplane.ports.clock import Clock
from controlplane.ports.driver import Driver
from controlplane.ports.notifier import Notifier
from controlplane.ports.store import Journal, Leases, State


class Daemon(Protocol):
    """One process of the control plane, made but not yet running."""

    def add(self, observation: Observation) -> None:
        """Take one sample, of whatever vantage, and return at once."""
        ...

    async def run(self) -> None:
        """Go on for ever. To kill the process is to cancel this and every task that it has made."""
        ...

    def quiet_until(self) -> datetime | None:
        """None while anything is under way or about to be. Else the earliest instant at which, all evidence going on
        as it is and the store answering as it does, it would do anything but renew its lease; the greatest datetime
        if time alone brings nothing."""
        ...

    def leap(self, by: timedelta) -> None:
        """So much time is over, in which the same samples kept coming and the lease was renewed."""
        ...


@dataclass(frozen=True, slots=True)
class ReplicaPorts:
    """All that one process may ask of the world. ``driver`` answers to whatever name policies use, and to ``sim``.

    ``region`` is where the process lives and the vantage it is; ``vantages`` are all there are. ``chance`` is the
    only chance it may use.
    """

    name: str
    region: str
    vantages: tuple[str, ...]
    clock: Clock
    journal: Journal
    state: State
    leases: Leases
    notifier: Notifier
    chance: Random
    driver: Callable[[str], Driver]


@dataclass(frozen=True, slots=True)
class Memory:
    """The three ports of one store."""

    journal: Journal
    state: State
    leases: Leases


class Parts(Protocol):
    """What wiring hands in."""

    def healthy(self, estate: Estate, at: datetime) -> Plan:
        """The plan of an estate in which nothing is wrong."""
        ...

    def memory(self, clock: Callable[[], datetime]) -> Memory:
        """A fresh store that tells the time by ``clock``."""
        ...

    def daemon(self, estate: Estate, ports: ReplicaPorts) -> Daemon:
        """A process that is not running yet."""
        ...
