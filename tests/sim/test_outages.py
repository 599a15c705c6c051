"""The library of real outages, on the policies that are shipped: each passes, and none would pass a controller that
does nothing or the tempting thing."""

from pathlib import Path

import pytest

from controlplane.load.estate import load_estate
from controlplane.load.scenarios import load_scenarios
from controlplane.model.resources.scenario import MetricWithin, NotDrained, NotPromoted, Scenario
from controlplane.sim.account import tell
from controlplane.sim.simulate import simulate
from controlplane.wiring.simulation import SimParts

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


@pytest.mark.parametrize("name", sorted(LIBRARY))
def test_each_outage_expects_something_that_only_a_decision_brings_about(name: str) -> None:
    def active(scenario: Scenario) -> list[object]:
        return [e for e in scenario.spec.expect if not isinstance(e, NotDrained | NotPromoted | MetricWithin)]

    assert active(LIBRARY[name]) or name == "github-mysql-2018-10-21"
