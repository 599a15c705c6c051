"""A small estate that has one of everything: strong and weak dependencies, residency, a datastore, a job, a knob."""

from collections.abc import Mapping
from typing import Any

from controlplane.model.estate import Estate
from controlplane.model.resources.datastore import Datastore
from controlplane.model.resources.degradation_policy import Knob
from controlplane.model.resources.region import Region
from controlplane.model.resources.service import Service

EU, UK = "EU", "UK"


def _region(name: str, jurisdiction: str, capacity: float) -> Region:
    return Region.model_validate(
        {"metadata": {"name": name}, "spec": {"jurisdiction": jurisdiction, "capacity": capacity}}
    )


def _service(name: str, spec: Mapping[str, Any]) -> Service:
    return Service.model_validate({"metadata": {"name": name}, "spec": spec})


def small_estate(capacity: float = 1000.0) -> Estate:
    """Three regions, four services, a datastore from dublin to frankfurt, a job, a knob."""
    regions = [_region("dublin", EU, capacity), _region("frankfurt", EU, capacity), _region("london", UK, capacity)]
    services = [
        _service(
            "checkout",
            {
                "tier": 0,
                "demand": {"IE": 200.0, "GB": 100.0},
                "residency": {"IE": [EU]},
                "dependsOn": [
                    {"service": "payment", "strength": "strong"},
                    {"service": "recommendation", "strength": "weak"},
                    {"service": "settlement", "strength": "weak"},
                ],
                "datastore": "orders-db",
            },
        ),
        _service("payment", {"tier": 0, "demand": {"IE": 100.0}, "regions": ["dublin", "frankfurt", "london"]}),
        _service("recommendation", {"tier": 3, "demand": {"IE": 100.0, "GB": 100.0}}),
        _service(
            "settlement",
            {"placement": "exclusive", "regions": ["frankfurt", "dublin"], "datastore": "orders-db", "cost": 1.0},
        ),
    ]
    store = Datastore.model_validate(
        {
            "metadata": {"name": "orders-db"},
            "spec": {"engine": "postgresql", "primary": "dublin", "replicas": ["frankfurt"]},
        }
    )
    knob = Knob.model_validate(
        {
            "name": "recommendations",
            "default": "full",
            "levels": [
                {"value": "cached", "saves": {"recommendation": 0.5}, "valueLost": 1.0},
                {"value": "off", "saves": {"recommendation": 1.0}, "valueLost": 2.0},
            ],
        }
    )
    return Estate(
        regions={region.name: region for region in regions},
        services={service.name: service for service in services},
        datastores={"orders-db": store},
        knobs={"recommendations": knob},
    )
