"""R3 to R6 and R8: where work may go, how much of it, how fast."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from random import Random

from hypothesis import given, settings

from controlplane.decide.check import breaches
from controlplane.decide.placement import demand_of
from controlplane.decide.plan import plan
from controlplane.model.plan import ActionKind, Plan
from controlplane.model.resources.kind import KnobValue
from controlplane.model.verdict import EVERY_SERVICE, Health, Verdict
from controlplane.model.world import Wish
from tests.unit.decide.estates import LONG_AGO
from tests.unit.decide.properties.worlds import (
    EPSILON,
    STEP,
    Case,
    calm_case,
    carried_out,
    cases,
    limit,
    load,
    over_told,
    roomy_cases,
    rules_of,
    seeds,
    share,
    shed_by_tier,
    sheds_less,
    today,
)

FEW = settings(max_examples=20)


@FEW
@given(cases)
def test_r3_no_region_is_planned_above_its_limit(case: Case) -> None:
    made = case.plan
    for shares in (made.target, made.next):
        for where, units in load(case, shares, made.knobs, made.holders).items():
            assert units <= limit(case, where) * (1 + EPSILON) + EPSILON or where in over_told(made)


def with_knob(case: Case, name: str, value: KnobValue) -> Case:
    """The same world in which a person wants one knob at one value."""
    wish = Wish("knob", name, value, "ana", "test", case.world.at + timedelta(hours=1))
    return Case(case.estate, replace(case.world, wishes=(*case.world.wishes, wish)))


@FEW
@given(cases)
def test_r3_turning_every_knob_down_would_shed_no_less(case: Case) -> None:
    made, deepest = case.plan, case
    if not made.shed:
        return
    for one in case.estate.knobs.values():
        deepest = with_knob(deepest, one.name, one.levels[-1].value)
    assert not sheds_less(shed_by_tier(case, deepest.plan), shed_by_tier(case, made))


@FEW
@given(cases)
def test_r3_no_knob_is_turned_further_than_it_must_be(case: Case) -> None:
    """Each knob that is down, one level lighter: then more must be shed, or another knob turned that loses as much, or
    a region that is to be left, or relieved, cannot be. A step on the way may need a knob that its end does not."""
    made = case.plan
    if made.next != made.target:
        return
    for one in case.estate.knobs.values():
        value = made.knobs[one.name]
        if isinstance(value, Mapping) or one.depth(value) == 0:
            continue
        other = with_knob(case, one.name, one.value_at(one.depth(value) - 1)).plan
        more = sheds_less(shed_by_tier(case, made), shed_by_tier(case, other))
        stays = any(why.code in ("no-room-to-leave", "over-limit") for hold in other.holds for why in hold.reasons)
        assert more or stays or lost(case, other) >= lost(case, made) - EPSILON


def lost(case: Case, made: Plan) -> float:
    total = 0.0
    for one in case.estate.knobs.values():
        value = made.knobs[one.name]
        for told in value.values() if isinstance(value, Mapping) else (value,):
            total += one.levels[one.depth(told) - 1].value_lost if one.depth(told) else 0.0
    return total


@FEW
@given(cases)
def test_r4_no_share_is_ever_outside_its_wall(case: Case) -> None:
    made = case.plan
    everything = [made.target, made.next, *({a.subject: a.shares} for a in made.actions)]
    for shares in everything:
        for name, by_origin in shares.items():
            for origin, by_region in by_origin.items():
                assert set(by_region) <= set(case.estate.legal(name, origin))


@FEW
@given(cases)
def test_r4_who_has_no_legal_region_is_refused_and_the_plan_says_so(case: Case) -> None:
    made = case.plan
    for name in case.estate.spread:
        for origin in demand_of(case.estate, case.world)[name]:
            if not case.estate.legal(name, origin):
                assert made.refused[name][origin] == 1.0
                assert not made.feasible
    for hold in made.holds:
        if hold.subject in made.refused and any(why.code == "no-legal-region" for why in hold.reasons):
            assert "R4" in {rule.value for rule in hold.rules}


@FEW
@given(cases)
def test_shares_shed_and_refused_add_up_to_one_everywhere(case: Case) -> None:
    made = case.plan
    for shares, shed in ((made.target, made.shed), (made.next, made.next_shed)):
        for name in case.estate.spread:
            for origin in demand_of(case.estate, case.world)[name]:
                parts = shares.get(name, {}).get(origin, {})
                away = shed.get(name, {}).get(origin, 0.0) + made.refused.get(name, {}).get(origin, 0.0)
                assert abs(sum(parts.values()) + away - 1.0) < EPSILON


@FEW
@given(seeds)
def test_r5_a_healthy_estate_that_fits_is_left_as_it_is(seed: int) -> None:
    """Whatever legal placement within limits it is found in, nearest or not."""
    rng, case = calm_case(seed)
    shares = {
        name: {
            origin: {case.estate.legal(name, origin)[rng.randrange(len(case.estate.legal(name, origin)))]: 1.0}
            for origin in demand
            if case.estate.legal(name, origin)
        }
        for name, demand in demand_of(case.estate, case.world).items()
    }
    placed = Case(case.estate, replace(case.world, shares=shares))
    holders = plan(case.estate, case.world).holders
    if any(units > limit(placed, where) for where, units in load(placed, shares, {}, holders).items()):
        return
    strong = {d for name in case.estate.spread for d in case.estate.strong[name]}
    if strong and any(set(case.estate.deployed(d)) != set(case.estate.regions) for d in strong):
        return
    assert [a for a in placed.plan.actions if a.kind is ActionKind.SHIFT] == []


@FEW
@given(cases)
def test_r5_a_plan_carried_out_asks_for_nothing_more_of_what_is_settled(case: Case) -> None:
    """Where the target is reached in one step, the same world with it in force moves nothing."""
    made = case.plan
    if made.next != made.target or made.promote or case.world.surcharge:
        return
    after = carried_out(case.world, made)
    again = plan(case.estate, replace(after, at=case.world.at))
    assert [a for a in again.actions if a.kind is ActionKind.SHIFT] == []


def grey(seed: int, success: float) -> tuple[Random, Case, str]:
    rng, case = calm_case(seed, maxShift={"fraction": 1.0, "per": "5m"})
    where = rng.choice(tuple(case.estate.regions))
    verdict = {(where, EVERY_SERVICE): Verdict(where, EVERY_SERVICE, Health.DOWN, LONG_AGO, success)}
    return rng, Case(case.estate, replace(case.world, verdicts=verdict)), where


@FEW
@given(seeds)
def test_r6_a_grey_region_loses_one_step_at_a_time(seed: int) -> None:
    _, case, where = grey(seed, 0.5)
    before, made = today(case), case.plan
    for name in case.estate.spread:
        for origin in before[name]:
            lost = share(before, name, origin, where) - share(made.next, name, origin, where)
            shed = made.next_shed.get(name, {}).get(origin, 0.0)
            assert lost <= STEP + shed + EPSILON


@FEW
@given(seeds)
def test_r6_a_dead_region_is_left_at_once(seed: int) -> None:
    _, case, where = grey(seed, 0.0)
    made = case.plan
    if where not in made.drained:
        assert rules_of(made) & {"R1", "R8", "R14"}
        return
    for name in case.estate.spread:
        for origin in today(case)[name]:
            assert share(made.next, name, origin, where) <= EPSILON


@FEW
@given(seeds)
def test_r8_the_machine_drains_no_more_regions_than_it_may(seed: int) -> None:
    """Regions whose users do not all fail count one by one, those of one campus once."""
    rng, case = calm_case(seed, maxDrainedRegions=1, minServingRegions=1)
    sick = rng.sample(tuple(case.estate.regions), 2)
    verdicts = {(r, EVERY_SERVICE): Verdict(r, EVERY_SERVICE, Health.DOWN, LONG_AGO, 0.4) for r in sick}
    made = plan(case.estate, replace(case.world, verdicts=verdicts))
    campus = {r: case.estate.regions[r].spec.fault_domains.get("campus", r) for r in made.drained}
    assert len(set(campus.values())) <= 1
    if len(made.drained) < len(sick):
        assert rules_of(made) & {"R8", "R1", "R2", "R14"}


@FEW
@given(seeds)
def test_r8_the_least_of_serving_regions_stays_whatever_fails(seed: int) -> None:
    rng, case = calm_case(seed, maxDrainedRegions=9, minServingRegions=2)
    sick = rng.sample(tuple(case.estate.regions), len(case.estate.regions) - 1)
    verdicts = {(r, EVERY_SERVICE): Verdict(r, EVERY_SERVICE, Health.DOWN, LONG_AGO, 0.0) for r in sick}
    made = plan(case.estate, replace(case.world, verdicts=verdicts))
    assert len(case.estate.regions) - len(made.drained) >= 2


@FEW
@given(cases)
def test_r8_no_more_leaves_live_regions_than_may_in_its_window(case: Case) -> None:
    made = case.plan
    if over_told(made):
        return
    assert sum(a.leaves_live for a in made.actions) <= case.estate.safety.max_shift.fraction + EPSILON


@settings(max_examples=40, derandomize=True)
@given(roomy_cases)
def test_the_checker_finds_nothing_to_say_about_any_plan(case: Case) -> None:
    assert breaches(case.estate, case.world, case.plan) == ()
