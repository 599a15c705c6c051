"""A store in memory: a full implementation of the ports, for the simulator and for tests of other rooms.

Nothing in it waits, so that under a virtual clock an operation takes no time. What is stored is text, as in a
database: a document changed after it was saved is not changed here.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controlplane.model.errors import LeaseLost, StoreLost, WriteRaced
from controlplane.model.journal import Entry, Json
from controlplane.model.lease import Lease
from controlplane.store.chain import GENESIS, canonical, holds, opened, seal
from controlplane.store.fencing import fences, forbid_stale, forbid_unfenced


@dataclass(slots=True)
class Document:
    """A saved document. ``epoch``: of the last save under a lease, 0 if there was none."""

    text: str
    version: int
    epoch: int


@dataclass(slots=True)
class Books:
    """What the three ports share. ``lost``: why the store cannot be reached; empty while it can.

    ``clock``: the store's own clock; None to believe the caller's ``now``.
    """

    lines: list[tuple[str, str, str]] = field(default_factory=list)
    documents: dict[str, Document] = field(default_factory=dict)
    leases: dict[str, Lease] = field(default_factory=dict)
    highest: int = 0
    lost: str = ""
    clock: Callable[[], datetime] | None = None

    def reach(self) -> None:
        """StoreLost while the store is down."""
        if self.lost:
            raise StoreLost(self.lost)


class MemoryJournal:
    """See ``ports.store.Journal``. Lines are (text, previous hash, hash)."""

    def __init__(self, books: Books) -> None:
        self._books = books

    async def append(self, entries: Sequence[Entry]) -> tuple[Entry, ...]:
        """Add entries to the end, all or none."""
        books = self._books
        books.reach()
        for entry in entries:
            forbid_stale(entry.epoch, books.highest)
        sealed, lines = [], []
        previous = books.lines[-1][2] if books.lines else GENESIS
        for seq, entry in enumerate(entries, start=len(books.lines) + 1):
            whole, text = seal(entry, seq, previous)
            sealed.append(whole)
            lines.append((text, previous, whole.hash))
            previous = whole.hash
        books.lines.extend(lines)
        books.highest = max(books.highest, *(entry.epoch for entry in entries), 0)
        return tuple(sealed)

    async def read(self, *, after: int = 0, limit: int = 1000) -> tuple[Entry, ...]:
        """Entries with a ``seq`` above ``after``, oldest first."""
        self._books.reach()
        start = max(after, 0)
        return tuple(opened(*line) for line in self._books.lines[start : start + max(limit, 0)])

    async def last(self, limit: int = 100) -> tuple[Entry, ...]:
        """The newest entries, oldest first."""
        self._books.reach()
        return tuple(opened(*line) for line in self._books.lines[-limit:]) if limit > 0 else ()

    async def verify(self) -> int | None:
        """The ``seq`` of the first entry whose chain is broken; None if history is whole."""
        self._books.reach()
        expected = GENESIS
        for seq, (text, previous, hash_) in enumerate(self._books.lines, start=1):
            if previous != expected or not holds(seq, text, previous, hash_):
                return seq
            expected = hash_
        return None


class MemoryState:
    """See ``ports.store.State``."""

    def __init__(self, books: Books) -> None:
        self._books = books

    async def load(self, key: str) -> tuple[Json, int]:
        """The document and its version; (None, 0) if there is none."""
        self._books.reach()
        found = self._books.documents.get(key)
        return (json.loads(found.text), found.version) if found else (None, 0)

    async def save(self, key: str, value: Json, *, epoch: int, expected: int) -> int:
        """Replace version ``expected`` by ``value``; the new version."""
        books = self._books
        books.reach()
        found = books.documents.get(key)
        forbid_stale(epoch, books.highest)
        forbid_unfenced(key, epoch, found.epoch if found else 0)
        version = found.version if found else 0
        if version != expected:
            raise WriteRaced(f"{key} is at version {version}, not {expected}: load it again")
        books.documents[key] = Document(canonical(value), version + 1, epoch)
        books.highest = max(books.highest, epoch)
        return version + 1


class MemoryLeases:
    """See ``ports.store.Leases``."""

    def __init__(self, books: Books) -> None:
        self._books = books

    async def acquire(self, name: str, holder: str, ttl: timedelta, now: datetime) -> Lease | None:
        """The lease under a new epoch; None while another holds it."""
        books = self._books
        books.reach()
        now = books.clock() if books.clock else now
        found = books.leases.get(name)
        if found and found.holder not in {"", holder} and found.expires_at > now:
            return None
        seen = max(found.epoch if found else 0, books.highest if fences(name) else 0)
        lease = Lease(name, holder, seen + 1, now + ttl)
        books.leases[name] = lease
        if fences(name):
            books.highest = lease.epoch
        return lease

    async def renew(self, lease: Lease, ttl: timedelta, now: datetime) -> Lease:
        """The lease for another ``ttl``; LeaseLost if it has run out or another holds it."""
        books = self._books
        books.reach()
        now = books.clock() if books.clock else now
        found = books.leases.get(lease.name)
        if not found or (found.holder, found.epoch) != (lease.holder, lease.epoch):
            raise LeaseLost(f"{lease.name}: epoch {found.epoch if found else 0} leads, not {lease.epoch}")
        if found.expires_at <= now:
            raise LeaseLost(f"{lease.name}: the lease of epoch {lease.epoch} ran out")
        renewed = Lease(lease.name, lease.holder, lease.epoch, now + ttl)
        books.leases[lease.name] = renewed
        return renewed

    async def release(self, lease: Lease) -> None:
        """Let others have it at once; no error if it is lost already. Its epoch is remembered."""
        books = self._books
        books.reach()
        found = books.leases.get(lease.name)
        if found and (found.holder, found.epoch) == (lease.holder, lease.epoch):
            books.leases[lease.name] = Lease(lease.name, "", lease.epoch, found.expires_at)

    async def look(self, name: str) -> Lease | None:
        """The lease as last granted, run out or not; None if nobody has it or ever had."""
        self._books.reach()
        found = self._books.leases.get(name)
        return found if found and found.holder else None


class MemoryStore:
    """The three ports over one set of books. ``lose`` and ``find`` take the store away and bring it back.

    ``books``: those of another MemoryStore, to be a second replica's view of the same store.
    """

    def __init__(self, clock: Callable[[], datetime] | None = None, books: Books | None = None) -> None:
        self.books = books if books is not None else Books(clock=clock)
        self.journal = MemoryJournal(self.books)
        self.state = MemoryState(self.books)
        self.leases = MemoryLeases(self.books)

    def lose(self, why: str = "the store cannot be reached") -> None:
        """From now on everything raises StoreLost."""
        self.books.lost = why

    def find(self) -> None:
        """The store is back, as it was."""
        self.books.lost = ""

    async def close(self) -> None:
        """Nothing to close: the books live as long as the object."""
