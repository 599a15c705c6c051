"""What an action asks of a driver, what it changes in the state once it is confirmed, and what may be undone. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from controlplane.engine.state import EstateState, with_knob, without
from controlplane.model.act import Desired, Fence, Holder, KnobSetting, Primary, Units, Weights
from controlplane.model.errors import Refused
from controlplane.model.estate import Estate
from controlplane.model.plan import Action, ActionKind, Cause
from controlplane.model.world import Shift

_Key = TypeVar("_Key")
_SAME_SHARE = 0.002
_NO_SHARE = 1e-6
"""Targets keep weights as whole numbers: what rounding may take is no difference."""

_IN_STEPS = frozenset({Cause.GREY, Cause.DRAIN, Cause.FAILBACK, Cause.PERSON})
_PUT_BACK = frozenset({Cause.GREY, Cause.DRAIN, Cause.FAILBACK, Cause.PERSON, Cause.RESTORE})


def desired_of(action: Action, state: EstateState, estate: Estate) -> Desired:
    """What is to be true once the action is done. Origins that a shift does not name stay as they are in ``state``."""
    match action.kind:
        case ActionKind.SHIFT:
            return _weights(action, state)
        case ActionKind.DEGRADE | ActionKind.RESTORE:
            if action.value is None:
                raise Refused(f"{action.id}: no value for knob {action.subject}")
            return KnobSetting(action.value, action.region)
        case ActionKind.SCALE:
            return Units(action.subject, action.units or 0.0)
        case ActionKind.FENCE:
            return Fence(_place(action, action.region or action.from_))
        case ActionKind.ACTIVATE:
            return Holder(_place(action, action.to))
        case ActionKind.PROMOTE:
            return Primary(_place(action, action.to), _most_lost_s(action.subject, state, estate))


def _weights(action: Action, state: EstateState) -> Weights:
    name = action.subject
    named = set(action.shares) | set(action.shed) | set(action.refused)
    shares = {o: dict(by) for o, by in state.shares.get(name, {}).items() if o not in named}
    shed = {o: share for o, share in state.shed.get(name, {}).items() if o not in named}
    refused = {o: share for o, share in state.refused.get(name, {}).items() if o not in named}
    shares |= {origin: dict(action.shares.get(origin, {})) for origin in named}
    return Weights(dict(sorted(shares.items())), shed | dict(action.shed), refused | dict(action.refused))


def _place(action: Action, region: str | None) -> str:
    if region is None:
        raise Refused(f"{action.id}: {action.kind} of {action.subject} names no region")
    return region


def _most_lost_s(datastore: str, state: EstateState, estate: Estate) -> float:
    rpo_s = estate.datastores[datastore].spec.rpo.total_seconds()
    accepted = [loss.loss.total_seconds() for loss in state.accepted if loss.datastore == datastore]
    return max([rpo_s, *accepted])


def same(desired: Desired, found: Desired | None) -> bool:
    """Whether what was read back is what was asked for."""
    match desired, found:
        case Weights(), Weights():
            return (
                _alike(_flat(desired.shares), _flat(found.shares))
                and _alike(desired.shed, found.shed)
                and _alike(desired.refused, found.refused)
            )
        case Primary(), Primary():
            return desired.region == found.region
        case Units(), Units():
            return desired.region == found.region and abs(desired.units - found.units) < 1e-6 * max(1.0, desired.units)
        case _:
            return desired == found


def _flat(shares: Mapping[str, Mapping[str, float]]) -> dict[tuple[str, str], float]:
    return {(origin, region): share for origin, by in shares.items() for region, share in by.items()}


def _alike(desired: Mapping[_Key, float], found: Mapping[_Key, float]) -> bool:
    """Whether what is found is what is desired, but for rounding. Nothing is nothing: a rest that an edge still sends
    where nothing is to go is no rounding."""
    for key in {*desired, *found}:
        wanted, there = desired.get(key, 0.0), found.get(key, 0.0)
        if abs(wanted - there) > _SAME_SHARE or (wanted <= _NO_SHARE < there):
            return False
    return True


def settle(state: EstateState, action: Action, desired: Desired, now: datetime, epoch: int) -> EstateState:
    """The state once ``desired`` is confirmed."""
    name = action.subject
    match desired:
        case Weights():
            return _settle_shift(_with_weights(state, name, desired), action, now)
        case Holder(region=str(region)):
            epochs = {**state.holder_epochs, name: epoch}
            return replace(adopt(state, name, desired), holder_epochs=epochs, fenced=_freed(state, name, region))
        case Primary():
            since = {**state.primary_since, name: now}
            return replace(adopt(state, name, desired), primary_since=since, fenced=_freed(state, name, desired.region))
        case Fence():
            return replace(state, fenced=tuple(sorted({*state.fenced, (name, desired.region)})))
        case Holder() | KnobSetting() | Units():
            return adopt(state, name, desired)


def _settle_shift(state: EstateState, action: Action, now: datetime) -> EstateState:
    if action.cause in _IN_STEPS:
        state = replace(state, last_step={**state.last_step, action.subject: now})
    if action.leaves_live > 0:
        state = replace(state, shifts=(*state.shifts, Shift(now, action.leaves_live)))
    return state


def _freed(state: EstateState, name: str, region: str) -> tuple[tuple[str, str], ...]:
    return tuple(pair for pair in state.fenced if pair != (name, region))


def adopt(state: EstateState, name: str, found: Desired) -> EstateState:
    """The state once ``found`` is known to be so, however it came about. Rounding by the target changes nothing, and
    a holder that was fenced is still its service's last one."""
    match found:
        case Weights():
            known = Weights(state.shares.get(name, {}), state.shed.get(name, {}), state.refused.get(name, {}))
            if name in state.shares and same(known, found):
                return state
            return _with_weights(state, name, found)
        case KnobSetting():
            knobs = with_knob(state.knobs, name, found.value, found.region)
            return state if knobs == state.knobs else replace(state, knobs=knobs)
        case Holder():
            last = state.holders.get(name)
            if found.region is None and last is not None and (name, last) in state.fenced:
                return state
            return replace(state, holders={**state.holders, name: found.region})
        case Primary():
            return replace(state, primaries={**state.primaries, name: found.region})
        case Fence():
            return replace(state, fenced=tuple(sorted({*state.fenced, (name, found.region)})))
        case Units():
            return replace(state, units={**state.units, found.region: found.units})


def _with_weights(state: EstateState, name: str, weights: Weights) -> EstateState:
    shares = {**state.shares, name: {origin: dict(by) for origin, by in weights.shares.items()}}
    shed, refused = without(state.shed, name), without(state.refused, name)
    shed |= {name: dict(weights.shed)} if any(weights.shed.values()) else {}
    refused |= {name: dict(weights.refused)} if any(weights.refused.values()) else {}
    return replace(state, shares=shares, shed=shed, refused=refused)


def may_undo(action: Action) -> bool:
    """Whether a failed action is put back.

    Leaving a dead region is not: half of the way out is better than back in. Neither is shedding (the load would be
    back), a fence or a promotion (two writers could be the result), nor room that was added.
    """
    match action.kind:
        case ActionKind.SHIFT:
            return action.cause in _PUT_BACK
        case ActionKind.DEGRADE | ActionKind.RESTORE | ActionKind.ACTIVATE:
            return True
        case ActionKind.FENCE | ActionKind.PROMOTE | ActionKind.SCALE:
            return False


def wants_reading(action: Action) -> bool:
    """Whether what is so before has to be read: only what may be put back, or may be so already."""
    return action.kind in {ActionKind.SHIFT, ActionKind.DEGRADE, ActionKind.RESTORE, ActionKind.SCALE}


def known(action: Action, state: EstateState) -> Desired | None:
    """What is so before, where the state may be relied on: the way out of a dead region is not put back, and whoever is
    still sent there fails while somebody reads."""
    name = action.subject
    if action.kind is not ActionKind.SHIFT or action.cause is not Cause.FAILOVER or name not in state.shares:
        return None
    return Weights(state.shares[name], state.shed.get(name, {}), state.refused.get(name, {}))


def before(action: Action, found: Desired | None) -> Desired | None:
    """What undoing puts back. An activation is undone to nobody, never to the old holder."""
    return Holder(None) if action.kind is ActionKind.ACTIVATE else found
