"""Verdict: what the evidence about one service in one region amounts to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from controlplane.model.rules import Reason

EVERY_SERVICE = "*"
"""The service of a verdict on a region as such."""
ENTRY = "*"
"""The region of a verdict on an entry: its ``service`` is then the origin whose users fail wherever they go."""


class Health(StrEnum):
    """Unknown is neither healthy nor down (R1)."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """``since``: when this state began, None for longer than anybody remembers.

    ``success``: users' success fraction at the edge, None where no user traffic was seen. ``votes``: how many
    vantages said what.
    """

    region: str
    service: str
    state: Health
    since: datetime | None = None
    success: float | None = None
    votes: Mapping[str, int] = field(default_factory=dict)
    reasons: tuple[Reason, ...] = ()
