"""Shares, knobs and shedding decided as one: how near to the optimum, and how long it takes."""

import dataclasses
import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from random import Random

from controlplane.decide.allocation.allocate import allocate
from controlplane.decide.allocation.problem import Allocation, AllocationProblem
from tests.benchmarks.plan.full_model import FullModel, better, figures
from tests.benchmarks.plan.instances import LARGEST, Size, bad_day, quiet_day, random_size
from tests.benchmarks.plan.water_filling import water_filling

SHOP = Size(18, 4, 4, 7)
WITHIN = 0.01
COMPARED = ("shed0", "shed1", "shed2", "shed3", "lost", "moved")
Figures = dict[str, float | int]


@dataclass(frozen=True)
class Measured:
    problem: AllocationProblem
    ours: Mapping[str, float]
    optimum: Mapping[str, float]
    greedy: Mapping[str, float]
    ours_ms: float
    full_ms: float
    greedy_ms: float
    full_missed: bool


def _timed(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1000


def measure(problem: AllocationProblem) -> Measured:
    """One instance by all three. The optimum is the full model's, solved once more as an LP at the knobs that it found;
    where ours are better knobs, it is the plain LP at those: plain HiGHS with products of binaries sometimes misses."""
    answers: list[Allocation] = []
    ours_ms = _timed(lambda: answers.append(allocate(problem)))
    greedy_ms = _timed(lambda: answers.append(water_filling(problem)))
    ours, greedy = figures(problem, answers[0]), figures(problem, answers[1])
    settings: list[dict[tuple[str, str], int]] = []
    full_ms = _timed(lambda: settings.append(FullModel(problem).solve().settings))
    optimum = FullModel(problem, settings[0]).solve().aims
    here = {(name, place): depth for name, row in answers[0].depths.items() for place, depth in row.items()}
    at_ours = FullModel(problem, here).solve().aims
    missed = better(at_ours, optimum)
    return Measured(problem, ours, at_ours if missed else optimum, greedy, ours_ms, full_ms, greedy_ms, missed)


def gap(figure: float, optimum: float, scale: float) -> float:
    """By how much a figure is above the optimum, as a share of it; of ``scale`` where the optimum is about none."""
    return (figure - optimum) / max(abs(optimum), 1e-4 * scale)


def _gaps(one: Measured) -> dict[str, float]:
    demand = sum(sum(row.values()) for row in one.problem.demand.values()) or 1.0
    return {name: gap(one.ours[name], one.optimum[name], demand) for name in COMPARED}


def gaps_and_times(count: int) -> Figures:
    """Over random instances up to 12 services, 4 origins, 5 regions and 6 knobs."""
    found = []
    for seed in range(count):
        rng = Random(seed)
        found.append(measure(bad_day(rng, quiet_day(rng, random_size(rng, LARGEST)))))
    gaps = [_gaps(one) for one in found]
    ours, full = sorted(one.ours_ms for one in found), sorted(one.full_ms for one in found)
    shedding = [one for one in found if sum(one.greedy[f"shed{tier}"] for tier in range(4)) > 1e-6]
    return {
        "instances": count,
        "withinOnePercent": sum(max(gap.values()) <= WITHIN for gap in gaps),
        "betterThanOptimum": sum(better(one.ours, one.optimum, 1e-3) for one in found),
        "worstGapPercent": round(100 * max(max(gap.values()) for gap in gaps), 4),
        "fullModelMissedItsOptimum": sum(one.full_missed for one in found),
        "oursMsMedian": round(statistics.median(ours), 2),
        "oursMsP95": round(ours[math.ceil(0.95 * count) - 1], 2),
        "oursMsMax": round(ours[-1], 2),
        "fullModelMsMedian": round(statistics.median(full), 2),
        "fullModelMsP95": round(full[math.ceil(0.95 * count) - 1], 2),
        "fullModelMsMax": round(full[-1], 2),
        "greedyMsMedian": round(statistics.median(one.greedy_ms for one in found), 2),
        "greedyWithinOnePercent": sum(not _greedy_is_off(one) for one in found),
        "greedyShedsWhereOptimumShedsLess": sum(_more_shed(one) for one in shedding),
        "greedyValueLostExcessMean": round(
            statistics.mean(one.greedy["lost"] - one.optimum["lost"] for one in found), 2
        ),
    }


def _more_shed(one: Measured) -> bool:
    return any(one.greedy[f"shed{tier}"] > one.optimum[f"shed{tier}"] * (1 + WITHIN) + 1e-3 for tier in range(4))


def _greedy_is_off(one: Measured) -> bool:
    demand = sum(sum(row.values()) for row in one.problem.demand.values()) or 1.0
    return any(abs(gap(one.greedy[name], one.optimum[name], demand)) > WITHIN for name in COMPARED)


def shop_times(count: int) -> Figures:
    """The joint plan of estates of the shop's size, one region lost; and the quiet day before."""
    lost, quiet = [], []
    for seed in range(count):
        rng = Random(seed)
        before = quiet_day(rng, SHOP)
        problem = bad_day(rng, before)
        calm = dataclasses.replace(before, limit={region: 3 * units for region, units in before.limit.items()})
        lost.append(_timed(partial(allocate, problem)))
        quiet.append(_timed(partial(allocate, calm)))
    return {
        "estates": count,
        "regionLostMsMedian": round(statistics.median(lost), 2),
        "regionLostMsP95": round(sorted(lost)[math.ceil(0.95 * count) - 1], 2),
        "quietMsMedian": round(statistics.median(quiet), 3),
    }
