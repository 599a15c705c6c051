"""``python -m controlplane.sandbox up|down|status|fault|end DIRECTORY``: a sandbox by hand.

``up`` needs an estate, and this room cannot load policies: it is given as ``module:function``. ``leeward sandbox``
does it from policies.
"""

import argparse
import asyncio
import importlib
import json
import signal
import sys
from pathlib import Path

from controlplane.model.estate import Estate
from controlplane.sandbox.fault_kinds import BadFault
from controlplane.sandbox.planning import DEFAULT_RATE, Options
from controlplane.sandbox.rise import Step
from controlplane.sandbox.sandbox import AlreadyUp, Sandbox


def _read() -> argparse.Namespace:
    reader = argparse.ArgumentParser(prog="python -m controlplane.sandbox", description=__doc__)
    verbs = reader.add_subparsers(dest="verb", required=True)
    up = verbs.add_parser("up", help="start a sandbox")
    up.add_argument("directory", type=Path)
    up.add_argument("--estate", required=True, help="module:function that returns an Estate")
    up.add_argument("--rate", type=float, default=DEFAULT_RATE)
    up.add_argument("--stay", action="store_true", help="until Ctrl-C, then take it down")
    for name, says in (("down", "end all of it"), ("status", "how it stands")):
        verbs.add_parser(name, help=says).add_argument("directory", type=Path)
    fault = verbs.add_parser("fault", help="begin a fault")
    fault.add_argument("directory", type=Path)
    fault.add_argument("kind")
    fault.add_argument("region")
    fault.add_argument("parameters", nargs="?", default="{}", type=json.loads, help="JSON")
    end = verbs.add_parser("end", help="end a fault")
    end.add_argument("directory", type=Path)
    end.add_argument("id")
    return reader.parse_args()


def _estate(name: str) -> Estate:
    module, _, function = name.partition(":")
    estate = getattr(importlib.import_module(module), function)()
    if not isinstance(estate, Estate):
        raise TypeError(f"{name} returns no Estate")
    return estate


async def _up(given: argparse.Namespace) -> None:
    sandbox = Sandbox.create(_estate(given.estate), given.directory, Options(rate=given.rate))
    await sandbox.up(_say, attached=given.stay)
    _print({"edge": sandbox.plan.edge_url, "admin": sandbox.plan.admin_url})
    if given.stay:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await stop.wait()
        sandbox.down()


async def _do(given: argparse.Namespace) -> None:
    if given.verb == "up":
        await _up(given)
        return
    sandbox = Sandbox.open(given.directory)
    match given.verb:
        case "down":
            sandbox.down()
        case "status":
            _print(await sandbox.status())
        case "fault":
            _print({"id": await sandbox.fault(given.kind, given.region, **given.parameters)})
        case _:
            await sandbox.end(given.id)


def _say(step: Step) -> None:
    sys.stderr.write(f"[{step.done}/{step.of}] {step.what}\n")


def _print(what: object) -> None:
    sys.stdout.write(json.dumps(what, indent=2) + "\n")


def main() -> None:
    """Run one command."""
    try:
        asyncio.run(_do(_read()))
    except (BadFault, AlreadyUp, FileNotFoundError) as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
