"""What waits for a person, and what a person has said of it. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

from controlplane.decide.explain import told
from controlplane.engine.state import Approved, EstateState
from controlplane.model.desk import MACHINE, Approval
from controlplane.model.permit import Refusal
from controlplane.model.plan import Action, ActionKind, Plan

LASTS = timedelta(hours=1)


def fingerprint(action: Action) -> str:
    """What an approval is good for: this kind of action on this subject, from there, for this cause.

    Not how far the next step of a ramp goes, nor the other side of it: that changes with every second's demand.
    """
    parts = [action.id, action.kind.value, action.subject, action.from_ or "", action.region or "", action.cause.value]
    if action.kind is not ActionKind.SHIFT:
        parts.append(action.to or "")
    return sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def granted(state: EstateState, actions: Iterable[Action]) -> frozenset[str]:
    """Ids of the actions that a person has approved."""
    yes = {approved.fingerprint for approved in state.approved if approved.granted}
    return frozenset(action.id for action in actions if fingerprint(action) in yes)


def sync(state: EstateState, plan: Plan, refusals: Iterable[Refusal], now: datetime) -> EstateState:
    """Approvals that wait: one for each action that would be done but for a person's word. What is no longer wanted
    no longer waits, and a word on something that is over does not count for the next time."""
    said = {approved.fingerprint for approved in state.approved}
    known = {approval.id: approval for approval in state.approvals}
    waiting = [approval for approval in state.approvals if approval.action is None]
    for refusal in refusals:
        action = refusal.action
        if not refusal.waiting or fingerprint(action) in said:
            continue
        before = known.get(action.id)
        if before is not None and before.action is not None and fingerprint(before.action) == fingerprint(action):
            waiting.append(before)
            continue
        waiting.append(Approval(action.id, now, MACHINE, action.subject, action.rules, told(action.reasons), action))
    wanted = {fingerprint(action) for action in plan.actions}
    approved = tuple(word for word in state.approved if word.fingerprint in wanted or _on_the_way(plan, word))
    after = tuple(waiting)
    if after == state.approvals and approved == state.approved:
        return state
    return replace(state, approvals=after, approved=approved)


def decide_on(state: EstateState, approval: Approval, word: Approved) -> EstateState:
    """The state once a person has said yes or no to something that waited."""
    left = tuple(other for other in state.approvals if other.id != approval.id)
    return replace(state, approvals=left, approved=(*state.approved, word))


def _on_the_way(plan: Plan, word: Approved) -> bool:
    """Between two steps of a ramp the action is not in the plan, but its subject has not arrived yet."""
    return plan.target.get(word.subject) != plan.next.get(word.subject)
