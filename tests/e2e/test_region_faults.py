"""A region of the shop dies, freezes, goes grey: what must be so afterwards, whatever time it takes."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from controlplane.sandbox import census
from tests.e2e.stage import Daemon, Stage, carried, drained, load, risen, shop_at_pace, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(280),
    pytest.mark.xdist_group("e2e"),
    pytest.mark.asyncio(loop_scope="module"),
]
LOST = "dublin"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """The shop under load, and a daemon that leads. Each test ends what it begins."""
    async with risen(tmp_path_factory.mktemp("faults"), shop_at_pace(), rate=60.0) as stage:
        stage.sandbox.start_users(load())
        daemon = stage.start()
        await daemon.leads()
        await daemon.knows()
        await stage.users_succeed()
        yield stage


@pytest.fixture
def daemon(stage: Stage) -> Daemon:
    return stage.daemons[0]


async def test_a_killed_region_is_left_whole_and_gets_its_work_back_when_it_is_well(
    stage: Stage, daemon: Daemon
) -> None:
    before = await daemon.status()
    assert carried(before, LOST) > 0
    jobs = {job for job, region in before["holders"].items() if region == LOST}
    stores = {store for store, region in before["primaries"].items() if region == LOST}
    assert jobs | stores
    fault = await stage.sandbox.fault("kill", LOST)

    async def left() -> bool:
        status = await daemon.status()
        moved = status and LOST not in {*status["holders"].values(), *status["primaries"].values()}
        return bool(moved) and drained(status, LOST) and not status["inFlight"]

    await until(left, f"{LOST} drained, its jobs and primaries moved")
    await stage.users_succeed()
    after = await daemon.status()
    assert after["turned"], "without a region of the Union at peak the shop must do less"
    assert all(after["holders"][job] for job in jobs)
    assert [entry["subject"] for entry in await daemon.journal("drained")][-1:] == [LOST]
    await _nothing_broken(stage)

    await stage.sandbox.end(fault)

    async def back() -> bool:
        status = await daemon.status()
        return bool(status) and not drained(status, LOST) and carried(status, LOST) > 0.8 * carried(before, LOST)

    await until(back, f"{LOST} carries its part again")
    await stage.users_succeed()
    now = await daemon.status()
    assert now["holders"] == after["holders"], "what is exclusive does not fail back by itself (R5)"
    await _nothing_broken(stage)


async def test_a_frozen_region_is_left_though_its_connections_stand(stage: Stage, daemon: Daemon) -> None:
    frozen = "stockholm"
    fault = await stage.sandbox.fault("freeze", frozen)

    async def left() -> bool:
        return drained(await daemon.status(), frozen)

    await until(left, f"{frozen} drained")
    await stage.users_succeed()
    await stage.sandbox.end(fault)

    async def back() -> bool:
        status = await daemon.status()
        return bool(status) and not drained(status, frozen) and carried(status, frozen) > 0

    await until(back, f"{frozen} carries traffic again")
    await stage.users_succeed()
    await _nothing_broken(stage)


async def test_what_users_suffer_is_seen_though_health_checks_pass(stage: Stage, daemon: Daemon) -> None:
    grey = "stockholm"
    fault = await stage.sandbox.fault("errors", grey, rate=0.5)

    async def left() -> bool:
        return carried(await daemon.status(), grey) == 0.0

    await until(left, f"{grey}, whose users fail, carries nothing")
    await stage.users_succeed()
    await stage.sandbox.end(fault)
    await _nothing_broken(stage)


async def _nothing_broken(stage: Stage) -> None:
    """No acknowledged write lost, never two holders, nobody answered from where residency forbids it."""
    plan = stage.sandbox.plan
    assert census.double_active_s(plan) == 0.0
    counted = await census.writes(plan)
    assert counted.acknowledged > 0
    assert counted.lost == ()
    lines = (stage.home / "users" / "seconds.jsonl").read_text().splitlines()
    assert lines
    assert sum('"wrong_region": 0' not in line for line in lines) == 0
