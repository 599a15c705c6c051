"""A small estate and worlds around it, for tests of decisions: three EU regions and one in the UK."""

from datetime import UTC, datetime, timedelta
from typing import Any

from controlplane.model.estate import Estate
from controlplane.model.resources.datastore import Datastore
from controlplane.model.resources.degradation_policy import Knob
from controlplane.model.resources.failover_policy import FailoverPolicy
from controlplane.model.resources.region import Region
from controlplane.model.resources.safety_policy import SafetySpec
from controlplane.model.resources.service import Service
from controlplane.model.verdict import EVERY_SERVICE, Health, Verdict
from controlplane.model.world import Lag, Override, OverrideState, World

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=1)


def region(name: str, **spec: Any) -> Region:
    """A region of 1,000 units in the EU unless told otherwise, a tenth of it kept free."""
    latency = {"IE": "5ms" if name == "dublin" else "25ms", "DE": "5ms" if name == "frankfurt" else "25ms"}
    given = {"jurisdiction": "EU", "capacity": 1000.0, "headroom": 0.1, "latency": latency} | spec
    return Region.model_validate({"metadata": {"name": name}, "spec": given})


def service(name: str, **spec: Any) -> Service:
    """A service with the spec given."""
    return Service.model_validate({"metadata": {"name": name}, "spec": spec})


def policy(name: str = "default", **spec: Any) -> FailoverPolicy:
    """A failover policy that acts by itself unless told otherwise."""
    return FailoverPolicy.model_validate({"metadata": {"name": name}, "spec": {"autonomy": "act"} | spec})


def knob(name: str, *levels: tuple[str, dict[str, float], float], **more: Any) -> Knob:
    """A knob with levels (value, saves, value lost); its default is ``full``."""
    listed = [{"value": value, "saves": saves, "valueLost": lost} for value, saves, lost in levels]
    return Knob.model_validate({"name": name, "default": "full", "levels": listed} | more)


def estate(
    *services: Service,
    regions: tuple[Region, ...] = (),
    policies: tuple[FailoverPolicy, ...] = (),
    knobs: tuple[Knob, ...] = (),
    **more: Any,
) -> Estate:
    """An estate of these; without regions, dublin, frankfurt and stockholm; ``datastores``: primary, replicas, rpo;
    ``safety``: fields of the safety policy."""
    stores = {
        name: Datastore.model_validate(
            {
                "metadata": {"name": name},
                "spec": {"engine": "postgresql", "primary": primary, "replicas": replicas, "rpo": rpo},
            }
        )
        for name, (primary, replicas, rpo) in more.get("datastores", {}).items()
    }
    chosen = regions or (region("dublin"), region("frankfurt"), region("stockholm"))
    return Estate(
        regions={r.name: r for r in sorted(chosen, key=lambda r: r.name)},
        services={s.name: s for s in sorted(services, key=lambda s: s.name)},
        datastores=stores,
        failover=policies or (policy(),),
        knobs={k.name: k for k in sorted(knobs, key=lambda k: k.name)},
        safety=SafetySpec.model_validate(more.get("safety", {})),
    )


def verdict(
    where: str,
    what: str = EVERY_SERVICE,
    state: Health = Health.DOWN,
    *,
    since: datetime | None = LONG_AGO,
    success: float | None = None,
) -> dict[tuple[str, str], Verdict]:
    """One verdict, down for an hour unless told otherwise, as a mapping to be joined with others."""
    return {(where, what): Verdict(where, what, state, since, success)}


def drained(where: str, *, by: str = "ana", approved_by: str | None = None) -> Override:
    """A person's standing word that a region is to be empty."""
    return Override(where, OverrideState.DRAINED, by, "maintenance", NOW + timedelta(hours=1), approved_by)


def lag(datastore: str, **seconds: float) -> dict[str, dict[str, Lag]]:
    """Known lag of a datastore's replicas by region."""
    return {datastore: {where: Lag(timedelta(seconds=s)) for where, s in seconds.items()}}


def world(**facts: Any) -> World:
    """A world at ``NOW``."""
    return World(at=NOW, **facts)
