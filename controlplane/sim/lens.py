"""The store as one process sees it: it can be out of reach, it is gone with the process, and leaps pass it by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from controlplane.model.errors import StoreLost
from controlplane.model.journal import Entry, Json
from controlplane.model.lease import Lease
from controlplane.ports.store import Journal, Leases, State
from controlplane.sim.clock import Timeline
from controlplane.sim.stage import Process
from controlplane.sim.truth import Truth


@dataclass(frozen=True, slots=True)
class Door:
    """What stands between a process and the store."""

    process: Process
    truth: Truth

    def enter(self) -> None:
        """StoreLost while it cannot be reached."""
        self.process.breathe()
        if self.truth.now.store_down:
            raise StoreLost("the store does not answer")


@dataclass(frozen=True, slots=True)
class SeenJournal:
    """Tells ``on_entry`` of everything that was written, and by which process."""

    door: Door
    inner: Journal
    on_entry: Callable[[Process, Entry], None]

    async def append(self, entries: Sequence[Entry]) -> tuple[Entry, ...]:
        """See the port."""
        self.door.enter()
        written = await self.inner.append(entries)
        for entry in written:
            self.on_entry(self.door.process, entry)
        return written

    async def read(self, *, after: int = 0, limit: int = 1000) -> tuple[Entry, ...]:
        """See the port."""
        self.door.enter()
        return await self.inner.read(after=after, limit=limit)

    async def last(self, limit: int = 100) -> tuple[Entry, ...]:
        """See the port."""
        self.door.enter()
        return await self.inner.last(limit)

    async def verify(self) -> int | None:
        """See the port."""
        self.door.enter()
        return await self.inner.verify()


@dataclass(frozen=True, slots=True)
class SeenState:
    """Documents, while the store can be reached."""

    door: Door
    inner: State

    async def load(self, key: str) -> tuple[Json, int]:
        """See the port."""
        self.door.enter()
        return await self.inner.load(key)

    async def save(self, key: str, value: Json, *, epoch: int, expected: int) -> int:
        """See the port."""
        self.door.enter()
        return await self.inner.save(key, value, epoch=epoch, expected=expected)


@dataclass(slots=True)
class Leader:
    """Who leads, as the store has it: the process, its epoch, and when its lease ends by a clock without leaps."""

    process: Process | None = None
    epoch: int = 0
    ends_us: int = 0

    def leads(self, process: Process, now_us: int) -> bool:
        """Whether a process may act now."""
        return self.process is process and now_us < self.ends_us


@dataclass(frozen=True, slots=True)
class SeenLeases:
    """Leases as they would stand had nothing been leapt over.

    The store tells the time by a clock that knows no leaps, so that what was renewed each second before a leap is
    still good after it; what goes in and out is set to the calendar.
    """

    door: Door
    inner: Leases
    timeline: Timeline
    leader: Leader

    async def acquire(self, name: str, holder: str, ttl: timedelta, now: datetime) -> Lease | None:
        """See the port."""
        self.door.enter()
        lease = await self.inner.acquire(name, holder, ttl, now)
        return None if lease is None else self._note(lease, ttl)

    async def renew(self, lease: Lease, ttl: timedelta, now: datetime) -> Lease:
        """See the port."""
        self.door.enter()
        return self._note(await self.inner.renew(self._outside(lease), ttl, now), ttl)

    async def release(self, lease: Lease) -> None:
        """See the port."""
        self.door.enter()
        await self.inner.release(self._outside(lease))
        if self.leader.process is self.door.process and "/" not in lease.name:
            self.leader.ends_us = self.timeline.loop.microseconds

    async def look(self, name: str) -> Lease | None:
        """See the port."""
        self.door.enter()
        lease = await self.inner.look(name)
        return None if lease is None else self._inside(lease)

    def _note(self, lease: Lease, ttl: timedelta) -> Lease:
        """A name with a slash (``job/settlement``) is somebody else's lease and says nothing about who leads."""
        if "/" not in lease.name:
            self.leader.process, self.leader.epoch = self.door.process, lease.epoch
            self.leader.ends_us = self.timeline.loop.microseconds + ttl // timedelta(microseconds=1)
        return self._inside(lease)

    def _inside(self, lease: Lease) -> Lease:
        return replace(lease, expires_at=lease.expires_at + self._leapt)

    def _outside(self, lease: Lease) -> Lease:
        return replace(lease, expires_at=lease.expires_at - self._leapt)

    @property
    def _leapt(self) -> timedelta:
        return timedelta(microseconds=self.timeline.leapt_us)
