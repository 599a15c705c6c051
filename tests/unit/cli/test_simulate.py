"""Scenarios from the command line: exit code, JSON and report."""

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Leeward
from tests.unit.cli.test_look import FOLDER

SCENARIO = """
apiVersion: leeward/v1
kind: Scenario
metadata: {{name: lost}}
spec:
  seed: 7
  duration: 90s
  faults:
    - {{at: 20s, kind: region-down, region: dublin}}
  expect:
    - {{drained: dublin, within: {within}}}
"""


@pytest.fixture
def policies(tmp_path: Path) -> str:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "shop.yaml").write_text(FOLDER)
    return str(tmp_path / "policies")


def write(tmp_path: Path, within: str) -> str:
    path = tmp_path / f"{within}.yaml"
    path.write_text(SCENARIO.format(within=within))
    return str(path)


def test_a_scenario_that_comes_about_as_expected_exits_with_0(leeward: Leeward, policies: str, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    ran = leeward("simulate", write(tmp_path, "60s"), "--policies", policies, "--report", str(report))
    assert ran.code == 0
    assert ran.out.splitlines()[-1] == "1 scenario passed"
    assert "<svg" in report.read_text()


def test_the_json_is_one_array_of_results(leeward: Leeward, policies: str, tmp_path: Path) -> None:
    paths = (write(tmp_path, "60s"), write(tmp_path, "1s").replace("lost", "late"))
    Path(paths[1]).write_text(Path(paths[1]).read_text().replace("name: lost", "name: late"))
    ran = leeward("simulate", *paths, "--policies", policies, "--json")
    good, late = json.loads(ran.out)
    assert ran.code == 1
    assert (good["scenario"], good["passed"], good["failed"]) == ("lost", True, [])
    assert (late["scenario"], late["passed"]) == ("late", False)
    assert late["failed"]
    assert {"failedFraction", "detectionS", "mitigationS", "lostWrites"} <= set(good["metrics"])
    assert good["journal"]


def test_a_scenario_without_policies_is_wrong_use(leeward: Leeward, tmp_path: Path) -> None:
    assert leeward("simulate", write(tmp_path, "60s")).code == 2


def test_a_scenario_that_names_what_is_not_there_is_told_with_its_place(
    leeward: Leeward, policies: str, tmp_path: Path
) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(SCENARIO.format(within="60s").replace("dublin", "atlantis"))
    ran = leeward("simulate", str(path), "--policies", policies, "--json")
    assert (ran.code, ran.out) == (1, "")
    assert "wrong.yaml:9:" in ran.err
