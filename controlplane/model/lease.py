"""Lease: leadership for a while, under an epoch that only grows."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Lease:
    """``holder`` leads until ``expires_at`` by the store's clock. ``epoch`` grows with each change of holder."""

    name: str
    holder: str
    epoch: int
    expires_at: datetime
