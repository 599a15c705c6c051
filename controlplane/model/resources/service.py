"""Service: work that users ask for (spread) or that runs in one region at a time (exclusive)."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from controlplane.model.resources.kind import (
    Binding,
    Duration,
    Fraction,
    Name,
    NonNegative,
    Part,
    PositiveDuration,
    Resource,
    Setting,
    Word,
)


class Placement(StrEnum):
    """Spread: shares of traffic. Exclusive: one active region (a job, a consumer, a writer)."""

    SPREAD = "spread"
    EXCLUSIVE = "exclusive"


class Strength(StrEnum):
    """A strong dependency that is down stops its dependents (R14); a weak one only degrades them."""

    STRONG = "strong"
    WEAK = "weak"


class Dependency(Part):
    """Another service that this one calls."""

    service: Name
    strength: Strength = Strength.STRONG


class Objectives(Part):
    """What the service promises: success share, time to recover, data that may be lost."""

    slo: Fraction | None = None
    rto: Duration | None = None
    rpo: Duration | None = None


class ProbeSpec(Part):
    """How a service is watched. ``regions`` absent means every region of the service."""

    kind: Name
    target: Annotated[str, Field(strict=True, min_length=1)]
    regions: tuple[Name, ...] | None = None
    interval: PositiveDuration = timedelta(seconds=1)
    timeout: PositiveDuration = timedelta(milliseconds=500)
    fall: Annotated[int, Field(strict=True, ge=1, le=1000)] = 3
    rise: Annotated[int, Field(strict=True, ge=1, le=1000)] = 5
    with_: dict[str, Setting] = Field(default_factory=dict, alias="with")


class ServiceSpec(Part):
    """See CONTRACTS: ``demand`` in requests a second by origin at peak, ``cost`` in capacity units a request.

    For an exclusive service ``cost`` is the units a second that its holder takes, 0 by default.
    """

    tier: Annotated[int, Field(strict=True, ge=0, le=3)] = 2
    value: NonNegative = 1.0
    placement: Placement = Placement.SPREAD
    regions: tuple[Name, ...] | None = None
    demand: dict[Word, NonNegative] = Field(default_factory=dict)
    cost: NonNegative | None = None
    residency: dict[Word, tuple[Word, ...]] = Field(default_factory=dict)
    depends_on: tuple[Dependency, ...] = ()
    datastore: Name | None = None
    objectives: Objectives = Objectives()
    probes: tuple[ProbeSpec, ...] = ()
    traffic: Binding | None = None

    @model_validator(mode="after")
    def _only_spread_has_demand(self) -> "ServiceSpec":
        if self.placement is Placement.EXCLUSIVE and self.demand:
            raise ValueError(
                "demand is for spread services only: an exclusive service has one active region, no shares"
            )
        if self.regions is not None and not self.regions:
            raise ValueError("regions is empty: leave it out for every region, or name at least one")
        return self

    @property
    def unit_cost(self) -> float:
        """Capacity units a request (spread) or a second (exclusive)."""
        if self.cost is not None:
            return self.cost
        return 1.0 if self.placement is Placement.SPREAD else 0.0


class Service(Resource):
    """One service of the estate."""

    kind: Literal["Service"] = "Service"
    spec: ServiceSpec
