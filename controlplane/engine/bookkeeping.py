"""What the state notes of a plan and its acts beside their effects: drains, restorations, room for knobs. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from controlplane.engine.state import EstateState
from controlplane.model.plan import Action, ActionKind, Cause, Plan
from controlplane.model.rules import Rule
from controlplane.model.verdict import EVERY_SERVICE
from controlplane.model.world import Drain, OverrideState, Shares, Transition

_SAME_SHARE = 0.002
_LEAVING = frozenset({Cause.FAILOVER, Cause.GREY, Cause.DRAIN, Cause.PERSON})
DRAINED = "drained"
RESTORED = "restored"


def mark_left(state: EstateState, plan: Plan, begun: tuple[Action, ...], now: datetime) -> EstateState:
    """Note what the actions that begin now leave: a region that the plan drains, or one service in a region.

    Only a drain by the machine is a transition (R7); a person's is not.
    """
    known = {(drain.region, drain.service) for drain in state.drains}
    ordered = {o.region for o in state.overrides if o.state is OverrideState.DRAINED and o.until > now}
    drains, transitions = list(state.drains), list(state.transitions)
    for action in begun:
        if action.cause not in _LEAVING or action.kind in {ActionKind.DEGRADE, ActionKind.RESTORE, ActionKind.SCALE}:
            continue
        for region in (action.from_ or "").split(","):
            whole = region in plan.drained
            service = EVERY_SERVICE if whole else action.subject
            spread = action.kind is ActionKind.SHIFT
            if not region or (region, service) in known or (region, EVERY_SERVICE) in known or not (whole or spread):
                continue
            ailing = action.cause in {Cause.FAILOVER, Cause.GREY} and (region, action.subject) in plan.leaving
            if not whole and not ailing:
                continue
            known.add((region, service))
            cause = Cause.PERSON if region in ordered else action.cause
            drains.append(Drain(region, service, now, cause.value))
            if whole and cause is not Cause.PERSON:
                transitions.append(Transition(region, now, DRAINED))
    if len(drains) == len(state.drains):
        return state
    return replace(state, drains=tuple(drains), transitions=tuple(transitions))


def recall_left(state: EstateState, action: Action, at: datetime) -> EstateState:
    """The state with what an announced shift leaves: its daemon was killed before it could save that."""
    if action.kind is not ActionKind.SHIFT or action.cause not in _LEAVING:
        return state
    known = {(drain.region, drain.service) for drain in state.drains}
    fresh = tuple(
        Drain(region, action.subject, at, action.cause.value)
        for region in (action.from_ or "").split(",")
        if region and not {(region, action.subject), (region, EVERY_SERVICE)} & known
    )
    return replace(state, drains=(*state.drains, *fresh)) if fresh else state


@dataclass(frozen=True, slots=True)
class Turned:
    """Regions whose drain has become complete, and drains that have been undone."""

    drained: tuple[str, ...] = ()
    restored: tuple[Drain, ...] = ()


def restored(state: EstateState, plan: Plan, healthy: Shares) -> tuple[Drain, ...]:
    """Drains that are over: R13 has released the place, and it carries what the target gives it, which is something
    unless the ``healthy`` plan has nothing there either."""
    gaining = {
        (action.subject, region)
        for action in plan.actions
        if action.kind is ActionKind.SHIFT
        for region in (action.to or "").split(",")
    }
    released = frozenset(plan.returning)
    return tuple(
        drain
        for drain in state.drains
        if (drain.region, drain.service) in released
        and (_part(plan.target, drain) > 0 or _part(healthy, drain) == 0)
        and _carries(state, plan, drain, gaining)
    )


def _part(shares: Shares, drain: Drain) -> float:
    services = shares if drain.service == EVERY_SERVICE else {drain.service}
    return sum(by.get(drain.region, 0.0) for service in services for by in shares.get(service, {}).values())


def _carries(state: EstateState, plan: Plan, drain: Drain, gaining: set[tuple[str, str]]) -> bool:
    services = plan.target if drain.service == EVERY_SERVICE else {drain.service}
    for service in services:
        if (service, drain.region) in gaining:
            return False
        today = state.shares.get(service)
        for origin, goal in plan.target.get(service, {}).items():
            has = 1.0 if today is None else today.get(origin, {}).get(drain.region, 0.0)
            if has < goal.get(drain.region, 0.0) - _SAME_SHARE:
                return False
    return True


def unmark(state: EstateState, over: tuple[Drain, ...], now: datetime) -> EstateState:
    """The state once these drains are over. A region's restoration by the machine is a transition (R7)."""
    if not over:
        return state
    gone = set(over)
    back = tuple(
        Transition(drain.region, now, RESTORED)
        for drain in over
        if drain.service == EVERY_SERVICE and drain.cause != Cause.PERSON.value
    )
    return replace(
        state, drains=tuple(d for d in state.drains if d not in gone), transitions=(*state.transitions, *back)
    )


def empty(state: EstateState, region: str) -> bool:
    """Whether nothing is left in a region: no share, no holder but a fenced one."""
    for by_origin in state.shares.values():
        if any(by_region.get(region, 0.0) > _SAME_SHARE for by_region in by_origin.values()):
            return False
    return all(at != region or (name, region) in state.fenced for name, at in state.holders.items())


def note_room(state: EstateState, plan: Plan, now: datetime) -> EstateState:
    """Since when each knob could be lighter: from the first plan that says so, for as long as plans go on saying so."""
    waiting = {hold.subject for hold in plan.holds if any(why.code == "knob-room" for why in hold.reasons)}
    lightening = {action.subject for action in plan.actions if action.kind is ActionKind.RESTORE}
    room: Mapping[str, datetime] = {
        knob: state.knob_room_since.get(knob, now)
        for knob in sorted(waiting | (lightening & set(state.knob_room_since)))
    }
    return state if room == state.knob_room_since else replace(state, knob_room_since=room)


def note_freeze(state: EstateState, plan: Plan, now: datetime) -> EstateState:
    """A fault that is everywhere at once freezes changes (R2), from the first plan that says so to the last, unless a
    person lifts the freeze before."""
    everywhere = any(Rule.GLOBAL in hold.rules for hold in plan.holds)
    if everywhere and state.frozen_since is None and not state.unfrozen:
        return replace(state, frozen_since=now)
    if not everywhere and (state.frozen_since is not None or state.unfrozen):
        return replace(state, frozen_since=None, unfrozen=False)
    return state
