"""The N-1 allocation of fleets against the joint solve of the same fleet, service by service."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.decide.allocation.allocate import allocate
from controlplane.decide.allocation.fleet import (
    Classes,
    Fleet,
    FleetPlan,
    classes_of,
    healthy,
    prepare,
    replan,
    to_services,
)
from controlplane.decide.allocation.grid import Floats
from controlplane.decide.allocation.problem import Allocation, AllocationProblem
from tests.benchmarks.plan.fleets import CONTINUOUS, ORDINARY, Kinds, Shape, drifted, random_fleet

SMALL = Shape(24, 4, 5)
kinds = st.sampled_from([ORDINARY, CONTINUOUS, Kinds(walls=2, deployments=2, costs=2)])
seeds = st.integers(0, 10_000)


def names(letter: str, count: int) -> tuple[str, ...]:
    return tuple(f"{letter}{index:03d}" for index in range(count))


def as_problem(fleet: Fleet, demand: Floats, today: Floats, lost: int) -> AllocationProblem:
    services, origins, regions = (names(*pair) for pair in zip("sor", (*demand.shape, len(fleet.limit)), strict=True))
    legal = fleet.permitted[fleet.wall] & fleet.deployed[:, None, :]
    allowed = {
        (service, origin): tuple(r for k, r in enumerate(regions) if k != lost and legal[i, j, k])
        for i, service in enumerate(services)
        for j, origin in enumerate(origins)
    }
    standing = frozenset((s, r) for s in services for k, r in enumerate(regions) if k != lost)
    return AllocationProblem(
        services=services,
        origins=origins,
        regions=regions,
        tier=dict(zip(services, fleet.tier.tolist(), strict=True)),
        value=dict.fromkeys(services, 1.0),
        cost=dict(zip(services, fleet.cost.tolist(), strict=True)),
        demand={s: dict(zip(origins, row, strict=True)) for s, row in zip(services, demand.tolist(), strict=True)},
        limit=dict(zip(regions, fleet.limit.tolist(), strict=True)),
        allowed=allowed,
        legal=frozenset(pair for pair, found in allowed.items() if found),
        today={
            s: {o: dict(zip(regions, today[i, j].tolist(), strict=True)) for j, o in enumerate(origins)}
            for i, s in enumerate(services)
        },
        healthy=standing,
        live=standing,
        latency={
            o: dict(zip(regions, row, strict=True)) for o, row in zip(origins, fleet.latency.tolist(), strict=True)
        },
    )


def both(seed: int, kind: Kinds, room: float, lost: int) -> tuple[Fleet, Floats, FleetPlan, Classes, Allocation]:
    fleet, before = random_fleet(SMALL, kind, seed, room=room)
    classes = classes_of(fleet)
    today = healthy(classes, before)
    demand = drifted(before, seed, 0.1)
    (ready,) = prepare(classes, today.shares, before, [lost])
    plan = replan(ready, demand)
    found = allocate(as_problem(fleet, demand, today.shares[classes.of], lost))
    return fleet, demand, plan, classes, found


@settings(max_examples=15)
@given(seeds, kinds, st.sampled_from([1.08, 1.02, 1.4]), st.integers(0, 4))
def test_moved_traffic_and_latency_of_a_fleet_are_those_of_the_full_model(
    seed: int, kind: Kinds, room: float, lost: int
) -> None:
    _, _, plan, _, found = both(seed, kind, room, lost)
    assert sum(plan.shed_requests) == pytest.approx(sum(found.aims.shed), rel=1e-4, abs=1e-3)
    assert plan.moved == pytest.approx(found.aims.moved, rel=1e-4, abs=1e-2)
    assert plan.latency_s == pytest.approx(found.aims.latency_s, rel=1e-3)


@settings(max_examples=15)
@given(seeds, kinds, st.sampled_from([0.8, 0.95]), st.integers(0, 4))
def test_a_fleet_without_room_sheds_tier_by_tier_as_the_full_model_does(
    seed: int, kind: Kinds, room: float, lost: int
) -> None:
    _, _, plan, _, found = both(seed, kind, room, lost)
    assert plan.shed_requests == pytest.approx(found.aims.shed, rel=1e-4, abs=1e-2)
    assert plan.moved == pytest.approx(found.aims.moved, rel=1e-3, abs=0.1)


@settings(max_examples=10)
@given(seeds, kinds, st.sampled_from([0.9, 1.08]), st.integers(0, 4))
def test_given_back_to_services_the_plan_keeps_limits_walls_and_sums(
    seed: int, kind: Kinds, room: float, lost: int
) -> None:
    fleet, demand, plan, classes, _ = both(seed, kind, room, lost)
    shares, unserved = to_services(classes, plan)
    load = np.einsum("s,so,sor->r", fleet.cost, demand, shares)
    legal = fleet.permitted[fleet.wall] & fleet.deployed[:, None, :]
    assert (load <= fleet.limit * (1 + 1e-6)).all()
    assert shares[:, :, lost].max() == 0.0
    assert shares[~legal].max(initial=0.0) == 0.0
    assert np.allclose(shares.sum(axis=2) + unserved, 1.0, atol=1e-9)


@settings(max_examples=10)
@given(seeds, kinds, st.integers(0, 4))
def test_a_plan_brought_up_to_date_is_the_plan_made_afresh(seed: int, kind: Kinds, lost: int) -> None:
    fleet, before = random_fleet(SMALL, kind, seed)
    classes = classes_of(fleet)
    today = healthy(classes, before).shares
    demand = drifted(before, seed, 0.1)
    (ready,) = prepare(classes, today, before, [lost])
    (fresh,) = prepare(classes, today, demand, [lost])
    warm = replan(ready, demand)
    assert warm.moved == pytest.approx(fresh.plan.moved, rel=1e-6, abs=1e-3)
    assert warm.latency_s == pytest.approx(fresh.plan.latency_s, rel=1e-6)


def test_services_alike_are_one_class_and_bins_make_costs_alike() -> None:
    fleet, _ = random_fleet(Shape(200, 3, 4), CONTINUOUS, 1)
    alone, binned = classes_of(fleet), classes_of(fleet, cost_bins=4)
    assert len(alone.tier) == 200
    assert len(binned.tier) < 150
    for index in range(200):
        mates = binned.of == binned.of[index]
        assert (fleet.tier[mates] == fleet.tier[index]).all()
        assert (fleet.deployed[mates] == fleet.deployed[index]).all()


def test_ready_plans_do_not_remember_what_they_were_asked_before() -> None:
    fleet, before = random_fleet(SMALL, ORDINARY, 3)
    classes = classes_of(fleet)
    (ready,) = prepare(classes, healthy(classes, before).shares, before, [1])
    first = replan(ready, drifted(before, 1, 0.1)).shares
    replan(ready, drifted(before, 2, 0.1))
    assert (replan(ready, drifted(before, 1, 0.1)).shares == first).all()
