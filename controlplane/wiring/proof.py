"""The proof and the comparison of policies, for faces that may know neither the false world nor the daemon."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from controlplane.wiring import estate, sim_parts

if TYPE_CHECKING:
    from controlplane.sim.prove.differ import Comparison as Comparison  # noqa: PLC0414  named here for the faces
    from controlplane.sim.prove.differ import Decision as Decision  # noqa: PLC0414  named here for the faces
    from controlplane.sim.prove.shrink import Shrunk as Shrunk  # noqa: PLC0414  named here for the faces
    from controlplane.sim.prove.verify import Proof as Proof  # noqa: PLC0414  named here for the faces

OUTAGES = "outages"
"""The folder of the library: beside the policies, or above them, or the one that is shipped."""


@dataclass(frozen=True, slots=True)
class Repro:
    """Where a breach was written down: the scenario, and the policies that it is replayed with."""

    scenario: Path
    policies: tuple[Path, ...]


def verify(policies: Sequence[Path], hours: float, seed: int, workers: int) -> "Proof":
    """Live through so many simulated hours of trouble. Raises PoliciesInvalid."""
    from controlplane.sim.prove.verify import Order
    from controlplane.sim.prove.verify import verify as prove

    given = estate(policies) if policies else None
    return prove(Order(given, hours, seed, workers), sim_parts)


def write_down(shrunk: "Shrunk", policies: Sequence[Path], out: Path) -> Repro:
    """Write what was found so that ``leeward simulate`` replays it; an estate from the seed is written beside it."""
    from controlplane.sim.prove.written import estate_text, scenario_text

    found = shrunk.found
    folder = out / found.scenario.name
    folder.mkdir(parents=True, exist_ok=True)
    scenario = folder / "scenario.yaml"
    scenario.write_text(scenario_text(found.scenario, "\n".join(found.breaches)), encoding="utf-8")
    if found.case.own:
        return Repro(scenario, tuple(policies))
    described = folder / "policies"
    described.mkdir(exist_ok=True)
    (described / "estate.yaml").write_text(estate_text(found.estate), encoding="utf-8")
    return Repro(scenario, (described,))


def whatif(new: Sequence[Path], old: Sequence[Path], scenarios: Sequence[Path]) -> "list[Comparison]":
    """Let the same scenarios happen under two sets of policies. Raises PoliciesInvalid."""
    from controlplane.load.scenarios import load_scenarios
    from controlplane.sim.prove.differ import compare

    found, before = estate(new), estate(old)
    load_scenarios(scenarios, before)
    return compare(found, before, load_scenarios(scenarios, found), sim_parts)


def library(policies: Sequence[Path]) -> Path | None:
    """The outage library that goes with some policies; None if there is none."""
    from controlplane.load.shipped import shipped

    near = [folder / OUTAGES for path in policies for folder in (path, path.parent)]
    return next((folder for folder in [*near, shipped("policies") / OUTAGES] if folder.is_dir()), None)


def better(comparisons: "Sequence[Comparison]") -> dict[str, tuple[int, int]]:
    """For each metric: in how many scenarios the new policies fare better, and in how many the old ones."""
    from controlplane.sim.prove.differ import tally

    return tally(comparisons)
