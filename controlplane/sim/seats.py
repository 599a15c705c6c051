"""Seats: who may run an exclusive service or write to a datastore, by leases that lapse by themselves.

Nothing here keeps two regions from holding one seat. The false world lets the control plane do wrong, so that it shows.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from controlplane.sim.schedule import NEVER

LEASE_S = 10


@dataclass(slots=True)
class Claim:
    """A region's right, good until ``lease_until`` (a second of the scenario) and renewed while its host runs.

    ``revoked``: the lock no longer renews it; the host may go on until the lease lapses.
    """

    epoch: int
    lease_until: int
    revoked: bool = False


@dataclass(slots=True)
class Seat:
    """All claims to one subject. ``epoch``: the highest that ever claimed or fenced; a lower one is turned away.

    ``left``: regions that lost a claim and were not given a new one: what returns comes back fenced.
    """

    subject: str
    epoch: int = 0
    claims: dict[str, Claim] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)

    def claim(self, region: str, epoch: int, second: int) -> None:
        """Give the region the right, whoever else has it."""
        self.epoch = max(self.epoch, epoch)
        self.claims[region] = Claim(epoch, second + LEASE_S)
        self.left.discard(region)

    def fence(self, region: str, epoch: int, *, reached: bool) -> bool:
        """Take the right away: at once from a host that was reached, else by not renewing its lease.

        Returns whether there was anything to take.
        """
        self.epoch = max(self.epoch, epoch)
        self.left.add(region)
        claim = self.claims.get(region)
        if claim is None or claim.revoked:
            return False
        if reached:
            del self.claims[region]
        else:
            claim.revoked = True
        return True

    def renew(self, second: int, runs: Callable[[str], bool]) -> None:
        """Renew the leases of hosts that run, and let the others lapse when their time has come."""
        for region in list(self.claims):
            claim = self.claims[region]
            if runs(region) and not claim.revoked:
                claim.lease_until = second + LEASE_S
            elif second >= claim.lease_until:
                del self.claims[region]
                self.left.add(region)

    def active(self, runs: Callable[[str], bool]) -> tuple[str, ...]:
        """Regions that hold the right and run: more than one is what must never be."""
        return tuple(region for region in sorted(self.claims) if runs(region))

    @property
    def owner(self) -> str | None:
        """The region of the newest claim that has not lapsed, as the lock tells."""
        if not self.claims:
            return None
        return max(sorted(self.claims), key=lambda region: self.claims[region].epoch)

    def next_change(self, second: int) -> int:
        """When the next lease lapses that is not being renewed."""
        ends = [claim.lease_until for claim in self.claims.values() if claim.lease_until < second + LEASE_S]
        return min(ends, default=NEVER)

    def leap(self, seconds: int, second: int) -> None:
        """Leases that are renewed each second have been renewed all the while."""
        for claim in self.claims.values():
            if claim.lease_until >= second + LEASE_S:
                claim.lease_until += seconds

    def state(self, second: int) -> tuple[object, ...]:
        """What tells one second from the next, without what every second renews."""
        running = tuple(
            (region, claim.epoch, claim.revoked, min(claim.lease_until - second, LEASE_S))
            for region, claim in sorted(self.claims.items())
        )
        return (self.epoch, running, tuple(sorted(self.left)))
