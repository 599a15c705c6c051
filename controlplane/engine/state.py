"""What must outlive the process: what is in force, what was done, and what people have said."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from controlplane.model.desk import AcceptLoss, Approval, Paused
from controlplane.model.resources.kind import KnobValue
from controlplane.model.verdict import Health, Verdict
from controlplane.model.world import Drain, Knobs, Override, Shares, Shift, Transition, Wish

Fractions = Mapping[str, Mapping[str, float]]
"""Service → origin → share."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """A verdict as far as the next one depends on it."""

    region: str
    service: str
    state: Health
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Approved:
    """A person's yes to an action, by the action's fingerprint, or (``granted`` False) a no."""

    fingerprint: str
    subject: str
    by: str
    at: datetime
    until: datetime
    granted: bool = True


@dataclass(frozen=True, slots=True)
class EstateState:
    """The document under the key ``estate``. Only what is confirmed counts as being in force.

    ``units``: cost units a second by region that a scale-up confirmed. ``fenced``: (subject, region) pairs proven
    unable to run or write. ``frozen_since``: since when a global fault freezes changes (R2); ``unfrozen``: a person
    has lifted the freeze although the fault still stands. ``settled``: no journal entry up to this one is an intent
    without an outcome.
    ``epoch`` and ``address``: of the leader who wrote it last.
    """

    shares: Shares = field(default_factory=dict)
    shed: Fractions = field(default_factory=dict)
    refused: Fractions = field(default_factory=dict)
    knobs: Knobs = field(default_factory=dict)
    holders: Mapping[str, str | None] = field(default_factory=dict)
    holder_epochs: Mapping[str, int] = field(default_factory=dict)
    primaries: Mapping[str, str] = field(default_factory=dict)
    primary_since: Mapping[str, datetime] = field(default_factory=dict)
    fenced: tuple[tuple[str, str], ...] = ()
    units: Mapping[str, float] = field(default_factory=dict)
    drains: tuple[Drain, ...] = ()
    transitions: tuple[Transition, ...] = ()
    shifts: tuple[Shift, ...] = ()
    last_step: Mapping[str, datetime] = field(default_factory=dict)
    knob_room_since: Mapping[str, datetime] = field(default_factory=dict)
    alarms: Mapping[str, datetime] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()
    wishes: tuple[Wish, ...] = ()
    accepted: tuple[AcceptLoss, ...] = ()
    approvals: tuple[Approval, ...] = ()
    approved: tuple[Approved, ...] = ()
    paused: Paused | None = None
    frozen_since: datetime | None = None
    unfrozen: bool = False
    memory: tuple[Remembered, ...] = ()
    settled: int = 0
    epoch: int = 0
    address: str | None = None


Change = Callable[[EstateState], EstateState]
"""A pure step from one state to the next."""

_HISTORY = timedelta(hours=24)


def expire(state: EstateState, now: datetime) -> EstateState:
    """Drop what people said that has run out, and history too old to bind anybody."""
    return replace(
        state,
        overrides=tuple(override for override in state.overrides if override.until > now),
        wishes=tuple(wish for wish in state.wishes if wish.until > now),
        accepted=tuple(loss for loss in state.accepted if loss.until > now),
        approvals=tuple(a for a in state.approvals if a.expires_at is None or a.expires_at > now),
        approved=tuple(approved for approved in state.approved if approved.until > now),
        transitions=tuple(transition for transition in state.transitions if now - transition.at < _HISTORY),
        shifts=tuple(shift for shift in state.shifts if now - shift.at < _HISTORY),
    )


def next_expiry(state: EstateState) -> datetime | None:
    """When the first thing that a person said runs out."""
    ends = [
        *(override.until for override in state.overrides),
        *(wish.until for wish in state.wishes),
        *(loss.until for loss in state.accepted),
        *(approval.expires_at for approval in state.approvals if approval.expires_at is not None),
        *(approved.until for approved in state.approved),
    ]
    return min(ends, default=None)


def remember(state: EstateState, verdicts: Mapping[tuple[str, str], Verdict]) -> EstateState:
    """Keep of the verdicts what the next ones depend on."""
    memory = tuple(Remembered(v.region, v.service, v.state, v.since) for _, v in sorted(verdicts.items()))
    return state if memory == state.memory else replace(state, memory=memory)


def recall(
    state: EstateState,
    own: Mapping[tuple[str, str], Verdict],
    *,
    trusting: bool = False,
    unwatched_until: datetime | None = None,
) -> dict[tuple[str, str], Verdict]:
    """Verdict memory of one who takes the lead: its own, dated as far back as the last leader knew the same state.

    ``trusting``: where it knows nothing itself, what the last leader knew stands. ``unwatched_until``: the end of a
    time in which nobody looked: health is not dated back beyond it (R13).
    """
    recalled = dict(own)
    for remembered in state.memory:
        known = remembered
        if unwatched_until is not None and known.state is Health.HEALTHY:
            known = replace(known, since=unwatched_until)
        key = (known.region, known.service)
        mine = own.get(key)
        if mine is None or (trusting and mine.state is Health.UNKNOWN):
            recalled[key] = Verdict(known.region, known.service, known.state, known.since)
        elif mine.state is known.state and _earlier(known.since, mine.since):
            recalled[key] = replace(mine, since=known.since)
    return recalled


def _earlier(this: datetime | None, that: datetime | None) -> bool:
    return that is not None and (this is None or this < that)


def with_knob(knobs: Knobs, name: str, value: KnobValue, region: str | None) -> Knobs:
    """Knobs with one value set; a region's value stands beside those of the others."""
    if region is None:
        return {**knobs, name: value}
    known = knobs.get(name)
    by_region = dict(known) if isinstance(known, Mapping) else {}
    return {**knobs, name: {**by_region, region: value}}


def without(fractions: Fractions, service: str) -> dict[str, Mapping[str, float]]:
    """Shed or refused shares of all services but one."""
    return {name: by_origin for name, by_origin in fractions.items() if name != service}
