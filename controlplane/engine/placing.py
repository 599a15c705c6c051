"""First placement: what a target has never heard of is told where the plan has it. Pure."""

from collections.abc import Iterable
from dataclasses import replace

from controlplane.model.estate import Estate
from controlplane.model.plan import Action, ActionKind, Cause, Plan
from controlplane.model.resources.failover_policy import Autonomy
from controlplane.model.rules import Rule, reason


def with_first_placements(plan: Plan, estate: Estate, unheard: Iterable[str]) -> Plan:
    """The plan with a shift for each service that is nowhere yet and that it does not move anyway."""
    moved = {action.subject for action in plan.actions if action.kind is ActionKind.SHIFT}
    first = tuple(_place(plan, estate, name) for name in sorted(unheard) if name in plan.next and name not in moved)
    return replace(plan, actions=(*plan.actions, *first)) if first else plan


def _place(plan: Plan, estate: Estate, name: str) -> Action:
    shares = {origin: dict(by_region) for origin, by_region in plan.next[name].items()}
    regions = sorted({region for by_region in shares.values() for region, share in by_region.items() if share > 0})
    autonomy = estate.policy(name).autonomy
    return Action(
        id=f"shift-{name}",
        kind=ActionKind.SHIFT,
        subject=name,
        from_=None,
        to=",".join(regions) or None,
        reasons=(reason(Rule.LEAST_MOVE, "first-placement", service=name),),
        approval=autonomy is Autonomy.PROPOSE,
        watched_only=autonomy is Autonomy.OBSERVE,
        cause=Cause.CAPACITY,
        shares=shares,
        shed=plan.next_shed.get(name, {}),
        refused=plan.refused.get(name, {}),
    )
