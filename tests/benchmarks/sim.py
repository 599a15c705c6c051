"""How much faster than real time the shop lives through a day in the false world, on one core.

There is no peer that runs a control plane's own code through simulated outages; the stepped run stands beside the leapt
one, which gives the same result byte for byte. CPU seconds are what counts: the wall clock depends on who else is here.
"""

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controlplane.load.estate import load_estate
from controlplane.model.resources.scenario import Scenario
from controlplane.sim.simulate import simulate
from controlplane.wiring.simulation import SimParts

SHOP = Path(__file__).resolve().parents[2] / "policies" / "shop"
AIM = 10_000
DAY = "24h"
_LOSS = {"kind": "region-down", "region": "dublin"}
_GREY = {"kind": "error-rate", "region": "frankfurt", "service": "checkout", "rate": 0.3}
CASES: dict[str, tuple[str, list[dict[str, Any]], bool]] = {
    "quietDay": (DAY, [], True),
    "dayWithARegionLost": (DAY, [{"at": "6h", "until": "7h", **_LOSS}], True),
    "dayWithThreeOutages": (
        DAY,
        [
            {"at": "2h", "until": "3h", **_LOSS},
            {"at": "8h", "until": "9h", **_GREY},
            {"at": "14h", "until": "15h", "kind": "facility-alarm", "region": "stockholm", "failsAfter": "10m"},
        ],
        True,
    ),
    "hourWithARegionLost": ("1h", [{"at": "2m", "until": "20m", **_LOSS}], True),
    "hourWithARegionLostStepped": ("1h", [{"at": "2m", "until": "20m", **_LOSS}], False),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One run. ``times``: simulated over CPU time."""

    simulated_s: int
    cpu_s: float
    leapt_s: int
    failed: float

    @property
    def times(self) -> int:
        return round(self.simulated_s / self.cpu_s)


def _run(duration: str, faults: list[dict[str, Any]], leaps: bool) -> Figure:
    estate = load_estate([SHOP])
    spec = {"duration": duration, "faults": faults}
    scenario = Scenario.model_validate({"metadata": {"name": "bench"}, "spec": spec})
    began = time.process_time()
    result = simulate(estate, [scenario], parts=SimParts(), leaps=leaps)[0]
    cpu_s = time.process_time() - began
    failed = result.metrics["failedFraction"]
    return Figure(result.duration_s, cpu_s, result.leapt_s, failed if failed is not None else 0.0)


def main() -> int:
    """Run all cases once; exit 1 when a quiet day misses the aim."""
    _run("1m", [], True)
    figures = {name: _run(*case) for name, case in CASES.items()}
    told = {
        name: {"simulatedS": f.simulated_s, "cpuS": round(f.cpu_s, 2), "timesRealTime": f.times, "leaptS": f.leapt_s}
        for name, f in figures.items()
    }
    if "--json" in sys.argv:
        print(json.dumps({"aimTimesRealTime": AIM, **told}))
    else:
        print(f"{'':30}{'simulated s':>12}{'CPU s':>9}{'times real':>13}{'leapt s':>9}")
        for name, f in figures.items():
            print(f"{name:30}{f.simulated_s:>12}{f.cpu_s:>9.2f}{f.times:>13}{f.leapt_s:>9}")
    return 0 if figures["quietDay"].times >= AIM else 1


if __name__ == "__main__":
    sys.exit(main())
