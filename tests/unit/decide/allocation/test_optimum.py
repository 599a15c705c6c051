"""The joint solve against every setting of the knobs tried one by one, each as a plain LP."""

import dataclasses
import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.decide.allocation import allocate as allocate_module
from controlplane.decide.allocation import search
from controlplane.decide.allocation.allocate import allocate
from controlplane.decide.allocation.problem import AllocationProblem
from tests.benchmarks.plan.full_model import FullModel, better, exhaustive, figures
from tests.benchmarks.plan.instances import Size, bad_day, quiet_day, random_size

FEW_SETTINGS = 60


def settings_count(problem: AllocationProblem) -> int:
    return math.prod((len(knob.levels) + 1) ** len(knob.places) for knob in problem.knobs)


def small_problem(seed: int) -> AllocationProblem:
    rng = Random(seed)
    problem = bad_day(rng, quiet_day(rng, random_size(rng, Size(5, 3, 4, 3))))
    while settings_count(problem) > FEW_SETTINGS:
        problem = dataclasses.replace(problem, knobs=problem.knobs[:-1])
    return problem


@settings(max_examples=20)
@given(st.integers(0, 1_000_000))
def test_no_setting_of_the_knobs_does_better_in_the_order_of_the_aims(seed: int) -> None:
    problem = small_problem(seed)
    ours, best = figures(problem, allocate(problem)), exhaustive(problem).aims
    assert not better(best, ours), f"the optimum is {best}, found was {ours}"


@settings(max_examples=20)
@given(st.integers(0, 1_000_000))
def test_the_answer_is_never_better_than_the_optimum(seed: int) -> None:
    problem = small_problem(seed)
    ours, best = figures(problem, allocate(problem)), exhaustive(problem).aims
    assert not better(ours, best), f"the optimum is {best}, reported was {ours}"


@settings(max_examples=12)
@given(st.integers(0, 1_000_000))
def test_searching_by_prices_and_branching_find_settings_that_are_as_good(seed: int) -> None:
    rng = Random(seed)
    problem = bad_day(rng, quiet_day(rng, random_size(rng, Size(8, 3, 4, 4))))
    searched = figures(problem, allocate(problem))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "MOST_SETTINGS", 0)
        allocate_module._solve.cache_clear()
        branched = figures(problem, allocate(problem))
    allocate_module._solve.cache_clear()
    assert not better(searched, branched)
    assert not better(branched, searched)


def test_the_same_question_is_answered_from_memory_with_the_same_answer() -> None:
    problem = small_problem(7)
    first = allocate(problem)
    assert allocate(problem) == first
    allocate_module._solve.cache_clear()
    assert allocate(problem) == first


@settings(max_examples=12)
@given(st.integers(0, 1_000_000))
def test_with_the_knobs_as_they_are_the_placement_is_the_plain_optimum(seed: int) -> None:
    problem = small_problem(seed)
    found = allocate(problem, knobs="as_today")
    today = {(knob.name, place): knob.today.get(place, 0) for knob in problem.knobs for place in knob.places}
    loose = dataclasses.replace(
        problem, knobs=tuple(dataclasses.replace(knob, at_least={}, at_most={}) for knob in problem.knobs)
    )
    best = FullModel(loose, today).solve().aims
    ours = figures(problem, found)
    assert not better(best, ours)
    assert not better(ours, best)


@settings(max_examples=20)
@given(st.integers(0, 1_000_000))
def test_the_reported_aims_are_those_of_the_reported_shares(seed: int) -> None:
    problem = small_problem(seed)
    found = allocate(problem)
    refused = {s: {o for o, share in row.items() if share > 0} for s, row in found.refused.items()}
    counted = figures(dataclasses.replace(problem), dataclasses.replace(found, refused={}))
    reported = {
        **{f"shed{tier}": found.aims.shed[tier] for tier in range(4)},
        **{f"value{tier}": found.aims.value_shed[tier] for tier in range(4)},
        "lost": found.aims.value_lost,
        "standby": found.aims.standby,
        "degraded": found.aims.degraded,
        "moved": found.aims.moved,
    }
    assert all(math.isclose(counted[name], figure, abs_tol=1e-9) for name, figure in reported.items()), refused
