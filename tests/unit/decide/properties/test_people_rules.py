"""R11 to R13 and R16: people's words, freezes, the way back, and acting without a lease."""

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.decide.guard import guard
from controlplane.decide.plan import plan
from controlplane.model.permit import Permit, Refusal, Standing
from controlplane.model.plan import ActionKind, Cause, Plan
from controlplane.model.rules import Rule
from controlplane.model.verdict import EVERY_SERVICE, Health, Verdict
from controlplane.model.world import Drain, World
from tests.unit.decide.estates import LONG_AGO, NOW
from tests.unit.decide.properties.worlds import (
    AMPLE,
    EPSILON,
    FAILBACK_STEP,
    Case,
    calm_case,
    cases,
    drain_order,
    random_case,
    seeds,
    share,
)

FEW = settings(max_examples=20)
LEADER = Standing(epoch=7, lease_expires_at=NOW + timedelta(seconds=10))
MOVES = (ActionKind.SHIFT, ActionKind.ACTIVATE, ActionKind.PROMOTE)


def freeze(*denies: str) -> dict[str, Any]:
    return {"name": "sale", "from": NOW - timedelta(hours=1), "to": NOW + timedelta(hours=1), "denies": denies}


@FEW
@given(cases, seeds)
def test_r11_a_word_that_has_expired_is_as_if_it_had_never_been_said(case: Case, seed: int) -> None:
    where = Random(seed).choice(tuple(case.estate.regions))
    old = drain_order(where, hours=-0.01)
    said = replace(case.world, overrides=(*case.world.overrides, old))
    if any(o.region == where for o in case.world.overrides):
        return
    assert plan(case.estate, said) == case.plan


@FEW
@given(seeds)
def test_r11_a_drain_that_a_person_orders_is_done_or_refused_by_a_rule_with_their_name_on_it(seed: int) -> None:
    rng, case = calm_case(seed)
    where = rng.choice(tuple(case.estate.regions))
    made = plan(case.estate, replace(case.world, overrides=(drain_order(where),)))
    told = [hold for hold in made.holds if hold.subject == where]
    assert where in made.drained or any(hold.rules for hold in told)
    for action in made.actions:
        if action.kind is ActionKind.SHIFT and action.from_ == where:
            assert any(why.rule is Rule.OVERRIDE and why.fact("by") == "ana" for why in action.reasons)


@FEW
@given(seeds)
def test_r11_safety_binds_one_person_but_not_two(seed: int) -> None:
    rng, case = calm_case(seed, minServingRegions=9)
    where = rng.choice(tuple(case.estate.regions))
    alone = plan(case.estate, replace(case.world, overrides=(drain_order(where),)))
    assert where not in alone.drained
    assert any(hold.subject == where and Rule.BLAST_RADIUS in hold.rules for hold in alone.holds)
    both = plan(case.estate, replace(case.world, overrides=(drain_order(where, approved_by="ben"),)))
    assert where in both.drained


@FEW
@given(seeds)
def test_r12_leaving_a_dead_region_is_never_denied(seed: int) -> None:
    rng, case = calm_case(seed)
    where = rng.choice(tuple(case.estate.regions))
    verdicts = {(where, EVERY_SERVICE): Verdict(where, EVERY_SERVICE, Health.DOWN, LONG_AGO, 0.0)}
    free = plan(case.estate, replace(case.world, verdicts=verdicts))
    _, frozen_case = calm_case(seed, freezes=[freeze("drain", "failback", "shift", "drill")])
    frozen = plan(frozen_case.estate, replace(frozen_case.world, verdicts=verdicts))
    assert (frozen.drained, frozen.next) == (free.drained, free.next)


def healed(case: Case, where: str, since: datetime) -> tuple[World, Plan]:
    """A region drained an hour ago and well since an instant; with the plan that drained it."""
    lost = {(where, EVERY_SERVICE): Verdict(where, EVERY_SERVICE, Health.DOWN, LONG_AGO, 0.0)}
    made = plan(case.estate, replace(case.world, verdicts=lost))
    world = replace(
        case.world,
        verdicts={(where, EVERY_SERVICE): Verdict(where, EVERY_SERVICE, Health.HEALTHY, since)},
        shares=made.target,
        knobs=made.knobs,
        holders=made.holders,
        primaries=made.promote,
        drains=(Drain(where, EVERY_SERVICE, LONG_AGO),) if where in made.drained else (),
    )
    return world, made


def gains(case: Case, world: World, made: Plan, where: str) -> dict[tuple[str, str], float]:
    """By how much each share of a region grows in the plan's next step."""
    return {
        (name, origin): share(made.next, name, origin, where) - share(world.shares, name, origin, where)
        for name in case.estate.spread
        for origin in made.next.get(name, {})
    }


@FEW
@given(seeds)
def test_r12_a_freeze_of_failback_keeps_a_recovered_region_empty(seed: int) -> None:
    rng, case = calm_case(seed, freezes=[freeze("failback")])
    where = rng.choice(tuple(case.estate.regions))
    world, _ = healed(case, where, LONG_AGO)
    if not world.drains:
        return
    made = plan(case.estate, world)
    assert max(gains(case, world, made, where).values()) <= EPSILON
    assert [a for a in made.actions if a.cause is Cause.FAILBACK] == []
    assert any(Rule.FREEZE in hold.rules for hold in made.holds)


@FEW
@given(seeds, st.floats(0, 599))
def test_r13_a_region_that_has_not_been_well_for_long_enough_gains_nothing(seed: int, well_s: float) -> None:
    rng, case = calm_case(seed)
    where = rng.choice(tuple(case.estate.regions))
    world, _ = healed(case, where, NOW - timedelta(seconds=well_s))
    if not world.drains:
        return
    made = plan(case.estate, world)
    assert max(gains(case, world, made, where).values()) <= EPSILON


@FEW
@given(seeds)
def test_r13_the_way_back_is_never_faster_than_its_ramp_and_comes_to_its_end(seed: int) -> None:
    rng, case = calm_case(seed, AMPLE, maxShift={"fraction": 1.0, "per": "5m"})
    where = rng.choice(tuple(case.estate.regions))
    world, _ = healed(case, where, LONG_AGO)
    if not world.drains or any(p.spec.primary == where for p in case.estate.datastores.values()):
        return
    shed = 0.0
    for _ in range(30):
        made = plan(case.estate, world)
        shed = sum(sum(by.values()) for by in made.next_shed.values())
        if world.shares != made.target and not shed:
            assert max(gains(case, world, made, where).values()) <= FAILBACK_STEP + EPSILON
        moved = {a.subject: world.at for a in made.actions if a.kind is ActionKind.SHIFT}
        world = replace(
            world,
            at=world.at + timedelta(minutes=1),
            shares=made.next,
            knobs=made.knobs,
            last_step={**world.last_step, **moved},
        )
        if not moved:
            break
    end = plan(case.estate, world)
    if not shed:
        for name in case.estate.spread:
            for origin in end.target.get(name, {}):
                carried = share(end.next, name, origin, where)
                assert carried >= share(end.target, name, origin, where) - EPSILON


@FEW
@given(cases, st.sampled_from(["no lease", "lease ran out", "store lost"]))
def test_r16_without_lease_or_store_nothing_at_all_is_permitted(case: Case, missing: str) -> None:
    standing = {
        "no lease": replace(LEADER, lease_expires_at=None),
        "lease ran out": replace(LEADER, lease_expires_at=NOW),
        "store lost": replace(LEADER, store_ok=False),
    }[missing]
    for answer in guard(case.plan, case.estate, case.world, standing):
        assert isinstance(answer, Refusal)
        assert Rule.STATIC in {why.rule for why in answer.reasons}


@FEW
@given(cases)
def test_a_permit_carries_the_epoch_and_ends_with_the_lease(case: Case) -> None:
    answers = guard(case.plan, case.estate, case.world, LEADER)
    assert [answer.action for answer in answers] == list(case.plan.actions)
    for answer in answers:
        if isinstance(answer, Permit):
            assert (answer.epoch, answer.expires_at) == (7, LEADER.lease_expires_at)


@FEW
@given(cases)
def test_the_guard_permits_no_move_of_data_before_its_fence(case: Case) -> None:
    for answer in guard(case.plan, case.estate, case.world, LEADER):
        action = answer.action
        if isinstance(answer, Permit) and action.kind in (ActionKind.ACTIVATE, ActionKind.PROMOTE):
            assert action.from_ is None or (action.subject, action.from_) in case.world.fenced


@FEW
@given(seeds)
def test_the_same_world_gives_the_same_plan(seed: int) -> None:
    assert random_case(seed).plan == random_case(seed).plan


@FEW
@given(cases)
def test_every_act_and_every_hold_cites_the_rules_that_made_it(case: Case) -> None:
    made = case.plan
    assert all(action.rules for action in made.actions)
    assert all(hold.rules for hold in made.holds)
