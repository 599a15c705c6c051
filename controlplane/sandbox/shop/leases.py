"""A job's lease: one row in its datastore, which at most one region holds at a time."""

from dataclasses import dataclass
from typing import Any, Protocol

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
    """What a lease needs of its datastore."""

    async def run(self, statement: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        """Rows of one statement in its own transaction. Raises NoPrimary."""
        ...


@dataclass(frozen=True, slots=True)
class Held:
    """Who holds a lease, by which epoch, and for how much longer (below zero: it has run out)."""

    region: str
    epoch: int
    left_s: float


@dataclass(frozen=True, slots=True)
class Lease:
    """The lease of one job as one region sees it. All verbs raise NoPrimary when the datastore cannot be asked."""

    job: str
    region: str
    store: Store

    async def take(self, epoch: int, seconds: float) -> bool:
        """Take it if it is free, ours already or run out, and no higher epoch has had it."""
        return bool(await self.store.run(_TAKE, (self.job, self.region, epoch, seconds)))

    async def look(self) -> Held:
        """Who has it. It must have been had before."""
        return Held(*(await self.store.run(_LOOK, (self.job,)))[0])

    async def renew(self, epoch: int, seconds: float) -> bool:
        """Prolong it, and write down that the job runs; False: somebody else has taken it."""
        held = await self.store.run(_RENEW, (seconds, self.job, self.region, epoch))
        return bool(held and await self.store.run(_BEAT, (self.job, self.region, epoch) * 2))

    async def release(self) -> None:
        """Give it back, if it is ours."""
        await self.store.run(_RELEASE, (self.job, self.region))
