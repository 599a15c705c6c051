import asyncio

import pytest

from controlplane.sandbox import recovery
from controlplane.sandbox.fault_kinds import BadFault
from controlplane.sandbox.load.options import LoadOptions
from controlplane.sandbox.sandbox import Sandbox
from tests.servers.sandbox.conftest import until
from tests.servers.sandbox.users import ask, buy, outcomes, region_says

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _serves(sandbox: Sandbox, region: str) -> bool:
    return (await region_says(sandbox.plan, region, "/healthz")).status == 200


async def test_a_killed_region_refuses_and_serves_again_once_the_fault_is_ended(sandbox: Sandbox) -> None:
    fault = await sandbox.fault("kill", "london")
    assert not any(one.alive for one in sandbox.processes.of("london"))
    assert (await region_says(sandbox.plan, "london", "/healthz")).status == 0
    assert (await outcomes(sandbox.plan, 40, "GB"))["503"] > 0
    await sandbox.end(fault)
    assert await _serves(sandbox, "london")
    assert set(await outcomes(sandbox.plan, 40, "GB")) == {"dublin", "frankfurt", "london"}
    assert sandbox.faults.active() == ()


async def test_a_frozen_region_takes_connections_but_says_nothing(sandbox: Sandbox) -> None:
    fault = await sandbox.fault("freeze", "london")
    assert (await region_says(sandbox.plan, "london", "/healthz")).status == 0
    assert (await outcomes(sandbox.plan, 12, "GB", "recommendation"))["504"] > 0
    await sandbox.end(fault)
    assert await _serves(sandbox, "london")


async def test_packets_to_a_blackholed_region_vanish_without_a_reset(sandbox: Sandbox) -> None:
    address = sandbox.plan.regions["london"].ingress
    reader, writer = await asyncio.open_connection(*address)
    fault = await sandbox.fault("blackhole", "london")
    writer.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.0):
            await reader.read(1)
    # The shop itself lives: only the way to it is gone.
    assert (await ask(sandbox.plan.regions["london"].shop, "/healthz")).status == 200
    await sandbox.end(fault)
    async with asyncio.timeout(5):
        assert (await reader.read(12)) == b"HTTP/1.1 200"
    writer.close()


async def test_new_connections_to_a_blackholed_region_get_no_answer_either(sandbox: Sandbox) -> None:
    fault = await sandbox.fault("blackhole", "london")
    try:
        tries = [asyncio.open_connection(*sandbox.plan.regions["london"].ingress) for _ in range(4)]
        done = await asyncio.gather(*(asyncio.wait_for(one, 0.7) for one in tries), return_exceptions=True)
        assert any(isinstance(outcome, TimeoutError) for outcome in done)
        assert not any(isinstance(outcome, ConnectionError) for outcome in done)
        for outcome in done:
            if isinstance(outcome, tuple):
                outcome[1].close()
    finally:
        await sandbox.end(fault)


async def test_a_slow_region_answers_later_by_what_was_added(sandbox: Sandbox) -> None:
    loop = asyncio.get_running_loop()
    fault = await sandbox.fault("slow", "london", add_s=0.4)
    begun = loop.time()
    assert await _serves(sandbox, "london")
    assert loop.time() - begun >= 0.4
    await sandbox.end(fault)
    other = await sandbox.fault("slow", "london", add_s=0.3, service="recommendation")
    begun = loop.time()
    assert (await region_says(sandbox.plan, "london", "/recommendation")).status == 200
    assert loop.time() - begun >= 0.3
    assert (await region_says(sandbox.plan, "london", "/_status")).body["faults"]["add_s"] == {"recommendation": 0.3}
    await sandbox.end(other)
    assert (await region_says(sandbox.plan, "london", "/_status")).body["faults"]["add_s"] == {}


async def test_grey_errors_fail_users_while_health_checks_pass(sandbox: Sandbox) -> None:
    fault = await sandbox.fault("errors", "london", rate=1.0, service="payment")
    assert (await region_says(sandbox.plan, "london", "/healthz/payment")).status == 200
    assert (await region_says(sandbox.plan, "london", "/payment")).status == 500
    # Checkout needs payment: strong. Nothing else is touched.
    assert (await region_says(sandbox.plan, "london", "/checkout")).status == 503
    assert (await region_says(sandbox.plan, "london", "/recommendation")).status == 200
    await sandbox.end(fault)
    assert (await region_says(sandbox.plan, "london", "/checkout")).status == 200


async def test_a_weak_dependency_that_fails_degrades_and_no_more(sandbox: Sandbox) -> None:
    fault = await sandbox.fault("errors", "london", rate=1.0, service="recommendation", liveness="failing")
    assert (await region_says(sandbox.plan, "london", "/healthz/recommendation")).status == 503
    told = await region_says(sandbox.plan, "london", "/checkout")
    assert (told.status, told.headers["x-degraded"]) == (200, "recommendation")
    await sandbox.end(fault)


async def test_two_faults_on_one_region_end_one_by_one(sandbox: Sandbox) -> None:
    one = await sandbox.fault("errors", "*", rate=0.5, service="payment")
    two = await sandbox.fault("errors", "london", rate=0.9, service="payment")
    says = (await region_says(sandbox.plan, "london", "/_status")).body["faults"]["errors"]
    assert says == {"payment": 0.9}
    await sandbox.end(two)
    says = (await region_says(sandbox.plan, "london", "/_status")).body["faults"]["errors"]
    assert says == {"payment": 0.5}
    await sandbox.end(one)
    assert (await region_says(sandbox.plan, "dublin", "/_status")).body["faults"]["errors"] == {}


async def test_past_its_capacity_a_region_grows_slow_and_then_turns_users_away(sandbox: Sandbox) -> None:
    sandbox.start_users(LoadOptions(rate=120, seed=5))
    await asyncio.sleep(2.5)
    calm = await sandbox.stop_users()
    fault = await sandbox.fault("capacity", "*", fraction=0.85)
    sandbox.start_users(LoadOptions(rate=120, seed=5))
    await asyncio.sleep(5)
    crowded = await sandbox.stop_users()
    await sandbox.end(fault)
    assert calm["failed"] == 0
    assert crowded["why"]["saturated"] > 0
    assert crowded["ok"] > 0
    assert crowded["p50_ms"] > 10 * calm["p50_ms"]
    assert (await region_says(sandbox.plan, "dublin", "/_status")).body["capacity"] == pytest.approx(
        sandbox.plan.regions["dublin"].capacity
    )


async def test_a_standby_that_lags_shows_what_was_written_later(sandbox: Sandbox) -> None:
    store = sandbox.plan.datastores["orders-db"]
    fault = await sandbox.fault("lag", "frankfurt", datastore="orders-db", seconds=60)
    assert (await recovery.ask(store, "frankfurt", "SHOW recovery_min_apply_delay")) == [("1min",)]
    assert (await buy(sandbox.plan, identity="late-1")).status == 201

    async def holds_back() -> bool:
        behind = await recovery.ask(store, "frankfurt", "SELECT pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn()")
        return behind == [(True,)]

    await until(holds_back)
    assert (await recovery.ask(store, "frankfurt", "SELECT 1 FROM ledger WHERE id = 'late-1'")) == []
    await sandbox.end(fault)

    async def caught_up() -> bool:
        return (await recovery.ask(store, "frankfurt", "SELECT 1 FROM ledger WHERE id = 'late-1'")) == [(1,)]

    await until(caught_up)


async def test_a_fault_that_makes_no_sense_is_refused_and_leaves_nothing_in_force(sandbox: Sandbox) -> None:
    for kind, region, parameters in (
        ("flood", "dublin", {}),
        ("kill", "paris", {}),
        ("errors", "dublin", {}),
        ("errors", "dublin", {"rate": 2.0}),
        ("errors", "dublin", {"rate": 1.0, "service": "nothing"}),
        ("kill", "dublin", {"rate": 1.0}),
        ("lag", "london", {"datastore": "orders-db", "seconds": 1}),
        ("partition", "dublin", {"peer": "dublin"}),
    ):
        with pytest.raises(BadFault):
            await sandbox.fault(kind, region, **parameters)
    with pytest.raises(BadFault):
        await sandbox.end("f999")
    assert sandbox.faults.active() == ()
