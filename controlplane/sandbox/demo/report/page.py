"""The page: figures first, then the plots, then what was done and why."""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from controlplane.sandbox.demo.outcome import Outcome
from controlplane.sandbox.demo.record import Record
from controlplane.sandbox.demo.report.axis import LEFT, RIGHT, WIDTH, axis_of
from controlplane.sandbox.demo.report.curves import charts
from controlplane.sandbox.demo.report.lanes import groups
from controlplane.sandbox.demo.story import journal, story
from controlplane.sandbox.plan import SandboxPlan


def write_report(path: Path, record: Record, outcome: Outcome, plan: SandboxPlan) -> None:
    """Write the page; a report is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.new")
    draft.write_text(page(record, outcome, plan), encoding="utf-8")
    draft.replace(path)


def page(record: Record, outcome: Outcome, plan: SandboxPlan) -> str:
    """The page of one demo."""
    axis = axis_of(record)
    tones = {region: f"r{place % 8}" for place, region in enumerate(plan.regions)}
    return str(
        _template().render(
            region=record.region,
            passed=outcome.passed,
            lead=_lead(outcome),
            figures=list(_figures(outcome)),
            charts=charts(record, axis, tones),
            groups=groups(record, axis, plan, tones),
            ticks=axis.ticks(),
            marks=axis.marks(record),
            story=story(record),
            journal=journal(record),
            setting=_setting(outcome, plan),
            width=WIDTH,
            left=LEFT,
            right=WIDTH - RIGHT,
        )
    )


@cache
def _template() -> Any:
    from jinja2 import Environment

    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    source = files("controlplane.sandbox.demo.report") / "report.html.j2"
    return environment.from_string(source.read_text(encoding="utf-8"))


def _lead(outcome: Outcome) -> str:
    if outcome.traffic_left_s is None:
        return f"{outcome.region} was killed under load, and was not left in time. The figures and the journal say why."
    back = "" if outcome.restored_s is None else f" It was brought back {outcome.restored_s:.0f} s after the kill."
    return (
        f"{outcome.region} was killed under load. Its users had all moved {outcome.traffic_left_s:.1f} s later; "
        f"{outcome.failed:,} of {outcome.total:,} requests failed.{back}"
    )


def _figures(outcome: Outcome) -> Iterator[tuple[str, str, str]]:
    """Name, value, and whether it is good."""
    share = outcome.failed / outcome.total if outcome.total else 0.0
    yield "requests failed", f"{outcome.failed:,} of {outcome.total:,}", f"{share:.2%}"
    yield "known after", _seconds(outcome.detection_s), "from the kill to the first verdict"
    yield "users moved after", _seconds(outcome.traffic_left_s), "no request goes there any more"
    yield "last failed request", _seconds(outcome.last_failed_s), "after the kill"
    yield "all of it left after", _seconds(outcome.drained_s), "jobs and databases too, old ones fenced first"
    yield "brought back after", _seconds(outcome.restored_s), f"{outcome.failed_on_the_way_back} failed on the way back"
    yield "writes lost", _count(outcome.lost_writes), f"of {_count(outcome.acknowledged_writes)} acknowledged"
    yield "two holders at once", f"{outcome.double_active_s:g} s", "by the traces of the jobs themselves"
    yield "answers from where the law forbids", f"{outcome.residency_violations}", "by users' origin"


def _setting(outcome: Outcome, plan: SandboxPlan) -> list[tuple[str, str]]:
    knobs = ", ".join(f"{name}={value}" for name, value in outcome.knobs.items()) or "none"
    seats = ", ".join(f"{name} in {region or 'nowhere'}" for name, region in outcome.holders.items()) or "none"
    reasons = ", ".join(f"{count} {kind}" for kind, count in sorted(outcome.reasons.items())) or "none"
    spread = [service for service in plan.services.values() if not service.exclusive]
    return [
        ("knobs turned, at their deepest", knobs),
        ("jobs and databases at the end", seats),
        ("how requests failed", reasons),
        ("slowest hundredth of requests", "unknown" if outcome.p99_ms is None else f"above {outcome.p99_ms:g} ms"),
        ("the estate", f"{len(plan.regions)} regions, {len(spread)} services, {len(plan.datastores)} databases"),
        ("scale", f"demand and capacity times {plan.factor:.3g}, so that one machine carries it"),
        ("users", "open loop: a request is sent when it is due, and waits at most 2 s; no retries, by users or edge"),
    ]


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"


def _count(value: int | None) -> str:
    return "unknown" if value is None else f"{value:,}"
