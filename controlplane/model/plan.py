"""Plan: what should be, what is done next, and what is not done and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from controlplane.model.resources.kind import KnobValue
from controlplane.model.rules import Reason, Rule, cited
from controlplane.model.world import Knobs, Shares


class ActionKind(StrEnum):
    """What an action does: ``shift`` traffic of a service, ``degrade`` or ``restore`` a knob, ``scale`` a region,
    ``fence`` an old holder or primary, ``activate`` an exclusive service, ``promote`` a datastore."""

    SHIFT = "shift"
    DEGRADE = "degrade"
    RESTORE = "restore"
    SCALE = "scale"
    FENCE = "fence"
    ACTIVATE = "activate"
    PROMOTE = "promote"


class Cause(StrEnum):
    """What an action answers: it decides which bounds and freezes apply to it."""

    FAILOVER = "failover"
    GREY = "grey"
    DRAIN = "drain"
    FAILBACK = "failback"
    CAPACITY = "capacity"
    RESTORE = "restore"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Action:
    """One step. ``shares`` (of a shift): origin → region → share that is to hold afterwards; with ``shed`` and
    ``refused`` by origin they add up to 1. ``value`` (of a knob) and ``units`` (of a scale-up) likewise.

    ``after``: ids of the actions that must be confirmed before. ``approval``: waits for a person. ``watched_only``:
    its policies say observe, so that it is told and never done.
    ``leaves_live``: share of the estate's cost units that this takes away from live regions (R8).
    """

    id: str
    kind: ActionKind
    subject: str
    from_: str | None
    to: str | None
    reasons: tuple[Reason, ...]
    after: tuple[str, ...] = ()
    approval: bool = False
    watched_only: bool = False
    cause: Cause = Cause.FAILOVER
    region: str | None = None
    value: KnobValue | None = None
    units: float | None = None
    shares: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    shed: Mapping[str, float] = field(default_factory=dict)
    refused: Mapping[str, float] = field(default_factory=dict)
    leaves_live: float = 0.0

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that made it."""
        return cited(self.reasons)


@dataclass(frozen=True, slots=True)
class Hold:
    """A decision not to act on a subject (a region, service, datastore, knob, or ``estate``)."""

    subject: str
    reasons: tuple[Reason, ...]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that held it."""
        return cited(self.reasons)


@dataclass(frozen=True, slots=True)
class Costs:
    """Business value an hour lost by acting as planned, by waiting, and by the next best plan (None: no other)."""

    acting: float
    waiting: float
    next_best: float | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The decision for one instant. ``shed``/``refused``: service → origin → share, as at ``target``;
    ``next_shed`` as at ``next``. ``utilisation``: load at ``target`` over capacity, by region.

    ``drained``: regions that carry, or will carry, nothing. ``returning``: (region, service) pairs, ``*`` for the whole
    region, that were left before and that R13 has released: restored once they carry what the target gives them.

    ``leaving``: (region, service) places that are to be left, dead, grey or planned; not those that merely make room.
    ``wake_at``: the earliest later instant at which the same evidence could give another plan (a dwell, a ramp, a
    freeze, an override's end); None if time alone changes nothing.
    """

    at: datetime
    feasible: bool
    target: Shares
    next: Shares
    knobs: Knobs
    holders: Mapping[str, str | None]
    promote: Mapping[str, str]
    shed: Mapping[str, Mapping[str, float]]
    refused: Mapping[str, Mapping[str, float]]
    utilisation: Mapping[str, float]
    actions: tuple[Action, ...]
    holds: tuple[Hold, ...]
    next_shed: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    costs: Costs | None = None
    drained: tuple[str, ...] = ()
    leaving: tuple[tuple[str, str], ...] = ()
    returning: tuple[tuple[str, str], ...] = ()
    wake_at: datetime | None = None
