"""`python -m tests.benchmarks.failover [--json] [--faults kill,freeze,…] [--runs N] [--rate R] [--only leeward,…]`.

Three regions behind one Envoy, an open loop of requests, a third of them to the region that fails, no retries on the
edge or by users. In each run every contestant meets every fault, one after the other, with the same probe interval:
Leeward (a `leeward daemon` that writes Envoy's routes), Envoy's active health checks, Envoy's outlier detection.
`grey`: the region answers 30 % of requests with 500 while health checks pass. `capacity`: a region is killed and the
two that are left have 80 % of the room that everything takes, unless recommendations are turned off.
Exit 1 when an aim is missed.
"""

import argparse
import json
import random
import statistics
import sys
from pathlib import Path
from typing import Any

import uvloop

from tests.benchmarks.failover.edge import Contestant
from tests.benchmarks.failover.trial import Fault, Seen, Trial

_AT_MOST = {Fault.KILL: 1, Fault.FREEZE: 50, Fault.BLACKHOLE: 50}
_SHARE_BELOW = {Fault.GREY: 0.02, Fault.CAPACITY: 0.02}
Figures = dict[Fault, dict[Contestant, list[Seen]]]


def main() -> int:
    """All trials; the figures side by side."""
    given = _read()
    faults = [Fault(name) for name in given.faults.split(",")]
    contestants = [who for who in Contestant if not given.only or who.value in given.only.split(",")]
    figures: Figures = {fault: {who: [] for who in contestants} for fault in faults}
    chance = random.Random(given.seed)
    for number in range(given.runs):
        for fault in faults:
            for who in contestants:
                keep = given.keep / f"{fault.value}-{who.value}-{number}" if given.keep else None
                seen = uvloop.run(Trial(who, fault, given.rate, given.interval, chance, keep).run())
                figures[fault][who].append(seen)
                told = f"run {number + 1}  {fault.value:10}{who.value:14}{_words(seen)}"
                print(told, file=sys.stderr, flush=True)
    met = {fault: _met(fault, seen) for fault, seen in figures.items()}
    if given.json:
        print(json.dumps(_document(figures, met, given)))
    else:
        print("\n".join(_table(figures, met)))
    return 0 if all(met.values()) else 1


def _read() -> argparse.Namespace:
    reader = argparse.ArgumentParser(prog="python -m tests.benchmarks.failover", description=__doc__)
    reader.add_argument("--json", action="store_true")
    reader.add_argument("--faults", default=",".join(fault.value for fault in Fault))
    reader.add_argument("--runs", type=int, default=5)
    reader.add_argument("--quick", action="store_const", dest="runs", const=1, help="one run")
    reader.add_argument("--rate", type=float, default=500.0)
    reader.add_argument("--interval", type=float, default=0.1, help="seconds between two looks, of everybody")
    reader.add_argument("--only", default="", help=f"contestants: {', '.join(who.value for who in Contestant)}")
    reader.add_argument("--seed", type=int, default=1)
    reader.add_argument("--keep", type=Path, help="a folder for what each trial leaves behind")
    return reader.parse_args()


def _median(seen: list[Seen]) -> float:
    return statistics.median(one.failed for one in seen)


def _met(fault: Fault, figures: dict[Contestant, list[Seen]]) -> bool:
    """Leeward against the aim, and against the better of the others."""
    own = figures.get(Contestant.LEEWARD)
    if not own:
        return True
    others = [_median(seen) for who, seen in figures.items() if who is not Contestant.LEEWARD]
    share = statistics.median(one.failed / one.total for one in own)
    return (
        _median(own) <= _AT_MOST.get(fault, float("inf"))
        and share < _SHARE_BELOW.get(fault, 2.0)
        and _median(own) <= min(others, default=float("inf"))
    )


def _words(seen: Seen) -> str:
    return (
        f"{seen.failed:5} of {seen.total} failed, the last at {seen.last_failed_s} s, "
        f"detected at {seen.detection_s} s (users late by {seen.late_ms} ms at most)"
    )


def _document(figures: Figures, met: dict[Fault, bool], given: argparse.Namespace) -> dict[str, Any]:
    return {
        "rate": given.rate,
        "intervalS": given.interval,
        "runs": given.runs,
        "retries": 0,
        "aimsMet": all(met.values()),
        "faults": {
            fault.value: {
                "aimMet": met[fault],
                **{who.value: _summary(seen) for who, seen in figures[fault].items()},
            }
            for fault in figures
        },
    }


def _summary(seen: list[Seen]) -> dict[str, Any]:
    return {
        "failedMedian": _median(seen),
        "failed": [one.failed for one in seen],
        "total": [one.total for one in seen],
        "lastFailedSMedian": _middle([one.last_failed_s for one in seen]),
        "lastFailedS": [one.last_failed_s for one in seen],
        "detectionSMedian": _middle([one.detection_s for one in seen]),
        "detectionS": [one.detection_s for one in seen],
    }


def _middle(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(statistics.median(known), 3) if known else None


def _table(figures: Figures, met: dict[Fault, bool]) -> list[str]:
    lines = [f"{'fault':11}{'contestant':15}{'failed':>8}{'last at s':>11}{'detected s':>12}  all runs"]
    for fault, by_contestant in figures.items():
        for who, seen in by_contestant.items():
            last, detected = _middle([one.last_failed_s for one in seen]), _middle([one.detection_s for one in seen])
            runs = ", ".join(str(one.failed) for one in seen)
            lines.append(f"{fault.value:11}{who.value:15}{_median(seen):8g}{last!s:>11}{detected!s:>12}  {runs}")
        lines.append(f"{'':11}aim {'met' if met[fault] else 'MISSED'}")
    return lines


if __name__ == "__main__":
    sys.exit(main())
