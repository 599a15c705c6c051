"""Leeward's scheduler over all targets, once a second each: `python -m tests.benchmarks._prober COUNT PORT new|keep`.

Each line on standard input is answered with the lateness of the looks begun since the last one, in milliseconds, and
the readings; it ends when standard input does.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from datetime import UTC, datetime

import uvloop

from controlplane.model.evidence import Observation
from controlplane.model.resources.service import ProbeSpec
from controlplane.probes.http import http
from controlplane.probes.scheduler import Scheduler
from controlplane.probes.watch import Spot, Watch
from tests.benchmarks._targets import address, room_for_descriptors


class _Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def main() -> None:
    """Probe until standard input ends."""
    count, port, keep = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "keep"
    clock = _Clock()
    readings: Counter[str] = Counter()

    def sink(seen: Observation) -> None:
        readings[seen.reading.value] += 1

    scheduler = Scheduler(sink, clock, {"http": http}, vantage="here")
    scheduler.watch(
        Watch(
            ProbeSpec(kind="http", target=f"http://{address(number)}:{port}/healthz", with_={"keep": keep}),
            Spot("here", f"r{number % 4}", f"s{number}", clock),
        )
        for number in range(count)
    )
    running = asyncio.create_task(scheduler.run())
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.readline():
        late = sorted(scheduler.lateness)
        p99 = late[int(len(late) * 0.99)] * 1000 if late else 0.0
        print(json.dumps({"p99LatenessMs": round(p99, 2), "readings": dict(readings)}), flush=True)
        scheduler.lateness.clear()
        readings.clear()
    running.cancel()


if __name__ == "__main__":
    room_for_descriptors()
    uvloop.run(main())
