import asyncio
from pathlib import Path

import pytest

from controlplane.sandbox.plan import KnobPlan
from controlplane.sandbox.shop.capacity import MAX_WAIT_S, WorkQueue
from controlplane.sandbox.shop.faults import ShopFaults
from controlplane.sandbox.shop.jobs import Job, Superseded
from controlplane.sandbox.shop.keeper import waits_for


def test_work_below_capacity_waits_for_its_own_time_only() -> None:
    queue = WorkQueue(100.0, now=0.0)
    waits = [queue.admit(1.0, now=second / 50) for second in range(100)]
    assert waits == [pytest.approx(0.01)] * 100
    assert (queue.served, queue.refused) == (100.0, 0)


def test_work_at_twice_the_capacity_waits_longer_and_longer_until_half_of_it_is_turned_away() -> None:
    queue = WorkQueue(100.0, now=0.0)
    waits = [queue.admit(1.0, now=number / 200) for number in range(2000)]
    admitted = [wait for wait in waits if wait is not None]
    assert admitted[:3] == sorted(admitted[:3])
    assert max(admitted) <= MAX_WAIT_S + 0.021
    assert len(admitted) == pytest.approx(100 * (10 + MAX_WAIT_S), rel=0.02)
    assert waits[-100:].count(None) == pytest.approx(50, abs=2)


def test_a_queue_drains_while_nobody_comes() -> None:
    queue = WorkQueue(10.0, now=0.0)
    for _ in range(10):
        queue.admit(1.0, now=0.0)
    assert queue.wait_s(0.0) == pytest.approx(1.0)
    assert queue.wait_s(0.5) == pytest.approx(0.5)
    assert queue.wait_s(5.0) == 0.0


def test_lost_capacity_slows_the_same_work_and_none_left_refuses_all() -> None:
    queue = WorkQueue(100.0, now=0.0)
    queue.share = 0.5
    assert queue.admit(1.0, now=0.0) == pytest.approx(0.02)
    queue.share = 0.0
    assert queue.admit(1.0, now=1.0) is None


def test_a_knob_saves_only_at_the_very_value_of_a_level() -> None:
    knob = KnobPlan("flag", True, ((1, {"search": 0.5}), (False, {"search": 1.0})))
    assert knob.saves(True) == {}
    assert knob.saves(1) == {"search": 0.5}
    assert knob.saves(False) == {"search": 1.0}
    assert knob.saves("1") == {}


def test_errors_of_one_service_leave_the_others_and_its_health_alone_unless_told() -> None:
    faults = ShopFaults()
    faults.set({"service": "payment", "rate": 1.0})
    assert (faults.fails("payment"), faults.fails("cart")) == (True, False)
    assert faults.healthy("payment")
    faults.set({"service": "payment", "rate": 1.0, "liveness": "failing"})
    assert not faults.healthy("payment")
    faults.set({"service": "payment"})
    assert (faults.fails("payment"), faults.healthy("payment")) == (False, True)


def test_a_rate_is_about_that_share_of_requests() -> None:
    faults = ShopFaults()
    faults.chance.seed(7)
    faults.set({"service": "*", "rate": 0.3})
    assert sum(faults.fails("payment") for _ in range(5000)) == pytest.approx(1500, abs=150)


def test_the_keeper_reads_back_how_many_standbys_a_commit_waits_for() -> None:
    assert [waits_for(names) for names in ("", "FIRST 1 (*)", "FIRST 2 (*)", "frankfurt")] == [0, 1, 2, 0]


async def test_a_job_heeds_the_highest_epoch_it_has_seen(tmp_path: Path) -> None:
    job = Job("settlement", "dublin", None, tmp_path / "trace")
    await job.activate(5)
    assert job.show()["active"]
    await job.deactivate(6)
    assert not job.show()["active"]
    for epoch in (4, 5):
        with pytest.raises(Superseded):
            await job.activate(epoch)
    with pytest.raises(Superseded):
        job.renew(6, 10.0)
    await job.activate(6)
    assert (job.show()["active"], job.epoch) == (True, 6)


async def test_a_job_with_a_time_to_live_stops_by_itself_and_leaves_a_trace_of_when_it_ran(tmp_path: Path) -> None:
    job = Job("settlement", "dublin", None, tmp_path / "trace")
    working = asyncio.create_task(job.run())
    await job.activate(1, ttl_s=0.5)
    async with asyncio.timeout(5):
        while not job.why.startswith("lapsed"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    beats = job.beats
    assert 1 <= beats <= 3
    assert len((tmp_path / "trace").read_text().splitlines()) == beats + 1
    working.cancel()
