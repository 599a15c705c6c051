"""Exclusive work: a job that runs only while its lease lasts, and leaves a trace of every moment it ran.

The lease is a row in the job's datastore, taken with an epoch and renewed by the holder itself each second. Whoever
cannot renew it stops by itself before it can have run out for anybody else; whoever returns (from a freeze, a cut)
comes back fenced and waits to be activated anew. A lower epoch than one seen is refused.
"""

import asyncio
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from controlplane.sandbox.shop.database import NoPrimary

DEFAULT_TTL_S = 10.0
BEAT_S = 0.2
_RENEW_S = 1.0
_TAKE = """INSERT INTO job_leases AS held (job, region, epoch, expires_at)
 VALUES (%s, %s, %s, clock_timestamp() + make_interval(secs => %s))
 ON CONFLICT (job) DO UPDATE SET region = excluded.region, epoch = excluded.epoch, expires_at = excluded.expires_at
 WHERE excluded.epoch >= held.epoch AND (held.region = excluded.region OR held.expires_at <= clock_timestamp())
 RETURNING epoch"""
_LOOK = (
    "SELECT region, epoch, extract(epoch FROM expires_at - clock_timestamp())::float8 FROM job_leases WHERE job = %s"
)
_RENEW = """UPDATE job_leases SET expires_at = clock_timestamp() + make_interval(secs => %s)
 WHERE job = %s AND region = %s AND epoch = %s RETURNING epoch"""
_RELEASE = "UPDATE job_leases SET expires_at = clock_timestamp() WHERE job = %s AND region = %s RETURNING epoch"
_BEAT = """INSERT INTO job_beats (job, region, epoch) SELECT %s, %s, %s WHERE EXISTS
 (SELECT 1 FROM job_leases WHERE job = %s AND region = %s AND epoch = %s) RETURNING epoch"""


class Store(Protocol):
    """What a job needs of its datastore."""

    async def run(self, statement: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        """Rows of one statement in its own transaction. Raises NoPrimary."""
        ...


class Superseded(Exception):
    """A higher epoch has been here."""


@dataclass(slots=True)
class Job:
    """One exclusive service in one region. ``trace`` gets a line for every beat."""

    name: str
    region: str
    store: Store | None
    trace: Path
    active: bool = False
    epoch: int = 0
    ttl_s: float = DEFAULT_TTL_S
    waiting_s: float = 0.0
    why: str = "never activated"
    beats: int = 0
    _wanted: bool = False
    _deadline: float = 0.0
    _renewed: float = 0.0
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    async def activate(self, epoch: int, ttl_s: float = DEFAULT_TTL_S) -> None:
        """Want it to run here. Raises Superseded. It begins once the lease is had, which ``show`` tells."""
        if epoch < self.epoch:
            raise Superseded(f"epoch {self.epoch} has been here, {epoch} is older")
        self.epoch, self.ttl_s = epoch, ttl_s
        if not self.active:
            self._wanted, self.why = True, "taking the lease"
            await self._take(time.monotonic())
        self._wake.set()

    def renew(self, epoch: int) -> None:
        """Extend the lease of a job without a datastore. Raises Superseded, also when it does not run here."""
        if epoch < self.epoch or not self.active:
            raise Superseded(f"not active here with epoch {epoch}")
        if self.store is None:
            self._deadline = time.monotonic() + self.ttl_s

    async def deactivate(self, epoch: int) -> None:
        """Stop it at once and give the lease back if the datastore can be reached. Raises Superseded."""
        if epoch < self.epoch:
            raise Superseded(f"epoch {self.epoch} has been here, {epoch} is older")
        self.epoch = epoch
        self._stop("deactivated")
        if self.store is not None:
            try:
                await self.store.run(_RELEASE, (self.name, self.region))
            except NoPrimary as problem:
                self.why = f"deactivated; the lease runs out by itself: {problem}"

    def show(self) -> dict[str, object]:
        """How it stands here."""
        return {
            "job": self.name,
            "region": self.region,
            "active": self.active and time.monotonic() < self._deadline,
            "epoch": self.epoch,
            "wanted": self._wanted,
            "waiting_s": round(self.waiting_s, 3),
            "lease_s": round(max(0.0, self._deadline - time.monotonic()), 3) if self.active else 0.0,
            "beats": self.beats,
            "why": self.why,
        }

    async def run(self) -> None:
        """Work for ever, whenever it may."""
        while True:
            if not self._wanted and not self.active:
                self._wake.clear()
                await self._wake.wait()
            await asyncio.sleep(BEAT_S)
            now = time.monotonic()
            if self.active and now >= self._deadline:
                self._stop("lapsed: the lease could not be renewed")
            elif self.active:
                self._beat()
                if self.store is not None and now - self._renewed >= _RENEW_S:
                    await self._renew(self.store, now)
            elif self._wanted:
                await self._take(now)

    def _beat(self) -> None:
        self.beats += 1
        with self.trace.open("a") as trace:
            trace.write(json.dumps({"job": self.name, "region": self.region, "epoch": self.epoch, "at": time.time()}))
            trace.write("\n")

    async def _take(self, now: float) -> None:
        if self.store is None:
            self._begin(now)
            return
        try:
            if await self.store.run(_TAKE, (self.name, self.region, self.epoch, self.ttl_s)):
                if self._wanted:
                    self._begin(now)
                return
            held = await self.store.run(_LOOK, (self.name,))
        except NoPrimary as problem:
            self.why = f"no lease: {problem}"
            return
        region, epoch, left_s = held[0]
        if epoch > self.epoch:
            self._stop(f"superseded by {region} with epoch {epoch}")
        else:
            self.waiting_s = max(0.0, left_s)
            self.why = f"waiting for the lease of {region} to run out"

    async def _renew(self, store: Store, now: float) -> None:
        self._renewed = now
        try:
            held = await store.run(_RENEW, (self.ttl_s, self.name, self.region, self.epoch))
            held = held and await store.run(_BEAT, (self.name, self.region, self.epoch) * 2)
        except NoPrimary as problem:
            self.why = f"cannot renew: {problem}"
            return
        if held:
            self._deadline, self.why = now + self.ttl_s, "active"
        else:
            self._stop("superseded: the lease is not ours any more")

    def _begin(self, asked_at: float) -> None:
        self.active, self.waiting_s, self.why = True, 0.0, "active"
        self._deadline, self._renewed = asked_at + self.ttl_s, asked_at

    def _stop(self, why: str) -> None:
        self.active = self._wanted = False
        self.waiting_s, self.why = 0.0, why
