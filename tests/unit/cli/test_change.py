"""Changing commands: shown, asked, done, recorded."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from controlplane.model.desk import (
    MACHINE,
    AcceptLoss,
    AddOverride,
    Approval,
    Approve,
    AskSecond,
    ClearOverride,
    ClearWish,
    Pause,
    Reject,
    Release,
    Resume,
    SetWish,
)
from controlplane.model.plan import Action, ActionKind
from controlplane.model.rules import Rule, reason
from controlplane.model.world import Lag, OverrideState, World
from tests.unit.cli.conftest import Leeward, Standing
from tests.unit.service.shop import NOON


def test_without_a_terminal_and_without_yes_nothing_is_done(leeward: Leeward, standing: Standing) -> None:
    ran = leeward("drain", "dublin")
    assert ran.code == 2
    assert "--yes" in ran.err
    assert ran.out == ""
    assert standing.desk.given == []


def test_a_person_is_shown_the_plan_and_asked(leeward: Leeward, standing: Standing) -> None:
    ran = leeward("drain", "dublin", "--reason", "storm", answer="y")
    assert ran.code == 0
    assert "What will happen, in this order" in ran.err
    assert "Do it? [y/N]" in ran.err
    assert ran.out.startswith("Done.")
    (given,) = standing.desk.given
    assert isinstance(given, AddOverride)
    assert (given.override.region, given.override.state) == ("dublin", OverrideState.DRAINED)
    assert (given.by, given.reason) == ("ana", "storm")


@pytest.mark.parametrize("answer", ["", "n", "no", "maybe", "yes please"])
def test_anything_but_yes_is_no(leeward: Leeward, standing: Standing, answer: str) -> None:
    ran = leeward("drain", "dublin", answer=answer)
    assert ran.code == 1
    assert "Nothing was changed." in ran.err
    assert standing.desk.given == []


def test_a_preview_changes_nothing_and_needs_no_yes(leeward: Leeward, standing: Standing) -> None:
    ran = leeward("drain", "dublin", "--preview")
    assert ran.code == 0
    assert "move checkout from dublin" in ran.out
    assert standing.desk.given == []


def test_json_is_one_value_on_stdout(leeward: Leeward, standing: Standing) -> None:
    ran = leeward("drain", "dublin", "--yes", "--json")
    receipt = json.loads(ran.out)
    assert receipt["accepted"] is True
    assert receipt["seq"] == 1
    assert ran.err == ""


def test_what_needs_a_second_person_waits_and_exits_with_4(leeward: Leeward, standing: Standing) -> None:
    leeward("drain", "dublin", "--yes")
    ran = leeward("drain", "london", "--yes", "--json")
    assert ran.code == 4
    waiting = json.loads(ran.out)["waiting"]
    assert isinstance(standing.desk.given[-1], AskSecond)
    again = leeward("approve", waiting, "--yes")
    assert (again.code, "R11" in again.err) == (3, True)
    assert leeward("approve", waiting, "--yes", "--by", "bo").code == 0
    assert {override.region for override in standing.desk.state.overrides} == {"dublin", "london"}


def test_what_a_rule_forbids_exits_with_3_and_names_the_rule(leeward: Leeward, standing: Standing) -> None:
    ran = leeward("failover", "orders-db", "--to", "frankfurt", "--yes", "--json")
    assert ran.code == 3
    assert json.loads(ran.out)["rules"] == ["R9"]
    assert ran.err.startswith("leeward: refused by R9")
    assert standing.desk.given == []


def test_a_failover_says_how_much_may_be_lost(leeward: Leeward, standing: Standing) -> None:
    standing.desk.change(World(at=NOON, lag={"orders-db": {"frankfurt": Lag(timedelta(seconds=3))}}))
    assert leeward("failover", "orders-db", "--to", "frankfurt", "--accept-loss", "30s", "--yes").code == 0
    accepted = next(command for command in standing.desk.given if isinstance(command, AcceptLoss))
    assert (accepted.datastore, accepted.loss) == ("orders-db", timedelta(seconds=30))


def test_an_override_ends_when_it_was_told_to(leeward: Leeward, standing: Standing) -> None:
    leeward("override", "add", "london", "--state", "serving", "--for", "30m", "--yes")
    (given,) = standing.desk.given
    assert isinstance(given, AddOverride)
    assert given.override.until == NOON + timedelta(minutes=30)
    assert given.override.state is OverrideState.SERVING


def test_overrides_are_listed_and_taken_back(leeward: Leeward, standing: Standing) -> None:
    leeward("drain", "dublin", "--yes", "--reason", "storm")
    listed = leeward("override", "list")
    assert "dublin" in listed.out
    assert "storm" in listed.out
    assert json.loads(leeward("override", "list", "--json").out)[0]["by"] == "ana"
    assert leeward("override", "clear", "dublin", "--yes").code == 0
    assert isinstance(standing.desk.given[-1], ClearOverride)
    assert "Nobody has ordered anything" in leeward("override", "list").out


@pytest.mark.parametrize(
    ("setting", "region", "value"),
    [
        ("recommendations=off", (), "off"),
        ("comments=false", ("--region", "london"), False),
        ("page-size=1.5", (), 1.5),
    ],
)
def test_a_knob_is_turned_to_a_value_as_policies_write_it(
    leeward: Leeward, standing: Standing, setting: str, region: tuple[str, ...], value: object
) -> None:
    assert leeward("degrade", setting, *region, "--yes").code == 0
    (given,) = standing.desk.given
    assert isinstance(given, SetWish)
    assert given.wish.to == value
    assert isinstance(given.wish.to, bool) == isinstance(value, bool)


def test_a_knob_that_a_person_turned_is_let_go_of(leeward: Leeward, standing: Standing) -> None:
    leeward("degrade", "recommendations=off", "--yes")
    assert leeward("restore", "recommendations", "--yes").code == 0
    assert isinstance(standing.desk.given[-1], ClearWish)


@pytest.mark.parametrize(
    "arguments",
    [
        ("degrade", "recommendations"),
        ("degrade", "recommendations=loud"),
        ("degrade", "recomendations=off"),
        ("drain", "dubln"),
        ("drain", "dublin", "--for", "30"),
        ("failover", "orders-db", "--to", "frankfurt", "--accept-loss", "lots"),
        ("failback",),
        ("approve", "nothing"),
    ],
)
def test_what_makes_no_sense_is_wrong_use_and_says_what_would(
    leeward: Leeward, standing: Standing, arguments: tuple[str, ...]
) -> None:
    ran = leeward(*arguments, "--yes")
    assert ran.code == 2
    assert ran.err.startswith("leeward: wrong use")
    assert ran.out == ""
    assert standing.desk.given == []


def test_failback_without_a_name_takes_the_one_region_that_is_left(leeward: Leeward, standing: Standing) -> None:
    leeward("drain", "dublin", "--yes")
    ran = leeward("failback", "--yes")
    assert ran.code == 0
    given = standing.desk.given[-1]
    assert isinstance(given, AddOverride)
    assert (given.override.region, given.override.state) == ("dublin", OverrideState.SERVING)


def test_the_machine_is_paused_resumed_and_released(leeward: Leeward, standing: Standing) -> None:
    for arguments in (("pause", "--reason", "look first"), ("resume",), ("release", "dublin")):
        assert leeward(*arguments, "--yes").code == 0
    assert [type(command) for command in standing.desk.given] == [Pause, Resume, Release]


def test_the_daemon_that_was_named_is_asked(leeward: Leeward, standing: Standing) -> None:
    leeward("drain", "dublin", "--preview", "--daemon", "10.0.0.1:1", "--token-file", "me")
    assert (standing.asked[0].daemon, standing.asked[0].token_file) == ("10.0.0.1:1", "me")


def waiting(name: str, from_: str | None, to: str | None) -> Approval:
    action = Action(f"shift-{name}", ActionKind.SHIFT, name, from_, to, (reason(Rule.RAMP, "dead-region", region="x"),))
    return Approval(action.id, NOON, MACHINE, name, action.rules, "", action)


def propose(standing: Standing) -> None:
    """Three moves wait: two out of dublin, one out of london."""
    moves = (
        waiting("checkout", "dublin", "london"),
        waiting("feed", "dublin,frankfurt", "london"),
        waiting("payment", "frankfurt", None),
    )
    standing.desk.state = replace(standing.desk.state, approvals=moves)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("all",), ["shift-checkout", "shift-feed", "shift-payment"]),
        (("dublin",), ["shift-checkout", "shift-feed"]),
        (("shift-payment", "shift-checkout"), ["shift-checkout", "shift-payment"]),
        (("shift-feed",), ["shift-feed"]),
    ],
)
def test_one_word_is_enough_for_everything_about_a_region(
    leeward: Leeward, standing: Standing, names: tuple[str, ...], said: list[str]
) -> None:
    propose(standing)
    ran = leeward("approve", *names, "--yes", "--json")
    assert ran.code == 0
    assert [command.approval for command in standing.desk.given if isinstance(command, Approve)] == said
    receipts = json.loads(ran.out)
    assert len(receipts) == len(said) if len(said) > 1 else receipts["accepted"]


def test_what_is_said_yes_to_is_listed_first(leeward: Leeward, standing: Standing) -> None:
    propose(standing)
    ran = leeward("approve", "dublin", answer="y")
    assert "say yes to 2 things that wait" in ran.err
    assert "move checkout from dublin to london" in ran.err
    assert "payment" not in ran.err


def test_no_is_an_answer_too(leeward: Leeward, standing: Standing) -> None:
    propose(standing)
    assert leeward("approve", "all", "--no", "--yes").code == 0
    assert [type(command) for command in standing.desk.given] == [Reject] * 3


def test_a_region_that_nothing_waits_for_is_wrong_use(leeward: Leeward, standing: Standing) -> None:
    assert leeward("approve", "dublin", "--yes").code == 2
    assert leeward("approve", "all", "--yes").code == 2
