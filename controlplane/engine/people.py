"""What people say, as changes of the state. Pure but for the loop's desk that calls it."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import TypeVar, assert_never

from controlplane.decide.explain import told
from controlplane.engine.approvals import LASTS, decide_on, fingerprint
from controlplane.engine.state import Approved, EstateState
from controlplane.model.desk import (
    ESTATE,
    AcceptLoss,
    AddOverride,
    Approval,
    Approve,
    AskSecond,
    Changing,
    ClearOverride,
    ClearWish,
    Pause,
    Paused,
    PersonCommand,
    Receipt,
    Reject,
    Release,
    Resume,
    SetWish,
)
from controlplane.model.journal import Json
from controlplane.model.rules import Rule

_Known = TypeVar("_Known")


def heed(state: EstateState, command: PersonCommand, now: datetime) -> tuple[EstateState, Receipt]:
    """The state once a command is obeyed, and what to answer. A command that is refused changes nothing."""
    match command:
        case AskSecond():
            return _ask(state, command, now)
        case Approve() | Reject():
            return _answer(state, command, now)
        case _:
            return _change(state, command, now), Receipt(True, "done")


def _change(state: EstateState, command: Changing, now: datetime) -> EstateState:
    match command:
        case AddOverride(override):
            others = _without(state.overrides, lambda known: known.region == override.region)
            return replace(state, overrides=(*others, override))
        case ClearOverride(region=region):
            return replace(state, overrides=_without(state.overrides, lambda known: known.region == region))
        case SetWish(wish):
            place = (wish.kind, wish.subject, wish.region)
            left = _without(state.wishes, lambda known: (known.kind, known.subject, known.region) == place)
            return replace(state, wishes=(*left, wish))
        case ClearWish():
            gone = (command.kind, command.subject, command.region)
            return replace(
                state, wishes=_without(state.wishes, lambda known: (known.kind, known.subject, known.region) == gone)
            )
        case AcceptLoss(datastore=datastore):
            accepted = _without(state.accepted, lambda known: known.datastore == datastore)
            return replace(state, accepted=(*accepted, command))
        case Pause():
            return replace(state, paused=state.paused or Paused(command.by, command.reason, now))
        case Resume():
            return replace(state, paused=None)
        case Release(subject=subject):
            return _release(state, subject)
        case _:
            assert_never(command)


def _release(state: EstateState, subject: str) -> EstateState:
    """The estate: changes are free again, although the fault may still be everywhere. A region: R7 counts anew."""
    if subject == ESTATE:
        return replace(state, frozen_since=None, unfrozen=state.frozen_since is not None)
    return replace(
        state,
        transitions=_without(state.transitions, lambda known: known.region == subject),
        drains=tuple(replace(d, cause="") if d.region == subject else d for d in state.drains),
    )


def _ask(state: EstateState, command: AskSecond, now: datetime) -> tuple[EstateState, Receipt]:
    text = f"{type(command.command).__name__}|{subject_of(command)}|{command.by}|{now.isoformat()}"
    name = f"second-{sha256(text.encode()).hexdigest()[:6]}"
    why = f"{command.by} asks for {type(command.command).__name__} on {subject_of(command)}: {command.reason}"
    approval = Approval(
        name, now, command.by, subject_of(command), command.rules, why, command=command.command, expires_at=now + LASTS
    )
    state = replace(state, approvals=(*state.approvals, approval))
    return state, Receipt(True, "waits for a second person", command.rules, waiting=name)


def _answer(state: EstateState, command: Approve | Reject, now: datetime) -> tuple[EstateState, Receipt]:
    approval = next((known for known in state.approvals if known.id == command.approval), None)
    if approval is None:
        return state, Receipt(False, f"nothing waits under {command.approval}")
    yes = isinstance(command, Approve)
    if approval.action is not None:
        mark = fingerprint(approval.action)
        word = Approved(mark, approval.subject, command.by, now, now + LASTS, granted=yes)
        done = f"{approval.id} is approved" if yes else f"{approval.id} is rejected"
        return decide_on(state, approval, word), Receipt(True, done, approval.rules)
    left = replace(state, approvals=_without(state.approvals, lambda known: known.id == approval.id))
    if not yes or approval.command is None:
        return left, Receipt(True, f"{approval.id} is rejected", approval.rules)
    if command.by == approval.asked_by:
        return state, Receipt(False, f"{command.by} asked for it: a second person must approve", (Rule.OVERRIDE,))
    seconded = _seconded(approval.command, command.by)
    return _change(left, seconded, now), Receipt(True, f"{approval.id} is approved and done", approval.rules)


def _seconded(command: Changing, by: str) -> Changing:
    if isinstance(command, AddOverride):
        return AddOverride(replace(command.override, approved_by=by))
    return command


def subject_of(command: PersonCommand) -> str:
    """What a command is about."""
    match command:
        case AddOverride(override):
            return override.region
        case ClearOverride(region=region):
            return region
        case SetWish(wish):
            return wish.subject
        case ClearWish(subject=subject) | Release(subject=subject):
            return subject
        case AcceptLoss(datastore=datastore):
            return datastore
        case AskSecond(command=asked):
            return subject_of(asked)
        case Approve(approval=approval) | Reject(approval=approval):
            return approval
        case Pause() | Resume():
            return ESTATE
        case _:
            assert_never(command)


def facts_of(command: PersonCommand, state: EstateState) -> dict[str, Json]:
    """What the journal keeps of a command beside who, why and about what."""
    facts: dict[str, Json] = {"command": type(command).__name__}
    match command:
        case AddOverride(override):
            facts |= {"state": override.state.value, "until": override.until.isoformat()}
            facts["approved_by"] = override.approved_by
        case SetWish(wish):
            facts |= {"kind": wish.kind, "to": wish.to, "region": wish.region, "until": wish.until.isoformat()}
        case ClearWish():
            facts |= {"kind": command.kind, "region": command.region}
        case AcceptLoss():
            facts |= {"loss_s": command.loss.total_seconds(), "until": command.until.isoformat()}
        case AskSecond():
            facts |= {"asked": facts_of(command.command, state), "rules": [rule.value for rule in command.rules]}
        case Approve() | Reject():
            found = next((known for known in state.approvals if known.id == command.approval), None)
            if found is not None:
                facts |= {"asked_by": found.asked_by, "about": found.subject, "what": _what(found)}
        case ClearOverride() | Pause() | Resume() | Release():
            pass
    return facts


def _what(approval: Approval) -> str:
    return told(approval.action.reasons) if approval.action is not None else approval.why


def _without(known: Iterable[_Known], gone: Callable[[_Known], bool]) -> tuple[_Known, ...]:
    return tuple(one for one in known if not gone(one))
