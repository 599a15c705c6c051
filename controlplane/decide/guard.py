"""The guard: the only maker of a Permit (R4, R8, R9, R11 to R13, R16, judged again for each single act)."""

from collections.abc import Iterable

from controlplane.decide.regions import denied
from controlplane.model.estate import Estate
from controlplane.model.permit import Permit, Refusal, Standing
from controlplane.model.plan import Action, ActionKind, Cause, Plan
from controlplane.model.rules import Reason, Rule, reason
from controlplane.model.world import World

_ROUNDING = 1e-6
_DENIED_AS: dict[Cause, tuple[str, ...]] = {
    Cause.FAILBACK: ("failback", "restore"),
    Cause.RESTORE: ("restore",),
    Cause.GREY: ("shift",),
    Cause.DRAIN: ("drain",),
    Cause.PERSON: (),
    Cause.FAILOVER: (),
    Cause.CAPACITY: (),
}


def guard(plan: Plan, estate: Estate, world: World, standing: Standing) -> tuple[Permit | Refusal, ...]:
    """Answer each action of a plan with a Permit or a Refusal, in the plan's order.

    The plan has obeyed the rules already; the guard asks again, from the world and the standing alone, so that a
    mistake in planning cannot reach a driver. Bounds that add up (R8) are kept over all permits given here. A
    permit is worth nothing once the lease it was given under has run out.
    """
    answers: list[Permit | Refusal] = []
    left = 0.0
    for action in plan.actions:
        why = tuple(_reasons_against(action, plan, estate, world, left)) + tuple(
            _standing_against(action, world, standing)
        )
        if why:
            answers.append(Refusal(action, why))
        elif action.approval and action.id not in standing.approved:
            answers.append(Refusal(action, (reason(Rule.OVERRIDE, "waits-for-approval", id=action.id),), waiting=True))
        else:
            left += action.leaves_live if _counts(action) else 0.0
            assert standing.lease_expires_at is not None  # noqa: S101 - _standing_against refuses without a lease
            answers.append(Permit(action, standing.epoch, standing.lease_expires_at))
    return tuple(answers)


def _standing_against(action: Action, world: World, standing: Standing) -> Iterable[Reason]:
    if not standing.store_ok:
        yield reason(Rule.STATIC, "store-lost")
    if standing.lease_expires_at is None:
        yield reason(Rule.STATIC, "no-lease")
    elif standing.lease_expires_at <= world.at:
        yield reason(Rule.STATIC, "lease-ran-out", expired_at=standing.lease_expires_at.isoformat())
    if standing.paused and action.cause is not Cause.PERSON:
        yield reason(Rule.OVERRIDE, "paused")
    if action.watched_only:
        yield reason(Rule.OVERRIDE, "observe-only", subject=action.subject)


def _reasons_against(action: Action, plan: Plan, estate: Estate, world: World, left: float) -> Iterable[Reason]:
    if (frozen := _frozen(action, estate, world)) is not None:
        yield frozen
    match action.kind:
        case ActionKind.SHIFT:
            yield from _illegal(action, estate)
            yield from _too_much(action, estate, world, left)
            if action.cause is Cause.FAILBACK:
                yield from _too_early(action, plan)
        case ActionKind.ACTIVATE | ActionKind.PROMOTE:
            if action.from_ is not None and (action.subject, action.from_) not in world.fenced:
                yield reason(Rule.DATA, "not-fenced", subject=action.subject, region=action.from_)
        case ActionKind.DEGRADE | ActionKind.RESTORE | ActionKind.SCALE | ActionKind.FENCE:
            pass


def _frozen(action: Action, estate: Estate, world: World) -> Reason | None:
    if action.kind is ActionKind.DEGRADE and action.cause is not Cause.PERSON:
        return denied(estate, world, "degrade")
    acts = _DENIED_AS[action.cause]
    return denied(estate, world, *acts) if acts else None


def _illegal(action: Action, estate: Estate) -> Iterable[Reason]:
    for origin, by_region in action.shares.items():
        legal = estate.legal(action.subject, origin)
        for region, share in by_region.items():
            if share > _ROUNDING and region not in legal:
                yield reason(Rule.RESIDENCY, "illegal-region", service=action.subject, origin=origin, region=region)


def _too_much(action: Action, estate: Estate, world: World, left: float) -> Iterable[Reason]:
    bound = estate.safety.max_shift
    if not _counts(action) or bound.fraction >= 1:
        return
    recent = sum(s.fraction for s in world.shifts if world.at - s.at < bound.per)
    if recent + left + action.leaves_live > bound.fraction + _ROUNDING:
        yield reason(Rule.BLAST_RADIUS, "max-shift", fraction=bound.fraction, already=round(recent + left, 6))


def _counts(action: Action) -> bool:
    return action.leaves_live > _ROUNDING


def _too_early(action: Action, plan: Plan) -> Iterable[Reason]:
    """A failback may only raise regions that the plan has released."""
    held = {hold.subject for hold in plan.holds if any(why.rule is Rule.FAILBACK for why in hold.reasons)}
    for region in (action.to or "").split(","):
        if region in held:
            yield reason(Rule.FAILBACK, "not-released", region=region)
