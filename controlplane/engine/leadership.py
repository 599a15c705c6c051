"""Who leads, and for how much longer: the lease by this process's own monotonic clock, on the safe side."""

from datetime import datetime, timedelta

from controlplane.engine.bounds import of_store
from controlplane.model.errors import LeaseLost, StoreLost
from controlplane.model.lease import Lease
from controlplane.ports.clock import Clock
from controlplane.ports.store import Leases

LEASE_NAME = "leader"
DEFAULT_TTL = timedelta(seconds=10)
_SAFETY = 0.2
_RENEW_AT = 0.25


class Leadership:
    """Acquires, renews and gives up the lease. It believes in it for a fifth less than it was given, counted from
    before the request went out: clocks drift, and a leader that stops too early harms nobody.

    ``began_at``: when this process began; ``led_until``: when the lease of another, as it was last seen, was to end.
    """

    def __init__(self, leases: Leases, clock: Clock, replica: str, ttl: timedelta = DEFAULT_TTL) -> None:
        self._leases = leases
        self._clock = clock
        self._replica = replica
        self.ttl = ttl
        self._lease: Lease | None = None
        self._asked_at = 0.0
        self.leader: str | None = None
        self._problem = ""
        self.began_at = clock.now()
        self.led_until: datetime | None = None
        self.lost_at: datetime | None = None

    @property
    def problem(self) -> str:
        """Why the store could not be used last time; empty if it could. ``lost_at``: since when."""
        return self._problem

    @problem.setter
    def problem(self, why: str) -> None:
        self._problem = why
        self.lost_at = (self.lost_at or self._clock.now()) if why else None

    @property
    def store_ok(self) -> bool:
        """Whether the store answered last time."""
        return not self.problem

    @property
    def epoch(self) -> int:
        """The epoch this replica leads under; 0 when it does not."""
        return self._lease.epoch if self._lease is not None and self.left_s > 0 else 0

    @property
    def left_s(self) -> float:
        """Seconds for which the lease is surely held."""
        if self._lease is None:
            return 0.0
        safe_s = self.ttl.total_seconds() * (1 - _SAFETY)
        return max(0.0, self._asked_at + safe_s - self._clock.monotonic())

    def expires_at(self) -> datetime | None:
        """Until when the lease is surely held, by this process's clock; None when it is not held."""
        return self._clock.now() + timedelta(seconds=self.left_s) if self.epoch else None

    def holds(self, epoch: int) -> bool:
        """Whether one who acts under this epoch may act now."""
        return epoch > 0 and epoch == self.epoch and self.store_ok

    async def keep(self) -> bool:
        """Renew the lease or try to get it; answers whether it is newly gained. Never raises for the store's sake:
        what the store said is in ``problem``."""
        since_s = self._clock.monotonic() - self._asked_at
        if self._lease is not None and self.store_ok and since_s < self.ttl.total_seconds() * _RENEW_AT:
            return False
        try:
            gained = await self._renew() if self._lease is not None else await self._acquire()
        except StoreLost as error:
            self.problem = str(error) or "the store cannot be reached"
            if self.left_s <= 0:
                self._lease = None
            return False
        self.problem = ""
        return gained

    async def release(self) -> None:
        """Give the lease up, so that another need not wait for its end."""
        lease, self._lease = self._lease, None
        if lease is not None:
            try:
                await of_store(self._leases.release(lease))
            except (StoreLost, LeaseLost) as error:
                self.problem = str(error)

    def drop(self) -> None:
        """Act as if the lease were lost: somebody has seen a higher epoch."""
        self._lease = None

    async def _acquire(self) -> bool:
        found = await of_store(self._leases.look(LEASE_NAME)) if self.leader is None else None
        self.led_until = found.expires_at if found is not None else self.led_until
        asked_at = self._clock.monotonic()
        lease = await of_store(self._leases.acquire(LEASE_NAME, self._replica, self.ttl, self._clock.now()))
        if lease is None:
            found = await of_store(self._leases.look(LEASE_NAME))
            self.leader, self.led_until = (found.holder, found.expires_at) if found is not None else (None, None)
            return False
        self._lease, self._asked_at, self.leader = lease, asked_at, self._replica
        return True

    async def _renew(self) -> bool:
        lease, asked_at = self._lease, self._clock.monotonic()
        if lease is None:
            return False
        try:
            self._lease = await of_store(self._leases.renew(lease, self.ttl, self._clock.now()))
        except LeaseLost:
            self._lease = None
            return await self._acquire()
        self._asked_at = asked_at
        return False
