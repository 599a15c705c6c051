import json
from datetime import timedelta
from pathlib import Path

import pytest

from controlplane.model.resources.failover_policy import FailbackMode
from controlplane.sandbox import census
from controlplane.sandbox.demo.outcome import draw
from controlplane.sandbox.demo.pace import Pace, at_pace
from controlplane.sandbox.demo.play import set_marks
from controlplane.sandbox.demo.record import Mark, Record, Users, read_moment
from tests.servers.sandbox.small_estate import small_estate
from tests.unit.demo.seen import KILLED, outcome, plan, record


def test_a_line_that_is_not_whole_yet_is_read_when_it_is(tmp_path: Path) -> None:
    path = tmp_path / "seconds.jsonl"
    users = Users(path)
    assert users.read() == []
    whole = json.dumps(
        {"at": 1.0, "sent": 3, "ok": 2, "failed": {"503": 1}, "regions": {"dublin": 2}, "p50_ms": 1.0, "p99_ms": None}
    )
    path.write_text(f"{whole}\n{whole[:20]}")
    (first,) = users.read()
    assert (first.sent, first.ok, first.failures) == (3, 2, 1)
    assert users.read() == []
    path.write_text(f"{whole}\n{whole}\n")
    assert len(users.read()) == 1


def test_a_knob_of_one_region_is_told_with_its_region() -> None:
    seen = read_moment(
        {
            "at": "2026-11-24T10:00:00Z",
            "regions": [{"region": "dublin", "state": "down", "share": None, "drained": True}],
            "turned": {"coupons": "off", "comments": {"london": False}},
            "holders": {"settlement": None},
            "primaries": {"orders-db": "dublin"},
            "inFlight": [{"action": {"id": "shift-checkout"}}],
        }
    )
    assert seen.knobs == {"coupons": "off", "comments in london": False}
    assert seen.seats == {"settlement": None, "orders-db": "dublin"}
    assert seen.share == {"dublin": 0.0}
    assert seen.drained == frozenset({"dublin"})
    assert seen.under_way == ("shift-checkout",)


def test_only_the_verdict_on_the_region_itself_is_its_detection() -> None:
    seen = Record(
        "dublin", deeds=list(reversed(record().deeds)), marks={Mark.KILLED: KILLED, Mark.REVIVED: KILLED + 28}
    )
    set_marks(seen)
    assert seen.marks[Mark.DETECTED] == KILLED + 0.5
    assert seen.marks[Mark.DRAINED] == KILLED + 12
    assert seen.marks[Mark.RESTORED] == KILLED + 40


def test_what_happened_before_the_kill_is_not_put_down_to_it() -> None:
    seen = Record("dublin", deeds=record().deeds, marks={Mark.KILLED: KILLED + 20})
    set_marks(seen)
    assert set(seen.marks) == {Mark.KILLED}


async def test_figures_count_from_the_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def held(_: object) -> census.Writes:
        return census.Writes(500, ("a",))

    monkeypatch.setattr(census, "writes", held)
    summary = {
        "started_at": KILLED - 10,
        "last_failed_s": 11.9,
        "failed": 60,
        "total": 6000,
        "wrong_region": 0,
        "reasons": {"503": 60},
        "p99_ms": 80.0,
    }
    drawn = await draw(record(), plan(tmp_path), summary)
    assert drawn.last_failed_s == pytest.approx(1.9)
    assert (drawn.detection_s, drawn.traffic_left_s, drawn.drained_s, drawn.restored_s) == (0.5, 2.0, 12.0, 40.0)
    assert drawn.knobs == {"recommendations": "off"}
    assert drawn.lost_writes == 1
    assert not drawn.passed


@pytest.mark.parametrize(
    "changed",
    [
        {"drained_s": None},
        {"restored_s": None},
        {"lost_writes": 1},
        {"lost_writes": None},
        {"double_active_s": 0.2},
        {"residency_violations": 1},
    ],
)
def test_a_demo_that_failed_at_the_main_job_has_not_passed(changed: dict[str, object]) -> None:
    assert outcome().passed
    assert not outcome(**changed).passed


def test_the_json_has_the_fields_of_the_contract_first() -> None:
    fields = list(outcome().to_json(Path("report.html")))
    assert fields[:10] == [
        "detectionS",
        "lastFailedRequestS",
        "failedRequests",
        "totalRequests",
        "lostWrites",
        "doubleActiveS",
        "residencyViolations",
        "knobs",
        "holders",
        "report",
    ]


def test_only_times_are_changed_for_the_demo() -> None:
    estate = small_estate()
    fast = at_pace(estate, Pace(stable_for=timedelta(seconds=3)))
    (policy,) = fast.failover
    assert policy.spec.failback.mode is FailbackMode.AUTO
    assert policy.spec.failback.stable_for == timedelta(seconds=3)
    assert fast.services == estate.services
    assert fast.regions == estate.regions
    assert [level.value for level in fast.knobs["recommendations"].levels] == ["cached", "off"]
