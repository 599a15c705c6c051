"""Whose fault is it: a region's, or that of the way in? Failures that follow an origin are no region's (R2)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controlplane.model.evidence import Evidence, Reading, Signal

SOUND_FROM = 0.99
"""Users' success from which nothing is wrong."""


@dataclass(slots=True)
class Counts:
    """Users' requests and how many of them succeeded."""

    requests: float = 0.0
    succeeded: float = 0.0

    def add(self, requests: float, success: float) -> None:
        """Count more requests, of which the fraction ``success`` succeeded."""
        self.requests += requests
        self.succeeded += requests * success

    @property
    def success(self) -> float | None:
        """The fraction that succeeded; None where nobody asked."""
        return self.succeeded / self.requests if self.requests > 0 else None

    @property
    def sound(self) -> bool:
        """Whether next to nothing fails."""
        return self.succeeded >= self.requests * SOUND_FROM


@dataclass(slots=True)
class _Traffic:
    """Users' success by origin: in each (service, region), and in each region."""

    places: dict[str, dict[tuple[str, str], Counts]] = field(default_factory=dict)
    regions: dict[str, dict[str, Counts]] = field(default_factory=dict)


def failing_entries(evidence: Evidence, now: datetime) -> Mapping[str, Counts]:
    """Origins whose users fail whatever service and region they reach, while others reach the same regions well.

    Such a fault lies before the regions (an edge, a resolver, a carrier): leaving a region would mend nothing. Where
    every origin fails alike, it is no entry's fault but everybody's, and none is named.
    """
    traffic = _sort(evidence, now)
    suspects = {
        origin
        for origin, places in traffic.places.items()
        if places and all(not counts.sound for counts in places.values())
    }
    if len(suspects) == len(traffic.places):
        return {}
    found: dict[str, Counts] = {}
    for origin in sorted(suspects):
        reached = traffic.regions[origin]
        others = [_others(traffic, suspects, region) for region in reached]
        if all(one is None or one.sound for one in others) and (len(reached) > 1 or others[0] is not None):
            total = Counts()
            for counts in reached.values():
                total.add(counts.requests, counts.succeeded / counts.requests)
            found[origin] = total
    return found


def _sort(evidence: Evidence, now: datetime) -> _Traffic:
    traffic = _Traffic()
    for key, seen in evidence.samples.items():
        if key.signal is not Signal.SUCCESS or key.origin is None or seen.value is None or seen.weight <= 0:
            continue
        if seen.reading is Reading.UNKNOWN or now - seen.observed_at > timedelta(seconds=seen.valid_s):
            continue
        place = (key.subject, key.region)
        traffic.places.setdefault(key.origin, {}).setdefault(place, Counts()).add(seen.weight, seen.value)
        traffic.regions.setdefault(key.origin, {}).setdefault(key.region, Counts()).add(seen.weight, seen.value)
    return traffic


def _others(traffic: _Traffic, suspects: Iterable[str], region: str) -> Counts | None:
    """How those who are not under suspicion fare in a region; None if nobody else goes there."""
    total = Counts()
    for origin, regions in traffic.regions.items():
        if origin not in suspects and region in regions:
            total.add(regions[region].requests, regions[region].succeeded / regions[region].requests)
    return total if total.requests > 0 else None
