"""Trouble: several faults at once, in any order, over any estate, from a seed."""

from datetime import timedelta
from random import Random
from typing import Any

from controlplane.model.estate import Estate
from controlplane.model.resources.scenario import Fault, Scenario
from controlplane.sim.conditions import homes, origins

_KINDS = {
    "region-down": 5,
    "service-down": 2,
    "error-rate": 4,
    "latency": 2,
    "capacity-loss": 2,
    "demand-surge": 3,
    "flap": 2,
    "probe-blind": 2,
    "partition": 2,
    "management-down": 1,
    "replication-lag": 3,
    "cold-cache": 1,
    "facility-alarm": 2,
    "driver-error": 3,
    "edge-down": 1,
    "dns-fault": 1,
    "scale-in": 1,
    "backup-missing": 1,
    "daemon-crash": 2,
    "store-down": 3,
}
_LEADS_S = ((0, 0), (1, 12), (10, 90), (60, 900))
"""How long after the first of them the others begin."""
_LASTS_S = ((3, 20), (20, 120), (120, 900), (900, 2400))
_HARD = ("region-down", "region-down", "region-down", "service-down", "error-rate", "flap", "facility-alarm")
"""Trouble that something has to be done about: there is some in every scenario."""
_NEVER_ENDS = 0.04
_START_S = 60


def scenario_of(name: str, seed: int, duration_s: int, faults: list[dict[str, Any]]) -> Scenario:
    """A scenario of faults as they are written, in the order in which they begin."""
    ordered = sorted(faults, key=lambda fault: (_seconds(fault["at"]), str(fault)))
    spec = {"seed": seed, "duration": f"{duration_s}s", "faults": ordered}
    return Scenario.model_validate({"metadata": {"name": name}, "spec": spec})


def extended(scenario: Scenario, faults: list[dict[str, Any]]) -> Scenario:
    """The same with more trouble."""
    written = [written_fault(fault) for fault in scenario.spec.faults]
    duration_s = int(scenario.spec.duration.total_seconds())
    return scenario_of(scenario.name, scenario.spec.seed, duration_s, [*written, *faults])


def written_fault(fault: Fault) -> dict[str, Any]:
    """A fault as it stands in a file."""
    found: dict[str, Any] = fault.model_dump(mode="json", by_alias=True, exclude_unset=True)
    known = {name: value for name, value in found.items() if value is not None}
    return {"at": known.pop("at", "0s"), **known}


def random_faults(chance: Random, estate: Estate, most: int) -> list[dict[str, Any]]:
    """One to ``most`` faults that begin close to each other."""
    first = _START_S + chance.randint(0, 60)
    names = sorted(_KINDS)
    kinds = chance.choices(names, [_KINDS[kind] for kind in names], k=chance.randint(0, most - 1))
    kinds.insert(chance.randint(0, len(kinds)), chance.choice(_HARD))
    made: list[dict[str, Any]] = []
    for kind in kinds:
        at = first + (chance.randint(*chance.choice(_LEADS_S)) if made else 0)
        fault = {"at": f"{at}s", **fault_of(kind, chance, estate)}
        if kind == "daemon-crash":
            fault["at"] = f"{at * 1000 + chance.randint(0, 999)}ms"
        elif kind == "flap" or chance.random() >= _NEVER_ENDS:
            fault["until"] = f"{at + chance.randint(*chance.choice(_LASTS_S))}s"
        made.append(fault)
    return made


def fault_of(kind: str, chance: Random, estate: Estate) -> dict[str, Any]:
    """A fault of a kind, of something that the estate has; of another kind if it has none."""
    if kind in ("replication-lag", "backup-missing") and not estate.datastores:
        kind = "region-down"
    if kind in ("edge-down", "dns-fault") and not origins(estate):
        kind = "region-down"
    return {"kind": kind, **_details(kind, chance, estate)}


def _details(kind: str, chance: Random, estate: Estate) -> dict[str, Any]:
    region = chance.choice(sorted(estate.regions))
    fraction = round(chance.uniform(0.1, 0.9), 2)
    match kind:
        case "region-down" | "management-down":
            return {"region": region}
        case "service-down" | "error-rate" | "latency":
            return _ailment(kind, chance, estate, region)
        case "capacity-loss" | "scale-in":
            return {"region": region, "fraction": fraction}
        case "demand-surge":
            return _surge(chance, estate)
        case "flap":
            return {"region": region, "period": f"{chance.choice((3, 7, 20, 45, 120, 300))}s"}
        case "probe-blind":
            return chance.choice(({"vantage": region}, {"region": region}, {"vantage": "*"}))
        case "partition":
            other = chance.choice([name for name in sorted(estate.regions) if name != region] or [region])
            return {"between": [region, other]}
        case "replication-lag":
            return _lag(chance, estate)
        case "cold-cache":
            return {"region": region, "refill": f"{chance.choice((30, 120, 600))}s"}
        case "facility-alarm":
            return {"region": region, **({"failsAfter": f"{chance.randint(30, 600)}s"} if fraction > 0.5 else {})}
        case _:
            return _around(kind, chance, estate)


def _around(kind: str, chance: Random, estate: Estate) -> dict[str, Any]:
    """Faults of what stands around the serving."""
    match kind:
        case "driver-error":
            mode = chance.choice(("transient", "permanent", "hang"))
            return {"driver": "*", "rate": chance.choice((0.3, 0.6, 1.0)), "mode": mode}
        case "edge-down":
            return {"origin": chance.choice(origins(estate)), "share": chance.choice((0.3, 1.0))}
        case "dns-fault":
            return {"origin": chance.choice(origins(estate))}
        case "backup-missing":
            return {"datastore": chance.choice(sorted(estate.datastores))}
        case "daemon-crash":
            return {"replica": chance.choice(("leader", "leader", "*", min(estate.regions)))}
        case _:
            return {}


def _ailment(kind: str, chance: Random, estate: Estate, region: str) -> dict[str, Any]:
    service = chance.choice(["*", *sorted(estate.services)])
    where: dict[str, Any] = {"service": service, "region": chance.choice((region, region, region, "*"))}
    if kind == "service-down":
        return {**where, "service": chance.choice(sorted(estate.services))}
    if kind == "latency":
        return {**where, "add": f"{chance.choice((300, 1500, 2500))}ms"}
    liveness = {"liveness": "failing"} if chance.random() < 0.25 else {}
    return {**where, "rate": chance.choice((0.02, 0.2, 0.5, 0.95)), **liveness}


def _surge(chance: Random, estate: Estate) -> dict[str, Any]:
    surge: dict[str, Any] = {"factor": chance.choice((0.3, 1.3, 1.7, 2.5, 4.0))}
    if chance.random() < 0.4 and estate.spread:
        surge["service"] = chance.choice(estate.spread)
    if chance.random() < 0.3 and origins(estate):
        surge["origin"] = chance.choice(origins(estate))
    return surge


def _lag(chance: Random, estate: Estate) -> dict[str, Any]:
    store = chance.choice(sorted(estate.datastores))
    lag = chance.choice(("unknown", "300ms", "3s", "20s"))
    return {"datastore": store, "region": chance.choice(("*", *homes(estate, store))), "lag": lag}


def _seconds(text: str) -> float:
    from controlplane.model.resources.kind import parse_duration

    return parse_duration(text) / timedelta(seconds=1)
