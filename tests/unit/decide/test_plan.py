"""What the plan does about regions, rule by rule, on worlds small enough to check by hand."""

from dataclasses import replace
from datetime import timedelta

from controlplane.decide.check import breaches
from controlplane.decide.plan import plan
from controlplane.model.plan import ActionKind, Plan
from controlplane.model.verdict import Health, Verdict
from controlplane.model.world import Override, OverrideState, Transition
from tests.unit.decide.estates import (
    LONG_AGO,
    NOW,
    drained,
    estate,
    knob,
    policy,
    region,
    service,
    verdict,
    world,
)

SHOP = estate(service("checkout", tier=0, demand={"IE": 100.0, "DE": 100.0}))


def held(decided: Plan, subject: str) -> set[str]:
    """Rules by which a subject is held."""
    return {rule.value for hold in decided.holds if hold.subject == subject for rule in hold.rules}


def shares(decided: Plan, name: str, origin: str) -> dict[str, float]:
    """Target shares to three places."""
    return {where: round(share, 3) for where, share in decided.target[name][origin].items()}


def test_a_healthy_estate_is_left_alone() -> None:
    decided = plan(SHOP, world())
    assert decided.actions == ()
    assert decided.holds == ()
    assert decided.feasible
    assert shares(decided, "checkout", "IE") == {"dublin": 1.0}


def test_a_dead_region_is_left_at_once() -> None:
    decided = plan(SHOP, world(verdicts=verdict("dublin")))
    assert decided.next == decided.target
    assert "dublin" not in shares(decided, "checkout", "IE")
    assert [a.kind for a in decided.actions] == [ActionKind.SHIFT]


def test_a_fault_that_has_not_lasted_moves_nothing_and_says_when_it_will() -> None:
    since = NOW - timedelta(seconds=2)
    decided = plan(SHOP, world(verdicts=verdict("dublin", since=since)))
    assert decided.actions == ()
    assert held(decided, "checkout") == {"R7"}
    assert decided.wake_at == since + timedelta(seconds=5)


def test_unknown_moves_nothing_and_says_so() -> None:
    decided = plan(SHOP, world(verdicts=verdict("dublin", state=Health.UNKNOWN)))
    assert decided.actions == ()
    assert held(decided, "checkout") == {"R1"}


def test_a_region_whose_users_succeed_is_not_left_though_its_services_look_down() -> None:
    seen = verdict("dublin", "checkout") | verdict("dublin", state=Health.HEALTHY, success=0.99)
    other = estate(service("checkout", tier=0, demand={"IE": 100.0}), service("search", tier=0, demand={"IE": 100.0}))
    decided = plan(other, world(verdicts=seen))
    assert shares(decided, "search", "IE") == {"dublin": 1.0}


def test_the_same_fault_everywhere_is_held_and_never_failed_over() -> None:
    everywhere = verdict("dublin") | verdict("frankfurt") | verdict("stockholm")
    decided = plan(SHOP, world(verdicts=everywhere))
    assert decided.actions == ()
    assert "R2" in held(decided, "checkout")
    assert "R2" in held(decided, "estate")


def test_a_fault_that_reaches_the_regions_a_moment_apart_is_everywhere_all_the_same() -> None:
    late = verdict("frankfurt", since=NOW - timedelta(seconds=1)) | verdict("stockholm", since=NOW)
    decided = plan(SHOP, world(verdicts=verdict("dublin", since=NOW - timedelta(seconds=6)) | late))
    assert decided.actions == ()
    assert "R2" in held(decided, "estate")


def test_a_fault_that_leaves_the_regions_a_moment_apart_is_not_failed_over_on_the_way_out() -> None:
    well: dict[tuple[str, str], Verdict] = {}
    for where in ("frankfurt", "stockholm"):
        well |= verdict(where, state=Health.HEALTHY, since=NOW - timedelta(seconds=1))
    decided = plan(SHOP, world(verdicts=verdict("dublin") | well))
    assert decided.actions == ()
    assert "R2" in held(decided, "estate")


def test_an_entry_that_fails_by_itself_moves_nothing_and_freezes_changes() -> None:
    ill = {("*", "IE"): Verdict("*", "IE", Health.DOWN, LONG_AGO, 0.5)}
    assert held(plan(SHOP, world(verdicts=ill)), "IE") == {"R2"}
    well = verdict("dublin", state=Health.HEALTHY)
    assert plan(AUTO, world(shares=AWAY, verdicts=well | ill)).actions == ()


def test_what_a_strong_dependency_explains_everywhere_is_laid_at_its_door() -> None:
    both = estate(
        service("checkout", tier=0, demand={"IE": 100.0}, dependsOn=[{"service": "payment", "strength": "strong"}]),
        service("payment", tier=0, demand={"IE": 10.0}),
    )
    everywhere: dict[tuple[str, str], Verdict] = {}
    for where in both.regions:
        everywhere |= verdict(where, "payment") | verdict(where, "checkout")
    decided = plan(both, world(verdicts=everywhere))
    assert held(decided, "checkout") == {"R14"}
    assert held(decided, "payment") == {"R2"}


def test_a_service_leaves_where_its_strong_dependency_is_down() -> None:
    both = estate(
        service("checkout", tier=0, demand={"IE": 100.0}, dependsOn=[{"service": "payment", "strength": "strong"}]),
        service("payment", tier=3, demand={"IE": 10.0}),
        service("search", tier=0, demand={"IE": 10.0}),
    )
    decided = plan(both, world(verdicts=verdict("dublin", "payment")))
    assert "dublin" not in shares(decided, "checkout", "IE")
    assert shares(decided, "search", "IE") == {"dublin": 1.0}
    shift = next(a for a in decided.actions if a.subject == "checkout")
    assert "shift-payment" in shift.after
    assert {rule.value for rule in shift.rules} == {"R14"}


def test_a_service_is_never_placed_where_its_strong_dependency_is_not_deployed() -> None:
    both = estate(
        service("checkout", tier=0, demand={"IE": 100.0}, dependsOn=[{"service": "payment", "strength": "strong"}]),
        service("payment", regions=["stockholm"], demand={"IE": 10.0}),
    )
    assert shares(plan(both, world()), "checkout", "IE") == {"stockholm": 1.0}


FULL = estate(
    service("checkout", tier=0, demand={"IE": 700.0, "DE": 700.0}),
    service("reco", tier=3, demand={"IE": 400.0, "DE": 400.0}),
    knobs=(knob("recommendations", ("cached", {"reco": 0.5}, 20.0), ("off", {"reco": 1.0}, 60.0)),),
)


def test_short_of_room_the_knobs_go_first_and_only_as_deep_as_needed() -> None:
    decided = plan(FULL, world(verdicts=verdict("dublin")))
    assert decided.knobs == {"recommendations": "cached"}
    assert decided.feasible
    assert max(decided.utilisation.values()) <= 0.9 + 1e-6
    assert breaches(FULL, world(verdicts=verdict("dublin")), decided) == ()


def test_shifts_wait_for_the_knobs_that_make_room_for_them() -> None:
    decided = plan(FULL, world(verdicts=verdict("dublin")))
    assert all("degrade-recommendations" in a.after for a in decided.actions if a.kind is ActionKind.SHIFT)


def test_a_knob_whose_driver_is_broken_is_not_counted_on() -> None:
    decided = plan(FULL, world(verdicts=verdict("dublin"), stuck=frozenset({"recommendations"})))
    assert decided.knobs == {"recommendations": "full"}
    assert set(decided.shed) == {"reco"}


def test_tier_0_is_shed_last() -> None:
    crowded = estate(
        service("checkout", tier=0, demand={"IE": 1500.0}), service("feed", tier=3, value=100.0, demand={"IE": 2000.0})
    )
    decided = plan(crowded, world(verdicts=verdict("dublin")))
    assert set(decided.shed) == {"feed"}
    assert round(decided.shed["feed"]["IE"] * 2000) == 1700


ATLANTIC = estate(
    service("accounts", tier=0, demand={"GB": 50.0, "IE": 50.0}, residency={"GB": ["UK"], "IE": ["EU"]}),
    regions=(region("dublin"), region("frankfurt"), region("london", jurisdiction="UK")),
)


def test_residency_is_a_wall_and_who_has_no_legal_region_left_is_refused() -> None:
    decided = plan(ATLANTIC, world(verdicts=verdict("london")))
    assert decided.target["accounts"]["GB"] == {}
    assert decided.refused == {"accounts": {"GB": 1.0}}
    assert "R4" in held(decided, "accounts")
    assert not decided.feasible


def test_a_planned_drain_goes_in_steps() -> None:
    decided = plan(SHOP, world(overrides=(drained("dublin"),)))
    assert shares(decided, "checkout", "IE").get("dublin") is None
    assert decided.next["checkout"]["IE"]["dublin"] == 0.75
    assert {rule.value for rule in decided.actions[0].rules} >= {"R6", "R11"}


def test_a_further_step_waits_until_the_last_has_had_its_time() -> None:
    last = NOW - timedelta(seconds=10)
    decided = plan(SHOP, world(overrides=(drained("dublin"),), last_step={"checkout": last}))
    assert decided.actions == ()
    assert decided.wake_at == last + timedelta(seconds=30)


def test_a_grey_region_is_left_in_steps() -> None:
    decided = plan(SHOP, world(verdicts=verdict("dublin", success=0.6)))
    assert decided.next["checkout"]["IE"]["dublin"] == 0.75
    assert decided.target["checkout"]["IE"].get("dublin") is None


def test_an_expired_override_is_no_override() -> None:
    expired = replace(drained("dublin"), until=NOW)
    assert plan(SHOP, world(overrides=(expired,))).actions == ()


def test_the_machine_drains_no_second_region_unless_its_users_fail() -> None:
    two = verdict("dublin") | verdict("frankfurt", since=LONG_AGO + timedelta(minutes=5))
    decided = plan(SHOP, world(verdicts=two))
    assert decided.drained == ("dublin",)
    assert "R8" in held(decided, "frankfurt")
    failing = two | verdict("frankfurt", success=0.02, since=LONG_AGO + timedelta(minutes=5))
    assert plan(SHOP, world(verdicts=failing)).drained == ("dublin", "frankfurt")


def test_regions_of_one_campus_count_once() -> None:
    campus = {"faultDomains": {"campus": "one"}}
    twins = estate(
        service("checkout", tier=0, demand={"IE": 100.0}),
        regions=(region("dublin", **campus), region("frankfurt", **campus), region("stockholm")),
    )
    assert plan(twins, world(verdicts=verdict("dublin") | verdict("frankfurt"))).drained == ("dublin", "frankfurt")


def test_the_fewest_serving_regions_bind_people_too_unless_a_second_one_agrees() -> None:
    careful = estate(service("checkout", tier=0, demand={"IE": 100.0}), safety={"minServingRegions": 3})
    alone = plan(careful, world(overrides=(drained("dublin"),)))
    assert alone.actions == ()
    assert "R8" in held(alone, "dublin")
    agreed = plan(careful, world(overrides=(drained("dublin", approved_by="ben"),)))
    assert agreed.drained == ("dublin",)


def test_a_dead_region_is_left_before_a_person_drains_another() -> None:
    careful = estate(*SHOP.services.values(), safety={"minServingRegions": 2})
    decided = plan(careful, world(verdicts=verdict("dublin"), overrides=(drained("frankfurt"),)))
    assert decided.drained == ("dublin",)
    assert "R8" in held(decided, "frankfurt")


def test_the_shift_budget_bounds_what_leaves_live_regions() -> None:
    slow = estate(
        service("checkout", tier=0, demand={"IE": 100.0, "DE": 100.0}),
        safety={"maxShift": {"fraction": 0.1, "per": "5m"}},
    )
    decided = plan(slow, world(overrides=(drained("dublin"),)))
    assert sum(a.leaves_live for a in decided.actions) <= 0.1 + 1e-6
    assert "R8" in held(decided, "estate")


AUTO = estate(
    service("checkout", tier=0, demand={"IE": 100.0, "DE": 100.0}),
    policies=(policy(failback={"mode": "auto", "stableFor": "10m", "ramp": {"step": 0.1, "every": "1m"}}),),
)
AWAY = {"checkout": {"IE": {"frankfurt": 1.0}, "DE": {"frankfurt": 1.0}}}


def test_a_recovered_region_gets_its_part_back_by_the_failback_ramp() -> None:
    decided = plan(AUTO, world(shares=AWAY, verdicts=verdict("dublin", state=Health.HEALTHY)))
    assert shares(decided, "checkout", "IE") == {"dublin": 1.0}
    assert decided.next["checkout"]["IE"] == {"dublin": 0.1, "frankfurt": 0.9}
    assert {rule.value for rule in decided.actions[0].rules} == {"R13"}


def test_failback_waits_until_the_region_has_been_well_for_long_enough() -> None:
    since = NOW - timedelta(minutes=4)
    decided = plan(AUTO, world(shares=AWAY, verdicts=verdict("dublin", state=Health.HEALTHY, since=since)))
    assert decided.actions == ()
    assert "R13" in held(decided, "dublin")
    assert decided.wake_at == since + timedelta(minutes=10)


def test_manual_failback_waits_for_a_person() -> None:
    well = verdict("dublin", state=Health.HEALTHY)
    assert plan(SHOP, world(shares=AWAY, verdicts=well)).actions == ()
    freed = Override("dublin", OverrideState.SERVING, "ana", "fixed", NOW + timedelta(hours=1))
    assert plan(SHOP, world(shares=AWAY, verdicts=well, overrides=(freed,))).actions != ()


def test_what_is_placed_otherwise_than_it_would_be_today_is_not_moved_for_that() -> None:
    elsewhere = {"checkout": {"IE": {"dublin": 0.5, "stockholm": 0.5}, "DE": {"stockholm": 1.0}}}
    decided = plan(AUTO, world(shares=elsewhere))
    assert decided.target["checkout"] == elsewhere["checkout"]


def test_a_freeze_denies_failback_but_never_the_way_out_of_a_dead_region() -> None:
    freeze = {"name": "sale", "from": NOW - timedelta(hours=1), "to": NOW + timedelta(hours=1), "denies": ["failback"]}
    frozen = estate(*AUTO.services.values(), policies=AUTO.failover, safety={"freezes": [freeze]})
    back = plan(frozen, world(shares=AWAY, verdicts=verdict("dublin", state=Health.HEALTHY)))
    assert back.actions == ()
    assert "R12" in held(back, "dublin")
    everything = freeze | {"denies": ["*"]}
    shut = estate(*AUTO.services.values(), policies=AUTO.failover, safety={"freezes": [everything]})
    assert plan(shut, world(verdicts=verdict("dublin"))).actions != ()


def test_past_its_transitions_a_region_stays_drained() -> None:
    moves = tuple(Transition("dublin", NOW - timedelta(minutes=m), "drained") for m in (1, 5, 9))
    decided = plan(AUTO, world(shares=AWAY, verdicts=verdict("dublin", state=Health.HEALTHY), transitions=moves))
    assert decided.actions == ()
    assert "R7" in held(decided, "dublin")


def test_a_management_plane_that_fails_alone_moves_nothing() -> None:
    decided = plan(SHOP, world(management={"dublin": LONG_AGO}))
    assert decided.actions == ()
    assert held(decided, "dublin") == {"R15"}


def test_an_alarm_drains_while_the_region_still_runs_and_blocks_the_way_back() -> None:
    decided = plan(AUTO, world(alarms={"dublin": LONG_AGO}))
    assert decided.next["checkout"]["IE"]["dublin"] == 0.75
    back = plan(AUTO, world(shares=AWAY, alarms={"dublin": LONG_AGO}))
    assert back.actions == ()
    assert back.target["checkout"]["IE"] == {"frankfurt": 1.0}


def test_without_a_policy_the_machine_only_proposes() -> None:
    bare = estate(service("checkout", tier=0, demand={"IE": 100.0}), policies=(policy(autonomy="propose"),))
    decided = plan(bare, world(verdicts=verdict("dublin")))
    assert [a.approval for a in decided.actions] == [True]


def test_a_standby_region_carries_nothing_until_it_spares_a_knob() -> None:
    spare = estate(
        *FULL.services.values(),
        knobs=tuple(FULL.knobs.values()),
        regions=(region("dublin"), region("frankfurt"), region("paris", role="standby"), region("stockholm")),
    )
    assert plan(spare, world()).utilisation["paris"] == 0
    decided = plan(spare, world(verdicts=verdict("dublin")))
    assert decided.knobs == {"recommendations": "full"}
    assert decided.utilisation["paris"] > 0


def test_room_that_can_be_added_is_asked_for_and_not_counted_on() -> None:
    growing = estate(
        *FULL.services.values(),
        knobs=tuple(FULL.knobs.values()),
        regions=(
            region("dublin"),
            region("frankfurt", scale={"max": 2000.0, "ready": "3m", "driver": "kubernetes"}),
            region("stockholm"),
        ),
    )
    decided = plan(growing, world(verdicts=verdict("dublin")))
    assert [a.subject for a in decided.actions if a.kind is ActionKind.SCALE] == ["frankfurt"]
    assert decided.knobs == {"recommendations": "cached"}
    later = plan(growing, world(verdicts=verdict("dublin"), capacity={"frankfurt": 2000.0}))
    assert later.knobs == {"recommendations": "full"}


def test_the_costs_of_acting_waiting_and_the_next_best_plan_are_told() -> None:
    costs = plan(FULL, world(verdicts=verdict("dublin"))).costs
    assert costs is not None
    assert costs.acting == 20.0
    assert costs.next_best is not None
    assert costs.acting < costs.next_best
    assert costs.waiting > costs.next_best
