"""What every kind shares: the envelope, names, numbers and durations as CONTRACTS writes them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel
from typing_extensions import TypeAliasType

DURATION_PATTERN = r"^(0|[0-9]+(\.[0-9]+)?(ms|s|m|h|d))$"
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_MAX_DURATION = timedelta(days=3660)


def parse_duration(text: object) -> timedelta:
    """Read ``500ms``, ``30s``, ``5m``, ``2h`` or ``1d``; a plain ``0`` is no time at all.

    Raises ValueError for anything else, numbers without a unit included: a bare ``30`` is a guess between
    seconds and milliseconds.
    """
    if isinstance(text, timedelta):
        return text
    if isinstance(text, int) and not isinstance(text, bool) and text == 0:
        return timedelta(0)
    if not isinstance(text, str) or not (match := re.fullmatch(DURATION_PATTERN, text)):
        raise ValueError("a duration is a number with a unit: 500ms, 30s, 5m, 2h or 1d")
    if match[1] == "0":
        return timedelta(0)
    seconds = float(match[1][: -len(match[3])]) * _UNIT_S[match[3]]
    if seconds > _MAX_DURATION.total_seconds():
        raise ValueError("a duration is at most ten years")
    return timedelta(seconds=seconds)


def format_duration(duration: timedelta) -> str:
    """Write a duration with the largest unit that keeps it a whole number (``1500ms``, ``90s``, ``2h``)."""
    milliseconds = round(duration.total_seconds() * 1000)
    for unit, size in (("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms" if milliseconds else "0s"


def _parse_time(value: object) -> object:
    if isinstance(value, str):
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", value):
            raise ValueError("a time is RFC 3339 with its zone: 2026-11-27T00:00:00Z")
        return datetime.fromisoformat(value)
    return value


def _to_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a time is RFC 3339 with its zone: 2026-11-27T00:00:00Z")
    return value.astimezone(UTC)


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN, "examples": ["500ms", "30s", "5m", "2h"]}),
]
PositiveDuration = Annotated[Duration, Field(gt=timedelta(0))]
Time = Annotated[
    datetime,
    BeforeValidator(_parse_time),
    AfterValidator(_to_utc),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0)]
Positive = Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0)]
Fraction = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0, le=1)]
Whole = Annotated[int, Field(strict=True, ge=0)]
NAME_PATTERN = r"^[A-Za-z0-9]([-_.A-Za-z0-9]{0,126}[A-Za-z0-9])?$"
Name = Annotated[str, Field(strict=True, pattern=NAME_PATTERN)]
Word = Annotated[str, Field(strict=True, min_length=1, max_length=253)]
Setting = TypeAliasType("Setting", "str | int | float | bool | None | list[Setting] | dict[str, Setting]")
KnobValue = Annotated[str | bool | int | float, Field(union_mode="smart")]


class Part(BaseModel):
    """A piece of a document: frozen, closed to unknown fields, camelCase outside and snake_case inside."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=True, validate_by_alias=True
    )


class Metadata(Part):
    """Who a document is about."""

    name: Name
    labels: dict[Word, Annotated[str, Field(strict=True)]] = Field(default_factory=dict)


class Resource(Part):
    """The envelope of every kind. ``kind`` and ``spec`` are given by each kind's own class."""

    api_version: Literal["leeward/v1"] = "leeward/v1"
    metadata: Metadata

    @property
    def name(self) -> str:
        """The document's name, unique within its kind."""
        return self.metadata.name


class Binding(Part):
    """Which driver moves a thing, and the settings it is given. ``with`` is the driver's own business."""

    driver: Name
    with_: dict[str, Setting] = Field(default_factory=dict, alias="with")
