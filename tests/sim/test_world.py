import json
from typing import Any

import pytest

from controlplane.model.act import Fence, Holder, KnobSetting, Primary, Weights
from controlplane.model.errors import StoreLost
from controlplane.model.evidence import Observation, Reading, Signal
from controlplane.model.journal import EntryKind
from tests.sim.small import Cast, Scripted, estate, play, scenario

ALL_IN_FRANKFURT = {"IE": {"frankfurt": 1.0}, "DE": {"frankfurt": 1.0}}


def seen(cast: Cast, second: int, **wanted: object) -> list[Observation]:
    """What the replica in frankfurt was shown in one second of the scenario."""
    samples = cast.daemons[1].seen
    begin = samples[0].observed_at
    return [
        sample
        for sample in samples
        if (sample.observed_at - begin).total_seconds() == second
        and all(getattr(sample, name) == value for name, value in wanted.items())
    ]


def watched(*faults: dict[str, object], duration: str = "1m") -> Cast:
    cast = Cast(keep=True)
    play(scenario(duration, *faults), cast=cast)
    return cast


async def fail_over(process: Scripted) -> None:
    """What a right controller does once dublin has died at 60 s and its leases have lapsed."""
    await process.ports.clock.sleep(75 - process.ports.clock.monotonic())
    await process.act("search", KnobSetting("off"))
    await process.act("orders-db", Primary("frankfurt", 1.0))
    await process.act("settlement", Holder("frankfurt"))
    await process.act("checkout", Weights(ALL_IN_FRANKFURT))
    await process.act("catalog", Weights(ALL_IN_FRANKFURT))


def test_a_day_in_which_nothing_happens_is_leapt_over() -> None:
    result = play(scenario("24h"))
    assert result.metrics["failedRequests"] == 0
    assert result.leapt_s > 86_000
    assert result.passed


def test_a_leapt_run_is_the_stepped_run_byte_for_byte() -> None:
    faults: list[dict[str, Any]] = [
        {"at": "60s", "until": "15m", "kind": "region-down", "region": "dublin"},
        {"at": "20m", "until": "25m", "kind": "error-rate", "service": "catalog", "region": "frankfurt", "rate": 0.3},
        {"at": "30m", "until": "31m", "kind": "demand-surge", "factor": 2.5},
        {"at": "35m", "kind": "cold-cache", "region": "frankfurt", "refill": "1m"},
        {"at": "38m", "until": "39m", "kind": "flap", "region": "london", "period": "7s"},
        {"at": "36m", "kind": "daemon-crash", "replica": "leader"},
    ]
    leapt = play(scenario("1h", *faults), fail_over)
    stepped = play(scenario("1h", *faults), fail_over, leaps=False)
    assert leapt.leapt_s > 1800
    assert json.dumps(leapt.to_json()) == json.dumps(stepped.to_json())


def test_a_dead_region_that_nobody_leaves_fails_its_share_and_all_who_write_there() -> None:
    result = play(scenario("1m", {"kind": "region-down", "region": "dublin"}))
    # checkout writes in dublin; of the catalogue an eighth fails three times, and the last tries end after the minute
    assert result.metrics["failedRequests"] == pytest.approx(60 * 200 + 60 * 400 / 8, rel=0.15)


def test_a_right_failover_ends_what_users_suffer() -> None:
    result = play(scenario("10m", {"at": "60s", "kind": "region-down", "region": "dublin"}), fail_over)
    assert result.violations == ()
    assert result.metrics["mitigationS"] == pytest.approx(20, abs=6)
    assert result.metrics["moves"] == 3
    assert result.ledger.regions["dublin"].drained == pytest.approx([80], abs=4)


def test_an_unfenced_promotion_after_a_death_loses_the_tail_that_was_not_copied() -> None:
    faults = [
        {"at": "30s", "kind": "replication-lag", "datastore": "orders-db", "region": "frankfurt", "lag": "600ms"},
        {"at": "60s", "kind": "region-down", "region": "dublin"},
    ]
    result = play(scenario("10m", *faults), fail_over)
    assert result.metrics["lostWrites"] == pytest.approx(0.6 * 200)


def test_a_promotion_after_the_primary_was_fenced_alive_loses_nothing() -> None:
    async def switch_over(process: Scripted) -> None:
        await process.ports.clock.sleep(30)
        await process.act("orders-db", Fence("dublin"))
        await process.ports.clock.sleep(2)
        await process.act("orders-db", Primary("frankfurt", 0.0))

    result = play(scenario("5m"), switch_over)
    assert result.metrics["lostWrites"] == 0
    assert result.metrics["doubleActiveS"] == 0
    assert [promotion.region for promotion in result.ledger.promotions] == ["frankfurt"]


def test_a_holders_lease_lapses_by_itself_and_what_returns_comes_back_fenced() -> None:
    result = play(scenario("5m", {"at": "60s", "until": "2m", "kind": "region-down", "region": "dublin"}))
    assert [(second, active) for second, active in result.ledger.holders["settlement"]] == [(0, ("dublin",)), (60, ())]


def test_a_holder_that_was_away_for_less_than_its_lease_goes_on() -> None:
    result = play(scenario("5m", {"at": "60s", "until": "65s", "kind": "region-down", "region": "dublin"}))
    assert result.ledger.holders["settlement"] == [(0, ("dublin",)), (60, ()), (65, ("dublin",))]


def test_two_holders_at_once_are_possible_and_are_counted() -> None:
    async def double(process: Scripted) -> None:
        await process.ports.clock.sleep(30)
        await process.act("settlement", Holder("frankfurt"))
        await process.ports.clock.sleep(30)
        await process.act("settlement", Fence("dublin"))

    result = play(scenario("3m"), double)
    assert result.metrics["doubleActiveS"] == pytest.approx(30, abs=3)
    assert any(violation.startswith("holders") for violation in result.violations)
    assert any(violation.startswith("R9") for violation in result.violations)


def test_a_lower_epoch_is_turned_away_where_a_higher_one_has_acted() -> None:
    async def stale(process: Scripted) -> None:
        await process.act("settlement", Fence("dublin"))
        process.epoch -= 1
        await process.act("settlement", Holder("dublin"))

    cast = Cast(stale)
    result = play(scenario("1m", {"at": "0s", "kind": "daemon-crash", "replica": "leader"}), cast=cast)
    problems = [problem for daemon in cast.daemons for problem in daemon.problems]
    assert any(problem.startswith("Conflict") for problem in problems), problems
    assert result.ledger.holders["settlement"][-1][1] == ()


def test_a_killed_process_does_nothing_more_and_another_life_begins_after_five_seconds() -> None:
    ran: list[tuple[str, float]] = []

    async def count(process: Scripted) -> None:
        try:
            while True:
                ran.append((process.ports.name, process.ports.clock.monotonic()))
                await process.ports.clock.sleep(1)
        finally:
            await process.ports.journal.append([process.entry(EntryKind.OUTCOME, "last words")])

    cast = Cast(count)
    result = play(scenario("1m", {"at": "20s", "kind": "daemon-crash", "replica": "dublin"}), cast=cast)
    assert not [at for name, at in ran if 20 < at < 25]
    assert [at for name, at in ran if at > 25]
    assert [daemon.ports.name for daemon in cast.daemons] == ["dublin", "frankfurt", "dublin"]
    assert all(entry.subject != "last words" for _, entry in result.journal)


def test_a_region_takes_the_replica_that_lives_in_it_along_and_gives_it_back() -> None:
    cast = Cast()
    play(scenario("2m", {"at": "20s", "until": "1m", "kind": "region-down", "region": "dublin"}), cast=cast)
    assert [daemon.ports.name for daemon in cast.daemons] == ["dublin", "frankfurt", "dublin"]


def test_a_store_that_is_down_answers_nobody() -> None:
    lost: list[float] = []

    async def write(process: Scripted) -> None:
        for _ in range(60):
            await process.ports.clock.sleep(1)
            try:
                await process.ports.journal.last(1)
            except StoreLost:
                lost.append(process.ports.clock.monotonic())

    result = play(scenario("50s", {"at": "30s", "until": "32s", "kind": "store-down"}), write)
    assert 1 <= len(lost) <= 3
    assert any("StoreLost" in sentence for sentence in result.failed)


def test_a_hidden_region_is_seen_by_nobody_but_the_edge() -> None:
    cast = watched({"at": "10s", "kind": "probe-blind", "region": "frankfurt"})
    assert not seen(cast, 20, region="frankfurt", signal=Signal.LIVENESS)
    assert seen(cast, 20, region="frankfurt", signal=Signal.SUCCESS)
    assert seen(cast, 20, region="dublin", signal=Signal.LIVENESS)


def test_a_blind_vantage_reports_nothing_and_the_others_go_on() -> None:
    cast = watched({"at": "10s", "kind": "probe-blind", "vantage": "london"})
    assert not seen(cast, 20, vantage="london")
    assert seen(cast, 20, vantage="dublin", region="london", signal=Signal.LIVENESS)


def test_every_vantage_blind_is_no_evidence_at_all() -> None:
    cast = watched({"at": "10s", "kind": "probe-blind", "vantage": "*"})
    assert seen(cast, 9)
    assert not seen(cast, 20)


def test_a_partition_looks_like_death_from_the_other_side_only_and_users_do_not_notice() -> None:
    cast = Cast(keep=True)
    result = play(scenario("1m", {"at": "10s", "kind": "partition", "between": ["london", "frankfurt"]}), cast=cast)
    from_london = seen(cast, 20, vantage="london", region="frankfurt", subject="catalog")
    from_dublin = seen(cast, 20, vantage="dublin", region="frankfurt", subject="catalog")
    assert [sample.reading for sample in from_london] == [Reading.FAILED]
    assert [sample.reading for sample in from_dublin] == [Reading.OK]
    assert result.metrics["failedRequests"] == 0


def test_a_grey_fault_passes_the_probes_and_shows_at_the_edge() -> None:
    cast = watched({"at": "10s", "kind": "error-rate", "service": "catalog", "region": "dublin", "rate": 0.4})
    probes = seen(cast, 20, subject="catalog", region="dublin", signal=Signal.LIVENESS)
    users = seen(cast, 20, subject="catalog", region="dublin", signal=Signal.SUCCESS)
    assert {sample.reading for sample in probes} == {Reading.OK}
    assert [sample.value for sample in users] == pytest.approx([0.6, 0.6])


def test_a_grey_fault_may_be_told_to_fail_its_probes_too() -> None:
    fault = {"kind": "error-rate", "service": "catalog", "region": "dublin", "rate": 0.4, "liveness": "failing"}
    probes = seen(watched(fault), 20, subject="catalog", region="dublin", signal=Signal.LIVENESS)
    assert {sample.reading for sample in probes} == {Reading.FAILED}


def test_demand_is_measured_without_retries() -> None:
    cast = watched({"at": "10s", "kind": "region-down", "region": "dublin"})
    measured = seen(cast, 20, subject="catalog", signal=Signal.DEMAND, origin="IE")
    assert [sample.value for sample in measured] == [200.0]


def test_lag_is_seen_while_it_is_known_and_not_at_all_when_the_metric_is_missing() -> None:
    fault = {"at": "10s", "kind": "replication-lag", "datastore": "orders-db", "region": "frankfurt"}
    known, unknown = watched({**fault, "lag": "5s"}), watched({**fault, "lag": "unknown"})
    assert {sample.value for sample in seen(known, 5, signal=Signal.LAG)} == {0.2}
    assert {sample.value for sample in seen(known, 20, signal=Signal.LAG)} == {5.0}
    assert not seen(unknown, 20, signal=Signal.LAG)


def test_a_lease_that_stands_on_a_host_that_cannot_be_reached_tells_nobody_anything() -> None:
    cast = watched({"at": "20s", "kind": "region-down", "region": "dublin"})
    about = {"signal": Signal.HOLDER, "region": "dublin", "vantage": "london"}
    assert [sample.reading for sample in seen(cast, 15, **about)] == [Reading.OK]
    assert seen(cast, 25, **about) == []
    assert [sample.reading for sample in seen(cast, 35, **about)] == [Reading.FAILED]


def test_a_management_plane_that_fails_takes_its_metrics_along_and_no_user() -> None:
    cast = Cast(keep=True)
    result = play(scenario("1m", {"at": "10s", "kind": "management-down", "region": "dublin"}), cast=cast)
    assert not seen(cast, 20, region="dublin", signal=Signal.CAPACITY)
    assert {s.reading for s in seen(cast, 20, region="dublin", signal=Signal.MANAGEMENT)} == {Reading.FAILED}
    assert result.metrics["failedRequests"] == 0


def test_lost_capacity_and_cold_caches_show_in_the_evidence() -> None:
    cast = watched(
        {"at": "10s", "kind": "capacity-loss", "region": "dublin", "fraction": 0.4},
        {"at": "10s", "kind": "cold-cache", "region": "frankfurt", "refill": "5m"},
    )
    assert [s.value for s in seen(cast, 20, region="dublin", signal=Signal.CAPACITY)] == [pytest.approx(600)]
    assert [s.value for s in seen(cast, 20, region="frankfurt", signal=Signal.SURCHARGE)] == [2.0]
    assert [s.value for s in seen(cast, 20, region="dublin", signal=Signal.SURCHARGE)] == [1.0]


def test_a_building_is_in_alarm_before_it_dies() -> None:
    fault = {"at": "10s", "kind": "facility-alarm", "region": "dublin", "failsAfter": "20s"}
    cast = Cast(keep=True)
    result = play(scenario("1m", fault), cast=cast)
    assert [s.value for s in seen(cast, 20, region="dublin", signal=Signal.FACILITY)] == [1.0]
    assert result.ledger.regions["dublin"].success.points[:2] == [(0, 1.0), (30, 0.0)]


def test_users_behind_names_straggle_past_the_ttl() -> None:
    async def leave(process: Scripted) -> None:
        await process.act("catalog", Weights(ALL_IN_FRANKFURT))

    base = estate()
    named = base.services["catalog"].model_dump(by_alias=True)
    named["spec"]["traffic"] = {"driver": "route53"}
    over = estate()
    over.services["catalog"] = type(base.services["catalog"]).model_validate(named)  # type: ignore[index]
    result = play(scenario("10m", {"at": "30s", "kind": "region-down", "region": "dublin"}), leave, over=over)
    loads = dict(result.ledger.regions["frankfurt"].load.points)
    assert loads[20] < loads[29]
    at_once = play(scenario("10m", {"at": "30s", "kind": "region-down", "region": "dublin"}), leave)
    assert result.metrics["failedRequests"] > at_once.metrics["failedRequests"]  # type: ignore[operator]


@pytest.mark.parametrize(("mode", "said"), [("transient", "Retry"), ("permanent", "Broken")])
def test_a_driver_fails_in_the_way_it_is_told_to(mode: str, said: str) -> None:
    async def turn(process: Scripted) -> None:
        await process.act("search", KnobSetting("off"), driver="flags")

    cast = Cast(turn)
    play(scenario("1m", {"kind": "driver-error", "driver": "flags", "mode": mode}), cast=cast)
    assert [problem.split(":")[0] for problem in cast.daemons[0].problems] == [said]


def test_another_drivers_fault_is_not_ours() -> None:
    async def turn(process: Scripted) -> None:
        await process.act("search", KnobSetting("off"), driver="flags")

    result = play(scenario("1m", {"kind": "driver-error", "driver": "envoy", "mode": "permanent"}), turn)
    assert result.ledger.knobs["search", "dublin"][-1][1] == "off"
    assert result.metrics["valueLost"] == pytest.approx(36 * 58 / 3600, rel=0.1)


def test_a_knob_bites_within_two_seconds_and_saves_what_it_says() -> None:
    async def turn(process: Scripted) -> None:
        await process.ports.clock.sleep(10)
        await process.act("search", KnobSetting("off"))

    loads = play(scenario("1m"), turn).ledger.regions["dublin"].load.points
    assert loads[0][1] - loads[-1][1] == pytest.approx(200 * 0.5 * 0.5)
    assert loads[-1][0] <= 14


def test_a_daemon_that_never_lets_time_go_on_ends_the_run_with_a_sentence() -> None:
    async def spin(process: Scripted) -> None:
        while True:
            await process.ports.clock.sleep(0)

    result = play(scenario("1m"), spin)
    assert not result.passed
    assert result.failed[0].startswith("the run broke off at 0.137 s: ")
