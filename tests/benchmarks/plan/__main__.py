"""`python -m tests.benchmarks.plan [--json] [--quick] [--long] [--plot FILE]`: see the package."""

import argparse
import json
import sys
from pathlib import Path

from tests.benchmarks.plan.fleet_figures import fleet, price_of_bins
from tests.benchmarks.plan.fleets import Shape
from tests.benchmarks.plan.growth import draw, grow
from tests.benchmarks.plan.joint import gaps_and_times, shop_times
from tests.benchmarks.plan.whole import whole_plan

AIMS = {"2000x20x20": (0.15, 1.0), "5000x30x30": (0.5, 5.0)}
"""Seconds, warm with the way back to services, and cold."""


def main() -> int:
    """Measure, print, and say by the exit code whether the aims are met."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", action="store_true")
    options.add_argument("--quick", action="store_true", help="fewer instances and losses")
    options.add_argument("--long", action="store_true", help="the full LP of the largest fleet as well")
    options.add_argument("--plot", type=Path, help="write the growth with size as SVG")
    given = options.parse_args()
    losses = 2 if given.quick else 6
    figures: dict[str, object] = {
        "clock": "CPU seconds of one process on one core",
        "joint": gaps_and_times(60 if given.quick else 500),
        "shopSize": shop_times(20 if given.quick else 100),
        "wholePlan": whole_plan(10 if given.quick else 40),
        "fleets": {
            "500x20x10": fleet(Shape(500, 20, 10), losses=losses, full=True),
            "2000x20x20": fleet(Shape(2000, 20, 20), losses=losses, full=True),
            "5000x30x30": fleet(Shape(5000, 30, 30), losses=losses, full=given.long),
        },
        "continuousCosts": {
            "roomToSpare": price_of_bins(Shape(500, 20, 10), (2, 4, 8, 16, 32), room=1.08),
            "roomShort": price_of_bins(Shape(500, 20, 10), (2, 4, 8, 16, 32), room=0.97),
            "5000x30x30in16Bins": fleet(Shape(5000, 30, 30), losses=2, full=False, bins=16),
        },
        "growth": (growth := grow(quick=given.quick)),
    }
    if given.plot:
        given.plot.write_text(draw(growth))
    missed = _missed(figures)
    figures["missed"] = missed
    print(json.dumps(figures) if given.json else json.dumps(figures, indent=2))
    return 1 if missed else 0


def _missed(figures: dict[str, object]) -> list[str]:
    fleets, joint = figures["fleets"], figures["joint"]
    if not isinstance(fleets, dict) or not isinstance(joint, dict):
        raise TypeError("figures are not what they were")
    missed = [
        f"{name}: {aim}"
        for name, (warm, cold) in AIMS.items()
        for aim, met in (
            ("warm", fleets[name]["warmSMax"] <= warm),
            ("cold", fleets[name]["coldSMax"] <= cold),
        )
        if not met
    ]
    if joint["withinOnePercent"] < joint["instances"]:
        missed.append("joint: within one percent")
    if joint["betterThanOptimum"]:
        missed.append("joint: better than the optimum")
    return missed


if __name__ == "__main__":
    sys.exit(main())
