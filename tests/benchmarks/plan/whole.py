"""The whole decision on the shipped shop: facts, fates, places, both allocations, ordered actions."""

import statistics
from datetime import UTC, datetime, timedelta
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
    """Milliseconds a decision, medians: on a quiet day, when a region has just been lost, and once that is done."""
    estate = load_estate([SHOP])
    figures: Figures = {"services": len(estate.services), "regions": len(estate.regions), "knobs": len(estate.knobs)}
    figures["quietMs"] = _median(estate, World(at=NOW), repeats)
    fresh, settled = [], []
    for region in estate.regions:
        world = lost(region)
        fresh.append(_median(estate, world, max(3, repeats // 4)))
        settled.append(_median(estate, afterwards(world, plan(estate, world)), max(3, repeats // 4)))
    return figures | {"regionLostMsMax": max(fresh), "afterwardsMsMax": max(settled)}


def _median(estate: Estate, world: World, repeats: int) -> float:
    plan(estate, world)
    return round(1000 * statistics.median(timed(lambda: plan(estate, world))[1] for _ in range(repeats)), 2)
