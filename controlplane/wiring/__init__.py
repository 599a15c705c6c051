"""The only room that names concrete classes: it builds the daemon, the direct desk and the false world for the faces.

May live here: construction, and adapters between two rooms that must not know each other. May not: decisions, or an
import at the top of anything that the command at hand does not use: every function imports what it needs.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from controlplane.load.estate import Report
    from controlplane.model.estate import Estate
    from controlplane.model.plan import Plan
    from controlplane.model.resources.scenario import Scenario
    from controlplane.model.world import World
    from controlplane.sim.daemon import Parts
    from controlplane.sim.outcome import Result
    from controlplane.wiring.direct import DirectDesk
    from controlplane.wiring.options import DaemonOptions


def estate(policies: Sequence[Path]) -> "Estate":
    """The estate that policies describe, whatever drivers are installed here. Raises PoliciesInvalid."""
    from controlplane.load.estate import load_estate

    return load_estate(policies)


def read_world(policies: Sequence[Path], world: Path) -> "tuple[Estate, World]":
    """Policies and a world file, checked against them. Raises PoliciesInvalid."""
    from controlplane.load.estate import load_estate
    from controlplane.load.world import load_world

    found = load_estate(policies)
    return found, load_world(world, found)


def decide(policies: Sequence[Path], world: Path) -> "tuple[Estate, Plan]":
    """The decision alone, with nothing touched."""
    from controlplane.decide.plan import plan

    found, seen = read_world(policies, world)
    return found, plan(found, seen)


def validate(paths: Sequence[Path]) -> "Report":
    """Check policies against each other and against the drivers and probes that are installed."""
    from controlplane.load.estate import check
    from controlplane.wiring.catalogue import InstalledCatalogue

    return check(paths, InstalledCatalogue())


@asynccontextmanager
async def direct(policies: Sequence[Path], store: str) -> "AsyncIterator[DirectDesk]":
    """Everything a daemon offers to people, here and now, for when no daemon runs. Raises Unreachable if one leads."""
    from controlplane.wiring.direct import open_direct

    async with open_direct(policies, store) as desk:
        yield desk


def sim_parts() -> "Parts":
    """The daemon's own code for the false world."""
    from controlplane.wiring.simulation import SimParts

    return SimParts()


def simulate(scenarios: Sequence[Path], policies: Sequence[Path]) -> "list[Result]":
    """Let the daemon live through scenarios. Must not be called inside a running event loop of the same thread."""
    from controlplane.load.scenarios import load_scenarios

    found = estate(policies)
    return run_scenarios(found, load_scenarios(scenarios, found))


def run_scenarios(found: "Estate", scenarios: "Sequence[Scenario]") -> "list[Result]":
    """The same for an estate and scenarios that are read already."""
    from controlplane.sim.simulate import simulate as live_through

    return live_through(found, scenarios, parts=sim_parts())


def run_daemon(options: "DaemonOptions") -> int:
    """Run the daemon until SIGTERM or SIGINT; answers the exit code."""
    from controlplane.wiring.daemon import run

    return run(options)
