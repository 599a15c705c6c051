from datetime import UTC, datetime, timedelta

import pytest

from controlplane.engine.demand import DemandGauge
from controlplane.engine.digest import absorb, digest
from controlplane.engine.gauges import LagGauge, alarms, capacities
from controlplane.engine.observe import EvidenceBook
from controlplane.engine.state import EstateState
from controlplane.engine.worlds import Surveyor
from controlplane.model.evidence import Key, Observation, Reading, Signal
from controlplane.model.verdict import Health, Verdict
from controlplane.model.world import Lag
from tests.unit.engine.estates import small_estate

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
ESTATE = small_estate()
KEY = Key(Signal.LIVENESS, "v1", "dublin", "checkout")


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def liveness(reading: Reading, seconds: float, *, fall: int = 3, rise: int = 2, vantage: str = "v1") -> Observation:
    return Observation(Signal.LIVENESS, vantage, "dublin", "checkout", reading, at(seconds), fall=fall, rise=rise)


def lag(seconds: float, value: float | None = 0.2, reading: Reading = Reading.OK) -> Observation:
    return Observation(Signal.LAG, "v1", "frankfurt", "orders-db", reading, at(seconds), value=value)


def primary(reading: Reading, seconds: float, vantage: str = "v1") -> Observation:
    return Observation(Signal.LIVENESS, vantage, "dublin", "orders-db", reading, at(seconds))


def demand(value: float, seconds: float, region: str = "dublin") -> Observation:
    return Observation(Signal.DEMAND, "edge", region, "checkout", Reading.OK, at(seconds), value=value, origin="IE")


def believed(book: EvidenceBook, seconds: float = 0) -> Observation:
    return book.snapshot(at(seconds)).samples[KEY]


def test_a_failure_is_believed_only_after_as_many_samples_in_a_row_as_fall_says() -> None:
    book = EvidenceBook()
    book.add(liveness(Reading.OK, 0))
    for second, expected in ((1, Reading.OK), (2, Reading.OK), (3, Reading.FAILED)):
        book.add(liveness(Reading.FAILED, second))
        assert believed(book).reading is expected


def test_one_good_sample_breaks_a_row_of_failures() -> None:
    book = EvidenceBook()
    for second, reading in enumerate((Reading.OK, Reading.FAILED, Reading.FAILED, Reading.OK, Reading.FAILED)):
        book.add(liveness(reading, second))
    assert believed(book).reading is Reading.OK


def test_recovery_is_believed_only_after_rise_samples() -> None:
    book = EvidenceBook()
    for second in range(3):
        book.add(liveness(Reading.FAILED, second))
    book.add(liveness(Reading.OK, 3))
    assert believed(book).reading is Reading.FAILED
    book.add(liveness(Reading.OK, 4))
    assert believed(book).reading is Reading.OK


def test_a_first_failure_of_a_target_never_seen_before_is_not_believed_yet() -> None:
    book = EvidenceBook()
    book.add(liveness(Reading.FAILED, 0))
    assert KEY not in book.snapshot(NOW).samples
    book.add(liveness(Reading.FAILED, 1))
    book.add(liveness(Reading.FAILED, 2))
    assert believed(book).reading is Reading.FAILED


def test_a_look_that_could_not_be_made_neither_makes_nor_breaks_a_row_nor_refreshes_belief() -> None:
    book = EvidenceBook()
    book.add(liveness(Reading.OK, 0))
    book.add(liveness(Reading.FAILED, 1))
    book.add(liveness(Reading.UNKNOWN, 2))
    assert believed(book).observed_at == at(1)
    book.add(liveness(Reading.FAILED, 3))
    assert believed(book).reading is Reading.OK
    book.add(liveness(Reading.FAILED, 4))
    assert believed(book).reading is Reading.FAILED


def test_belief_that_is_being_looked_at_does_not_grow_stale_while_a_change_is_not_believed_yet() -> None:
    book = EvidenceBook()
    book.add(liveness(Reading.OK, 0, fall=10))
    for second in range(1, 9):
        book.add(liveness(Reading.FAILED, second, fall=10))
    assert (believed(book).reading, believed(book).observed_at) == (Reading.OK, at(8))


def test_late_post_changes_nothing() -> None:
    book = EvidenceBook()
    book.add(liveness(Reading.OK, 5))
    book.add(liveness(Reading.FAILED, 4, fall=1))
    assert believed(book).reading is Reading.OK


def test_the_loop_is_woken_when_belief_changes_and_not_by_each_sample() -> None:
    flips: list[int] = []
    book = EvidenceBook(on_flip=lambda: flips.append(1))
    book.add(liveness(Reading.OK, 0))
    before = len(flips)
    for second in range(1, 5):
        book.add(liveness(Reading.OK, second))
    assert len(flips) == before
    for second in range(5, 8):
        book.add(liveness(Reading.FAILED, second))
    assert len(flips) == before + 1


@pytest.mark.parametrize(("first", "second", "wakes"), [(1.0, 0.995, 0), (1.0, 0.5, 1), (0.5, 0.05, 1)])
def test_users_success_wakes_the_loop_when_it_leaves_its_band(first: float, second: float, wakes: int) -> None:
    flips: list[int] = []
    book = EvidenceBook()
    seen = Observation(Signal.SUCCESS, "edge", "dublin", "checkout", Reading.OK, NOW, value=first)
    book.add(seen)
    book.on_flip = lambda: flips.append(1)
    book.add(Observation(Signal.SUCCESS, "edge", "dublin", "checkout", Reading.OK, at(1), value=second))
    assert len(flips) == wakes


def test_what_is_no_longer_watched_is_forgotten() -> None:
    book = EvidenceBook()
    book.add(liveness(Reading.OK, 0))
    book.add(lag(0))
    book.forget(at(1), unless=lambda key: key.subject != "checkout")
    assert [key.subject for key in book.snapshot(at(1)).samples] == ["orders-db"]
    book.forget(at(3 * 3600))
    assert not book.snapshot(at(1)).samples


def lags(book: EvidenceBook, seconds: float, quorum: int = 1, down_since: float | None = None) -> dict[str, Lag]:
    verdicts = {}
    if down_since is not None:
        verdicts["dublin", "*"] = Verdict("dublin", "*", Health.DOWN, at(down_since))
    return LagGauge(ESTATE, book, quorum).read({}, verdicts, at(seconds)).get("orders-db", {})


def test_while_the_primary_is_well_its_lag_is_the_newest_valid_sample() -> None:
    book = EvidenceBook()
    book.add(primary(Reading.OK, 0))
    for second in range(4):
        book.add(lag(second, 0.1 * second))
    assert lags(book, 4)["frankfurt"].value == timedelta(seconds=0.3)
    assert lags(book, 20) == {}


def test_once_the_primary_fails_its_lag_is_the_last_sample_before_the_first_failed_evidence() -> None:
    book = EvidenceBook()
    for second in range(6):
        book.add(primary(Reading.OK if second < 3 else Reading.FAILED, second))
        book.add(lag(second + 0.5, 0.1 if second < 3 else 99.0))
    assert lags(book, 60)["frankfurt"] == Lag(timedelta(seconds=0.1), None)


def test_lag_that_was_ten_seconds_old_when_the_primary_failed_is_unknown() -> None:
    book = EvidenceBook()
    book.add(lag(0))
    book.add(primary(Reading.OK, 9))
    book.add(primary(Reading.FAILED, 10))
    assert lags(book, 10) == {}
    younger = EvidenceBook()
    younger.add(lag(0.5))
    younger.add(primary(Reading.OK, 9))
    younger.add(primary(Reading.FAILED, 10))
    assert "frankfurt" in lags(younger, 10)


def test_while_the_primary_is_well_lag_that_could_not_be_measured_last_is_unknown() -> None:
    book = EvidenceBook()
    book.add(lag(0))
    book.add(lag(1, None, Reading.UNKNOWN))
    book.add(primary(Reading.OK, 2))
    assert lags(book, 2) == {}


def test_a_replica_that_has_nothing_to_tell_a_moment_before_the_primary_is_seen_to_fail_hides_no_sample() -> None:
    book = EvidenceBook()
    book.add(lag(0, 0.3))
    book.add(lag(1, None, Reading.UNKNOWN))
    book.add(primary(Reading.FAILED, 2))
    assert lags(book, 2)["frankfurt"].value == timedelta(seconds=0.3)
    book.add(primary(Reading.OK, 3))
    book.add(lag(12.5, None, Reading.UNKNOWN))
    book.add(primary(Reading.FAILED, 13))
    assert lags(book, 13) == {}, "missing for ten seconds is unknown"


def test_a_prober_cut_off_long_ago_does_not_date_the_failure_of_the_primary() -> None:
    book = EvidenceBook()
    book.add(primary(Reading.FAILED, 0, "v1"))
    for second in range(1, 100):
        book.add(lag(second, 0.2))
        book.add(primary(Reading.FAILED, second, "v1"))
    assert lags(book, 100, quorum=2)["frankfurt"].value == timedelta(seconds=0.2)
    book.add(primary(Reading.FAILED, 100, "v2"))
    book.add(lag(101, 50.0))
    assert lags(book, 101, quorum=2)["frankfurt"] == Lag(timedelta(seconds=0.2), None)


def test_a_verdict_that_no_probe_of_the_primary_has_made_dates_the_failure_too() -> None:
    book = EvidenceBook()
    for second in range(10):
        book.add(lag(second, 0.1 if second < 5 else 70.0))
    assert lags(book, 10, down_since=5)["frankfurt"].value == timedelta(seconds=0.1)


def test_demand_is_summed_over_the_regions_an_edge_sends_to_and_counted_once_for_two_vantages() -> None:
    gauge, book = DemandGauge(), EvidenceBook()
    book.add(demand(100, 0, "dublin"))
    book.add(demand(50, 0, "frankfurt"))
    book.add(Observation(Signal.DEMAND, "v2", "dublin", "checkout", Reading.OK, at(0), value=100, origin="IE"))
    assert gauge.update(ESTATE, book.tracks(Signal.DEMAND)) == {"checkout": {"IE": 150.0}}


def test_the_chance_of_arrivals_does_not_move_demand() -> None:
    gauge, book = DemandGauge(), EvidenceBook()
    shown = set()
    for second, value in enumerate((100, 108, 95, 103, 92, 104, 99, 110, 96)):
        book.add(demand(value, second))
        shown.add(gauge.update(ESTATE, book.tracks(Signal.DEMAND))["checkout"]["IE"])
    assert shown == {100.0}


def test_a_surge_beyond_chance_is_believed_at_once() -> None:
    gauge, book = DemandGauge(), EvidenceBook()
    book.add(demand(100, 0))
    gauge.update(ESTATE, book.tracks(Signal.DEMAND))
    book.add(demand(300, 1))
    assert gauge.update(ESTATE, book.tracks(Signal.DEMAND))["checkout"]["IE"] == 300.0


def test_silence_says_nothing_about_demand() -> None:
    gauge, book = DemandGauge(), EvidenceBook()
    book.add(demand(120, 0))
    gauge.update(ESTATE, book.tracks(Signal.DEMAND))
    assert gauge.update(ESTATE, ()) == {"checkout": {"IE": 120.0}}


def test_demand_of_strangers_is_not_demand() -> None:
    book = EvidenceBook()
    book.add(Observation(Signal.DEMAND, "edge", "dublin", "nobody", Reading.OK, NOW, value=5, origin="IE"))
    book.add(Observation(Signal.DEMAND, "edge", "dublin", "checkout", Reading.OK, NOW, value=5, origin="XX"))
    assert DemandGauge().update(ESTATE, book.tracks(Signal.DEMAND)) == {}


def test_capacity_that_was_seen_counts_before_what_a_scale_up_confirmed() -> None:
    book = EvidenceBook()
    assert capacities(ESTATE, book, {"dublin": 1400.0}) == {"dublin": 1400.0}
    book.add(Observation(Signal.CAPACITY, "v1", "dublin", "*", Reading.OK, NOW, value=600.0))
    assert capacities(ESTATE, book, {"dublin": 1400.0}) == {"dublin": 600.0}
    book.add(Observation(Signal.CAPACITY, "v1", "dublin", "*", Reading.OK, at(1), value=1000.0))
    assert capacities(ESTATE, book, {}) == {}


def test_an_alarm_stands_until_it_is_seen_cleared() -> None:
    book = EvidenceBook()
    book.add(Observation(Signal.FACILITY, "v1", "dublin", "*", Reading.OK, at(1), value=1.0))
    standing = alarms(book, {})
    assert standing == {"dublin": at(1)}
    assert alarms(EvidenceBook(), standing) == standing
    book.add(Observation(Signal.FACILITY, "v1", "dublin", "*", Reading.OK, at(9), value=0.0))
    assert alarms(book, standing) == {}


def test_another_replica_reads_what_this_one_believes() -> None:
    mine, theirs = EvidenceBook(), EvidenceBook()
    for second in range(3):
        mine.add(liveness(Reading.FAILED, second))
    mine.add(demand(77.5, 2))
    assert absorb(theirs, digest(mine, "v1", at(2)), at(2.5)) == 2
    seen = theirs.snapshot(at(2.5)).samples
    assert seen[KEY].reading is Reading.FAILED
    assert seen[KEY].observed_at == at(2)
    assert next(iter(theirs.tracks(Signal.LIVENESS))).failing_since == at(0)
    assert next(iter(theirs.values(Signal.DEMAND))).value == 77.5


def test_what_was_read_from_others_is_not_passed_on_and_what_is_stale_is_not_told() -> None:
    mine, theirs, third = EvidenceBook(), EvidenceBook(), EvidenceBook()
    mine.add(liveness(Reading.OK, 0))
    absorb(theirs, digest(mine, "v1", at(1)), at(1))
    assert absorb(third, digest(theirs, "v2", at(1)), at(1)) == 0
    assert absorb(third, digest(mine, "v1", at(60)), at(60)) == 0


def test_a_digest_from_a_clock_far_ahead_is_not_believed() -> None:
    mine, theirs = EvidenceBook(), EvidenceBook()
    mine.add(liveness(Reading.OK, 100))
    assert absorb(theirs, digest(mine, "v1", at(100)), at(0)) == 0
    assert absorb(theirs, digest(mine, "v1", at(100)), at(95)) == 1
    assert theirs.snapshot(at(95)).samples[KEY].observed_at == at(95)


def test_a_leap_leaves_belief_as_fresh_as_before() -> None:
    book = EvidenceBook()
    book.add(liveness(Reading.OK, 0))
    book.add(lag(0, 0.4))
    book.leap(timedelta(hours=1))
    assert believed(book).observed_at == at(3600)
    assert lags(book, 3601)["frankfurt"].value == timedelta(seconds=0.4)


def test_a_primary_is_idle_when_a_quorum_sees_it_not_write_and_nobody_sees_it_write() -> None:
    book = EvidenceBook(("v1", "v2", "v3"))
    surveyor = Surveyor(ESTATE, book)

    def role(vantage: str, seconds: float, reading: Reading, value: float | None) -> None:
        book.add(Observation(Signal.PRIMARY, vantage, "dublin", "orders-db", reading, at(seconds), value=value))

    def idle(seconds: float, state: EstateState | None = None) -> frozenset[tuple[str, str]]:
        return surveyor.survey(state or EstateState(), {}, frozenset(), at(seconds)).idle

    role("v1", 0, Reading.OK, 0.0)
    assert idle(0) == frozenset()
    role("v2", 0, Reading.FAILED, None)
    assert idle(0) == {("orders-db", "dublin")}
    assert idle(0, EstateState(primary_since={"orders-db": at(0)})) == frozenset(), "promoted since it was seen"
    assert idle(60) == frozenset(), "stale is silence"
    role("v3", 0, Reading.OK, 7.0)
    assert idle(0) == frozenset()
