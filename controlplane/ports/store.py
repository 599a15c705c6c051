"""Memory that outlives a process: the journal, the state and the lease."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from controlplane.model.journal import Entry, Json
from controlplane.model.lease import Lease


class Journal(Protocol):
    """Append-only and hash-chained. Raises StoreLost when it cannot be reached, LeaseLost when ``epoch`` of an
    entry is above 0 and below the highest the store has seen."""

    async def append(self, entries: Sequence[Entry]) -> tuple[Entry, ...]: ...

    async def read(self, *, after: int = 0, limit: int = 1000) -> tuple[Entry, ...]: ...

    async def last(self, limit: int = 100) -> tuple[Entry, ...]: ...

    async def verify(self) -> int | None:
        """The ``seq`` of the first entry whose chain is broken; None if history is whole."""
        ...


class State(Protocol):
    """Small JSON documents by key. ``save`` with an epoch lower than the store's highest raises LeaseLost;
    ``expected`` is the version that was loaded (0: must not exist yet): another version raises WriteRaced."""

    async def load(self, key: str) -> tuple[Json, int]: ...

    async def save(self, key: str, value: Json, *, epoch: int, expected: int) -> int: ...


class Leases(Protocol):
    """One lease by name. ``acquire`` answers None while another holds it; each new holder gets a higher epoch."""

    async def acquire(self, name: str, holder: str, ttl: timedelta, now: datetime) -> Lease | None: ...

    async def renew(self, lease: Lease, ttl: timedelta, now: datetime) -> Lease: ...

    async def release(self, lease: Lease) -> None: ...

    async def look(self, name: str) -> Lease | None: ...
