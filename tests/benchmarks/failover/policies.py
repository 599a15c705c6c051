"""Leeward's policies for the benchmark: one service in three regions, watched as closely as Envoy's checks look."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.failover.edge import ORIGIN, PATIENCE, SERVICE

_KNOB = {
    "name": "recommendations",
    "default": "full",
    "levels": [{"value": "off", "saves": {SERVICE: 0.4}, "valueLost": 10}],
    "restore": {"stableFor": "1h"},
    "driver": {"driver": "flags"},
}


@dataclass(frozen=True, slots=True)
class Scale:
    """``rate``: requests a second in all; ``units``: what a region can do; ``interval_s``: from look to look."""

    rate: float
    units: float
    interval_s: float


def write(folder: Path, regions: dict[str, int], admin: int, scale: Scale) -> Path:
    """One file of policies in a folder of its own."""
    import yaml

    watched = folder / "policies"
    watched.mkdir()
    documents = [
        *(_region(name, scale.units) for name in regions),
        _service(folder, regions, admin, scale),
        _document("DegradationPolicy", {"knobs": [_KNOB]}),
        _document(
            "FailoverPolicy",
            {
                "services": "*",
                "autonomy": "act",
                "unhealthyFor": "0s",
                "ramp": {"step": 1.0, "every": "1s"},
                "failback": {"mode": "manual"},
            },
        ),
        _document("SafetyPolicy", {"minServingRegions": 1, "vantageQuorum": 1}),
    ]
    (watched / "estate.yaml").write_text(yaml.safe_dump_all(documents, sort_keys=False))
    return watched


def _region(name: str, units: float) -> dict[str, Any]:
    return {
        **_document("Region", {"jurisdiction": "EU", "capacity": units, "headroom": 0.1}),
        "metadata": {"name": name},
    }


def _service(folder: Path, regions: dict[str, int], admin: int, scale: Scale) -> dict[str, Any]:
    every, patience = f"{scale.interval_s * 1000:g}ms", f"{scale.interval_s * PATIENCE * 1000:g}ms"
    eyes: list[dict[str, Any]] = [
        {
            "kind": "http",
            "target": f"http://127.0.0.1:{port}/healthz",
            "regions": [name],
            "interval": every,
            "timeout": patience,
            "fall": 2,
            "rise": 2,
            "with": {"keep": True, "hold": True},
        }
        for name, port in regions.items()
    ]
    eyes.append({"kind": "envoy", "target": f"http://127.0.0.1:{admin}", "interval": every, "timeout": patience})
    settings = {"file": str(folder / "rds.json"), "routes": SERVICE, "admin": f"http://127.0.0.1:{admin}"}
    spec = {
        "tier": 0,
        "demand": {ORIGIN: scale.rate},
        "cost": 1.0,
        "probes": eyes,
        "traffic": {"driver": "envoy", "with": settings},
    }
    return {**_document("Service", spec), "metadata": {"name": SERVICE}}


def _document(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "leeward/v1", "kind": kind, "metadata": {"name": "benchmark"}, "spec": spec}
