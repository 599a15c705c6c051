"""What Prometheus reads."""

import math
from dataclasses import replace
from datetime import timedelta

from prometheus_client.parser import text_string_to_metric_families

from controlplane.model.desk import InFlight, Paused, Phase, Tick, WatchHealth
from controlplane.model.journal import Entry, EntryKind, Json
from controlplane.model.verdict import EVERY_SERVICE, Health, Verdict
from controlplane.model.world import Drain, World
from controlplane.store.memory import MemoryStore
from controlplane.telemetry.metrics import Metrics
from tests.unit.service.shop import NOON, StillDesk, estate

Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def read(metrics: Metrics) -> Series:
    text, kind = metrics.text()
    assert kind.startswith("text/plain")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def value(series: Series, name: str, **labels: str) -> float:
    return series[name, tuple(sorted(labels.items()))]


def tick(world: World, took_s: float = 0.004) -> Tick:
    return Tick(StillDesk(MemoryStore().journal, world).snapshot(), took_s)


def outcome(ending: str, **facts: Json) -> Entry:
    return Entry(EntryKind.OUTCOME, NOON, "checkout", "machine", facts={"kind": "shift", "ending": ending, **facts})


def test_before_the_first_tick_there_is_nothing_but_counters() -> None:
    assert not any(name == "leeward_epoch" for name, _ in read(Metrics(estate)))


def test_verdicts_are_numbers_and_unknown_is_none() -> None:
    metrics = Metrics(estate)
    verdicts = {
        ("dublin", EVERY_SERVICE): Verdict("dublin", EVERY_SERVICE, Health.DOWN, NOON, success=0.02),
        ("london", "feed"): Verdict("london", "feed", Health.UNKNOWN),
        ("frankfurt", "feed"): Verdict("frankfurt", "feed", Health.DEGRADED),
    }
    metrics(tick(World(at=NOON, verdicts=verdicts)))
    series = read(metrics)
    assert value(series, "leeward_verdict", region="dublin", service="*") == 0
    assert value(series, "leeward_verdict", region="frankfurt", service="feed") == 0.5
    assert math.isnan(value(series, "leeward_verdict", region="london", service="feed"))
    assert value(series, "leeward_user_success", region="dublin", service="*") == 0.02


def test_placement_and_decision_are_told() -> None:
    metrics = Metrics(estate)
    world = World(
        at=NOON,
        shares={"checkout": {"DE": {"frankfurt": 0.75, "dublin": 0.25}}},
        knobs={"recommendations": "off", "comments": {"dublin": False, "london": True}},
        holders={"settlement": "dublin"},
        primaries={"orders-db": "dublin"},
        drains=(Drain("london", EVERY_SERVICE, NOON),),
        verdicts={("dublin", "checkout"): Verdict("dublin", "checkout", Health.UNKNOWN)},
    )
    metrics(tick(world))
    series = read(metrics)
    assert value(series, "leeward_share", service="checkout", origin="DE", region="frankfurt") == 0.75
    assert value(series, "leeward_knob_depth", knob="recommendations", region="") == 2
    assert value(series, "leeward_knob_depth", knob="comments", region="dublin") == 1
    assert value(series, "leeward_knob_depth", knob="comments", region="london") == 0
    assert value(series, "leeward_holder", service="settlement", region="dublin") == 1
    assert value(series, "leeward_primary", datastore="orders-db", region="dublin") == 1
    assert value(series, "leeward_drained", region="london") == 1
    assert value(series, "leeward_holds", rule="R1") >= 1
    assert value(series, "leeward_mode", mode="leading") == 1
    assert value(series, "leeward_mode", mode="following") == 0
    assert value(series, "leeward_epoch") == 7


def test_what_is_gone_leaves_no_series_behind() -> None:
    metrics = Metrics(estate)
    metrics(tick(World(at=NOON, holders={"settlement": "dublin"})))
    metrics(tick(World(at=NOON, holders={"settlement": "frankfurt"})))
    holders = [labels for name, labels in read(metrics) if name == "leeward_holder"]
    assert holders == [(("region", "frankfurt"), ("service", "settlement"))]


def test_watchers_pauses_and_flights_are_told() -> None:
    metrics = Metrics(estate)
    status = tick(World(at=NOON)).status
    action = next(iter(StillDesk(MemoryStore().journal, _left()).snapshot().plan.actions))  # type: ignore[union-attr]
    watch = WatchHealth(12, 0.25, ("probe checkout",), {"dublin": NOON - timedelta(seconds=9), "london": None})
    flight = InFlight(action, Phase.APPLYING, NOON, NOON + timedelta(seconds=5))
    paused = Paused("ana", "storm", NOON)
    metrics(Tick(replace(status, watch=watch, in_flight=(flight,), paused=paused, lease_expires_at=NOON), 0.5))
    series = read(metrics)
    assert value(series, "leeward_watch_lag_seconds") == 0.25
    assert value(series, "leeward_watch_quiet") == 1
    assert value(series, "leeward_vantage_silence_seconds", vantage="dublin") == 9
    assert ("leeward_vantage_silence_seconds", (("vantage", "london"),)) not in series
    assert value(series, "leeward_acts_in_flight") == 1
    assert value(series, "leeward_paused") == 1
    assert value(series, "leeward_lease_expires_timestamp_seconds") == NOON.timestamp()
    assert value(series, "leeward_tick_seconds_bucket", le="0.5") == 1
    assert value(series, "leeward_tick_seconds_bucket", le="0.25") == 0


def _left() -> World:
    down = Verdict("dublin", EVERY_SERVICE, Health.DOWN, NOON - timedelta(minutes=1))
    return World(at=NOON, verdicts={("dublin", EVERY_SERVICE): down})


def test_entries_and_acts_are_counted() -> None:
    metrics = Metrics(estate)
    for entry in (
        outcome("done", took_s=0.2),
        outcome("done", took_s=3),
        outcome("failed"),
        replace(outcome(""), facts={}),
    ):
        metrics(entry)
    metrics(Entry(EntryKind.HOLD, NOON, "dublin", "machine"))
    series = read(metrics)
    assert value(series, "leeward_journal_entries_total", kind="outcome") == 4
    assert value(series, "leeward_journal_entries_total", kind="hold") == 1
    assert value(series, "leeward_acts_total", kind="shift", ending="done") == 2
    assert value(series, "leeward_acts_total", kind="shift", ending="failed") == 1
    assert value(series, "leeward_act_seconds_sum", kind="shift") == 3.2


def test_a_knob_level_that_newer_policies_do_not_have_is_no_number() -> None:
    metrics = Metrics(estate)
    metrics(tick(World(at=NOON)))
    status = replace(tick(World(at=NOON)).status, world=World(at=NOON, knobs={"recommendations": "frozen"}))
    metrics(Tick(status, 0.0))
    assert math.isnan(value(read(metrics), "leeward_knob_depth", knob="recommendations", region=""))
