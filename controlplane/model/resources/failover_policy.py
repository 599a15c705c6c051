"""FailoverPolicy: how far and how fast the machine may move services."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from controlplane.model.resources.kind import Duration, Fraction, Name, Part, PositiveDuration, Resource


class Autonomy(StrEnum):
    """Observe: watch and say. Propose: act once a person approves. Act: act."""

    OBSERVE = "observe"
    PROPOSE = "propose"
    ACT = "act"


class FailbackMode(StrEnum):
    """Whether a recovered region is refilled by the machine or waits for a person."""

    AUTO = "auto"
    MANUAL = "manual"


class Ramp(Part):
    """At most ``step`` of an origin's traffic moves each ``every``."""

    step: Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0, le=1)] = 0.25
    every: PositiveDuration = timedelta(seconds=30)


class Failback(Part):
    """When and how fast traffic returns (R13). The ramp is the policy's own unless given here."""

    mode: FailbackMode = FailbackMode.MANUAL
    stable_for: Duration = timedelta(minutes=10)
    ramp: Ramp | None = None


class RegionDownWhen(Part):
    """The tier-weighted share of known services down at which the whole region counts as down."""

    services_down: Annotated[Fraction, Field(gt=0)] = 0.5


class Selector(Part):
    """Which services a policy is for: by tier or by name."""

    tiers: tuple[Annotated[int, Field(strict=True, ge=0, le=3)], ...] | None = None
    names: tuple[Name, ...] | None = None

    @model_validator(mode="after")
    def _one_way_to_select(self) -> "Selector":
        if (self.tiers is None) == (self.names is None):
            raise ValueError('select by either tiers or names, or write "*" for all')
        return self


class FailoverSpec(Part):
    """See CONTRACTS for the meaning of each field."""

    services: Literal["*"] | Selector = "*"
    autonomy: Autonomy = Autonomy.PROPOSE
    unhealthy_for: Duration = timedelta(seconds=5)
    region_down_when: RegionDownWhen = RegionDownWhen()
    ramp: Ramp = Ramp()
    failback: Failback = Failback()

    @property
    def failback_ramp(self) -> Ramp:
        """The ramp of the way back."""
        return self.failback.ramp or self.ramp


class FailoverPolicy(Resource):
    """How services that it selects are moved."""

    kind: Literal["FailoverPolicy"] = "FailoverPolicy"
    spec: FailoverSpec = Field(default_factory=FailoverSpec)
