"""The N-1 allocation of fleets: cold, warm, the way back to services; beside the full LP of the classes and greed."""

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import highspy
import numpy as np
from highspy._core import _Highs

from controlplane.decide.allocation.fleet import (
    LATENCY,
    MOVED,
    SHED,
    Classes,
    FleetPlan,
    classes_of,
    healthy,
    prepare,
    replan,
    to_services,
)
from tests.benchmarks.plan.fleets import CONTINUOUS, ORDINARY, Floats, Shape, drifted, random_fleet
from tests.benchmarks.plan.water_filling import fleet_water_filling

DRIFTS = (0.02, 0.05, 0.1)
Figures = dict[str, float | int | None]
Found = TypeVar("Found")


def timed(work: Callable[[], Found]) -> tuple[Found, float]:
    """What came out, and the CPU seconds it took: everything here runs on one core, which others may be using."""
    started = time.process_time()
    found = work()
    return found, time.process_time() - started


def full_class_lp(classes: Classes, today: Floats, demand: Floats, lost: int) -> tuple[Floats, float]:
    """Shares by class (C, O, R) of the plain LP with every column there is, and the seconds that HiGHS took."""
    requests, units = classes.gather(demand)
    legal = classes.legal.copy()
    legal[:, :, lost] = False
    count, origins, regions = legal.shape
    scale = float(classes.fleet.limit.mean())
    ratio = requests / np.maximum(units, 1e-12) * (units.sum() / requests.sum())
    pair = np.arange(count * origins)
    stays = np.where(legal, today, 0.0)
    c, o, r = np.nonzero(legal)
    far = LATENCY * ratio[c, o] * classes.fleet.latency[o, r] / classes.fleet.latency.max()
    gain_cost = far
    sc, so, sr = np.nonzero(stays > 0)
    stay_cost = LATENCY * ratio[sc, so] * classes.fleet.latency[so, sr] / classes.fleet.latency.max()
    stay_cost = stay_cost - MOVED * ratio[sc, so]
    columns = len(c) + len(sc) + len(pair)
    rows_pair = np.concatenate([c * origins + o, sc * origins + so, pair])
    rows_limit = np.concatenate([r, sr]) + len(pair)
    starts = np.concatenate([np.arange(len(c) + len(sc)) * 2, 2 * (len(c) + len(sc)) + np.arange(len(pair) + 1)])
    index = np.concatenate([np.stack([rows_pair[: len(rows_limit)], rows_limit], axis=1).ravel(), pair])
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = columns, len(pair) + regions
    lp.col_cost_ = np.concatenate([gain_cost, stay_cost, SHED[3] * ratio.ravel()])
    lp.col_lower_ = np.zeros(columns)
    lp.col_upper_ = np.concatenate(
        [np.full(len(c), np.inf), stays[sc, so, sr] * units[sc, so] / scale, np.full(len(pair), np.inf)]
    )
    whole = units.ravel() / scale
    lp.row_lower_ = np.concatenate([whole, np.full(regions, -np.inf)])
    lp.row_upper_ = np.concatenate([whole, classes.fleet.limit / scale])
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = starts.astype(np.int32)
    lp.a_matrix_.index_ = index.astype(np.int32)
    lp.a_matrix_.value_ = np.ones(len(index))
    engine = _Highs()
    for option, value in (("output_flag", False), ("threads", 1)):
        engine.setOptionValue(option, value)
    engine.passModel(lp)
    _, seconds = timed(engine.run)
    values = np.array(engine.getSolution().col_value) * scale
    shares = np.zeros(legal.shape)
    np.add.at(shares, (c, o, r), values[: len(c)])
    np.add.at(shares, (sc, so, sr), values[len(c) : len(c) + len(sc)])
    return shares / np.maximum(units, 1e-12)[:, :, None], seconds


def worth(classes: Classes, today: Floats, demand: Floats, shares: Floats) -> tuple[float, float, float]:
    """Requests a second not served, moved away from where they could stay, and mean latency in seconds."""
    requests, _ = classes.gather(demand)
    served = (requests[:, :, None] * shares).sum()
    gone = np.clip(today - shares, 0.0, None)
    waited = (requests[:, :, None] * shares * classes.fleet.latency[None]).sum()
    return float(requests.sum() - served), float((requests[:, :, None] * gone).sum()), float(waited / served)


def fleet(shape: Shape, *, losses: int, full: bool, bins: int | None = None, seed: int = 1) -> Figures:
    """One fleet of ordinary kinds (or, binned, of continuous costs), every loss of the first ``losses`` regions."""
    made, demand = random_fleet(shape, ORDINARY if bins is None else CONTINUOUS, seed)
    classes, merging = timed(partial(classes_of, made, cost_bins=bins))
    today, baseline = timed(partial(healthy, classes, demand))
    cold, warm, back, gaps, greed = [], [], [], [], []
    for lost in range(losses):
        (ready,), seconds = timed(partial(prepare, classes, today.shares, demand, [lost]))
        cold.append(merging + seconds)
        for number, drift in enumerate(DRIFTS):
            now = drifted(demand, 100 * lost + number, drift)
            plan, seconds = timed(partial(replan, ready, now))
            _, returning = timed(partial(to_services, classes, plan))
            warm.append(seconds + returning)
            back.append(returning)
            gaps.append(_gap_to_fresh(plan, prepare(classes, today.shares, now, [lost])[0].plan))
            greedy = fleet_water_filling(classes, today.shares, now, lost)
            greed.append(greedy.shed - sum(plan.shed_requests))
    figures: Figures = {
        "services": shape.services,
        "origins": shape.origins,
        "regions": shape.regions,
        "classes": len(classes.tier),
        "healthyPlanS": round(baseline, 3),
        "coldSMax": round(max(cold), 3),
        "warmSMedian": round(statistics.median(warm), 3),
        "warmSMax": round(max(warm), 3),
        "ofThatBackToServicesSMax": round(max(back), 3),
        "warmGapToFreshPercentMax": round(100 * max(gaps), 4),
        "greedyShedsPercentMax": round(100 * max(greed) / float(demand.sum()), 3),
    }
    if full:
        figures |= _beside_full(classes, today, demand)
    return figures


def _gap_to_fresh(warm: FleetPlan, fresh: FleetPlan) -> float:
    apart = abs(warm.moved - fresh.moved) / max(fresh.moved, 1.0)
    return max(
        apart, abs(sum(warm.shed_requests) - sum(fresh.shed_requests)), abs(warm.latency_s / fresh.latency_s - 1)
    )


def _beside_full(classes: Classes, today: FleetPlan, demand: Floats) -> Figures:
    now = drifted(demand, 7, 0.1)
    (ready,) = prepare(classes, today.shares, demand, [0])
    plan = replan(ready, now)
    shares, seconds = full_class_lp(classes, today.shares, now, 0)
    standing = today.shares.copy()
    standing[:, :, 0] = 0.0
    ours, theirs = (worth(classes, standing, now, found) for found in (plan.shares, shares))
    return {
        "fullClassLpS": round(seconds, 2),
        "shedBesideFullLp": round(ours[0] - theirs[0], 4),
        "movedGapToFullLpPercent": round(100 * (ours[1] / max(theirs[1], 1.0) - theirs[1] / max(theirs[1], 1.0)), 5),
        "latencyGapToFullLpPercent": round(100 * (ours[2] / theirs[2] - 1), 5),
    }


def price_of_bins(shape: Shape, bins: tuple[int, ...], *, room: float, seed: int = 1) -> list[Figures]:
    """Costs of each service its own: classes, time and what merging them costs, by number of bins (None: exact).

    Every plan starts from the same placement of services, so that only the bins differ.
    """
    made, demand = random_fleet(shape, CONTINUOUS, seed, room=room)
    exact = classes_of(made)
    now = drifted(demand, 7, 0.05)
    rows: list[Figures] = []
    base: tuple[float, float, float] | None = None
    coarse = classes_of(made, cost_bins=bins[0])
    placed = healthy(coarse, demand).shares[coarse.of]
    for count in (None, *bins):
        classes = exact if count is None else classes_of(made, cost_bins=count)
        first = np.zeros((len(classes.tier), *placed.shape[1:]))
        first[classes.of] = placed
        (ready,), cold = timed(partial(prepare, classes, first, demand, [0]))
        plan, warm = timed(partial(replan, ready, now))
        shares, _ = to_services(classes, plan)
        standing = placed.copy()
        standing[:, :, 0] = 0.0
        found = _worth_of_services(made.latency, standing, now, shares)
        base = base or found
        rows.append(
            {
                "bins": count,
                "classes": len(classes.tier),
                "coldS": round(cold, 3),
                "warmS": round(warm, 3),
                "shedPercent": round(100 * found[0] / float(now.sum()), 4),
                "shedExcessPercentOfRequests": round(100 * (found[0] - base[0]) / float(now.sum()), 4),
                "movedExcessPercentOfRequests": round(100 * (found[1] - base[1]) / float(now.sum()), 4),
                "latencyExcessPercent": round(100 * (found[2] / base[2] - 1), 4),
            }
        )
    return rows


def _worth_of_services(latency: Floats, standing: Floats, demand: Floats, shares: Floats) -> tuple[float, float, float]:
    flow = demand[:, :, None] * shares
    gone = (demand[:, :, None] * np.clip(standing - shares, 0.0, None)).sum()
    return float(demand.sum() - flow.sum()), float(gone), float((flow * latency[None]).sum() / flow.sum())
