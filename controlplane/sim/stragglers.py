"""Stragglers: users whose resolvers go on with an old answer after the names of a service have new weights."""

from collections.abc import Mapping
from dataclasses import dataclass, field

DNS_DRIVERS = frozenset({"dns", "route53"})
TTL_S = 60
LAST_STRAGGLER_S = 300
BEYOND_TTL = 0.05
"""Share of users whose resolvers keep an answer longer than they are told."""

Weights = Mapping[str, Mapping[str, float]]
"""origin → region → share."""


def still_old(age_s: int) -> float:
    """Share of users that an answer given out so long ago is still used by."""
    if age_s >= LAST_STRAGGLER_S:
        return 0.0
    if age_s >= TTL_S:
        return BEYOND_TTL * (LAST_STRAGGLER_S - age_s) / (LAST_STRAGGLER_S - TTL_S)
    return 1 - (1 - BEYOND_TTL) * age_s / TTL_S


@dataclass(slots=True)
class Stragglers:
    """What users of services behind names really follow. Services on edges of our own need no entry here."""

    old: dict[str, tuple[Weights, int]] = field(default_factory=dict)

    def change(self, service: str, before: Weights, second: int) -> None:
        """New weights are out; what was followed until now fades."""
        self.old[service] = (self.followed(service, before, second), second)

    def followed(self, service: str, weights: Weights, second: int) -> Weights:
        """The weights that requests really go by."""
        if service not in self.old:
            return weights
        before, since = self.old[service]
        stale = still_old(second - since)
        if stale == 0.0:
            return weights
        found: dict[str, dict[str, float]] = {}
        for origin in sorted({*before, *weights}):
            past, now = before.get(origin, {}), weights.get(origin, {})
            found[origin] = {
                region: stale * past.get(region, 0.0) + (1 - stale) * now.get(region, 0.0)
                for region in sorted({*past, *now})
            }
        return found

    def settle(self, second: int) -> bool:
        """Forget who has followed; whether anybody is still to come."""
        self.old = {name: old for name, old in self.old.items() if second - old[1] < LAST_STRAGGLER_S}
        return bool(self.old)
