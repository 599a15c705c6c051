"""How long `leeward --help` takes beside the bare import of what it is made of."""

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

RUNS = 15
OURS = [str(Path(sys.executable).with_name("leeward")), "--help"]
PEER = [sys.executable, "-c", "import typer, rich"]
AT_MOST = 1.5


def _once(command: list[str]) -> tuple[float, float]:
    """Wall and CPU milliseconds of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, timeout=60, check=True, env={**os.environ, "NO_COLOR": "1"})
    wall_ms = (time.perf_counter() - started) * 1000
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_ms = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000
    return wall_ms, cpu_ms


def main() -> int:
    """Run both in turns and print the medians; exit 1 when the aim is missed."""
    for command in (OURS, PEER):
        _once(command)
    pairs = [(_once(OURS), _once(PEER)) for _ in range(RUNS)]
    figures = {
        "leewardHelpMs": round(statistics.median(ours[0] for ours, _ in pairs), 1),
        "importTyperRichMs": round(statistics.median(peer[0] for _, peer in pairs), 1),
        "leewardHelpCpuMs": round(statistics.median(ours[1] for ours, _ in pairs), 1),
        "importTyperRichCpuMs": round(statistics.median(peer[1] for _, peer in pairs), 1),
        "cpuRatio": round(statistics.median(ours[1] / peer[1] for ours, peer in pairs), 2),
        "aimAtMost": AT_MOST,
    }
    if "--json" in sys.argv:
        print(json.dumps(figures))
    else:
        print("\n".join(f"{name:24}{value:>8}" for name, value in figures.items()))
    return 0 if figures["cpuRatio"] <= AT_MOST else 1


if __name__ == "__main__":
    sys.exit(main())
