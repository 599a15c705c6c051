"""DegradationPolicy: the knobs by which the estate does less work, and what each costs the business."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from controlplane.model.resources.kind import (
    Binding,
    Duration,
    Fraction,
    KnobValue,
    Name,
    NonNegative,
    Part,
    Resource,
)


class KnobScope(StrEnum):
    """Estate: one value everywhere. Region: each region has its own."""

    ESTATE = "estate"
    REGION = "region"


class Level(Part):
    """One way of doing less. ``saves``: share of each service's cost; ``valueLost``: business value an hour."""

    value: KnobValue
    saves: dict[Name, Fraction] = Field(default_factory=dict)
    value_lost: NonNegative = 0.0


class Restore(Part):
    """How long there must have been room for a lighter level before it is taken."""

    stable_for: Duration = timedelta(minutes=5)


class Knob(Part):
    """A feature that can be turned down; ``levels`` run from light to deep."""

    name: Name
    default: KnobValue
    scope: KnobScope = KnobScope.ESTATE
    levels: Annotated[tuple[Level, ...], Field(min_length=1)]
    restore: Restore = Restore()
    driver: Binding | None = None

    @model_validator(mode="after")
    def _values_are_distinct(self) -> "Knob":
        values = [self.default, *(level.value for level in self.levels)]
        if len({str(value) for value in values}) != len(values):
            raise ValueError(f"knob {self.name}: each level and the default need a value of their own")
        return self

    def depth(self, value: KnobValue) -> int:
        """0 for the default, 1 for the lightest level and so on. ValueError for a value it does not have."""
        values = [self.default, *(level.value for level in self.levels)]
        for depth, known in enumerate(values):
            if known == value and isinstance(known, bool) == isinstance(value, bool):
                return depth
        raise ValueError(f"knob {self.name} has no level {value!r}")

    def value_at(self, depth: int) -> KnobValue:
        """The inverse of ``depth``."""
        return self.default if depth == 0 else self.levels[depth - 1].value


class DegradationSpec(Part):
    """The knobs of one policy."""

    knobs: tuple[Knob, ...] = ()


class DegradationPolicy(Resource):
    """What can be turned down, by how much, at what price."""

    kind: Literal["DegradationPolicy"] = "DegradationPolicy"
    spec: DegradationSpec
