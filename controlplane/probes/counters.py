"""An edge's own counters, read from Envoy's admin address and turned into what happened between two readings."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

_FILTER = (
    r"^cluster\..*@.*\.upstream_rq_([1-5]xx|time)$"
    r"|^vhost\..*\.route\..*@.*\.upstream_rq_total$"
)
STATS_PATH = f"/stats?format=json&histogram_buckets=detailed&filter={quote(_FILTER)}"
_CODES = re.compile(r"cluster\.(.+@.+)\.upstream_rq_([1-5])xx")
_DEMAND = re.compile(r"vhost\..+\.route\.(.+@.+)\.upstream_rq_total")
_TIMES = re.compile(r"cluster\.(.+@.+)\.upstream_rq_time")
_COPIES = (".external", ".internal", ".canary")

Buckets = Mapping[float, int]
"""Upper bound of a latency bucket in milliseconds → how many requests were in it."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Totals since the edge started: by cluster ``service@region``, and by route ``service@origin``."""

    answered: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[str, int] = field(default_factory=dict)
    times: Mapping[str, Buckets] = field(default_factory=dict)
    asked: Mapping[str, int] = field(default_factory=dict)

    def restarted_since(self, before: "Counts") -> bool:
        """Counters never go back, unless the edge began anew: then the difference means nothing."""
        pairs = ((self.answered, before.answered), (self.failed, before.failed), (self.asked, before.asked))
        return any(now.get(name, 0) < value for now, then in pairs for name, value in then.items())

    def clusters(self, service: str, region: str) -> Iterator[tuple[str, str, str]]:
        """Clusters of a service and region, ``*`` for all: the cluster's name, the service and the region."""
        for name in sorted(self.answered):
            found, _, where = name.rpartition("@")
            if matches(found, service) and region in {where, "*"}:
                yield name, (found if service == "*" else service), where

    def routes(self, service: str) -> Iterator[tuple[str, str, str]]:
        """Routes of a service, ``*`` for all: the route's name, the service and the origin."""
        for name in sorted(self.asked):
            found, _, origin = name.rpartition("@")
            if matches(found, service):
                yield name, (found if service == "*" else service), origin


def matches(found: str, wanted: str) -> bool:
    """Whether a service's name as the edge counts it is the one wanted: statistics may write a dot as ``_``."""
    return wanted in {found, "*"} or wanted.replace(".", "_") == found


def parse(body: bytes) -> Counts:
    """Read the answer to ``STATS_PATH``. Raises ValueError if it is none."""
    document: Any = json.loads(body)
    answered: dict[str, int] = {}
    failed: dict[str, int] = {}
    asked: dict[str, int] = {}
    times: dict[str, Buckets] = {}
    try:
        for stat in document["stats"]:
            if "histograms" in stat:
                times |= _times(stat["histograms"].get("details", []))
            elif match := _CODES.fullmatch(stat["name"]):
                cluster, value = match[1], int(stat["value"])
                answered[cluster] = answered.get(cluster, 0) + value
                failed[cluster] = failed.get(cluster, 0) + (value if match[2] == "5" else 0)
            elif match := _DEMAND.fullmatch(stat["name"]):
                asked[match[1]] = int(stat["value"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not the statistics of an Envoy") from error
    for counts in (answered, failed):
        for name in [name for name in counts if name.endswith(_COPIES)]:
            del counts[name]
    return Counts(answered, failed, times, asked)


def _times(details: list[dict[str, Any]]) -> dict[str, Buckets]:
    found: dict[str, Buckets] = {}
    for histogram in details:
        match = _TIMES.fullmatch(histogram["name"])
        if match and not match[1].endswith(_COPIES):
            found[match[1]] = {
                float(bucket["lower_bound"] + bucket["width"]): int(bucket["count"]) for bucket in histogram["totals"]
            }
    return found


def slowest_s(now: Buckets, before: Buckets, share: float = 0.95) -> tuple[float, int] | None:
    """The latency that this share of the requests between two readings kept, in seconds, and how many they were."""
    gained = {bound: count - before.get(bound, 0) for bound, count in sorted(now.items())}
    total = sum(gained.values())
    if total <= 0 or min(gained.values()) < 0:
        return None
    seen = 0
    for bound, count in gained.items():
        seen += count
        if seen >= share * total:
            return bound / 1000, total
    return None
