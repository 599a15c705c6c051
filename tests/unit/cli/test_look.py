"""Commands that only look: most important first, plain where nobody looks, one JSON value for programs."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from controlplane.model.verdict import EVERY_SERVICE, Health, Verdict
from controlplane.model.world import Lag, World
from tests.unit.cli.conftest import Leeward, Standing
from tests.unit.service.shop import NOON

DOWN = Verdict("dublin", EVERY_SERVICE, Health.DOWN, NOON - timedelta(minutes=2, seconds=5), 0.02)
STORM = World(
    at=NOON,
    verdicts={
        ("dublin", EVERY_SERVICE): DOWN,
        ("frankfurt", "feed"): Verdict("frankfurt", "feed", Health.DEGRADED, NOON - timedelta(seconds=40), 0.94),
    },
    lag={"orders-db": {"frankfurt": Lag(timedelta(seconds=2))}},
    holders={"settlement": "dublin"},
    knobs={"recommendations": "cached", "comments": {"london": False}},
)


def test_when_all_is_well_the_first_line_says_so(leeward: Leeward, standing: Standing) -> None:
    ran = leeward("status")
    assert ran.code == 0
    assert ran.out.splitlines()[0].startswith("All is well")


def test_what_is_wrong_comes_first_and_what_to_do_comes_last(leeward: Leeward, standing: Standing) -> None:
    standing.desk.change(STORM)
    lines = leeward("status").out.splitlines()
    assert lines[0].startswith("dublin is DOWN for 2m 05s")
    assert "leeward drain dublin" in "\n".join(lines[lines.index("Next") :])


def test_the_status_shows_what_is_not_as_usual_and_nothing_else(leeward: Leeward, standing: Standing) -> None:
    standing.desk.change(STORM)
    shown = leeward("status").out
    assert "recommendations=cached" in shown
    assert "comments=false in london" in shown
    assert "page-size" not in shown
    assert "feed" in shown
    assert "settlement" in shown


def test_into_a_pipe_goes_plain_text_without_trailing_blanks(leeward: Leeward, standing: Standing) -> None:
    standing.desk.change(STORM)
    for command in (("status",), ("plan",), ("explain", "dublin"), ("history",)):
        shown = leeward(*command).out
        assert "\x1b" not in shown
        assert [line for line in shown.splitlines() if line != line.rstrip()] == []


def test_colours_stay_out_of_a_pipe_whatever_the_environment_wants(
    leeward: Leeward, standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("CLICOLOR_FORCE", "1")
    assert "\x1b" not in leeward("status").out


def test_a_reason_cannot_move_the_cursor(leeward: Leeward, standing: Standing) -> None:
    leeward("drain", "dublin", "--reason", "\x1b[2J\x9bgone\r", "--yes")
    for command in (("status",), ("history",), ("override", "list"), ("explain", "dublin")):
        shown = leeward(*command).out
        assert not set(shown) & {"\x1b", "\x9b", "\r"}
        assert "gone" in shown or command == ("explain", "dublin")


@pytest.mark.parametrize("command", ["status", "plan", "history"])
def test_json_is_the_wire_s_own(leeward: Leeward, standing: Standing, command: str) -> None:
    ran = leeward(command, "--json")
    json.loads(ran.out)
    assert ran.out.count("\n") == 1
    assert ran.err == ""


def test_the_journal_is_shown_with_the_newest_last(leeward: Leeward, standing: Standing) -> None:
    leeward("pause", "--yes", "--reason", "first")
    leeward("resume", "--yes", "--reason", "second")
    lines = leeward("history").out.splitlines()
    assert ["first" in lines[0], "second" in lines[1]] == [True, True]
    assert "second" in leeward("history", "--after", "1").out
    assert "first" not in leeward("history", "--after", "1").out


def test_a_kind_of_entry_that_there_is_not_is_wrong_use(leeward: Leeward, standing: Standing) -> None:
    ran = leeward("history", "--kind", "rumour")
    assert (ran.code, "rumour" in ran.err) == (2, True)


def test_an_explanation_says_why_why_not_and_what_would_change_it(leeward: Leeward, standing: Standing) -> None:
    standing.desk.change(STORM)
    shown = leeward("explain", "orders-db").out
    assert "What stands against it" in shown
    assert "What would change it" in shown
    assert "--accept-loss" in shown


def test_what_nobody_has_heard_of_cannot_be_explained(leeward: Leeward, standing: Standing) -> None:
    assert leeward("explain", "atlantis").code == 2


REGIONS = """
apiVersion: leeward/v1
kind: Region
metadata: {{name: {name}}}
spec: {{jurisdiction: EU, capacity: {capacity}, headroom: 0.1}}
---
"""
FOLDER = (
    REGIONS.format(name="dublin", capacity=500)
    + REGIONS.format(name="frankfurt", capacity=300)
    + """
apiVersion: leeward/v1
kind: Service
metadata: {name: feed}
spec: {tier: 3, demand: {DE: 290}}
---
apiVersion: leeward/v1
kind: FailoverPolicy
metadata: {name: default}
spec: {services: "*", autonomy: act}
---
apiVersion: leeward/v1
kind: DegradationPolicy
metadata: {name: shop}
spec:
  knobs:
    - {name: clips, default: full, levels: [{value: "off", saves: {feed: 0.5}, valueLost: 20}]}
"""
)
WORLD = """
at: 2026-11-24T10:00:00Z
verdicts: [{region: dublin, state: down, since: 2026-11-24T09:58:00Z}]
"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, ...]:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "shop.yaml").write_text(FOLDER)
    (tmp_path / "world.yaml").write_text(WORLD)
    return "--policies", str(tmp_path / "policies"), "--world", str(tmp_path / "world.yaml")


def test_a_decision_from_files_needs_no_daemon(leeward: Leeward, files: tuple[str, ...]) -> None:
    ran = leeward("plan", *files, "--json")
    assert ran.code == 0
    plan = json.loads(ran.out)
    assert plan["target"] == {"feed": {"DE": {"frankfurt": 1.0}}}
    assert plan["knobs"] == {"clips": "off"}
    assert plan["feasible"] is True
    assert [action["kind"] for action in plan["actions"]] == ["degrade", "shift"]
    assert all(action["why"] and action["rules"] for action in plan["actions"])
    shown = leeward("plan", *files).out
    assert "turn clips down from full to off" in shown
    assert "clips=off" in shown


def test_what_if_says_what_would_be_decided_differently(leeward: Leeward, files: tuple[str, ...]) -> None:
    shown = leeward("explain", "feed", *files, "--what-if", "capacity.frankfurt=+80").out
    assert "clips: off would become full" in shown
    again = json.loads(leeward("explain", "feed", *files, "--what-if", "capacity.frankfurt=+80", "--json").out)
    assert again["whatIf"]["before"]["knobs"] == {"clips": "off"}
    assert again["whatIf"]["after"]["knobs"] == {"clips": "full"}


def test_what_if_over_a_running_daemon_takes_its_world(
    leeward: Leeward, standing: Standing, files: tuple[str, ...]
) -> None:
    shown = leeward("explain", "feed", *files[:2], "--what-if", "state.dublin=down").out
    assert "clips: full would become off" in shown


@pytest.mark.parametrize(
    "change",
    ["capacity", "capacity.atlantis=1", "capacity.dublin=much", "capacity.dublin=-1e9", "state.dublin=ill", "x=1"],
)
def test_a_what_if_that_makes_no_sense_is_wrong_use(leeward: Leeward, files: tuple[str, ...], change: str) -> None:
    assert leeward("explain", "feed", *files, "--what-if", change).code == 2


def test_a_world_without_policies_is_wrong_use(leeward: Leeward, files: tuple[str, ...]) -> None:
    assert leeward("plan", *files[2:]).code == 2


def test_every_mistake_of_the_policies_is_told_with_its_place(
    leeward: Leeward, files: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "policies" / "more.yaml").write_text(
        "apiVersion: leeward/v1\nkind: Region\nmetadata: {name: x}\nspec: {capcity: 3}\n"
    )
    ran = leeward("plan", *files, "--json")
    assert ran.code == 1
    assert ran.out == ""
    assert "more.yaml:4:" in ran.err
    assert "Traceback" not in ran.err
