"""What came of a demo: the contract's figures, and a few more that a reader asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controlplane.model.journal import Json
from controlplane.sandbox import census
from controlplane.sandbox.demo.record import KnobValue, Mark, Record
from controlplane.sandbox.plan import SandboxPlan


@dataclass(frozen=True, slots=True)
class Outcome:
    """Seconds count from the kill; None: it did not come about, or (lost writes) could not be counted.

    ``traffic_left_s``: no request is sent there any more; ``drained_s``: nothing at all is left there, jobs and
    databases included. ``knobs``: each that was turned, at its deepest. ``holders``: where each exclusive service runs
    and each datastore is written at the end. ``failed_on_the_way_back``: of the failed requests, those due after the
    region was started again.
    """

    region: str
    detection_s: float | None
    traffic_left_s: float | None
    drained_s: float | None
    last_failed_s: float | None
    restored_s: float | None
    failed: int
    total: int
    failed_on_the_way_back: int
    acknowledged_writes: int | None
    lost_writes: int | None
    double_active_s: float
    residency_violations: int
    knobs: Mapping[str, KnobValue]
    holders: Mapping[str, str | None]
    reasons: Mapping[str, int]
    p99_ms: float | None

    @property
    def passed(self) -> bool:
        """The main job was done: left, brought back, no second holder, nothing lost, residency kept."""
        return (
            self.drained_s is not None
            and self.restored_s is not None
            and self.lost_writes == 0
            and self.double_active_s == 0
            and self.residency_violations == 0
        )

    def to_json(self, report: Path) -> dict[str, Json]:
        """As CONTRACTS has it, then the rest."""
        return {
            "detectionS": _rounded(self.detection_s),
            "lastFailedRequestS": _rounded(self.last_failed_s),
            "failedRequests": self.failed,
            "totalRequests": self.total,
            "lostWrites": self.lost_writes,
            "doubleActiveS": round(self.double_active_s, 3),
            "residencyViolations": self.residency_violations,
            "knobs": dict(self.knobs),
            "holders": dict(self.holders),
            "report": str(report),
            "region": self.region,
            "trafficLeftS": _rounded(self.traffic_left_s),
            "drainedS": _rounded(self.drained_s),
            "restoredS": _rounded(self.restored_s),
            "failedOnTheWayBack": self.failed_on_the_way_back,
            "acknowledgedWrites": self.acknowledged_writes,
            "failureReasons": dict(self.reasons),
            "p99Ms": self.p99_ms,
            "passed": self.passed,
        }


async def draw(record: Record, plan: SandboxPlan, summary: Mapping[str, Any]) -> Outcome:
    """Put together what was recorded, what the users counted, and what the databases and jobs left behind."""
    last = summary["last_failed_s"]
    last_failed = None if last is None else record.since(Mark.KILLED, summary["started_at"] + last)
    try:
        writes: census.Writes | None = await census.writes(plan)
    except census.NoCensus:
        writes = None
    revived = record.marks.get(Mark.REVIVED, float("inf"))
    return Outcome(
        region=record.region,
        detection_s=_from_kill(record, Mark.DETECTED),
        traffic_left_s=_traffic_left(record),
        drained_s=_from_kill(record, Mark.DRAINED),
        last_failed_s=last_failed if last_failed is None or last_failed >= 0 else None,
        restored_s=_from_kill(record, Mark.RESTORED),
        failed=summary["failed"],
        total=summary["total"],
        failed_on_the_way_back=sum(second.failures for second in record.seconds if second.at >= revived),
        acknowledged_writes=writes.acknowledged if writes else None,
        lost_writes=len(writes.lost) if writes else None,
        double_active_s=census.double_active_s(plan),
        residency_violations=summary["wrong_region"],
        knobs=_deepest(record, plan),
        holders=dict(record.now.seats) if record.now else {},
        reasons=summary["reasons"],
        p99_ms=summary["p99_ms"],
    )


def _from_kill(record: Record, mark: Mark) -> float | None:
    return record.since(Mark.KILLED, record.marks[mark]) if mark in record.marks else None


def _traffic_left(record: Record) -> float | None:
    killed = record.marks.get(Mark.KILLED, float("inf"))
    empty = (moment.at for moment in record.moments if moment.at >= killed and not moment.share.get(record.region))
    first = next(empty, None)
    return None if first is None else first - killed


def _deepest(record: Record, plan: SandboxPlan) -> dict[str, KnobValue]:
    found: dict[str, tuple[int, KnobValue]] = {}
    for moment in record.moments:
        for name, value in moment.knobs.items():
            depth = _depth(plan, name.partition(" in ")[0], value)
            if name not in found or depth > found[name][0]:
                found[name] = depth, value
    return {name: value for name, (_, value) in sorted(found.items())}


def _depth(plan: SandboxPlan, knob: str, value: KnobValue) -> int:
    levels = plan.knobs[knob].levels if knob in plan.knobs else ()
    return next((depth for depth, (level, _) in enumerate(levels, 1) if level == value), 0)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
