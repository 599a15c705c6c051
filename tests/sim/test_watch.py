"""Each watcher is shown a controller that does exactly the wrong it looks for, and one that does it rightly."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from controlplane.model.act import Fence, Holder, KnobSetting, Primary, Weights
from controlplane.model.resources.failover_policy import FailoverPolicy
from tests.sim.small import Scripted, estate, play, scenario

Script = Callable[[Scripted], Awaitable[None]]
DEAD = {"at": "60s", "until": "4m", "kind": "region-down", "region": "frankfurt"}
GREY = {"at": "60s", "kind": "error-rate", "service": "catalog", "region": "frankfurt", "rate": 0.4}
AUTO = {"mode": "auto", "stableFor": "5m", "ramp": {"step": 0.1, "every": "1m"}}


def both(**shares: float) -> Weights:
    return Weights({"IE": dict(shares), "DE": dict(shares)})


def at(second: float, *steps: tuple[str, Any]) -> Script:
    """Do these things one after another, from a second of the scenario on."""

    async def follow(process: Scripted) -> None:
        await process.ports.clock.sleep(second - process.ports.clock.monotonic())
        for subject, desired in steps:
            await process.act(subject, desired)

    return follow


def rules(script: Script, *faults: dict[str, Any], duration: str = "15m", **safety: Any) -> set[str]:
    """The rules that a script breaks."""
    result = play(scenario(duration, *faults), script, over=with_policy(**safety))
    return {violation.split(" ")[0] for violation in result.violations}


def with_policy(failback: dict[str, Any] | None = None, **safety: Any) -> Any:
    spec = {"services": "*", "autonomy": "act", "failback": failback or AUTO}
    policy = FailoverPolicy.model_validate({"metadata": {"name": "all"}, "spec": spec})
    return replace(estate(**safety), failover=(policy,))


def test_shares_that_are_none_are_seen() -> None:
    assert rules(at(30, ("catalog", both(dublin=0.7, frankfurt=0.5)))) == {"shares"}
    assert "shares" in rules(at(30, ("catalog", both(dublin=1.2, frankfurt=-0.2))))


def test_a_request_sent_where_its_law_forbids_is_seen_and_counted() -> None:
    script = at(30, ("checkout", both(dublin=0.5, frankfurt=0.4, london=0.1)))
    assert rules(script) == {"R4"}
    assert play(scenario("2m"), script).metrics["residencyViolations"] > 0  # type: ignore[operator]


def test_a_region_planned_above_its_usable_capacity_is_seen() -> None:
    assert rules(at(30, ("catalog", both(london=1.0))), {"kind": "demand-surge", "factor": 4.0}) >= {"R3"}
    assert rules(at(30, ("catalog", both(dublin=0.4, frankfurt=0.4, london=0.2)))) == set()


def test_capacity_that_a_knob_gives_counts_only_once_it_has_bitten() -> None:
    surge = {"kind": "demand-surge", "factor": 5.0, "service": "catalog"}
    move, turn = ("catalog", both(london=1.0)), ("search", KnobSetting("off"))
    assert rules(at(30, turn, move), surge) == set()
    assert rules(at(30, move, turn), surge) == {"R3"}


def test_a_knob_turned_back_too_early_overfills_a_region() -> None:
    surge = {"kind": "demand-surge", "factor": 5.0, "service": "catalog"}
    script = at(30, ("search", KnobSetting("off")), ("catalog", both(london=1.0)), ("search", KnobSetting("full")))
    assert rules(script, surge) == {"R3"}


def test_tier_zero_shed_beside_a_served_lower_tier_is_seen_once_it_stands() -> None:
    shed = Weights({"IE": {"dublin": 0.5}, "DE": {"dublin": 1.0}}, shed={"IE": 0.5})
    assert rules(at(30, ("checkout", shed))) == {"tiers"}
    assert rules(at(30, ("checkout", shed), ("checkout", both(dublin=1.0)))) == set()


def test_two_holders_and_an_activation_without_a_fence_are_seen() -> None:
    assert rules(at(30, ("settlement", Holder("frankfurt")))) == {"R5", "R9", "holders"}


def test_a_holder_may_be_moved_once_its_lease_has_run_out() -> None:
    dead = {"at": "60s", "kind": "region-down", "region": "dublin"}
    assert rules(at(75, ("settlement", Holder("frankfurt"))), dead) == set()
    assert rules(at(65, ("settlement", Fence("dublin")), ("settlement", Holder("frankfurt"))), dead) == set()


def test_a_promotion_with_lag_beyond_the_rpo_or_unknown_is_seen() -> None:
    lag = {"at": "30s", "kind": "replication-lag", "datastore": "orders-db", "region": "frankfurt"}
    dead = {"at": "60s", "kind": "region-down", "region": "dublin"}
    promote = at(75, ("orders-db", Primary("frankfurt", 60.0)))
    assert rules(promote, {**lag, "lag": "5s"}, dead) == {"R9"}
    assert rules(promote, {**lag, "lag": "unknown"}, dead) == {"R9"}
    assert rules(promote, {**lag, "lag": "900ms"}, dead) == set()


def test_a_primary_that_was_well_is_not_to_be_moved_by_the_machine() -> None:
    async def switch(process: Scripted) -> None:
        await process.ports.clock.sleep(30)
        await process.act("orders-db", Primary("frankfurt", 1.0))

    assert rules(switch) >= {"R5", "R9"}


def test_an_act_without_its_intent_is_seen() -> None:
    async def unannounced(process: Scripted) -> None:
        await process.ports.clock.sleep(30)
        await process.act("search", KnobSetting("off"), intent=False)

    assert rules(unannounced) == {"intent"}


def test_an_act_by_one_who_has_lost_the_lease_is_seen() -> None:
    async def go_on(process: Scripted) -> None:
        for _ in range(30):
            await process.ports.clock.sleep(1)
        process.epoch = 1
        await process.act("search", KnobSetting("off"), intent=False)

    crash = {"at": "20s", "kind": "daemon-crash", "replica": "leader"}
    assert "R16" in rules(go_on, crash)
    assert rules(at(30, ("search", KnobSetting("off")))) == set()


def test_a_second_live_region_drained_is_seen() -> None:
    script = at(90, ("catalog", both(london=1.0)), ("checkout", both(dublin=1.0)), ("checkout", Weights({})))
    assert "R8" in rules(script, GREY, maxDrainedRegions=1, minServingRegions=2)


def test_more_than_may_leave_live_regions_at_a_time_is_seen() -> None:
    back_and_forth = at(90, *[("catalog", both(dublin=part, frankfurt=1 - part)) for part in (0.9, 0.1, 0.9)])
    assert "R8" in rules(back_and_forth, maxShift={"fraction": 0.3, "per": "5m"})
    assert "R8" not in rules(at(90, ("catalog", both(dublin=0.6, frankfurt=0.4))), maxShift={"fraction": 0.3})


def test_leaving_a_dead_region_counts_against_nobody() -> None:
    leave = at(75, ("catalog", both(dublin=1.0)), ("checkout", both(dublin=1.0)))
    assert rules(leave, DEAD, maxShift={"fraction": 0.1, "per": "5m"}, maxDrainedRegions=0) == set()


def test_a_grey_place_left_at_once_is_seen() -> None:
    assert rules(at(90, ("catalog", both(dublin=1.0))), GREY) == {"R6"}
    assert rules(at(90, ("catalog", both(dublin=0.75, frankfurt=0.25))), GREY) == set()


def returned(*seconds: float) -> Script:
    """Leave frankfurt when it is dead, and go back in steps at these seconds."""

    async def follow(process: Scripted) -> None:
        clock = process.ports.clock
        await clock.sleep(75 - clock.monotonic())
        await process.act("catalog", both(dublin=1.0))
        for number, second in enumerate(seconds, start=1):
            await clock.sleep(max(0.0, second - clock.monotonic()))
            await process.act("catalog", both(dublin=1 - 0.1 * number, frankfurt=0.1 * number))

    return follow


def test_a_return_before_the_source_was_well_for_long_enough_is_seen() -> None:
    assert rules(returned(300), DEAD) == {"R13"}
    assert rules(returned(545), DEAD) == set()


def test_a_return_in_steps_too_fast_or_too_large_is_seen() -> None:
    assert rules(returned(545, 570), DEAD) == {"R13"}
    assert rules(returned(545, 606), DEAD) == set()
    whole = at(75, ("catalog", both(dublin=1.0)))

    async def at_once(process: Scripted) -> None:
        await whole(process)
        await process.ports.clock.sleep(600 - process.ports.clock.monotonic())
        await process.act("catalog", both(dublin=0.5, frankfurt=0.5))

    assert rules(at_once, DEAD) == {"R13"}


def test_a_return_that_waits_for_a_person_is_not_the_machines() -> None:
    assert rules(returned(545), DEAD, failback={"mode": "manual", "stableFor": "5m"}) == {"R13"}


def test_a_return_during_a_freeze_that_denies_it_is_seen() -> None:
    freeze = {"name": "sale", "from": "2026-11-24T00:00:00Z", "to": "2026-11-25T00:00:00Z", "denies": ["failback"]}
    assert rules(returned(545), DEAD, freezes=[freeze]) == {"R12"}
    assert rules(returned(545), DEAD, freezes=[{**freeze, "denies": ["drill"]}]) == set()


def test_a_region_drained_though_nothing_is_wrong_in_it_is_seen() -> None:
    drain = at(800, ("catalog", both(dublin=1.0)), ("checkout", both(dublin=1.0)))
    assert "R1" in rules(drain)
    for innocent in ("management-down", "probe-blind"):
        assert "R1" in rules(drain, {"at": "60s", "kind": innocent, "region": "frankfurt"})


def test_traffic_moved_from_bad_to_as_bad_is_seen() -> None:
    everywhere = {"at": "60s", "kind": "error-rate", "service": "catalog", "region": "*", "rate": 0.5}
    assert "R2" in rules(at(120, ("catalog", both(dublin=0.6, frankfurt=0.4))), everywhere)


def test_a_region_restored_past_its_transitions_is_seen() -> None:
    async def to_and_fro(process: Scripted) -> None:
        clock = process.ports.clock
        await clock.sleep(75 - clock.monotonic())
        for _ in range(3):
            await process.act("catalog", both(dublin=1.0))
            await process.act("checkout", both(dublin=1.0))
            await clock.sleep(5)
            await process.act("catalog", both(dublin=0.5, frankfurt=0.5))
            await process.act("checkout", both(dublin=0.5, frankfurt=0.5))
            await clock.sleep(5)

    found = rules(to_and_fro, DEAD, maxTransitions={"count": 3, "per": "30m"})
    assert "R7" in found
    result = play(scenario("15m", DEAD), to_and_fro)
    assert result.metrics["flaps"] == 2


def test_a_service_sent_where_what_it_needs_is_not_deployed_is_seen() -> None:
    over = estate()
    catalog = over.services["catalog"].model_dump(by_alias=True)
    catalog["spec"]["dependsOn"] = [{"service": "checkout"}]
    checkout = over.services["checkout"].model_dump(by_alias=True)
    checkout["spec"]["regions"] = ["dublin", "frankfurt"]
    kind = type(over.services["catalog"])
    services = {**over.services, "catalog": kind.model_validate(catalog), "checkout": kind.model_validate(checkout)}
    result = play(scenario("2m"), at(30, ("catalog", both(london=1.0))), over=replace(over, services=services))
    assert any(violation.startswith("R14") for violation in result.violations)


@pytest.mark.parametrize("leaps", [True, False])
def test_watchers_speak_at_the_same_second_whether_leapt_or_stepped(leaps: bool) -> None:
    shed = Weights({"IE": {"dublin": 0.5}, "DE": {"dublin": 1.0}}, shed={"IE": 0.5})
    result = play(scenario("30m"), at(600, ("checkout", shed)), leaps=leaps)
    assert result.violations[-1].startswith("tiers at 61")
