"""The library of real outages, on the policies that are shipped: each passes, and none would pass a controller that
does nothing or the tempting thing."""

from pathlib import Path

import pytest

from controlplane.load.estate import load_estate
from controlplane.load.scenarios import load_scenarios
from controlplane.model.estate import Estate
from controlplane.sim.account import tell
from controlplane.sim.daemon import ReplicaPorts
from controlplane.sim.simulate import simulate
from controlplane.wiring.simulation import SimParts
from tests.sim.small import Scripted

POLICIES = Path(__file__).resolve().parents[2] / "policies"
OUTAGES = POLICIES / "outages"
SHOP = load_estate([POLICIES / "shop"])
LIBRARY = {scenario.name: scenario for scenario in load_scenarios([OUTAGES], SHOP)}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", sorted(LIBRARY))
def test_a_real_outage_is_answered_rightly_by_the_shipped_policies(name: str) -> None:
    result = simulate(SHOP, [LIBRARY[name]], parts=SimParts())[0]
    assert result.passed, tell(result)


def test_each_outage_has_a_line_in_the_readme_and_each_line_an_outage() -> None:
    rows = [line.split("|")[1].strip() for line in (OUTAGES / "README.md").read_text().splitlines() if line[:2] == "| "]
    assert sorted(row for row in rows if row != "scenario") == sorted(LIBRARY)


class Idle(SimParts):
    """The daemon's memory and healthy plan, with processes that only keep their lease."""

    def daemon(self, estate: Estate, ports: ReplicaPorts) -> Scripted:  # type: ignore[override]
        return Scripted(ports)


@pytest.mark.parametrize("name", sorted(LIBRARY))
def test_a_controller_that_does_nothing_fails_each_outage(name: str) -> None:
    scenario = LIBRARY[name]
    result = simulate(SHOP, [scenario], parts=Idle())[0]
    assert result.failed
