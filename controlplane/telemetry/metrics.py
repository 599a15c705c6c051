"""Metrics for Prometheus: what is so, read from the last status when somebody scrapes; what happened, counted."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from controlplane.model.desk import Mode, Status, Tick
from controlplane.model.estate import Estate
from controlplane.model.journal import Entry, EntryKind
from controlplane.model.verdict import EVERY_SERVICE, Health

_Key = TypeVar("_Key", tuple[str], tuple[str, str], tuple[str, str, str])

_HEALTH = {Health.HEALTHY: 1.0, Health.DEGRADED: 0.5, Health.DOWN: 0.0, Health.UNKNOWN: float("nan")}
_TICK_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_ACT_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class Metrics:
    """A listener that keeps counts, and the text that Prometheus scrapes."""

    def __init__(self, estate: Callable[[], Estate]) -> None:
        self._registry = CollectorRegistry()
        self._latest = _Latest(estate)
        self._registry.register(self._latest)
        self._entries = Counter(
            "leeward_journal_entries", "Journal entries, by kind", ["kind"], registry=self._registry
        )
        self._acts = Counter(
            "leeward_acts", "Acts that ended, by kind and ending", ["kind", "ending"], registry=self._registry
        )
        self._act_s = Histogram(
            "leeward_act_seconds", "How long acts took", ["kind"], buckets=_ACT_S, registry=self._registry
        )
        self._tick_s = Histogram(
            "leeward_tick_seconds", "How long one turn of the loop took", buckets=_TICK_S, registry=self._registry
        )

    def __call__(self, event: Entry | Tick) -> None:
        """Take note of what happened."""
        if isinstance(event, Tick):
            self._latest.status = event.status
            self._tick_s.observe(event.took_s)
            return
        self._entries.labels(event.kind.value).inc()
        if event.kind is EntryKind.OUTCOME:
            kind, took_s = str(event.facts.get("kind", "")), event.facts.get("took_s")
            self._acts.labels(kind, str(event.facts.get("ending", ""))).inc()
            if isinstance(took_s, int | float):
                self._act_s.labels(kind).observe(took_s)

    def text(self) -> tuple[bytes, str]:
        """The exposition and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST


class _Latest(Collector):
    """Gauges made from the last status at the moment of a scrape, so that what is gone has no series left behind."""

    def __init__(self, estate: Callable[[], Estate]) -> None:
        self._estate = estate
        self.status: Status | None = None

    def collect(self) -> Iterable[Metric]:
        """Every gauge."""
        status = self.status
        if status is None:
            return
        yield from _replica(status)
        yield from _watching(status)
        yield from _placement(status)
        yield from _decision(status)
        yield _knobs(status, self._estate())


def _replica(status: Status) -> Iterator[Metric]:
    info = InfoMetricFamily("leeward_replica", "Who this is, and by which policies it decides")
    info.add_metric([], {"replica": status.replica, "policies": status.policies.version, "leader": status.leader or ""})
    yield info
    yield _by(
        "leeward_mode",
        "1 for the mode this replica is in",
        "mode",
        {(m.value,): float(m is status.mode) for m in Mode},
    )
    yield _one("leeward_epoch", "The epoch this replica leads under, 0 if it does not", status.epoch)
    if status.lease_expires_at is not None:
        expires = status.lease_expires_at.timestamp()
        yield _one("leeward_lease_expires_timestamp_seconds", "When the lease runs out", expires)
    yield _one("leeward_paused", "1 while a person has paused all acting", status.paused is not None)
    yield _one("leeward_frozen", "1 while a global fault freezes changes (R2)", status.frozen_since is not None)
    yield _one("leeward_store_ok", "1 while the store can be read and written", status.store.ok)
    yield _one("leeward_store_spooled_entries", "Entries kept here until it is back (R16)", status.store.spooled)
    yield _one("leeward_policies_refused", "1 while newer policies on disk are refused", bool(status.policies.problem))


def _watching(status: Status) -> Iterator[Metric]:
    watch = status.watch
    yield _one("leeward_watch_targets", "What is probed from here", watch.targets)
    yield _one("leeward_watch_lag_seconds", "How late the latest probe was", watch.lag_s)
    yield _one("leeward_watch_quiet", "Loops and probes that have not been heard of for too long", len(watch.quiet))
    silence = {(name,): (status.at - at).total_seconds() for name, at in watch.vantages.items() if at is not None}
    yield _by("leeward_vantage_silence_seconds", "Since when a vantage has said nothing", "vantage", silence)
    verdicts = status.world.verdicts
    yield _by(
        "leeward_verdict",
        "1 healthy, 0.5 degraded, 0 down, NaN unknown; service * is the region itself",
        "region service",
        {key: _HEALTH[verdict.state] for key, verdict in verdicts.items()},
    )
    success = {key: verdict.success for key, verdict in verdicts.items() if verdict.success is not None}
    yield _by("leeward_user_success", "Share of users' requests that succeed", "region service", success)


def _placement(status: Status) -> Iterator[Metric]:
    world = status.world
    shares = {
        (service, origin, region): share
        for service, by_origin in world.shares.items()
        for origin, by_region in by_origin.items()
        for region, share in by_region.items()
    }
    yield _by("leeward_share", "Share of an origin that a region serves", "service origin region", shares)
    yield _by("leeward_shed", "Share turned away for want of room (R3)", "service origin", _flat(status.shed))
    yield _by("leeward_refused", "Share without a legal region (R4)", "service origin", _flat(status.refused))
    holders = {(service, region): 1.0 for service, region in world.holders.items() if region is not None}
    yield _by("leeward_holder", "1 where an exclusive service runs", "service region", holders)
    primaries = dict.fromkeys(world.primaries.items(), 1.0)
    yield _by("leeward_primary", "1 where a datastore's primary is", "datastore region", primaries)
    drained = {(drain.region,): 1.0 for drain in world.drains or () if drain.service == EVERY_SERVICE}
    yield _by("leeward_drained", "1 for a region that is left and not yet restored", "region", drained)


def _decision(status: Status) -> Iterator[Metric]:
    yield _one("leeward_acts_in_flight", "Acts that have begun and not ended", len(status.in_flight))
    yield _one("leeward_approvals_waiting", "What waits for a person", len(status.approvals))
    if status.plan is None:
        return
    holds: dict[tuple[str], float] = {}
    for hold in status.plan.holds:
        for rule in hold.rules:
            holds[rule.value,] = holds.get((rule.value,), 0.0) + 1
    yield _by("leeward_holds", "Decisions not to act, by rule", "rule", holds)
    yield _one("leeward_plan_feasible", "1 if the plan turns nobody away", status.plan.feasible)
    yield _one("leeward_plan_actions", "Actions that the plan still has", len(status.plan.actions))
    utilisation = {(region,): share for region, share in status.plan.utilisation.items()}
    yield _by("leeward_utilisation", "Load over capacity as planned", "region", utilisation)


def _knobs(status: Status, estate: Estate) -> Metric:
    depths: dict[tuple[str, str], float] = {}
    for name, knob in estate.knobs.items():
        told = status.world.knobs.get(name)
        values = told if isinstance(told, Mapping) else {"": knob.default if told is None else told}
        for region, value in values.items():
            try:
                depths[name, region] = knob.depth(value)
            except ValueError:  # a level that newer policies no longer have
                depths[name, region] = float("nan")
    return _by("leeward_knob_depth", "0 at the default, 1 at the lightest level, and so on", "knob region", depths)


def _one(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=float(value))


def _by(name: str, words: str, labels: str, values: Mapping[_Key, float]) -> Metric:
    """A gauge with one series a key; ``labels`` are the names of the key's parts."""
    family = GaugeMetricFamily(name, words, labels=labels.split())
    for key in sorted(values):
        family.add_metric(key, values[key])
    return family


def _flat(by: Mapping[str, Mapping[str, float]]) -> dict[tuple[str, str], float]:
    return {(one, two): value for one, inner in by.items() for two, value in inner.items()}
