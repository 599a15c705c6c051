"""The plan as ``leeward plan --json`` and ``/v1/plan`` print it."""

from controlplane.decide.explain import told
from controlplane.model.journal import Json
from controlplane.model.plan import Action, Hold, Plan
from controlplane.service.wire.plain import (
    knob_values,
    names,
    reasons,
    rule_ids,
    share,
    shares_by,
    shares_by_three,
    shares_by_two,
    time,
    time_or_none,
)


def plan_json(plan: Plan) -> dict[str, Json]:
    """CONTRACTS' fields first, in its order; then what else is known."""
    return {
        "feasible": plan.feasible,
        "target": shares_by_three(plan.target),
        "next": shares_by_three(plan.next),
        "knobs": knob_values(plan.knobs),
        "holders": names(plan.holders),
        "promote": names(plan.promote),
        "shed": shares_by_two(plan.shed),
        "refused": shares_by_two(plan.refused),
        "utilisation": shares_by(plan.utilisation),
        "actions": [action_json(action) for action in plan.actions],
        "holds": [hold_json(hold) for hold in plan.holds],
        "at": time(plan.at),
        "nextShed": shares_by_two(plan.next_shed),
        "drained": [*sorted(plan.drained)],
        "costs": _costs(plan),
        "wakeAt": time_or_none(plan.wake_at),
    }


def action_json(action: Action) -> dict[str, Json]:
    """One action; ``shares``, ``value`` and the like only where its kind has them."""
    written: dict[str, Json] = {
        "id": action.id,
        "kind": action.kind.value,
        "subject": action.subject,
        "from": action.from_,
        "to": action.to,
        "rules": rule_ids(action.rules),
        "why": told(action.reasons),
        "after": list(action.after),
        "approval": action.approval,
        "cause": action.cause.value,
    }
    if action.region is not None:
        written["region"] = action.region
    if action.value is not None:
        written["value"] = action.value
    if action.units is not None:
        written["units"] = share(action.units)
    if action.shares:
        written["shares"] = shares_by_two(action.shares)
    if action.shed:
        written["shed"] = shares_by(action.shed)
    if action.refused:
        written["refused"] = shares_by(action.refused)
    written["leavesLive"] = share(action.leaves_live)
    written["reasons"] = reasons(action.reasons)
    return written


def hold_json(hold: Hold) -> dict[str, Json]:
    """One decision not to act."""
    return {
        "subject": hold.subject,
        "rules": rule_ids(hold.rules),
        "why": told(hold.reasons),
        "reasons": reasons(hold.reasons),
    }


def _costs(plan: Plan) -> Json:
    if plan.costs is None:
        return None
    next_best = plan.costs.next_best
    return {
        "acting": share(plan.costs.acting),
        "waiting": share(plan.costs.waiting),
        "nextBest": share(next_best) if next_best is not None else None,
    }
