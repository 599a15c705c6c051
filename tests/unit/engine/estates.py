"""A small estate, built from its resources."""

from controlplane.model.estate import Estate
from controlplane.model.resources.datastore import Datastore
from controlplane.model.resources.degradation_policy import Knob
from controlplane.model.resources.failover_policy import FailoverPolicy
from controlplane.model.resources.region import Region
from controlplane.model.resources.safety_policy import SafetySpec
from controlplane.model.resources.service import Service

REGIONS = ("dublin", "frankfurt", "stockholm")


def region(name: str, capacity: float = 1000.0) -> Region:
    return Region.model_validate(
        {
            "metadata": {"name": name},
            "spec": {
                "jurisdiction": "EU",
                "capacity": capacity,
                "headroom": 0.1,
                "latency": {"IE": "5ms", "DE": "9ms"},
            },
        }
    )


def service(name: str, **spec: object) -> Service:
    return Service.model_validate({"metadata": {"name": name}, "spec": spec})


def small_estate(*, autonomy: str = "act", capacity: float = 1000.0, mode: str = "auto", **safety: object) -> Estate:
    """Three regions, two spread services, one job that writes to one datastore, one knob."""
    policy = {
        "autonomy": autonomy,
        "unhealthyFor": "2s",
        "ramp": {"step": 0.5, "every": "5s"},
        "failback": {"mode": mode, "stableFor": "30s", "ramp": {"step": 0.5, "every": "5s"}},
    }
    knob = {
        "name": "recommendations",
        "default": "full",
        "levels": [{"value": "off", "saves": {"search": 0.9}, "valueLost": 10.0}],
        "restore": {"stableFor": "10s"},
    }
    services = [
        service("checkout", tier=0, demand={"IE": 200.0, "DE": 200.0}),
        service("search", tier=2, demand={"IE": 200.0, "DE": 200.0}),
        service("settlement", tier=1, placement="exclusive", datastore="orders-db"),
    ]
    store = Datastore.model_validate(
        {
            "metadata": {"name": "orders-db"},
            "spec": {"engine": "postgresql", "primary": "dublin", "replicas": ["frankfurt"], "rpo": "1s"},
        }
    )
    return Estate(
        regions={name: region(name, capacity) for name in REGIONS},
        services={one.name: one for one in services},
        datastores={store.name: store},
        failover=(FailoverPolicy.model_validate({"metadata": {"name": "default"}, "spec": policy}),),
        knobs={"recommendations": Knob.model_validate(knob)},
        safety=SafetySpec.model_validate(safety),
    )
