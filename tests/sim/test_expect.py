"""Each expectation of the contract, met and unmet, against runs whose truth is known."""

from typing import Any

import pytest

from controlplane.model.act import Fence, Holder, KnobSetting, Primary, Weights
from controlplane.model.journal import Entry, EntryKind
from controlplane.sim.ledger import Ledger
from controlplane.sim.measure import mitigation_s
from controlplane.sim.outcome import Result
from controlplane.sim.tally import Run, Tally
from tests.sim.small import Scripted, play, scenario

DEAD = {"at": "60s", "until": "4m", "kind": "region-down", "region": "dublin"}
FRANKFURT = Weights({"IE": {"frankfurt": 1.0}, "DE": {"frankfurt": 1.0}})
HALVES = Weights({"IE": {"dublin": 0.5, "frankfurt": 0.5}, "DE": {"dublin": 0.5, "frankfurt": 0.5}})


async def there_and_back(process: Scripted) -> None:
    """Leave dublin at 80 s, writer and holder included; knob at 90 s; back at 300 s; a hold by R2 at 95 s."""
    clock = process.ports.clock
    await clock.sleep(80 - clock.monotonic())
    await process.act("orders-db", Primary("frankfurt", 1.0))
    await process.act("settlement", Holder("frankfurt"))
    for service in ("catalog", "checkout"):
        await process.act(service, FRANKFURT)
    await clock.sleep(90 - clock.monotonic())
    await process.act("search", KnobSetting("off"))
    await clock.sleep(95 - clock.monotonic())
    held = Entry(EntryKind.HOLD, clock.now(), "estate", process.ports.name, rules=("R2",), epoch=process.epoch)
    await process.ports.journal.append([held])
    await clock.sleep(300 - clock.monotonic())
    for service in ("catalog", "checkout"):
        await process.act(service, HALVES)


def outcome(*expect: dict[str, Any]) -> Result:
    return play(scenario("10m", DEAD, expect=list(expect)), there_and_back)


@pytest.mark.parametrize(
    "wanted",
    [
        {"drained": "dublin", "within": "30s"},
        {"notDrained": ["frankfurt", "london"]},
        {"restored": "dublin", "notBefore": "5m"},
        {"held": "R2"},
        {"held": "R2", "within": "40s"},
        {"knob": "search", "atLeast": "off", "within": "35s"},
        {"promoted": "orders-db", "to": ["frankfurt", "london"], "within": "30s"},
        {"holder": "settlement", "is": "frankfurt", "within": "30s"},
        {"holder": "settlement", "is": ["frankfurt", "london"]},
        {"metric": "failedFraction", "atMost": 0.02},
        {"metric": "failedRequests", "atLeast": 1},
        {"metric": "lostWrites", "atMost": 100},
    ],
)
def test_what_came_about_is_met(wanted: dict[str, Any]) -> None:
    assert outcome(wanted).failed == ()


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"drained": "dublin", "within": "10s"}, "dublin was to be drained by 70 s, and came to it at 8"),
        ({"drained": "frankfurt"}, "frankfurt was to be drained by 600 s, and was not"),
        ({"notDrained": "dublin"}, "dublin was not to be drained, and carried 0% of its share at 8"),
        (
            {"restored": "dublin", "notBefore": "9m"},
            "dublin was not to carry its share again before 540 s, and did at 30",
        ),
        ({"restored": "frankfurt"}, "frankfurt was to carry its share again, and it never was drained"),
        ({"held": "R16"}, "a hold was to cite R16 by 600 s, and none did"),
        ({"held": "R2", "within": "30s"}, "a hold was to cite R2 by 90 s, and came to it at 95"),
        ({"knob": "search", "atLeast": "off", "within": "20s"}, "search was to be at off or deeper by 80 s, and came"),
        ({"promoted": "orders-db", "to": "london"}, "orders-db was to be promoted in london by 600 s, and was not"),
        ({"notPromoted": "orders-db"}, "orders-db was promoted in frankfurt at 8"),
        (
            {"holder": "settlement", "is": "london"},
            "settlement was to be held in london at the end, and was in frankfurt",
        ),
        ({"metric": "moves", "atMost": 2}, "moves was to be at most 2, and is 5"),
        ({"metric": "valueLost", "atLeast": 900.5}, "valueLost was to be at least 900.5, and is"),
    ],
)
def test_what_did_not_come_about_is_said_in_a_sentence(wanted: dict[str, Any], said: str) -> None:
    failed = outcome(wanted).failed
    assert len(failed) == 1
    assert failed[0].startswith(said), failed


def test_within_counts_from_the_first_fault_that_names_the_subject_or_its_region_else_from_the_first() -> None:
    early = {"at": "5s", "kind": "management-down", "region": "london"}
    wanted = [{"drained": "dublin", "within": "30s"}, {"knob": "search", "atLeast": "off", "within": "40s"}]
    failed = play(scenario("10m", early, DEAD, expect=wanted), there_and_back).failed
    assert [sentence.split(" ")[0] for sentence in failed] == ["search"]


def test_a_region_counts_as_drained_only_when_no_holder_there_could_still_go_on() -> None:
    async def traffic_only(process: Scripted) -> None:
        await process.ports.clock.sleep(30)
        for service in ("catalog", "checkout"):
            await process.act(service, FRANKFURT)
        await process.ports.clock.sleep(60 - process.ports.clock.monotonic())
        await process.act("settlement", Fence("dublin"))

    drained = play(scenario("5m"), traffic_only).ledger.regions["dublin"].drained
    assert len(drained) == 1
    assert drained[0] >= 60


def test_an_unmet_expectation_and_a_broken_rule_both_fail_a_scenario() -> None:
    async def wrong(process: Scripted) -> None:
        await process.act("search", KnobSetting("off"), intent=False)

    assert not play(scenario("1m", expect=[{"held": "R1"}])).passed
    assert not play(scenario("1m"), wrong).passed


def test_sums_do_not_depend_on_how_time_was_cut() -> None:
    one, other = Tally(), Tally()
    for value, count in [(0.1, 7), (0.1, 3), (0.2, 5), (0.1, 10)]:
        one.add(value, count)
        for _ in range(count):
            other.add(value)
    assert one.total == other.total


def test_trouble_is_over_when_users_have_been_well_for_a_while() -> None:
    def after(*points: tuple[int, float]) -> float | None:
        ledger = Ledger.__new__(Ledger)
        ledger.bad = Run(list(points))
        return mitigation_s(ledger, 60, 600)

    assert after((0, 0.0)) == 0.0
    assert after((0, 0.0), (60, 0.3), (72, 0.0)) == 12.0
    assert after((0, 0.0), (60, 0.3), (72, 0.0), (75, 0.4), (90, 0.0)) == 30.0
    assert after((0, 0.0), (60, 0.3), (72, 0.0), (200, 0.4), (210, 0.0)) == 12.0
    assert after((0, 0.0), (60, 0.3)) is None
