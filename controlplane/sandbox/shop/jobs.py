"""Exclusive work: a job that runs only while its lease lasts, and leaves a trace of every moment it ran.

The lease is a row in the job's datastore, taken with an epoch and renewed by the holder itself each second. Whoever
cannot renew it stops by itself before it can have run out for anybody else. Whoever returns (from a freeze, a cut, or
because the datastore is back) comes back fenced: it runs again only if it can renew a lease that nobody has taken
meanwhile, and is out of it for good if somebody has. ``ttl_s`` is how long the lease is.

In an estate without a datastore nobody keeps leases: there a job that was activated with a ``ttl_s`` must be told again
(the same ``activate``, or ``renew``) within that time. A lower epoch than one seen is refused.
"""

import asyncio
import json
import time
from dataclasses import dataclass, field
from pathlib import Path

from controlplane.sandbox.database import NoPrimary
from controlplane.sandbox.plan import LEASE_S
from controlplane.sandbox.shop.leases import Lease

BEAT_S = 0.2
_RENEW_S = 1.0
_FOR_EVER = float("inf")


class Superseded(Exception):
    """A higher epoch has been here."""


@dataclass(slots=True)
class Job:
    """One exclusive service in one region. ``trace`` gets a line for every beat.

    ``seen`` is the highest epoch that anybody came with, ``epoch`` the one that the lease is or was held with.
    """

    name: str
    region: str
    lease: Lease | None
    trace: Path
    active: bool = False
    seen: int = 0
    epoch: int = 0
    waiting_s: float = 0.0
    why: str = "never activated"
    beats: int = 0
    _wanted: bool = False
    _lapsed: bool = False
    _lease_s: float = LEASE_S
    _held_until: float = 0.0
    _told_until: float = 0.0
    _renewed: float = 0.0
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def until(self) -> float:
        """When it stops by itself, on this machine's monotonic clock."""
        return min(self._held_until, self._told_until)

    async def activate(self, epoch: int, ttl_s: float | None = None) -> None:
        """Want it to run here, or go on running here. Raises Superseded. It begins once the lease is had, which
        ``show`` tells."""
        self.seen = _highest(self.seen, epoch)
        now = time.monotonic()
        self._told_until = now + ttl_s if ttl_s is not None and self.lease is None else _FOR_EVER
        self._lease_s = LEASE_S if ttl_s is None else ttl_s
        if not self.active or epoch > self.epoch:
            self._wanted = True
            await self._take(now)
        self._wake.set()

    def renew(self, epoch: int, ttl_s: float) -> None:
        """Tell a running job again. Raises Superseded, also when it does not run here."""
        self.seen = _highest(self.seen, epoch)
        if not self.active:
            raise Superseded(f"not active in {self.region}: {self.why}")
        if self.lease is None:
            self._told_until = time.monotonic() + ttl_s

    async def deactivate(self, epoch: int) -> None:
        """Stop it at once and give the lease back if the datastore can be reached. Raises Superseded."""
        self.seen = _highest(self.seen, epoch)
        self._stop("deactivated")
        if self.lease is not None:
            try:
                await self.lease.release()
            except NoPrimary as problem:
                self.why = f"deactivated; the lease runs out by itself: {problem}"

    def show(self) -> dict[str, object]:
        """How it stands here."""
        left_s = self.until - time.monotonic() if self.active else 0.0
        return {
            "job": self.name,
            "region": self.region,
            "active": left_s > 0,
            "epoch": self.epoch,
            "seen": self.seen,
            "wanted": self._wanted,
            "waiting_s": round(self.waiting_s, 3),
            "lease_s": round(max(0.0, left_s), 3),
            "beats": self.beats,
            "why": self.why,
        }

    async def run(self) -> None:
        """Work for ever, whenever it may. The lease is seen to beside the work: a slow datastore must not hide that
        the job runs, nor let it run on."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._work())
            tasks.create_task(self._see_to_the_lease())

    async def _work(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            now = time.monotonic()
            if self.active and now >= self.until:
                told = now < self._told_until
                self._stop("lapsed: " + ("the lease was not renewed" if told else "not told again"), lapsed=told)
            elif self.active:
                self.beats += 1
                _leave_trace(self)

    async def _see_to_the_lease(self) -> None:
        while True:
            if not (self._wanted or self._lapsed or self.active):
                self._wake.clear()
                await self._wake.wait()
            await asyncio.sleep(BEAT_S)
            now = time.monotonic()
            due = now - self._renewed >= min(_RENEW_S, self._lease_s / 3)
            if self._wanted and (not self.active or self.seen > self.epoch):
                await self._take(now)
            elif self.lease is not None and due and (self.active or self._lapsed):
                await self._renew(self.lease, now)

    async def _take(self, now: float) -> None:
        epoch = self.seen
        if self.lease is None:
            self._begin(epoch, _FOR_EVER)
            return
        try:
            if await self.lease.take(epoch, self._lease_s):
                if self._wanted:
                    self._renewed = now
                    self._begin(epoch, now + self._lease_s)
                return
            held = await self.lease.look()
        except NoPrimary as problem:
            self.why = f"no lease: {problem}"
            return
        if held.epoch > epoch:
            self._stop(f"superseded by {held.region} with epoch {held.epoch}")
        else:
            self.waiting_s = max(0.0, held.left_s)
            self.why = f"waiting for the lease of {held.region} to run out"

    async def _renew(self, lease: Lease, now: float) -> None:
        self._renewed = now
        epoch = self.epoch
        try:
            held = await lease.renew(epoch, self._lease_s)
        except NoPrimary as problem:
            self.why = f"{'lapsed' if self._lapsed else 'active'}: cannot renew: {problem}"
            return
        if epoch != self.epoch or not (self.active or self._lapsed):
            return
        if not held:
            self._stop("superseded: the lease is not ours any more")
        elif self._lapsed:
            self._begin(epoch, now + self._lease_s)
        else:
            self._held_until, self.why = now + self._lease_s, "active"

    def _begin(self, epoch: int, until: float) -> None:
        self.active, self.epoch, self.waiting_s, self.why = True, epoch, 0.0, "active"
        self._lapsed = False
        self._held_until = until
        _leave_trace(self)

    def _stop(self, why: str, *, lapsed: bool = False) -> None:
        self.active = self._wanted = False
        self._lapsed, self.waiting_s, self.why = lapsed, 0.0, why


def _highest(seen: int, epoch: int) -> int:
    if epoch < seen:
        raise Superseded(f"epoch {seen} has been here, {epoch} is older")
    return epoch


def _leave_trace(job: Job) -> None:
    with job.trace.open("a") as trace:
        trace.write(json.dumps({"job": job.name, "region": job.region, "epoch": job.epoch, "at": time.time()}) + "\n")
