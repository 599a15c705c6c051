"""``python -m controlplane.sandbox.load DIRECTORY``: users of a sandbox, until SIGTERM or ``--duration`` is over.

Writes ``users/seconds.jsonl`` (a line for each second, once each of its requests has ended), ``users/written.jsonl``
(acknowledged writes) and, at the end, ``users/summary.json``.
"""

import argparse
import asyncio
import json
import signal
import time
from pathlib import Path
from typing import IO

from controlplane.sandbox.load.options import LoadOptions
from controlplane.sandbox.load.tally import Tally
from controlplane.sandbox.load.users import Users
from controlplane.sandbox.plan import SandboxPlan, load_plan

_REPORT_EVERY_S = 0.25


def _read(arguments: list[str] | None = None) -> tuple[Path, LoadOptions]:
    reader = argparse.ArgumentParser(prog="python -m controlplane.sandbox.load", description=__doc__)
    reader.add_argument("directory", type=Path)
    reader.add_argument("--rate", type=float)
    reader.add_argument("--services", default="")
    reader.add_argument("--timeout", type=float, default=2.0)
    reader.add_argument("--retries", type=int, default=0)
    reader.add_argument("--duration", type=float, default=0.0)
    reader.add_argument("--writes", type=float)
    reader.add_argument("--seed", type=int, default=1)
    given = reader.parse_args(arguments)
    services = tuple(name for name in given.services.split(",") if name)
    return given.directory, LoadOptions(
        given.rate, services, given.timeout, given.retries, given.duration, given.writes, given.seed
    )


async def _run(plan: SandboxPlan, options: LoadOptions) -> None:
    here = plan.home / "users"
    here.mkdir(exist_ok=True)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if options.duration_s > 0:
        loop.call_later(options.duration_s, stop.set)
    tally = Tally(loop.time(), time.time())
    seconds, written = (here / "seconds.jsonl").open("a"), (here / "written.jsonl").open("a", buffering=1)
    try:

        def acknowledge(identity: str, datastore: str) -> None:
            written.write(f'{{"id": "{identity}", "datastore": "{datastore}"}}\n')

        users = Users(plan, options, tally, acknowledge)
        reporting = loop.create_task(_report(tally, seconds))
        await users.run(stop)
        reporting.cancel()
        _emit(tally, seconds)
        summary = {**tally.summary(), "cpu_s": round(time.process_time(), 3)}
        draft = here / "summary.new"
        draft.write_text(json.dumps(summary))
        written.flush()
        draft.replace(here / "summary.json")
    finally:
        seconds.close()
        written.close()


async def _report(tally: Tally, seconds: IO[str]) -> None:
    while True:
        await asyncio.sleep(_REPORT_EVERY_S)
        _emit(tally, seconds)


def _emit(tally: Tally, seconds: IO[str]) -> None:
    for line in tally.finished(asyncio.get_running_loop().time()):
        seconds.write(json.dumps(line) + "\n")
    seconds.flush()


def main() -> None:
    """Run to the end."""
    import uvloop

    directory, options = _read()
    uvloop.run(_run(load_plan(directory), options))


if __name__ == "__main__":
    main()
