"""A world's file: read into a World, or refused at the exact place."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controlplane.load.estate import load_estate
from controlplane.load.world import load_world
from controlplane.model.errors import PoliciesInvalid
from controlplane.model.estate import Estate
from controlplane.model.verdict import Health
from controlplane.model.world import Drain, Lag, Override, OverrideState, Shift, Transition, Wish, World
from tests.unit.load.written import SOUND, envelope, marked

KNOBS = """\
  knobs:
    - {name: extras, default: full, levels: [{value: less}, {value: off}]}
    - {name: ranking, default: learned, scope: region, levels: [{value: simple}]}"""
AT = "at: 2026-11-24T10:00:00Z\n"
TEN = datetime(2026, 11, 24, 10, tzinfo=UTC)


@pytest.fixture(name="estate")
def _estate(tmp_path: Path) -> Estate:
    job = envelope("Service", "settlement", "  placement: exclusive")
    (tmp_path / "estate.yaml").write_text(SOUND + job + "---\n" + envelope("DegradationPolicy", "shop", KNOBS))
    return load_estate([tmp_path / "estate.yaml"])


def read(tmp_path: Path, estate: Estate, text: str) -> World:
    (tmp_path / "world.yaml").write_text(text)
    return load_world(tmp_path / "world.yaml", estate)


def test_a_world_may_have_nothing_but_its_time(tmp_path: Path, estate: Estate) -> None:
    assert read(tmp_path, estate, AT) == World(at=TEN)


def test_the_world_of_the_contract_is_read(tmp_path: Path, estate: Estate) -> None:
    text = """\
at: 2026-11-24T10:00:00Z
verdicts:            # absent = healthy; "*" = every service of the region
  - {region: dublin, service: "*", state: down, since: 2026-11-24T09:58:00Z}
shares: {checkout: {DE: {london: 1.0}}}
demand: {checkout: {DE: 260}}
knobs: {extras: off}
lag: {orders-db: {london: 800ms}}
holders: {settlement: dublin}
overrides: [{region: london, state: drained, by: ana, reason: maintenance, until: 2026-11-24T12:00:00Z}]
"""
    world = read(tmp_path, estate, text)
    verdict = world.verdict("dublin", "checkout")
    assert (verdict.state, verdict.since, verdict.success) == (Health.DOWN, TEN - timedelta(minutes=2), None)
    assert world.shares == {"checkout": {"DE": {"london": 1.0}}}
    assert world.demand == {"checkout": {"DE": 260.0}}
    assert world.knobs == {"extras": "off"}
    assert world.lag == {"orders-db": {"london": Lag(timedelta(milliseconds=800))}}
    assert world.holders == {"settlement": "dublin"}
    until = TEN + timedelta(hours=2)
    assert world.overrides == (Override("london", OverrideState.DRAINED, "ana", "maintenance", until),)
    assert world.drains is None


def test_everything_else_a_decision_is_made_from_is_read_too(tmp_path: Path, estate: Estate) -> None:
    text = f"""{AT}
verdicts:
  - {{region: dublin, service: orders-db, state: down, success: 0.05}}
  - {{region: "*", service: IE, state: degraded}}
knobs: {{ranking: {{dublin: simple}}}}
lag: {{orders-db: {{london: {{value: 2s, sampledAt: 2026-11-24T09:59:00Z}}}}}}
holders: {{settlement: null}}
primaries: {{orders-db: london}}
wishes:
  - {{kind: knob, subject: extras, to: less, by: ana, reason: sale, until: 2026-11-24T12:00:00Z}}
  - {{kind: service, subject: checkout, to: london, by: ana, reason: sale, until: 2026-11-24T12:00:00Z}}
capacity: {{dublin: 500}}
surcharge: {{dublin: 2}}
alarms: {{london: 2026-11-24T09:00:00Z}}
drains: [{{region: dublin, since: 2026-11-24T09:00:00Z, cause: damped}}]
transitions: [{{region: dublin, at: 2026-11-24T09:00:00Z, to: restored}}]
shifts: [{{at: 2026-11-24T09:00:00Z, fraction: 0.2}}]
fenced: [[settlement, dublin], [orders-db, dublin]]
idle: [[orders-db, dublin]]
unreachable: [[dublin, london]]
acceptedLoss: {{orders-db: 30s}}
lastStep: {{checkout: 2026-11-24T09:00:00Z}}
knobRoomSince: {{extras: 2026-11-24T09:00:00Z}}
management: {{dublin: 2026-11-24T09:00:00Z}}
stuck: [extras, orders-db]
"""
    nine, until = TEN - timedelta(hours=1), TEN + timedelta(hours=2)
    world = read(tmp_path, estate, text)
    assert world.verdicts["dublin", "orders-db"].success == 0.05
    assert world.knobs == {"ranking": {"dublin": "simple"}}
    assert world.lag["orders-db"]["london"] == Lag(timedelta(seconds=2), TEN - timedelta(minutes=1))
    assert (world.holders, world.primaries) == ({"settlement": None}, {"orders-db": "london"})
    assert world.wishes == (
        Wish("knob", "extras", "less", "ana", "sale", until),
        Wish("service", "checkout", "london", "ana", "sale", until),
    )
    assert (world.capacity, world.surcharge) == ({"dublin": 500}, {"dublin": 2})
    assert (world.alarms, world.management) == ({"london": nine}, {"dublin": nine})
    assert world.drains == (Drain("dublin", "*", nine, "damped"),)
    assert world.transitions == (Transition("dublin", nine, "restored"),)
    assert world.shifts == (Shift(nine, 0.2),)
    assert world.fenced == {("settlement", "dublin"), ("orders-db", "dublin")}
    assert world.idle == {("orders-db", "dublin")}
    assert world.verdicts["*", "IE"].state is Health.DEGRADED
    assert world.unreachable == {("dublin", "london")}
    assert world.accepted_loss == {"orders-db": timedelta(seconds=30)}
    assert (world.last_step, world.knob_room_since) == ({"checkout": nine}, {"extras": nine})
    assert world.stuck == {"extras", "orders-db"}


def test_a_regional_knob_with_one_value_has_it_everywhere(tmp_path: Path, estate: Estate) -> None:
    assert read(tmp_path, estate, f"{AT}knobs: {{ranking: simple}}").knobs == {
        "ranking": {"dublin": "simple", "london": "simple"}
    }


def test_a_world_may_be_json(tmp_path: Path, estate: Estate) -> None:
    text = json.dumps({"at": "2026-11-24T10:00:00Z", "shares": {"checkout": {"DE": {"london": 1}}}, "lag": {}})
    assert read(tmp_path, estate, text).shares == {"checkout": {"DE": {"london": 1.0}}}


def test_lag_that_is_null_is_unknown(tmp_path: Path, estate: Estate) -> None:
    assert read(tmp_path, estate, f"{AT}lag: {{orders-db: {{london: null}}}}").lag == {}


@pytest.mark.parametrize(
    "text",
    [
        "§verdicts: []",
        f"{AT}§verdict: []",
        f"{AT}verdicts: [{{region: §oslo, state: down}}]",
        f"{AT}verdicts: [{{region: dublin, service: §cart, state: down}}]",
        f"{AT}verdicts: [{{region: dublin, state: §dead}}]",
        f"{AT}verdicts: [{{region: dublin, state: down, since: §2026-11-24}}]",
        f"{AT}verdicts: [{{region: dublin, state: down}}, §{{region: dublin, state: healthy}}]",
        f"{AT}shares: {{§cart: {{DE: {{london: 1}}}}}}",
        f"{AT}shares: {{checkout: {{DE: {{§oslo: 1}}}}}}",
        f"{AT}shares: {{checkout: {{DE: §{{london: 0.7, dublin: 0.4}}}}}}",
        f"{AT}shares: {{checkout: {{DE: {{london: §1.1}}}}}}",
        f"{AT}shares: {{checkout: {{DE: {{london: §-0.1}}}}}}",
        f"{AT}demand: {{§cart: {{DE: 1}}}}",
        f"{AT}demand: {{checkout: {{DE: §.inf}}}}",
        f"{AT}knobs: {{§extra: off}}",
        f"{AT}knobs: {{extras: §offf}}",
        f"{AT}knobs: {{extras: §{{dublin: off}}}}",
        f"{AT}knobs: {{ranking: {{dublin: §simpel}}}}",
        f"{AT}knobs: {{ranking: {{§oslo: simple}}}}",
        f"{AT}lag: {{§order-db: {{london: 1s}}}}",
        f"{AT}lag: {{orders-db: {{§oslo: 1s}}}}",
        f"{AT}lag: {{orders-db: {{london: §800}}}}",
        f"{AT}holders: {{§job: dublin}}",
        f"{AT}holders: {{settlement: §oslo}}",
        f"{AT}holders: {{§checkout: dublin}}",
        f"{AT}primaries: {{orders-db: §oslo}}",
        f"{AT}overrides: [{{region: §oslo, state: drained, by: a, reason: b, until: 2026-11-24T12:00:00Z}}]",
        f"{AT}overrides: [§{{region: dublin, state: drained, by: a, reason: b}}]",
        f"{AT}wishes: [{{kind: knob, subject: extras, to: §mor, by: a, reason: b, until: 2026-11-24T12:00:00Z}}]",
        f"{AT}wishes: [{{kind: service, subject: checkout, to: §x, by: a, reason: b, until: 2026-11-24T12:00:00Z}}]",
        f"{AT}capacity: {{§oslo: 1}}",
        f"{AT}surcharge: {{dublin: §0.5}}",
        f"{AT}alarms: {{§oslo: 2026-11-24T10:00:00Z}}",
        f"{AT}drains: [{{region: dublin, service: §cart, since: 2026-11-24T10:00:00Z}}]",
        f"{AT}fenced: [[§cart, dublin]]",
        f"{AT}fenced: [§[settlement]]",
        f"{AT}idle: [[§settlement, dublin]]",
        f"{AT}verdicts: [{{region: '*', service: §checkout, state: down}}]",
        f"{AT}unreachable: [[dublin, §oslo]]",
        f"{AT}acceptedLoss: {{§order-db: 1s}}",
        f"{AT}lastStep: {{§cart: 2026-11-24T10:00:00Z}}",
        f"{AT}knobRoomSince: {{§extra: 2026-11-24T10:00:00Z}}",
        f"{AT}stuck: [§checkout]",
        f"{AT}---\n§{AT}",
    ],
)
def test_what_is_wrong_with_a_world_is_told_where_it_is(tmp_path: Path, estate: Estate, text: str) -> None:
    plain, line, column = marked(text)
    with pytest.raises(PoliciesInvalid) as caught:
        read(tmp_path, estate, plain)
    assert [(m.line, m.column) for m in caught.value.mistakes] == [(line, column)], str(caught.value)
    assert caught.value.mistakes[0].mend


def test_all_mistakes_of_a_world_are_told_at_once(tmp_path: Path, estate: Estate) -> None:
    with pytest.raises(PoliciesInvalid) as caught:
        read(tmp_path, estate, f"{AT}capacity: {{oslo: 1}}\nstuck: [x]\ndemand: {{cart: {{DE: 1}}}}\n")
    assert [m.line for m in caught.value.mistakes] == [2, 3, 4]


def test_an_empty_world_is_a_mistake(tmp_path: Path, estate: Estate) -> None:
    for text in ("", "# nothing\n"):
        with pytest.raises(PoliciesInvalid) as caught:
            read(tmp_path, estate, text)
        assert [m.what for m in caught.value.mistakes] == ["an empty file"]
