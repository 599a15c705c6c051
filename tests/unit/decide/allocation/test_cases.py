"""One small problem a rule, with its answer worked out by hand."""

import dataclasses
from typing import Any

import pytest

from controlplane.decide.allocation.allocate import allocate
from controlplane.decide.allocation.problem import (
    ESTATE,
    Allocation,
    AllocationProblem,
    FixedLoad,
    KnobChoice,
    KnobLevel,
)

REGIONS = ("east", "north", "west")
ALL = frozenset((s, r) for s in ("buy", "look") for r in REGIONS)


def estate(**changes: Any) -> AllocationProblem:
    """Two services of 100 requests a second from one origin; each region carries 100 units."""
    services = ("buy", "look")
    problem = AllocationProblem(
        services=services,
        origins=("here",),
        regions=REGIONS,
        tier={"buy": 0, "look": 3},
        value={"buy": 5.0, "look": 1.0},
        cost={"buy": 1.0, "look": 1.0},
        demand={s: {"here": 100.0} for s in services},
        limit=dict.fromkeys(REGIONS, 100.0),
        allowed={(s, "here"): REGIONS for s in services},
        legal=frozenset((s, "here") for s in services),
        healthy=ALL,
        live=ALL,
        latency={"here": {"east": 0.01, "north": 0.02, "west": 0.03}},
    )
    return dataclasses.replace(problem, **changes)


def only(*regions: str) -> dict[tuple[str, str], tuple[str, ...]]:
    return {(s, "here"): regions for s in ("buy", "look")}


def placed(found: Allocation, service: str) -> dict[str, float]:
    return {region: round(share, 6) for region, share in found.shares[service]["here"].items()}


CACHED = KnobChoice("cached", (ESTATE,), (KnobLevel({"look": 0.5}, 20.0), KnobLevel({"look": 1.0}, 60.0)))


def test_a_quiet_day_needs_no_solver_and_everybody_is_served_nearest() -> None:
    found = allocate(estate(limit=dict.fromkeys(REGIONS, 300.0), knobs=(CACHED,)))
    assert found.shortcut
    assert found.shares == {"buy": {"here": {"east": 1.0}}, "look": {"here": {"east": 1.0}}}
    assert found.depths == {"cached": {ESTATE: 0}}


def test_what_is_placed_right_is_not_moved_for_latency() -> None:
    today = {s: {"here": {"west": 0.5, "north": 0.5}} for s in ("buy", "look")}
    found = allocate(estate(today=today))
    assert found.shares == today
    assert found.aims.moved == 0.0


def test_only_the_lost_share_moves_when_a_region_is_lost() -> None:
    today = {s: {"here": {"east": 0.5, "north": 0.5}} for s in ("buy", "look")}
    found = allocate(
        estate(today=today, allowed=only("north", "west"), healthy=ALL - {("buy", "east"), ("look", "east")})
    )
    assert placed(found, "buy") == {"north": 0.5, "west": 0.5}
    assert placed(found, "look") == {"north": 0.5, "west": 0.5}
    assert found.aims.moved == pytest.approx(0.0, abs=1e-6)


def test_the_lower_tier_is_shed_first_and_no_more_than_needed() -> None:
    found = allocate(estate(allowed=only("east"), limit={"east": 150.0, "north": 0.0, "west": 0.0}))
    assert found.shed == {"look": {"here": pytest.approx(0.5)}}


def test_within_a_tier_the_requests_of_least_cost_are_kept_and_then_those_of_most_value() -> None:
    equal = {"buy": 2, "look": 2}
    costly = allocate(estate(tier=equal, cost={"buy": 2.0, "look": 1.0}, allowed=only("east")))
    assert costly.shed == {"buy": {"here": pytest.approx(1.0)}}
    valued = allocate(estate(tier=equal, allowed=only("east")))
    assert valued.shed == {"look": {"here": pytest.approx(1.0)}}


def test_knobs_go_before_requests_and_no_deeper_than_needed() -> None:
    light = allocate(estate(allowed=only("east"), limit={"east": 150.0, "north": 0.0, "west": 0.0}, knobs=(CACHED,)))
    assert (light.depths, light.shed, light.aims.value_lost) == ({"cached": {ESTATE: 1}}, {}, 20.0)
    deep = allocate(estate(allowed=only("east"), limit={"east": 149.0, "north": 0.0, "west": 0.0}, knobs=(CACHED,)))
    assert (deep.depths, deep.shed, deep.aims.value_lost) == ({"cached": {ESTATE: 2}}, {}, 60.0)


def test_knobs_as_they_are_leave_only_shedding() -> None:
    problem = estate(allowed=only("east"), knobs=(CACHED,))
    found = allocate(problem, knobs="as_today")
    assert found.depths == {"cached": {ESTATE: 0}}
    assert found.shed == {"look": {"here": pytest.approx(1.0)}}


def test_a_knob_of_a_region_is_turned_only_where_room_is_short() -> None:
    regional = dataclasses.replace(CACHED, places=REGIONS)
    found = allocate(
        estate(
            allowed={("buy", "here"): ("east",), ("look", "here"): ("east", "west")},
            limit={"east": 100.0, "north": 0.0, "west": 50.0},
            knobs=(regional,),
        )
    )
    assert found.depths == {"cached": {"east": 0, "north": 0, "west": 1}}
    assert found.aims.value_lost == 20.0


def test_savings_of_several_knobs_add_up_to_the_whole_cost_at_most() -> None:
    knobs = tuple(KnobChoice(name, (ESTATE,), (KnobLevel({"look": 0.7}, 10.0),)) for name in ("one", "two"))
    found = allocate(estate(allowed=only("east"), knobs=knobs))
    assert found.depths == {"one": {ESTATE: 1}, "two": {ESTATE: 1}}
    assert found.load["east"] == pytest.approx(100.0)


def test_of_settings_that_cost_the_same_the_one_in_force_stays() -> None:
    knobs = tuple(
        KnobChoice(name, (ESTATE,), (KnobLevel({"look": 0.5}, 10.0),), today={ESTATE: int(name == "two")})
        for name in ("one", "two")
    )
    found = allocate(estate(allowed=only("east"), limit={"east": 150.0, "north": 0.0, "west": 0.0}, knobs=knobs))
    assert found.depths == {"one": {ESTATE: 0}, "two": {ESTATE: 1}}


def test_a_persons_depth_is_kept_whether_it_is_needed_or_not() -> None:
    wished = dataclasses.replace(CACHED, at_least={ESTATE: 1}, at_most={ESTATE: 1})
    assert allocate(estate(knobs=(wished,))).depths == {"cached": {ESTATE: 1}}
    short = allocate(estate(allowed=only("east"), knobs=(wished,)))
    assert short.depths == {"cached": {ESTATE: 1}}
    assert short.shed == {"look": {"here": pytest.approx(0.5 / 0.5)}}


def test_load_of_exclusive_holders_takes_room_and_knobs_lighten_it() -> None:
    fixed = (FixedLoad("look", "east", 60.0),)
    found = allocate(estate(allowed=only("east"), limit={"east": 190.0, "north": 0.0, "west": 0.0}, fixed=fixed))
    assert found.shed == {"look": {"here": pytest.approx(0.7)}}
    problem = estate(
        allowed=only("east"), limit={"east": 190.0, "north": 0.0, "west": 0.0}, fixed=fixed, knobs=(CACHED,)
    )
    assert allocate(problem).depths == {"cached": {ESTATE: 1}}


def test_load_that_a_cold_region_gains_costs_more_than_load_that_stays() -> None:
    found = allocate(
        estate(
            allowed=only("east"),
            today={"buy": {"here": {"east": 0.5}}, "look": {"here": {}}},
            surcharge={"east": 2.0},
            limit={"east": 150.0, "north": 0.0, "west": 0.0},
        )
    )
    assert found.shares["buy"]["here"] == {"east": 1.0}
    assert found.load["east"] == pytest.approx(150.0)
    assert found.shed == {"look": {"here": 1.0}}


def test_standby_and_degraded_places_are_the_last_resort_in_that_order() -> None:
    standby = frozenset((s, "east") for s in ("buy", "look"))
    degraded = frozenset((s, "north") for s in ("buy", "look"))
    room = allocate(estate(standby=standby, degraded=degraded, limit=dict.fromkeys(REGIONS, 200.0)))
    assert room.shares == {s: {"here": {"west": 1.0}} for s in ("buy", "look")}
    tight = allocate(estate(standby=standby, degraded=degraded))
    assert tight.aims.standby == pytest.approx(0.0, abs=1e-6)
    assert tight.aims.degraded == pytest.approx(100.0)


def test_pinned_load_stays_even_above_the_limit_and_nothing_is_added_to_it() -> None:
    pins = {("buy", "here", "east"): 1.0}
    found = allocate(estate(floor=pins, ceiling=pins, limit={"east": 80.0, "north": 100.0, "west": 0.0}))
    assert found.over == {"east": pytest.approx(20.0)}
    assert found.shares["buy"]["here"] == {"east": 1.0}
    assert found.shares["look"]["here"] == {"north": 1.0}


def test_a_pair_without_a_region_is_refused_or_shed_if_there_is_a_legal_one() -> None:
    allowed: dict[tuple[str, str], tuple[str, ...]] = {("buy", "here"): (), ("look", "here"): ()}
    found = allocate(estate(allowed=allowed, legal=frozenset({("look", "here")})))
    assert found.refused == {"buy": {"here": 1.0}}
    assert found.shed == {"look": {"here": 1.0}}


def test_a_pair_without_demand_is_placed_as_well() -> None:
    found = allocate(estate(demand={"buy": {"here": 0.0}, "look": {"here": 100.0}}, limit=dict.fromkeys(REGIONS, 60.0)))
    assert found.shares["buy"]["here"] == {"east": 1.0}
    assert found.aims.shed == (0.0, 0.0, 0.0, 0.0)


def test_a_step_moves_no_more_of_a_pair_than_it_may() -> None:
    today = {s: {"here": {"east": 1.0}} for s in ("buy", "look")}
    grey = frozenset((s, "east") for s in ("buy", "look"))
    found = allocate(
        estate(
            today=today,
            degraded=grey,
            healthy=ALL - grey,
            limit=dict.fromkeys(REGIONS, 300.0),
            max_move={(s, "here"): 0.25 for s in ("buy", "look")},
        )
    )
    assert placed(found, "buy") == {"east": 0.75, "north": 0.25}
    assert found.left == pytest.approx(50.0)


def test_a_step_sheds_rather_than_leaving_a_region_above_its_limit() -> None:
    today = {"buy": {"here": {"east": 1.0}}, "look": {"here": {"east": 1.0}}}
    found = allocate(
        estate(
            today=today,
            limit={"east": 100.0, "north": 300.0, "west": 0.0},
            max_move={(s, "here"): 0.25 for s in ("buy", "look")},
        )
    )
    assert found.load["east"] <= 100.0 + 1e-6
    assert found.shed == {"look": {"here": pytest.approx(0.5)}}
    assert found.left == pytest.approx(50.0)


def test_what_leaves_live_places_in_all_is_bounded_and_the_rest_is_shed() -> None:
    today = {"buy": {"here": {"east": 1.0}}, "look": {"here": {"east": 1.0}}}
    found = allocate(estate(today=today, limit={"east": 100.0, "north": 300.0, "west": 0.0}, max_leave=30.0))
    assert found.left == pytest.approx(30.0)
    assert found.shed == {"look": {"here": pytest.approx(0.7)}}


def test_a_region_gains_no_more_than_it_may_in_a_step_and_the_rest_waits_unserved() -> None:
    today = {"buy": {"here": {"east": 1.0}}, "look": {"here": {"west": 1.0}}}
    dead = frozenset((s, "east") for s in ("buy", "look"))
    lost = {
        "today": today,
        "allowed": only("north", "west"),
        "healthy": ALL - dead,
        "limit": {"east": 100.0, "north": 100.0, "west": 100.0},
    }
    free = allocate(estate(**lost))
    assert placed(free, "buy") == {"north": 1.0}
    bounded = allocate(estate(**lost, max_gain={"north": 30.0, "west": 0.0}))
    assert placed(bounded, "buy") == {"north": 0.3}
    assert bounded.shed == {"buy": {"here": pytest.approx(0.7)}}
    assert placed(bounded, "look") == {"west": 1.0}


def test_what_leaves_a_dead_place_is_not_bounded() -> None:
    today = {s: {"here": {"east": 1.0}} for s in ("buy", "look")}
    dead = frozenset((s, "east") for s in ("buy", "look"))
    found = allocate(
        estate(today=today, allowed=only("north", "west"), healthy=ALL - dead, live=ALL - dead, max_leave=0.0)
    )
    assert (found.left, found.shed) == (0.0, {})


def test_what_was_shed_before_may_be_served_again_in_a_step_that_may_move_nothing() -> None:
    today = {"buy": {"here": {"east": 1.0}}, "look": {"here": {"east": 0.0, "north": 0.5}}}
    found = allocate(estate(today=today, max_move={(s, "here"): 0.0 for s in ("buy", "look")}, max_leave=0.0))
    assert placed(found, "look") == {"north": 1.0}
    assert found.left == 0.0


def test_a_pair_that_is_shed_in_part_sheds_more_where_it_may_not_move() -> None:
    today = {"buy": {"here": {"east": 1.0}}, "look": {"here": {"east": 0.8}}}
    found = allocate(
        estate(
            today=today,
            limit={"east": 130.0, "north": 300.0, "west": 0.0},
            max_move={(s, "here"): 0.1 for s in ("buy", "look")},
        )
    )
    assert found.load["east"] == pytest.approx(130.0)
    assert placed(found, "buy") == {"east": 0.9, "north": 0.1}
    assert placed(found, "look") == {"east": 0.4, "north": 0.1}
    assert found.left == pytest.approx(20.0, abs=1e-3)


def test_knobs_of_no_cost_are_turned_only_if_they_are_needed() -> None:
    free = KnobChoice("free", (ESTATE,), (KnobLevel({"look": 0.5}, 0.0),))
    assert allocate(estate(knobs=(free,))).depths == {"free": {ESTATE: 0}}
    short = estate(allowed=only("east"), limit={"east": 150.0, "north": 0.0, "west": 0.0}, knobs=(free,))
    assert allocate(short).depths == {"free": {ESTATE: 1}}


def test_a_deeper_level_may_save_less_on_one_service_and_the_right_one_is_found() -> None:
    odd = KnobChoice("odd", (ESTATE,), (KnobLevel({"look": 0.5}, 20.0), KnobLevel({"buy": 0.5}, 30.0)))
    problem = estate(
        allowed={("buy", "here"): ("east",), ("look", "here"): ("north",)},
        limit={"east": 50.0, "north": 100.0, "west": 0.0},
        knobs=(odd,),
    )
    assert allocate(problem).depths == {"odd": {ESTATE: 2}}
    other = dataclasses.replace(problem, limit={"east": 100.0, "north": 50.0, "west": 0.0})
    assert allocate(other).depths == {"odd": {ESTATE: 1}}


def test_floors_that_add_up_to_more_than_one_are_an_error() -> None:
    with pytest.raises(ValueError, match="floors"):
        allocate(estate(floor={("buy", "here", "east"): 0.7, ("buy", "here", "west"): 0.7}))
