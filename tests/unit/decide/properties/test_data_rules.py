"""R9 and R10: single holders, and the order of acts."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

from hypothesis import given, settings

from controlplane.decide.plan import plan
from controlplane.model.plan import Action, ActionKind, Plan
from controlplane.model.resources.degradation_policy import Knob, KnobScope
from controlplane.model.verdict import EVERY_SERVICE, Health, Verdict
from controlplane.model.world import Lag, World
from tests.unit.decide.estates import LONG_AGO, NOW, estate, region, service
from tests.unit.decide.properties.worlds import EPSILON, Case, cases, limit, load, over_told, roomy_cases, seeds, today

FEW = settings(max_examples=20)
RPO = timedelta(seconds=1)
LEDGER = estate(
    service("orders", tier=0, demand={"IE": 100.0}, datastore="orders-db"),
    service("settlement", placement="exclusive", datastore="orders-db"),
    service("search", demand={"IE": 100.0}),
    regions=(region("dublin"), region("frankfurt"), region("stockholm")),
    datastores={"orders-db": ("dublin", ("frankfurt", "stockholm"), "1s")},
)


def lag(rng: Random) -> dict[str, Lag]:
    """What is known of each replica: a lag small or great, fresh or stale, or nothing."""
    known = {}
    for where in ("frankfurt", "stockholm"):
        if rng.random() < 0.7:
            sampled = rng.choice([None, LONG_AGO - timedelta(seconds=1), LONG_AGO - timedelta(seconds=30), NOW])
            known[where] = Lag(timedelta(seconds=rng.choice([0.1, 0.9, 1.0, 1.1, 30.0])), sampled)
    return known


def dublin_lost(rng: Random) -> World:
    """The primary's region is dead since long ago."""
    verdict = Verdict("dublin", EVERY_SERVICE, Health.DOWN, LONG_AGO, 0.0)
    fenced = frozenset({("orders-db", "dublin")}) if rng.random() < 0.3 else frozenset()
    accepted = {"orders-db": timedelta(seconds=60)} if rng.random() < 0.2 else {}
    return World(
        at=NOW,
        verdicts={("dublin", EVERY_SERVICE): verdict},
        lag={"orders-db": lag(rng)},
        fenced=fenced,
        accepted_loss=accepted,
    )


@settings(max_examples=60)
@given(seeds)
def test_r9_nothing_is_promoted_beyond_the_loss_that_is_allowed(seed: int) -> None:
    world = dublin_lost(Random(seed))
    made = plan(LEDGER, world)
    if "orders-db" not in made.promote:
        return
    if "orders-db" in world.accepted_loss:
        return
    known = world.lag["orders-db"][made.promote["orders-db"]]
    assert known.value <= RPO
    assert known.sampled_at is None or LONG_AGO - known.sampled_at <= timedelta(seconds=10)


@settings(max_examples=60)
@given(seeds)
def test_r9_a_replica_known_to_be_near_enough_is_promoted(seed: int) -> None:
    world = dublin_lost(Random(seed))
    fit = [
        where
        for where, known in world.lag["orders-db"].items()
        if known.value <= RPO and (known.sampled_at is None or LONG_AGO - known.sampled_at <= timedelta(seconds=10))
    ]
    made = plan(LEDGER, world)
    assert ("orders-db" in made.promote) or not fit


@settings(max_examples=60)
@given(seeds)
def test_r9_work_that_writes_waits_where_its_datastore_is_not_promoted(seed: int) -> None:
    world = dublin_lost(Random(seed))
    made = plan(LEDGER, world)
    if "orders-db" in made.promote:
        assert made.holders["settlement"] == made.promote["orders-db"]
    else:
        assert made.holders["settlement"] == "dublin"
        assert any(hold.subject == "settlement" and "R9" in {r.value for r in hold.rules} for hold in made.holds)


def waits_for(made: Plan, action: Action) -> set[str]:
    """Every action that must be done before one, near or far."""
    known = {a.id: a for a in made.actions}
    found: set[str] = set()
    queue = list(action.after)
    while queue:
        one = queue.pop()
        if one not in found:
            found.add(one)
            queue.extend(known[one].after)
    return found


@FEW
@given(cases)
def test_r9_no_holder_and_no_primary_moves_before_the_old_one_is_fenced(case: Case) -> None:
    made = case.plan
    fences = {a.id: (a.subject, a.region) for a in made.actions if a.kind is ActionKind.FENCE}
    for action in made.actions:
        if action.kind in (ActionKind.ACTIVATE, ActionKind.PROMOTE) and action.from_ is not None:
            before = {fences[one] for one in waits_for(made, action) if one in fences}
            old = (action.subject, action.from_)
            assert old in before or old in case.world.fenced


@FEW
@given(seeds)
def test_r5_holders_and_primaries_never_go_back_by_themselves(seed: int) -> None:
    rng = Random(seed)
    lost = replace(dublin_lost(rng), lag={"orders-db": {"frankfurt": Lag(timedelta(seconds=0.1))}})
    made = plan(LEDGER, lost)
    well = World(
        at=NOW,
        verdicts={("dublin", EVERY_SERVICE): Verdict("dublin", EVERY_SERVICE, Health.HEALTHY, LONG_AGO)},
        shares=made.target,
        holders=made.holders,
        primaries=made.promote,
        lag={"orders-db": {"dublin": Lag(timedelta(seconds=0.1))}} if rng.random() < 0.7 else {},
    )
    again = plan(LEDGER, well)
    assert again.holders == made.holders
    assert again.promote == {}


@FEW
@given(cases)
def test_r10_ids_are_unique_and_every_act_waits_only_for_acts_of_the_plan_without_a_circle(case: Case) -> None:
    made = case.plan
    ids = [action.id for action in made.actions]
    assert len(set(ids)) == len(ids)
    for action in made.actions:
        assert set(action.after) <= set(ids)
        assert action.id not in waits_for(made, action)


def _today(case: Case, one: Knob) -> Any:
    told = case.world.knobs.get(one.name, one.default)
    if one.scope is KnobScope.ESTATE or isinstance(told, Mapping):
        return told
    return dict.fromkeys(case.estate.regions, told)


@settings(max_examples=30, derandomize=True)
@given(roomy_cases, seeds)
def test_r10_no_part_of_a_plan_done_in_any_order_it_allows_overloads_a_region(case: Case, seed: int) -> None:
    """Acts are done one by one, any that waits for nothing undone; after each, loads are counted again."""
    rng, made = Random(seed), case.plan
    now = {name: dict(by_origin) for name, by_origin in today(case).items()}
    knobs: dict[str, Any] = {k.name: _today(case, k) for k in case.estate.knobs.values()}
    most = {where: max(units, limit(case, where)) for where, units in load(case, now, knobs, made.holders).items()}
    done: set[str] = set()
    while ready := [a for a in made.actions if a.id not in done and set(a.after) <= done]:
        action = rng.choice(ready)
        done.add(action.id)
        if action.kind in (ActionKind.DEGRADE, ActionKind.RESTORE):
            before = knobs[action.subject]
            one = action.region is not None and isinstance(before, Mapping)
            knobs[action.subject] = {**before, action.region: action.value} if one else action.value
        if action.kind is not ActionKind.SHIFT:
            continue
        now[action.subject] = {**now[action.subject], **{o: dict(r) for o, r in action.shares.items()}}
        for where, units in load(case, now, knobs, made.holders).items():
            within = units <= most[where] * (1 + EPSILON) + EPSILON
            assert within or where in over_told(made), f"{action.id} of {[a.id for a in made.actions]} in {where}"
    assert len(done) == len(made.actions)


@FEW
@given(cases)
def test_all_acts_done_lead_to_the_next_step_that_the_plan_tells(case: Case) -> None:
    """But for shares so alike that no edge could tell them apart."""
    made = case.plan
    now = {name: dict(by_origin) for name, by_origin in today(case).items()}
    for action in made.actions:
        if action.kind is ActionKind.SHIFT:
            now[action.subject] = {**now[action.subject], **{o: dict(r) for o, r in action.shares.items()}}
    for name, by_origin in made.next.items():
        for origin, shares in by_origin.items():
            for where in case.estate.regions:
                assert abs(now[name][origin].get(where, 0.0) - shares.get(where, 0.0)) < 0.002 + EPSILON
