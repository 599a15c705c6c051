"""Counting afterwards: writes that were acknowledged and are gone, and moments at which a job ran in two regions."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from controlplane.sandbox import recovery
from controlplane.sandbox.plan import DatastorePlan, SandboxPlan

# The jobs leave a trace each 0.2 s; a pause this long between two is a pause of the job.
_PAUSE_S = 0.6


class NoCensus(Exception):
    """A datastore has no primary, so nothing can be counted."""


@dataclass(frozen=True, slots=True)
class Span:
    """A job ran in a region from ``begin`` to ``end`` (Unix time)."""

    region: str
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Writes:
    """``acknowledged``: how many writes users were told are safe. ``lost``: the ids of those that are not there."""

    acknowledged: int
    lost: tuple[str, ...]


async def writes(plan: SandboxPlan) -> Writes:
    """Compare what users were told with what today's primaries hold. Raises NoCensus."""
    told: dict[str, set[str]] = defaultdict(set)
    path = plan.home / "users" / "written.jsonl"
    for line in path.read_text().splitlines() if path.exists() else ():
        written = json.loads(line)
        told[written["datastore"]].add(written["id"])
    lost: list[str] = []
    for name, identities in told.items():
        lost += identities - await _held(plan.datastores[name])
    return Writes(sum(map(len, told.values())), tuple(sorted(lost)))


def spans(plan: SandboxPlan, job: str) -> tuple[Span, ...]:
    """When a job ran where, by the trace that it left itself."""
    found: list[Span] = []
    for region in plan.services[job].regions:
        path = plan.home / "jobs" / f"{job}@{region}.jsonl"
        if path.exists():
            found += _joined(region, (json.loads(line)["at"] for line in path.read_text().splitlines()))
    return tuple(sorted(found, key=lambda span: (span.begin, span.region)))


def double_active_s(plan: SandboxPlan) -> float:
    """Seconds in which a job ran in more than one region, over all jobs."""
    jobs = (service.name for service in plan.services.values() if service.exclusive)
    return sum(overlap_s(spans(plan, job)) for job in jobs)


def overlap_s(of: Sequence[Span]) -> float:
    """Seconds that spans of different regions have in common."""
    return sum(
        max(0.0, min(one.end, other.end) - max(one.begin, other.begin))
        for one, other in combinations(of, 2)
        if one.region != other.region
    )


def _joined(region: str, beats: Iterable[float]) -> list[Span]:
    found: list[Span] = []
    for at in beats:
        if found and at - found[-1].end <= _PAUSE_S:
            found[-1] = Span(region, found[-1].begin, at)
        else:
            found.append(Span(region, at, at))
    return found


async def _held(store: DatastorePlan) -> set[str]:
    primary = await recovery.primary_of(store)
    if primary is None:
        raise NoCensus(f"{store.name} has no primary")
    rows = await recovery.ask(store, primary, "SELECT id FROM ledger")
    if rows is None:
        raise NoCensus(f"{store.name} in {primary} does not answer")
    return {str(row[0]) for row in rows}
