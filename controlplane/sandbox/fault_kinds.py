"""What faults there are, what each must be told, and whether one makes sense in a sandbox."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from controlplane.sandbox.plan import SandboxPlan

EVERY = "*"


class FaultKind(StrEnum):
    """``kill``: SIGKILL to all of a region's processes. ``freeze``: SIGSTOP to them. ``blackhole``: packets to and
    from it vanish. ``reset``: its connections are torn down. ``slow``: ``add_s`` later, the whole region or one
    ``service``. ``errors``: a share ``rate`` of the requests of ``service`` fails; health checks pass unless
    ``liveness`` is ``failing``. ``capacity``: ``fraction`` of the region's capacity is gone. ``lag``: the standby of
    ``datastore`` applies ``seconds`` late. ``partition``: the region and ``peer`` cannot reach each other."""

    KILL = "kill"
    FREEZE = "freeze"
    BLACKHOLE = "blackhole"
    RESET = "reset"
    SLOW = "slow"
    ERRORS = "errors"
    CAPACITY = "capacity"
    LAG = "lag"
    PARTITION = "partition"


_PARAMETERS: Mapping[FaultKind, tuple[frozenset[str], frozenset[str]]] = {
    FaultKind.KILL: (frozenset(), frozenset()),
    FaultKind.FREEZE: (frozenset(), frozenset()),
    FaultKind.BLACKHOLE: (frozenset(), frozenset()),
    FaultKind.RESET: (frozenset(), frozenset()),
    FaultKind.SLOW: (frozenset({"add_s"}), frozenset({"service"})),
    FaultKind.ERRORS: (frozenset({"rate"}), frozenset({"service", "liveness"})),
    FaultKind.CAPACITY: (frozenset({"fraction"}), frozenset()),
    FaultKind.LAG: (frozenset({"datastore", "seconds"}), frozenset()),
    FaultKind.PARTITION: (frozenset({"peer"}), frozenset()),
}
"""What each kind must be given, and what it may."""


class BadFault(ValueError):
    """The fault makes no sense in this sandbox."""


@dataclass(frozen=True, slots=True)
class ActiveFault:
    """A fault in force. ``at``: Unix time it began. ``region`` may be ``*``."""

    id: str
    kind: FaultKind
    region: str
    at: float
    parameters: dict[str, Any] = field(default_factory=dict)


def checked(plan: SandboxPlan, kind: str, region: str, parameters: dict[str, Any]) -> ActiveFault:
    """A fault that makes sense here, not yet in force. Raises BadFault."""
    try:
        known = FaultKind(kind)
    except ValueError:
        raise BadFault(f"no fault is called {kind}; there are {', '.join(FaultKind)}") from None
    must, may = _PARAMETERS[known]
    if missing := sorted(must - parameters.keys()):
        raise BadFault(f"{kind} needs {', '.join(missing)}")
    if surplus := sorted(parameters.keys() - must - may):
        raise BadFault(f"{kind} knows no {', '.join(surplus)}")
    everywhere = region == EVERY and known not in {FaultKind.LAG, FaultKind.PARTITION}
    if region not in plan.regions and not everywhere:
        raise BadFault(f"no region {region}; there are {', '.join(plan.regions)}")
    if known is FaultKind.ERRORS:
        parameters.setdefault("service", EVERY)
    _check_names(plan, region, parameters)
    return ActiveFault("", known, region, 0.0, parameters)


def _check_names(plan: SandboxPlan, region: str, parameters: Mapping[str, Any]) -> None:
    service, store, peer = (parameters.get(key) for key in ("service", "datastore", "peer"))
    if service not in {None, EVERY} and service not in plan.services:
        raise BadFault(f"no service {service}")
    if peer is not None and (peer not in plan.regions or peer == region):
        raise BadFault(f"no other region {peer}")
    if store is not None and (store not in plan.datastores or region not in plan.datastores[store].regions):
        raise BadFault(f"{region} has no server of {store}")
    for key in ("rate", "fraction"):
        if not 0.0 <= float(parameters.get(key, 0.0)) <= 1.0:
            raise BadFault(f"{key} is a share between 0 and 1")
    for key in ("add_s", "seconds"):
        if not 0.0 <= float(parameters.get(key, 0.0)) <= 3600.0:
            raise BadFault(f"{key} is a time in seconds, an hour at most")
