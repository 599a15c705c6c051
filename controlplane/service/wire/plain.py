"""Plain JSON of the small things: shares to six decimals, times in RFC 3339 UTC, durations as people write them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from controlplane.model.journal import Json
from controlplane.model.resources.kind import KnobValue, format_duration
from controlplane.model.rules import Reason, Rule
from controlplane.model.world import Knobs


def share(value: float) -> float:
    """A share or ratio to six decimals, never ``-0.0``."""
    return round(value, 6) + 0.0


def shares_by(by: Mapping[str, float]) -> dict[str, Json]:
    """Name → share, in the names' order."""
    return {name: share(by[name]) for name in sorted(by)}


def shares_by_two(by: Mapping[str, Mapping[str, float]]) -> dict[str, Json]:
    """Service → origin → share."""
    return {name: shares_by(by[name]) for name in sorted(by)}


def shares_by_three(by: Mapping[str, Mapping[str, Mapping[str, float]]]) -> dict[str, Json]:
    """Service → origin → region → share."""
    return {name: shares_by_two(by[name]) for name in sorted(by)}


def knob_values(knobs: Knobs) -> dict[str, Json]:
    """Knob → value, or knob → region → value."""
    return {name: _knob_value(knobs[name]) for name in sorted(knobs)}


def names(by: Mapping[str, str | None]) -> dict[str, Json]:
    """Name → name, in order."""
    return {name: by[name] for name in sorted(by)}


def times(by: Mapping[str, datetime]) -> dict[str, Json]:
    """Name → time, in order."""
    return {name: time(by[name]) for name in sorted(by)}


def time(at: datetime) -> str:
    """``2026-11-24T10:00:00Z``, with microseconds where there are any."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def time_or_none(at: datetime | None) -> str | None:
    """A time that may be absent."""
    return time(at) if at is not None else None


def duration(span: timedelta) -> str:
    """``800ms``, ``30s``, ``2h``; ``0.3ms`` where milliseconds are too coarse."""
    whole_ms, rest = divmod(span, timedelta(milliseconds=1))
    return f"{whole_ms}.{rest.microseconds:03}".rstrip("0") + "ms" if rest else format_duration(span)


def rule_ids(rules: tuple[Rule, ...]) -> list[Json]:
    """``["R3", "R10"]``, in the numbers' order."""
    return [rule.value for rule in rules]


def reasons(found: tuple[Reason, ...]) -> list[Json]:
    """What stands behind a sentence, for programs."""
    return [{"rule": why.rule.value, "code": why.code, "facts": dict(why.facts)} for why in found]


def _knob_value(value: KnobValue | Mapping[str, KnobValue]) -> Json:
    if isinstance(value, Mapping):
        return {region: value[region] for region in sorted(value)}
    return value
