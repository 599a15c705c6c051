"""How many simulated hours of trouble a minute the proof lives through, the shop among random estates.

There is no peer: nobody else runs a control plane's own code through generated outages. CPU seconds are what counts;
the share of the time that is lived through second by second says how much was going on.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from controlplane.load.estate import load_estate
from controlplane.sim.prove.cases import PartsMaker
from controlplane.sim.prove.verify import Order, Proof, verify
from controlplane.wiring import sim_parts

SHOP = Path(__file__).resolve().parents[2] / "policies" / "shop"
HOURS = 120.0
SEED = 2026


def _measure(name: str, order: Order, maker: PartsMaker) -> dict[str, Any]:
    began, cpu = time.perf_counter(), time.process_time()
    proof: Proof = verify(order, maker)
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    return {
        "name": name,
        "hours": round(proof.hours, 1),
        "cases": len(proof.lived),
        "moves": sum(lived.acts for lived in proof.lived),
        "steppedShare": round(proof.stepped_hours / proof.hours, 4),
        "cpuS": round(cpu_s, 1),
        "wallS": round(wall_s, 1),
        "hoursACpuMinute": round(proof.hours / cpu_s * 60),
        "broken": len(proof.found),
    }


def main() -> int:
    """Print the figures."""
    figures = [
        _measure("random estates", Order(None, HOURS, SEED), sim_parts),
        _measure("with the shop in every tenth case", Order(load_estate([SHOP]), HOURS, SEED), sim_parts),
    ]
    if "--json" in sys.argv[1:]:
        print(json.dumps({"verify": figures}))
        return 0
    for figure in figures:
        print(
            f"{figure['name']}: {figure['hours']:g} h ({figure['steppedShare']:.1%} stepped) in {figure['cpuS']:g} s "
            f"of a core: {figure['hoursACpuMinute']} h a minute; "
            f"{figure['broken']} of {figure['cases']} cases break a rule"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
