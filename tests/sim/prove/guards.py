"""Guards: a few scenarios of a small estate that every right daemon passes, looked at before anything from the seed."""

from dataclasses import replace
from typing import Any

from controlplane.model.estate import Estate
from controlplane.model.resources.failover_policy import FailoverPolicy
from controlplane.model.resources.scenario import Scenario
from tests.sim.small import estate, scenario

_LEFT: dict[str, Any] = {"mode": "auto", "stableFor": "3m", "ramp": {"step": 0.25, "every": "30s"}}
_ALL: list[dict[str, Any]] = [{"notDrained": ["dublin", "frankfurt"]}, {"metric": "moves", "atMost": 0}]
_FROM_TO = {"at": "2m", "until": "12m"}


def guarded() -> Estate:
    """Everything acts by itself and comes back by itself."""
    spec = {"services": "*", "autonomy": "act", "failback": _LEFT}
    policy = FailoverPolicy.model_validate({"metadata": {"name": "all"}, "spec": spec})
    return replace(estate(minServingRegions=1, vantageQuorum=2), failover=(policy,))


def guards() -> dict[str, Scenario]:
    """By name; each lasts for 30 minutes."""
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
        "the leader dies while it acts": scenario(
            "30m", lost, {"at": "128500ms", "kind": "daemon-crash", "replica": "leader"}
        ),
    }
