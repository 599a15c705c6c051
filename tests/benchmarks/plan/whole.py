"""The whole decision on the shipped shop: facts, fates, places, both allocations, ordered actions."""

import statistics
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from controlplane.decide.plan import plan
from controlplane.load.estate import load_estate
from controlplane.model.estate import Estate
from controlplane.model.plan import Plan
from controlplane.model.verdict import EVERY_SERVICE, Health, Verdict
from controlplane.model.world import World
from tests.benchmarks.plan.fleet_figures import Figures, timed

SHOP = Path(__file__).parents[3] / "policies" / "shop"
NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)


def lost(region: str) -> World:
    """A region down for a minute, everything else as in the healthy plan."""
    return World(
        at=NOW,
        verdicts={(region, EVERY_SERVICE): Verdict(region, EVERY_SERVICE, Health.DOWN, NOW - timedelta(minutes=1))},
    )


def afterwards(world: World, made: Plan) -> World:
    """The same world with the plan carried out."""
    return World(
        at=world.at,
        verdicts=world.verdicts,
        shares=made.target,
        knobs=made.knobs,
        holders=made.holders,
        primaries=made.promote,
    )


def whole_plan(repeats: int) -> Figures:
    """Milliseconds a decision, medians: on a quiet day; when a region has just been lost; once that is done, with
    demand that is never the same and with demand that is (the optimiser knows its answer to the same question)."""
    estate = load_estate([SHOP])
    figures: Figures = {"services": len(estate.services), "regions": len(estate.regions), "knobs": len(estate.knobs)}
    quiet = World(at=NOW)
    figures["quietMs"] = _median(estate, [_drifted(estate, quiet, number) for number in range(repeats)])
    fresh, after, same = [], [], []
    for region in estate.regions:
        world = lost(region)
        settled = afterwards(world, plan(estate, world))
        fresh.append(_median(estate, [_drifted(estate, world, number) for number in range(repeats)]))
        after.append(_median(estate, [_drifted(estate, settled, number) for number in range(repeats)]))
        same.append(_median(estate, [settled] * repeats))
    return figures | {
        "regionLostMsMax": max(fresh),
        "afterwardsMsMax": max(after),
        "afterwardsUnchangedMsMax": max(same),
    }


def _drifted(estate: Estate, world: World, number: int) -> World:
    """Demand a millionth lower for each number, so that no answer can be a remembered one."""
    return replace(
        world,
        demand={
            name: {o: d * (1 - 1e-6 * (1 + number)) for o, d in estate.services[name].spec.demand.items()}
            for name in estate.spread
        },
    )


def _median(estate: Estate, worlds: list[World]) -> float:
    times = [timed(partial(plan, estate, world))[1] for world in worlds]
    return round(1000 * statistics.median(times[1:]), 2)
