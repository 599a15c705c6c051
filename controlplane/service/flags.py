"""Knobs as applications see them: one flag a knob, its value as it is in the asking region."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from controlplane.model.estate import Estate
from controlplane.model.resources.degradation_policy import Knob, KnobScope
from controlplane.model.resources.kind import KnobValue
from controlplane.model.world import Knobs


class FlagReason(StrEnum):
    """Why a flag has its value, in OpenFeature's words. ``default``: the knob is not turned. ``targeting``: each region
    has a value of its own, and the region was told. ``static``: the same for everybody."""

    DEFAULT = "DEFAULT"
    TARGETING_MATCH = "TARGETING_MATCH"
    STATIC = "STATIC"


@dataclass(frozen=True, slots=True)
class Flag:
    """``depth``: 0 at the default, 1 at the lightest level, and so on."""

    key: str
    value: KnobValue
    reason: FlagReason
    depth: int

    @property
    def variant(self) -> str:
        """The value as a name: ``cached``, ``true``, ``0.5``."""
        return str(self.value).lower() if isinstance(self.value, bool) else str(self.value)


def flag_of(estate: Estate, in_force: Knobs, key: str, region: str | None) -> Flag | None:
    """One knob as a region sees it; None if there is no such knob.

    Who does not say its region sees, of a knob that each region has of its own, the deepest value of any: whoever is
    not known to be spared is not spared.
    """
    knob = estate.knobs.get(key)
    if knob is None:
        return None
    told = in_force.get(key)
    if knob.scope is KnobScope.ESTATE:
        value = knob.default if told is None or isinstance(told, Mapping) else told
        return _flag(knob, value, FlagReason.STATIC)
    by_region = told if isinstance(told, Mapping) else _everywhere(estate, knob.default if told is None else told)
    if region is not None and region in estate.regions:
        return _flag(knob, by_region.get(region, knob.default), FlagReason.TARGETING_MATCH)
    deepest = max((by_region.get(name, knob.default) for name in estate.regions), key=lambda v: _depth(knob, v))
    return _flag(knob, deepest, FlagReason.STATIC)


def flags_of(estate: Estate, in_force: Knobs, region: str | None) -> tuple[Flag, ...]:
    """Every knob as a region sees it, by name."""
    found = (flag_of(estate, in_force, key, region) for key in estate.knobs)
    return tuple(flag for flag in found if flag is not None)


def _everywhere(estate: Estate, value: KnobValue) -> dict[str, KnobValue]:
    return dict.fromkeys(estate.regions, value)


def _flag(knob: Knob, value: KnobValue, reason: FlagReason) -> Flag:
    depth = _depth(knob, value)
    return Flag(knob.name, value, FlagReason.DEFAULT if depth == 0 else reason, depth)


def _depth(knob: Knob, value: KnobValue) -> int:
    """How deep a value is; 0 for one that the policies no longer know."""
    try:
        return knob.depth(value)
    except ValueError:
        return 0
