"""Rules: failover and safety policies from a seed, strict ones and lax ones."""

from random import Random
from typing import Any

from controlplane.model.resources.failover_policy import FailoverPolicy
from controlplane.model.resources.safety_policy import SafetySpec

_TIERS = ((0,), (0, 1), (3,))


def failover_policies(chance: Random) -> tuple[FailoverPolicy, ...]:
    """One for all that acts by itself, and sometimes another for some tiers."""
    made = [_policy(chance, "default", "*", "act")]
    if chance.random() < 0.3:
        tiers = {"tiers": list(chance.choice(_TIERS))}
        made.append(_policy(chance, "some", tiers, chance.choice(("act", "act", "propose", "observe"))))
    return tuple(made)


def _policy(chance: Random, name: str, services: object, autonomy: str) -> FailoverPolicy:
    spec: dict[str, Any] = {
        "services": services,
        "autonomy": autonomy,
        "unhealthyFor": chance.choice(("0s", "2s", "5s", "15s")),
        "regionDownWhen": {"servicesDown": chance.choice((0.3, 0.5, 0.75))},
        "ramp": {"step": chance.choice((0.1, 0.25, 0.5)), "every": chance.choice(("10s", "15s", "30s"))},
        "failback": {
            "mode": chance.choice(("auto", "auto", "auto", "manual")),
            "stableFor": chance.choice(("1m", "3m", "10m")),
            "ramp": {"step": chance.choice((0.1, 0.25, 0.5)), "every": chance.choice(("15s", "30s", "1m"))},
        },
    }
    return FailoverPolicy.model_validate({"metadata": {"name": name}, "spec": spec})


def safety_policy(chance: Random, regions: int) -> SafetySpec:
    """Bounds that leave the machine something to do."""
    spec: dict[str, Any] = {
        "minServingRegions": chance.randint(1, max(1, regions - 1)),
        "maxDrainedRegions": chance.choice((1, 1, 2)),
        "maxShift": {"fraction": chance.choice((0.3, 0.6, 1.0)), "per": chance.choice(("1m", "5m"))},
        "maxTransitions": {"count": chance.choice((2, 3, 4)), "per": "30m"},
    }
    if chance.random() < 0.5:
        spec["vantageQuorum"] = chance.randint(1, min(2, regions))
    if chance.random() < 0.1:
        frozen = {"name": "sale", "from": "2026-11-24T10:05:00Z", "to": "2026-11-24T10:50:00Z", "denies": ["failback"]}
        spec["freezes"] = [frozen]
    return SafetySpec.model_validate(spec)
