"""Guards: scenarios that every right daemon passes, looked at before anything from the seed.

A few of a small estate, and what the proof has found before (``found/``).
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from controlplane.load.estate import load_estate
from controlplane.load.scenarios import load_scenarios
from controlplane.model.estate import Estate
from controlplane.model.resources.failover_policy import FailoverPolicy
from controlplane.model.resources.scenario import Scenario
from tests.sim.small import estate, scenario

_BACK: dict[str, Any] = {"stableFor": "3m", "ramp": {"step": 0.25, "every": "30s"}}
_ALL: list[dict[str, Any]] = [{"notDrained": ["dublin", "frankfurt"]}, {"metric": "moves", "atMost": 0}]
_AT_HOME = {"holder": "settlement", "is": "dublin"}
_FOUND = Path(__file__).parent / "found"
_FROM_TO = {"at": "2m", "until": "12m"}


def guarded(mode: str = "auto", **safety: Any) -> Estate:
    """Everything acts by itself and comes back by itself, or when a person says so (``mode`` manual)."""
    spec = {"services": "*", "autonomy": "act", "failback": {**_BACK, "mode": mode}}
    policy = FailoverPolicy.model_validate({"metadata": {"name": "all"}, "spec": spec})
    return replace(estate(vantageQuorum=2, **safety), failover=(policy,))


def guards() -> dict[str, tuple[Estate, Scenario]]:
    """By name, with the estate that it happens in."""
    made = {name: (guarded(), scene) for name, scene in _of_the_small_estate().items()}
    grey = {**_FROM_TO, "kind": "error-rate", "service": "*", "region": "dublin", "rate": 0.5}
    expect: list[dict[str, Any]] = [{"held": "R8"}, {"notDrained": "dublin"}]
    made["a grey region that must serve"] = (guarded(minServingRegions=3), scenario("30m", grey, expect=expect))
    made["a grey region of which little may be moved at once"] = (
        guarded(maxShift={"fraction": 0.3, "per": "5m"}),
        scenario("30m", grey),
    )
    ill = {"at": "2m", "until": "6m", "kind": "service-down", "service": "catalog", "region": "dublin"}
    made["a service fails in a region"] = (guarded(), scenario("30m", ill))
    made["a service fails in a region, and a person says when it comes back"] = (
        guarded("manual"),
        scenario("30m", ill),
    )
    frozen = {"name": "sale", "from": "2026-11-24T10:10:00Z", "to": "2026-11-24T10:25:00Z", "denies": ["failback"]}
    away = {**_FROM_TO, "kind": "region-down", "region": "dublin"}
    home = {"restored": "dublin", "notBefore": "25m"}
    made["a region comes back during a freeze"] = (guarded(freezes=[frozen]), scenario("40m", away, expect=[home]))
    later = {**grey, "at": "6m", "region": "frankfurt"}
    made["a second grey region"] = (guarded(), scenario("30m", grey, later, expect=[{"held": "R8"}]))
    for folder in sorted(_FOUND.iterdir()):
        described = load_estate([folder / "estate.yaml"])
        made[folder.name] = (described, load_scenarios([folder / "scenario.yaml"], described)[0])
    return made


def _of_the_small_estate() -> dict[str, Scenario]:
    lag = {"at": "1m", "kind": "replication-lag", "datastore": "orders-db"}
    lost = {**_FROM_TO, "kind": "region-down", "region": "dublin"}
    home = {"restored": "dublin", "notBefore": "15m"}
    over = [
        {"drained": "dublin", "within": "30s"},
        {"holder": "settlement", "is": "frankfurt", "within": "1m"},
        {"promoted": "orders-db", "to": "frankfurt", "within": "1m"},
    ]
    grey = {**_FROM_TO, "kind": "error-rate", "service": "*", "region": "dublin", "rate": 0.5}
    return {
        "a region is lost": scenario("30m", lost, expect=[*over, home]),
        "half of the requests fail in a region": scenario(
            "30m", grey, expect=[{"metric": "failedFraction", "atMost": 0.03}]
        ),
        "a service fails everywhere": scenario(
            "30m",
            {**_FROM_TO, "kind": "service-down", "service": "catalog"},
            expect=[{"held": "R2"}, {"notDrained": ["dublin"]}, {"metric": "moves", "atMost": 0}],
        ),
        "a region comes and goes": scenario(
            "50m", {"at": "2m", "until": "44m", "kind": "flap", "region": "dublin", "period": "7m"}
        ),
        "there is less room than was declared": scenario(
            "30m", {"at": "1m", "kind": "capacity-loss", "region": "frankfurt", "fraction": 0.8}, lost
        ),
        "room must be made first": scenario(
            "30m",
            {"at": "1m", "kind": "capacity-loss", "region": "frankfurt", "fraction": 0.85},
            {"at": "1m", "kind": "capacity-loss", "region": "london", "fraction": 0.95},
            {**lag, "lag": "unknown"},
            lost,
            expect=[{"knob": "search", "atLeast": "off", "within": "2m"}],
        ),
        "a region is not seen": scenario(
            "30m", {**_FROM_TO, "kind": "probe-blind", "region": "dublin"}, expect=[*_ALL, _AT_HOME]
        ),
        "nothing is seen": scenario("30m", {**_FROM_TO, "kind": "probe-blind", "vantage": "*"}, expect=_ALL),
        "consoles fail": scenario("30m", {**_FROM_TO, "kind": "management-down", "region": "dublin"}, expect=_ALL),
        "a region is away for a moment": scenario("30m", {**lost, "until": "123s"}, expect=_ALL),
        "a primary is lost whose replica is behind": scenario(
            "30m", {**lag, "lag": "20s"}, lost, expect=[{"held": "R9"}, {"metric": "lostWrites", "atMost": 50}]
        ),
        "a primary is lost whose replica nobody knows": scenario(
            "30m", {**lag, "lag": "unknown"}, lost, expect=[{"held": "R9"}, {"metric": "lostWrites", "atMost": 50}]
        ),
        "the store goes with a region": scenario("30m", lost, {"at": "126s", "until": "140s", "kind": "store-down"}),
        "the store goes while acts are tried again": scenario(
            "30m",
            lost,
            {"at": "2m", "until": "170s", "kind": "driver-error", "driver": "*", "mode": "transient"},
            {"at": "132s", "until": "170s", "kind": "store-down"},
        ),
        "the leader dies while it acts": scenario(
            "30m", lost, {"at": "128500ms", "kind": "daemon-crash", "replica": "leader"}
        ),
    }
