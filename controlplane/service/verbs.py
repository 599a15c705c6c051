"""What a person can do, in the words of the command line, and what that asks of the desk."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import assert_never

from controlplane.model.desk import (
    ESTATE,
    AcceptLoss,
    AddOverride,
    Approve,
    ClearOverride,
    ClearWish,
    Pause,
    PersonCommand,
    Reject,
    Release,
    Resume,
    SetWish,
    Status,
)
from controlplane.model.errors import WrongUse
from controlplane.model.estate import Estate
from controlplane.model.resources.degradation_policy import KnobScope
from controlplane.model.resources.kind import KnobValue
from controlplane.model.world import Override, OverrideState, Wish

DEFAULT_LASTING = timedelta(hours=4)
LONGEST = timedelta(days=30)
NO_REASON = "no reason given"


@dataclass(frozen=True, slots=True)
class Said:
    """Who says it, why, and for how long it is to hold (where it is something that expires)."""

    by: str
    reason: str = NO_REASON
    lasting: timedelta = DEFAULT_LASTING


@dataclass(frozen=True, slots=True)
class Drain:
    """Move all work out of a region and keep it out."""

    region: str


@dataclass(frozen=True, slots=True)
class Failover:
    """Move a service, or a datastore's primary, to a region. ``accept_loss``: last writes that may be lost (R9)."""

    subject: str
    to: str
    accept_loss: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Failback:
    """Bring work back: to a region that was left, or of a service or datastore to where it belongs."""

    subject: str


@dataclass(frozen=True, slots=True)
class Degrade:
    """Turn a knob. ``region`` for a knob that each region has of its own; absent: in all of them."""

    knob: str
    value: KnobValue
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Restore:
    """Let go of a knob that a person turned, or ask for the default of one that the machine turned."""

    knob: str
    region: str | None = None


@dataclass(frozen=True, slots=True)
class PutOverride:
    """Put a word on a region: ``drained`` keeps work out, ``serving`` frees it from the machine's holds."""

    region: str
    state: OverrideState


@dataclass(frozen=True, slots=True)
class TakeOverride:
    """Take the word on a region back."""

    region: str


@dataclass(frozen=True, slots=True)
class TakeWish:
    """Take back what was asked of a knob, service or datastore."""

    kind: str
    subject: str
    region: str | None = None


@dataclass(frozen=True, slots=True)
class AllowLoss:
    """Accept that the promotion of a datastore loses up to this much (R9)."""

    datastore: str
    loss: timedelta


@dataclass(frozen=True, slots=True)
class Answer:
    """Say yes or no to what waits for approval."""

    approval: str
    granted: bool = True


@dataclass(frozen=True, slots=True)
class SetPause:
    """Stop all acting, or start it again."""

    paused: bool


@dataclass(frozen=True, slots=True)
class Free:
    """Free a region from damping (R7), or ``estate`` from the freeze of a global fault (R2)."""

    subject: str = ESTATE


Verb = (
    Drain
    | Failover
    | Failback
    | Degrade
    | Restore
    | PutOverride
    | TakeOverride
    | TakeWish
    | AllowLoss
    | Answer
    | SetPause
    | Free
)


def translate(verb: Verb, said: Said, estate: Estate, status: Status) -> tuple[PersonCommand, ...]:
    """The commands that a verb comes down to, in the order in which they are to be given.

    Raises WrongUse for a name that the policies do not know, with the nearest that they do.
    """
    until = status.at + said.lasting
    match verb:
        case Drain() | PutOverride():
            state = OverrideState.DRAINED if isinstance(verb, Drain) else verb.state
            return (_override(estate, verb.region, state, said, until),)
        case Failover():
            return _failover(verb, said, estate, status)
        case Failback():
            return _failback(verb, said, estate, status)
        case Degrade():
            return (_turn(verb, said, estate, until),)
        case Restore():
            return (_restore(verb, said, estate, status),)
        case AllowLoss():
            datastore = known(verb.datastore, estate.datastores, "datastore")
            return (AcceptLoss(datastore, verb.loss, said.by, said.reason, until),)
        case TakeOverride() | TakeWish():
            return (_take_back(verb, said, status),)
        case Answer():
            waiting = known(verb.approval, [approval.id for approval in status.approvals], "approval")
            return (Approve(waiting, said.by, said.reason) if verb.granted else Reject(waiting, said.by, said.reason),)
        case SetPause():
            return (Pause(said.by, said.reason) if verb.paused else Resume(said.by, said.reason),)
        case Free():
            return (Release(known(verb.subject, (*estate.regions, ESTATE), "region"), said.by, said.reason),)
        case _:
            assert_never(verb)


def known(name: str, candidates: Iterable[str], what: str) -> str:
    """The name, if it is one of the candidates; WrongUse with the nearest of them otherwise."""
    listed = list(candidates)
    if name in listed:
        return name
    near = get_close_matches(name, listed, 1)
    if near:
        raise WrongUse(f"there is no {what} {name!r}: did you mean {near[0]!r}?")
    raise WrongUse(f"there is no {what} {name!r}: known are {', '.join(listed) or 'none'}")


def _override(estate: Estate, region: str, state: OverrideState, said: Said, until: datetime) -> AddOverride:
    return AddOverride(Override(known(region, estate.regions, "region"), state, said.by, said.reason, until))


def _take_back(verb: TakeOverride | TakeWish, said: Said, status: Status) -> ClearOverride | ClearWish:
    if isinstance(verb, TakeOverride):
        overridden = [override.region for override in status.world.overrides]
        return ClearOverride(known(verb.region, overridden, "override on a region"), said.by, said.reason)
    wished = [wish for wish in status.world.wishes if wish.kind == verb.kind]
    subject = known(verb.subject, [wish.subject for wish in wished], f"wish for a {verb.kind}")
    regions = [wish.region for wish in wished if wish.subject == subject]
    if verb.region not in regions:
        raise WrongUse(f"the wish for {subject} is for {', '.join(region or 'every region' for region in regions)}")
    return ClearWish(verb.kind, subject, said.by, said.reason, verb.region)


def _failover(verb: Failover, said: Said, estate: Estate, status: Status) -> tuple[PersonCommand, ...]:
    known(verb.subject, (*estate.services, *estate.datastores), "service or datastore")
    to = known(verb.to, estate.regions, "region")
    until = status.at + said.lasting
    wishes: list[Wish] = []
    datastore = verb.subject
    if verb.subject in estate.services:
        known(to, estate.deployed(verb.subject), f"deployment of {verb.subject} in")
        datastore = estate.services[verb.subject].spec.datastore or ""
        wishes.append(Wish("service", verb.subject, to, said.by, said.reason, until))
    if datastore and _moves_too(verb, estate, status, datastore):
        wishes.insert(0, Wish("datastore", datastore, to, said.by, said.reason, until))
    if verb.accept_loss is None:
        return tuple(SetWish(wish) for wish in wishes)
    if not datastore:
        raise WrongUse(f"{verb.subject} has no datastore: there is no loss to accept")
    accepted = AcceptLoss(datastore, verb.accept_loss, said.by, said.reason, until)
    return (accepted, *(SetWish(wish) for wish in wishes))


def _moves_too(verb: Failover, estate: Estate, status: Status, datastore: str) -> bool:
    """Whether the primary is to move: it is what was named, or the named exclusive service writes to it."""
    spec = estate.datastores[datastore].spec
    copies = (spec.primary, *spec.replicas)
    if verb.subject == datastore:
        known(verb.to, copies, f"copy of {datastore} in")
        return True
    exclusive = verb.subject in estate.exclusive
    return exclusive and verb.to in copies and status.world.primaries.get(datastore, spec.primary) != verb.to


def _failback(verb: Failback, said: Said, estate: Estate, status: Status) -> tuple[PersonCommand, ...]:
    subject, until = verb.subject, status.at + said.lasting
    if subject in estate.regions:
        return (_override(estate, subject, OverrideState.SERVING, said, until),)
    if subject in estate.datastores:
        home = estate.datastores[subject].spec.primary
        return (SetWish(Wish("datastore", subject, home, said.by, said.reason, until)),)
    known(subject, (*estate.regions, *estate.services, *estate.datastores), "region, service or datastore")
    if subject in estate.exclusive:
        datastore = estate.services[subject].spec.datastore
        home = estate.datastores[datastore].spec.primary if datastore else estate.deployed(subject)[0]
        return _failover(Failover(subject, home), said, estate, status)
    if not any(wish.kind == "service" and wish.subject == subject for wish in status.world.wishes):
        raise WrongUse(f"nobody asked for {subject} to be elsewhere: name the region that is to get its traffic back")
    return (ClearWish("service", subject, said.by, said.reason),)


def _turn(verb: Degrade, said: Said, estate: Estate, until: datetime) -> SetWish:
    knob = estate.knobs[known(verb.knob, estate.knobs, "knob")]
    region = _knob_region(estate, verb.knob, verb.region)
    values = (knob.default, *(level.value for level in knob.levels))
    try:
        value = knob.value_at(knob.depth(verb.value))
    except ValueError as error:
        raise WrongUse(f"{verb.knob} has no level {verb.value!r}: it has {', '.join(map(str, values))}") from error
    return SetWish(Wish("knob", verb.knob, value, said.by, said.reason, until, region))


def _restore(verb: Restore, said: Said, estate: Estate, status: Status) -> SetWish | ClearWish:
    knob = estate.knobs[known(verb.knob, estate.knobs, "knob")]
    region = _knob_region(estate, verb.knob, verb.region)
    for wish in status.world.wishes:
        if (wish.kind, wish.subject, wish.region) == ("knob", verb.knob, region):
            return ClearWish("knob", verb.knob, said.by, said.reason, region)
    until = status.at + said.lasting
    return SetWish(Wish("knob", verb.knob, knob.default, said.by, said.reason, until, region))


def _knob_region(estate: Estate, knob: str, region: str | None) -> str | None:
    if region is None:
        return None
    if estate.knobs[knob].scope is KnobScope.ESTATE:
        raise WrongUse(f"{knob} has one value in the whole estate: leave the region out")
    return known(region, estate.regions, "region")
