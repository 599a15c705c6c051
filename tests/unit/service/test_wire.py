"""The JSON that faces print."""

import json
from datetime import timedelta
from pathlib import Path

from controlplane.decide.plan import plan
from controlplane.load.world import load_world
from controlplane.model.journal import Entry, EntryKind
from controlplane.model.verdict import EVERY_SERVICE, Health, Verdict
from controlplane.model.world import Drain, Lag, Override, OverrideState, Shift, Transition, Wish, World
from controlplane.service.wire.entry import entry_json
from controlplane.service.wire.plain import share, time
from controlplane.service.wire.plan import plan_json
from controlplane.service.wire.status import status_json
from controlplane.service.wire.world import world_json
from controlplane.store.memory import MemoryStore
from tests.unit.service.shop import NOON, StillDesk, estate

CONTRACT = [
    "feasible",
    "target",
    "next",
    "knobs",
    "holders",
    "promote",
    "shed",
    "refused",
    "utilisation",
    "actions",
    "holds",
]
ACTION = ["id", "kind", "subject", "from", "to", "rules", "why", "after", "approval"]


def dublin_down() -> World:
    since = NOON - timedelta(minutes=2)
    lag = {"orders-db": {"frankfurt": Lag(timedelta(0))}}
    return World(
        at=NOON, verdicts={("dublin", EVERY_SERVICE): Verdict("dublin", EVERY_SERVICE, Health.DOWN, since)}, lag=lag
    )


def test_a_plan_is_printed_with_the_contracts_fields_in_the_contracts_order() -> None:
    printed = plan_json(plan(estate(), dublin_down()))
    assert list(printed)[: len(CONTRACT)] == CONTRACT
    actions = printed["actions"]
    assert isinstance(actions, list)
    assert len(actions) > 2
    for action in actions:
        assert isinstance(action, dict)
        assert list(action)[: len(ACTION)] == ACTION
        assert action["why"]
        assert action["rules"]
    assert printed["promote"] == {"orders-db": "frankfurt"}
    assert printed["holders"] == {"settlement": "frankfurt"}


def test_a_plan_is_plain_json_and_the_same_each_time() -> None:
    texts = {json.dumps(plan_json(plan(estate(), dublin_down())), allow_nan=False) for _ in range(3)}
    assert len(texts) == 1


def test_a_hold_is_printed_with_its_rules_and_a_sentence() -> None:
    world = World(at=NOON, verdicts={("dublin", "checkout"): Verdict("dublin", "checkout", Health.UNKNOWN)})
    holds = plan_json(plan(estate(), world))["holds"]
    assert isinstance(holds, list)
    assert any(isinstance(h, dict) and h["subject"] == "checkout" and h["rules"] == ["R1"] and h["why"] for h in holds)


def test_shares_are_printed_to_six_decimals_and_never_as_minus_nought() -> None:
    assert share(1 / 3) == 0.333333
    assert str(share(-1e-9)) == "0.0"


def test_times_are_printed_in_utc_with_a_z() -> None:
    assert time(NOON) == "2026-11-24T12:00:00Z"


def test_an_entry_is_printed_with_its_place_in_the_chain() -> None:
    entry = Entry(EntryKind.HOLD, NOON, "dublin", "a", "no news", ("R1",), 3, "a1", {"n": 1}, 9, "aa", "bb")
    assert entry_json(entry) == {
        "seq": 9,
        "at": "2026-11-24T12:00:00Z",
        "kind": "hold",
        "subject": "dublin",
        "by": "a",
        "why": "no news",
        "rules": ["R1"],
        "epoch": 3,
        "action": "a1",
        "facts": {"n": 1},
        "previous": "aa",
        "hash": "bb",
    }


def test_a_world_is_printed_as_a_world_file_is_written() -> None:
    until = NOON + timedelta(hours=1)
    world = World(
        at=NOON,
        verdicts={("dublin", "*"): Verdict("dublin", "*", Health.DOWN, NOON, success=0.25)},
        shares={"checkout": {"DE": {"frankfurt": 1.0}}},
        demand={"checkout": {"DE": 260}},
        knobs={"recommendations": "full", "comments": {"dublin": False}},
        lag={"orders-db": {"frankfurt": Lag(timedelta(milliseconds=800))}},
        holders={"settlement": "dublin"},
        overrides=(Override("london", OverrideState.DRAINED, "ana", "maintenance", until),),
        wishes=(Wish("knob", "comments", False, "ana", "storm", until, "dublin"),),
        drains=(Drain("dublin", "*", NOON, "failover"),),
    )
    printed = world_json(world)
    assert printed["verdicts"] == [
        {"region": "dublin", "service": "*", "state": "down", "since": "2026-11-24T12:00:00Z", "success": 0.25}
    ]
    assert printed["lag"] == {"orders-db": {"frankfurt": "800ms"}}
    assert printed["overrides"] == [
        {
            "region": "london",
            "state": "drained",
            "by": "ana",
            "reason": "maintenance",
            "until": "2026-11-24T13:00:00Z",
        }
    ]
    json.dumps(printed, allow_nan=False)


def test_a_world_that_was_printed_is_read_as_it_was(tmp_path: Path) -> None:
    until = NOON + timedelta(hours=1)
    third = {"dublin": 1 / 3, "frankfurt": 1 / 3, "london": 1 / 3}
    world = World(
        at=NOON + timedelta(microseconds=7),
        verdicts={("dublin", "*"): Verdict("dublin", "*", Health.DOWN, NOON, success=0.25)},
        shares={"feed": {"DE": third}},
        demand={"checkout": {"DE": 260.0 / 7}},
        knobs={"recommendations": "cached", "comments": {"dublin": False, "frankfurt": True, "london": True}},
        lag={"orders-db": {"frankfurt": Lag(timedelta(microseconds=1300), NOON)}},
        holders={"settlement": None},
        primaries={"orders-db": "frankfurt"},
        overrides=(Override("london", OverrideState.DRAINED, "ana", "maintenance", until, "bo"),),
        wishes=(Wish("service", "checkout", "frankfurt", "ana", "storm", until),),
        capacity={"dublin": 300.5},
        surcharge={"london": 1.7},
        alarms={"dublin": NOON},
        drains=(Drain("dublin", "*", NOON, "failover"),),
        transitions=(Transition("dublin", NOON, "drained"),),
        shifts=(Shift(NOON, 0.3),),
        fenced=frozenset({("settlement", "dublin")}),
        unreachable=frozenset({("dublin", "london")}),
        accepted_loss={"orders-db": timedelta(seconds=30)},
        last_step={"feed": NOON},
        knob_room_since={"recommendations": NOON},
        management={"london": NOON},
        stuck=frozenset({"page-size"}),
    )
    file = tmp_path / "world.json"
    file.write_text(json.dumps(world_json(world)))
    assert load_world(file, estate()) == world


def test_a_status_shows_every_region_knob_and_primary_even_if_nothing_is_known_of_them() -> None:
    desk = StillDesk(MemoryStore().journal)
    desk.turn({"comments": {"dublin": False}})
    printed = status_json(desk.snapshot(), desk.estate)
    assert printed["knobs"] == {
        "comments": {"dublin": False, "frankfurt": True, "london": True},
        "page-size": 3.0,
        "recommendations": "full",
    }
    assert printed["primaries"] == {"orders-db": "dublin"}
    regions = printed["regions"]
    assert isinstance(regions, list)
    assert [r["region"] for r in regions if isinstance(r, dict)] == ["dublin", "frankfurt", "london"]
    json.dumps(printed, allow_nan=False)


def test_a_region_is_shown_with_its_share_of_all_requests() -> None:
    shares = {
        "checkout": {"DE": {"frankfurt": 0.5, "dublin": 0.5}, "IE": {"dublin": 1.0}},
        "feed": {"DE": {"frankfurt": 1.0}},
        "payment": {"DE": {"london": 1.0}},
    }
    desk = StillDesk(MemoryStore().journal, World(at=NOON, shares=shares))
    regions = status_json(desk.snapshot(), desk.estate)["regions"]
    assert isinstance(regions, list)
    by_name = {r["region"]: r["share"] for r in regions if isinstance(r, dict)}
    whole = 100 + 50 + 150 + 20
    assert by_name == {"dublin": round(100 / whole, 6), "frankfurt": round(200 / whole, 6), "london": 0.0625}


def test_what_nobody_has_moved_yet_is_shown_where_the_healthy_plan_has_it() -> None:
    desk = StillDesk(MemoryStore().journal, World(at=NOON, shares={"feed": {"DE": {"london": 1.0}}}))
    shares = status_json(desk.snapshot(), desk.estate)["shares"]
    assert isinstance(shares, dict)
    assert list(shares) == ["checkout", "feed", "payment"]
    feed = shares["feed"]
    assert isinstance(feed, dict)
    assert feed["DE"] == {"london": 1.0}
    assert "GB" in feed
