"""Region: a place where services run."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from controlplane.model.resources.kind import Duration, Name, Part, Positive, Resource, Setting, Word

DEFAULT_HEADROOM = 0.2


class RegionRole(StrEnum):
    """Whether a region carries traffic on a normal day."""

    SERVING = "serving"
    STANDBY = "standby"


class Scale(Part):
    """Room that can be added: up to ``max`` cost units a second, there ``ready`` after it is asked for."""

    max: Positive
    ready: Duration
    driver: Name
    with_: dict[str, Setting] = Field(default_factory=dict, alias="with")


class RegionSpec(Part):
    """``capacity`` in cost units a second; ``headroom`` the share of it kept free; ``latency`` from each origin."""

    jurisdiction: Word
    fault_domains: dict[Word, Word] = Field(default_factory=dict)
    capacity: Positive
    headroom: Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0, lt=1)] = DEFAULT_HEADROOM
    latency: dict[Word, Duration] = Field(default_factory=dict)
    role: RegionRole = RegionRole.SERVING
    scale: Scale | None = None

    @property
    def usable(self) -> float:
        """Capacity less headroom (R3), in cost units a second."""
        return self.capacity * (1 - self.headroom)


class Region(Resource):
    """A data centre or cloud region with its jurisdiction, capacity and fault domains."""

    kind: Literal["Region"] = "Region"
    spec: RegionSpec
