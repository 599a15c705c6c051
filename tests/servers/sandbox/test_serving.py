import asyncio
import json

import pytest

from controlplane.sandbox import census, edge, recovery, servers
from controlplane.sandbox.load.options import LoadOptions
from controlplane.sandbox.sandbox import AlreadyUp, Sandbox
from controlplane.sandbox.shop.cache import Cache, CacheGone
from tests.servers.sandbox.conftest import until
from tests.servers.sandbox.users import ask, buy, outcomes, region_says

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_every_service_answers_every_origin_through_the_edge_from_a_legal_region(sandbox: Sandbox) -> None:
    for service in sandbox.plan.services.values():
        for origin in service.demand:
            told = await buy(sandbox.plan, origin, service.name)
            assert told.status == 200, (service.name, origin)
            assert told.headers["x-jurisdiction"] in service.residency.get(origin, ("EU", "UK"))
            assert told.body["service"] == service.name


async def test_a_write_is_kept_by_the_primary_and_has_reached_the_standby(sandbox: Sandbox) -> None:
    told = await buy(sandbox.plan, identity="kept-1")
    assert told.status == 201
    store = sandbox.plan.datastores["orders-db"]
    held = {region: await recovery.ask(store, region, "SELECT id FROM ledger") for region in store.regions}
    assert held["dublin"] is not None
    assert ("kept-1",) in held["dublin"]

    async def replayed() -> bool:
        return ("kept-1",) in (await recovery.ask(store, "frankfurt", "SELECT id FROM ledger") or [])

    await until(replayed)


async def test_the_same_write_is_not_done_twice(sandbox: Sandbox) -> None:
    assert (await buy(sandbox.plan, identity="once-1")).status == 201
    assert (await buy(sandbox.plan, identity="once-1")).status == 409


async def test_weights_change_by_a_renamed_file_while_the_same_edge_runs(sandbox: Sandbox) -> None:
    plan, before = sandbox.plan, sandbox.processes.find("envoy")
    try:
        edge.write_routes(plan, {"payment": {"IE": {"frankfurt": 1.0}}}, version="test-1")

        async def moved() -> bool:
            return set(await outcomes(plan, 10, service="payment")) == {"frankfurt"}

        await until(moved)
        edge.write_routes(plan, {"payment": {"IE": {"dublin": 1.0}}}, version="test-2")

        async def moved_back() -> bool:
            return set(await outcomes(plan, 10, service="payment")) == {"dublin"}

        await until(moved_back)
    finally:
        edge.write_routes(plan, edge.healthy_shares(plan), version="test-3")
    assert sandbox.processes.find("envoy") == before


async def test_what_has_no_share_is_shed_or_refused_at_the_edge_and_says_so(sandbox: Sandbox) -> None:
    plan = sandbox.plan
    try:
        edge.write_routes(plan, {"payment": {"IE": {"shed": 1.0}}, "checkout": {"IE": {"refused": 1.0}}}, version="s")

        async def shed() -> bool:
            return (await buy(plan, service="payment")).headers.get("x-leeward") == "shed"

        await until(shed)
        assert (await buy(plan, service="payment")).status == 503
        refused = await buy(plan, service="checkout")
        assert (refused.status, refused.headers["x-leeward"]) == (451, "refused")
    finally:
        edge.write_routes(plan, edge.healthy_shares(plan), version="t")


async def test_the_job_runs_in_one_region_and_moves_only_once_the_old_lease_is_over(sandbox: Sandbox) -> None:
    plan = sandbox.plan
    assert (await region_says(plan, "dublin", "/_jobs/settlement")).body["active"]
    claimed = await region_says(plan, "frankfurt", "/_jobs/settlement/activate", {"epoch": 2})
    assert claimed.status == 200
    assert not claimed.body["active"]
    assert claimed.body["waiting_s"] > 0
    stopped = await region_says(plan, "dublin", "/_jobs/settlement/deactivate", {"epoch": 2})
    assert (stopped.status, stopped.body["active"]) == (200, False)

    async def runs() -> bool:
        return bool((await region_says(plan, "frankfurt", "/_jobs/settlement")).body["active"])

    await until(runs)
    older = await region_says(plan, "dublin", "/_jobs/settlement/activate", {"epoch": 1})
    assert older.status == 409
    again = await region_says(plan, "frankfurt", "/_jobs/settlement/activate", {"epoch": 3})
    assert (again.body["active"], again.body["epoch"]) == (True, 3)
    older = await region_says(plan, "frankfurt", "/_jobs/settlement/deactivate", {"epoch": 2})
    assert older.status == 409
    assert [span.region for span in census.spans(plan, "settlement")][:2] == ["dublin", "frankfurt"]
    assert census.double_active_s(plan) == 0


async def test_users_are_served_and_every_acknowledged_write_is_found_again(sandbox: Sandbox) -> None:
    seconds = sandbox.start_users(LoadOptions(rate=150, seed=3))
    await asyncio.sleep(3)
    summary = await sandbox.stop_users()
    assert summary["failed"] == 0
    assert summary["ok"] > 200
    assert summary["wrong_region"] == 0
    assert summary["written"] > 0
    lines = [json.loads(line) for line in seconds.read_text().splitlines()]
    assert [line["second"] for line in lines] == list(range(len(lines)))
    assert sum(line["ok"] for line in lines) <= summary["ok"]
    writes = await census.writes(sandbox.plan)
    assert (writes.acknowledged, writes.lost) == (summary["written"], ())


async def test_data_served_from_the_wrong_region_is_noticed_by_users(sandbox: Sandbox) -> None:
    plan = sandbox.plan
    try:
        edge.write_routes(plan, {"checkout": {"IE": {"london": 1.0}}}, version="wrong")
        await asyncio.sleep(0.2)
        sandbox.start_users(LoadOptions(rate=50, services=("checkout",), seed=4))
        await asyncio.sleep(1.5)
        summary = await sandbox.stop_users()
        assert summary["wrong_region"] == summary["origins"]["IE"][0] > 0
    finally:
        edge.write_routes(plan, edge.healthy_shares(plan), version="right")


async def test_a_lost_write_is_counted_as_lost(sandbox: Sandbox) -> None:
    written = sandbox.plan.home / "users" / "written.jsonl"
    written.parent.mkdir(exist_ok=True)
    written.write_text('{"id": "never-there", "datastore": "orders-db"}\n')
    assert (await census.writes(sandbox.plan)).lost == ("never-there",)


async def test_reads_are_kept_in_the_regions_cache_and_go_on_without_it(sandbox: Sandbox) -> None:
    plan = sandbox.plan
    cache = Cache(plan.regions["london"].redis)
    assert (await ask(plan.regions["london"].ingress, "/checkout", {"x-origin": "GB"})).status == 200
    assert await cache.get("checkout:GB") == b"checkout"
    assert await cache.get("checkout:nowhere") is None
    await cache.put("long", "x" * 100_000, 5)
    assert await cache.get("long") == b"x" * 100_000
    running = sandbox.processes.find("redis-london")
    assert running is not None
    sandbox.processes.end([running])
    with pytest.raises(CacheGone):
        await cache.get("checkout:GB")
    assert (await ask(plan.regions["london"].ingress, "/checkout", {"x-origin": "GB"})).status == 200
    sandbox.processes.start(servers.redis(plan, "london"), attached=True)


async def test_a_sandbox_that_is_up_is_not_started_over(sandbox: Sandbox) -> None:
    with pytest.raises(AlreadyUp):
        await Sandbox.open(sandbox.plan.home).up()
    assert (await buy(sandbox.plan)).status == 200
