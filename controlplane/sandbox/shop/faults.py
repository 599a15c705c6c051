"""Faults inside the shop: what makes it answer wrongly while it lives."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

EVERY = "*"


@dataclass(slots=True)
class ShopFaults:
    """``errors``: service → share of requests that fail. ``sick``: services whose health checks fail as well.
    ``add_s``: service → seconds added. ``*`` means every service."""

    errors: dict[str, float] = field(default_factory=dict)
    sick: set[str] = field(default_factory=set)
    add_s: dict[str, float] = field(default_factory=dict)
    chance: random.Random = field(default_factory=random.Random)

    def fails(self, service: str) -> bool:
        """Whether this request to a service is one of those that fail."""
        rate = max(self.errors.get(service, 0.0), self.errors.get(EVERY, 0.0))
        return rate > 0 and self.chance.random() < rate

    def delay_s(self, service: str) -> float:
        """What this request to a service waits for nothing."""
        return self.add_s.get(service, 0.0) + self.add_s.get(EVERY, 0.0)

    def healthy(self, service: str) -> bool:
        """What the health check of a service says."""
        return service not in self.sick and EVERY not in self.sick

    def set(self, order: Mapping[str, Any]) -> None:
        """``{"service": …, "rate": …, "liveness": "healthy" | "failing", "add_s": …}``: what is absent is lifted."""
        service = str(order.get("service", EVERY))
        rate, add_s = float(order.get("rate", 0.0)), float(order.get("add_s", 0.0))
        _put(self.errors, service, rate)
        _put(self.add_s, service, add_s)
        (self.sick.add if order.get("liveness") == "failing" else self.sick.discard)(service)

    def show(self) -> dict[str, Any]:
        """What is in force."""
        return {"errors": self.errors, "sick": sorted(self.sick), "add_s": self.add_s}


def _put(where: dict[str, float], key: str, value: float) -> None:
    if value > 0:
        where[key] = value
    else:
        where.pop(key, None)
