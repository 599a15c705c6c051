import asyncio

import pytest

from controlplane.sandbox import census, recovery
from controlplane.sandbox.load.options import LoadOptions
from controlplane.sandbox.sandbox import Sandbox
from tests.servers.sandbox.conftest import until
from tests.servers.sandbox.users import ask, buy, region_says

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]


async def _writes_again(sandbox: Sandbox, name: str) -> None:
    tries = iter(range(1000))

    async def written() -> bool:
        return (await buy(sandbox.plan, identity=f"{name}-{next(tries)}")).status == 201

    await until(written)


async def _keeper(sandbox: Sandbox, region: str) -> str:
    return str((await region_says(sandbox.plan, region, "/_status")).body["datastores"]["orders-db"])


async def _promote(sandbox: Sandbox, region: str) -> None:
    store = sandbox.plan.datastores["orders-db"]

    async def promoted() -> bool:
        await recovery.ask(store, region, "SELECT pg_promote(false)")
        return await recovery.timeline(store, region) is not None

    await until(promoted)


async def _streams(sandbox: Sandbox, primary: str) -> bool:
    rows = await recovery.ask(
        sandbox.plan.datastores["orders-db"],
        primary,
        "SELECT count(*) FROM pg_stat_replication WHERE state='streaming'",
    )
    return rows == [(1,)]


async def test_with_the_standby_gone_writes_go_on_and_wait_for_it_again_once_it_is_back(sandbox: Sandbox) -> None:
    async def in_step() -> bool:
        return await _keeper(sandbox, "dublin") == "in step"

    async def alone() -> bool:
        return await _keeper(sandbox, "dublin") == "alone"

    await until(in_step)
    fault = await sandbox.fault("kill", "frankfurt")
    await _writes_again(sandbox, "alone")
    await until(alone)
    await sandbox.end(fault)
    await until(in_step)


async def test_a_primary_that_is_cut_off_acknowledges_nothing(sandbox: Sandbox) -> None:
    fault = await sandbox.fault("blackhole", "dublin")
    shop = sandbox.plan.regions["dublin"].shop
    await asyncio.sleep(3)
    told = await ask(shop, "/checkout", {"x-origin": "IE", "x-id": "cut-off"}, {})
    assert told.status == 503
    await sandbox.end(fault)
    await _writes_again(sandbox, "whole")


async def test_a_holder_that_is_cut_off_stops_by_itself_and_goes_on_if_nobody_took_over(sandbox: Sandbox) -> None:
    told = await region_says(sandbox.plan, "dublin", "/_jobs/settlement/activate", {"epoch": 2, "ttl_s": 2.0})
    assert told.body["active"]
    fault = await sandbox.fault("blackhole", "dublin")
    shop = sandbox.plan.regions["dublin"].shop

    async def stopped() -> bool:
        return str((await ask(shop, "/_jobs/settlement")).body["why"]).startswith("lapsed")

    await until(stopped)
    assert not (await ask(shop, "/_jobs/settlement")).body["active"]
    await sandbox.end(fault)

    async def goes_on() -> bool:
        return bool((await ask(shop, "/_jobs/settlement")).body["active"])

    await until(goes_on)


async def test_a_holder_that_returns_after_another_took_over_stays_fenced(sandbox: Sandbox) -> None:
    plan = sandbox.plan
    assert (await region_says(plan, "dublin", "/_jobs/settlement/deactivate", {"epoch": 3})).status == 200

    async def runs_in(region: str, epoch: int) -> bool:
        order = {"epoch": epoch, "ttl_s": 2.0}
        return bool((await region_says(plan, region, "/_jobs/settlement/activate", order)).body.get("active"))

    await until(lambda: runs_in("frankfurt", 3))
    fault = await sandbox.fault("freeze", "frankfurt")
    await until(lambda: runs_in("dublin", 4))
    await sandbox.end(fault)

    async def knows() -> bool:
        return str((await region_says(plan, "frankfurt", "/_jobs/settlement")).body["why"]).startswith("superseded")

    await until(knows)
    assert not (await region_says(plan, "frankfurt", "/_jobs/settlement")).body["active"]
    assert (await region_says(plan, "dublin", "/_jobs/settlement")).body["active"]
    assert {span.region for span in census.spans(plan, "settlement")} == {"dublin", "frankfurt"}
    assert census.double_active_s(plan) == 0


async def test_a_primary_that_is_replaced_while_it_lives_follows_by_itself_and_back_again(sandbox: Sandbox) -> None:
    store = sandbox.plan.datastores["orders-db"]
    for old, new in (("dublin", "frankfurt"), ("frankfurt", "dublin")):
        await _promote(sandbox, new)

        async def follows(old: str = old, new: str = new) -> bool:
            return await _streams(sandbox, new) and await recovery.timeline(store, old) is None

        await until(follows)
        await _writes_again(sandbox, f"primary-{new}")


async def test_a_frozen_primary_that_was_replaced_comes_back_as_a_standby_and_loses_nothing(sandbox: Sandbox) -> None:
    store = sandbox.plan.datastores["orders-db"]
    sandbox.start_users(LoadOptions(rate=60, services=("checkout",), writes=1.0, seed=8))
    await asyncio.sleep(1.5)
    fault = await sandbox.fault("freeze", "dublin")
    await asyncio.sleep(1)
    await _promote(sandbox, "frankfurt")
    await asyncio.sleep(2)
    await sandbox.end(fault)

    async def follows() -> bool:
        return await recovery.primary_of(store) == "frankfurt" and await _streams(sandbox, "frankfurt")

    await until(follows)
    assert await recovery.timeline(store, "dublin") is None
    await _writes_again(sandbox, "moved")
    summary = await sandbox.stop_users()
    writes = await census.writes(sandbox.plan)
    assert writes.acknowledged == summary["written"] > 0
    assert writes.lost == ()


async def test_a_killed_primary_is_rewound_and_follows_the_one_that_was_promoted(sandbox: Sandbox) -> None:
    store = sandbox.plan.datastores["orders-db"]
    assert await recovery.primary_of(store) == "frankfurt"
    await sandbox.fault("kill", "frankfurt")
    await _promote(sandbox, "dublin")
    await _writes_again(sandbox, "promoted")
    await sandbox.revive("frankfurt")
    assert sandbox.faults.active() == ()
    assert await recovery.timeline(store, "frankfurt") is None

    async def streams() -> bool:
        return await _streams(sandbox, "dublin")

    await until(streams)
    held = {region: await recovery.ask(store, region, "SELECT count(*) FROM ledger") for region in store.regions}

    async def same() -> bool:
        return (await recovery.ask(store, "frankfurt", "SELECT count(*) FROM ledger")) == held["dublin"]

    await until(same)
