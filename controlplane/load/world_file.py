"""A world as a file has it (CONTRACTS, ``leeward plan --world``), before its names are checked."""

from typing import Annotated, Literal

from pydantic import Field

from controlplane.model.resources.kind import (
    NAME_PATTERN,
    Duration,
    Fraction,
    KnobValue,
    Name,
    NonNegative,
    Part,
    Time,
    Word,
)
from controlplane.model.verdict import EVERY_SERVICE, Health
from controlplane.model.world import OverrideState

AnyRegion = Annotated[str, Field(strict=True, pattern=rf"^\*$|{NAME_PATTERN}")]
AnyService = Annotated[str, Field(strict=True, min_length=1)]
Factor = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=1)]
Pair = tuple[Name, Name]


class VerdictEntry(Part):
    """What is thought of a service, a datastore, or (``*``) every service of a region. No ``since``: since ever.

    Region ``*``: ``service`` is an origin whose requests fail alike wherever they go.
    """

    region: AnyRegion
    service: AnyService = EVERY_SERVICE
    state: Health
    since: Time | None = None
    success: Fraction | None = None


class OverrideEntry(Part):
    """A person's word on a region."""

    region: Name
    state: OverrideState
    by: Word
    reason: str
    until: Time
    approved_by: Word | None = None


class WishEntry(Part):
    """A person's word on a knob's value, or on the region of a service or datastore."""

    kind: Literal["knob", "service", "datastore"]
    subject: Name
    to: KnobValue
    by: Word
    reason: str
    until: Time
    region: Name | None = None


class LagSample(Part):
    """A replica's lag and when it was sampled."""

    value: Duration
    sampled_at: Time | None = None


class DrainEntry(Part):
    """A region, or one service in it, that the machine has left."""

    region: Name
    service: AnyService = EVERY_SERVICE
    since: Time
    cause: str = ""


class TransitionEntry(Part):
    """A drain or restoration of a region by the machine."""

    region: Name
    at: Time
    to: Literal["drained", "restored"] = "drained"


class ShiftEntry(Part):
    """Traffic that left live regions."""

    at: Time
    fraction: Fraction


class WorldFile(Part):
    """Everything but ``at`` may be absent; see the noun World for what each field means."""

    at: Time
    verdicts: tuple[VerdictEntry, ...] = ()
    shares: dict[Name, dict[Word, dict[Name, Fraction]]] = Field(default_factory=dict)
    demand: dict[Name, dict[Word, NonNegative]] = Field(default_factory=dict)
    knobs: dict[Name, dict[Name, KnobValue] | KnobValue] = Field(default_factory=dict)
    lag: dict[Name, dict[Name, Duration | LagSample | None]] = Field(default_factory=dict)
    holders: dict[Name, Name | None] = Field(default_factory=dict)
    primaries: dict[Name, Name] = Field(default_factory=dict)
    overrides: tuple[OverrideEntry, ...] = ()
    wishes: tuple[WishEntry, ...] = ()
    capacity: dict[Name, NonNegative] = Field(default_factory=dict)
    surcharge: dict[Name, Factor] = Field(default_factory=dict)
    alarms: dict[Name, Time] = Field(default_factory=dict)
    drains: tuple[DrainEntry, ...] | None = None
    transitions: tuple[TransitionEntry, ...] = ()
    shifts: tuple[ShiftEntry, ...] = ()
    fenced: tuple[Pair, ...] = ()
    idle: tuple[Pair, ...] = ()
    unreachable: tuple[Pair, ...] = ()
    accepted_loss: dict[Name, Duration] = Field(default_factory=dict)
    last_step: dict[Name, Time] = Field(default_factory=dict)
    knob_room_since: dict[Name, Time] | None = None
    management: dict[Name, Time] = Field(default_factory=dict)
    stuck: tuple[Name, ...] = ()
