"""SafetyPolicy: the bounds that hold whatever the machine, or one person alone, wants."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from controlplane.model.resources.kind import Fraction, Name, Part, PositiveDuration, Resource, Time, Whole, Word


class MaxShift(Part):
    """At most this share of the estate's cost units leaves live regions in each ``per``."""

    fraction: Annotated[Fraction, Field(gt=0)] = 1.0
    per: PositiveDuration = timedelta(minutes=5)


class MaxTransitions(Part):
    """Drains and restorations of one region by the machine, beyond which a person is asked (R7)."""

    count: Annotated[int, Field(strict=True, ge=1)] = 3
    per: PositiveDuration = timedelta(minutes=30)


class Freeze(Part):
    """Between ``from`` and ``to`` the acts named in ``denies`` are refused (R12)."""

    name: Name
    from_: Time = Field(alias="from")
    to: Time
    denies: Annotated[tuple[Word, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> "Freeze":
        if self.to <= self.from_:
            raise ValueError(f"freeze {self.name}: `to` must be later than `from`")
        return self


class SafetySpec(Part):
    """See CONTRACTS, R7, R8 and R12. ``vantageQuorum`` absent: 2, or 1 with fewer than three vantages."""

    min_serving_regions: Whole = 1
    max_drained_regions: Whole = 1
    max_shift: MaxShift = MaxShift()
    vantage_quorum: Annotated[int, Field(strict=True, ge=1)] | None = None
    max_transitions: MaxTransitions = MaxTransitions()
    freezes: tuple[Freeze, ...] = ()


class SafetyPolicy(Resource):
    """The estate's bounds; there is at most one."""

    kind: Literal["SafetyPolicy"] = "SafetyPolicy"
    spec: SafetySpec = Field(default_factory=SafetySpec)
