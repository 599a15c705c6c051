"""The status as ``leeward status --json`` and ``/v1/status`` print it."""

from collections.abc import Mapping

from controlplane.decide.explain import told
from controlplane.model.desk import Approval, InFlight, Receipt, Status, WatchHealth
from controlplane.model.estate import Estate
from controlplane.model.journal import Json
from controlplane.model.resources.degradation_policy import KnobScope
from controlplane.model.verdict import EVERY_SERVICE, Verdict
from controlplane.model.world import Knobs, Shares, World
from controlplane.service.today import shares_today
from controlplane.service.turned import turned_knobs
from controlplane.service.wire.person import command_json
from controlplane.service.wire.plain import (
    knob_values,
    names,
    reasons,
    rule_ids,
    share,
    shares_by_three,
    shares_by_two,
    time,
    time_or_none,
)
from controlplane.service.wire.plan import action_json, hold_json, plan_json
from controlplane.service.wire.world import drain_json, override_json, verdict_json, wish_json


def status_json(status: Status, estate: Estate) -> dict[str, Json]:
    """Everything a face shows. ``knobs`` are complete: those not turned stand at their default."""
    world, plan = status.world, status.plan
    shares = shares_today(estate, status)
    return {
        "at": time(status.at),
        "replica": status.replica,
        "mode": status.mode.value,
        "leader": status.leader,
        "leaderAddress": status.leader_address,
        "epoch": status.epoch,
        "leaseExpiresAt": time_or_none(status.lease_expires_at),
        "policies": {
            "version": status.policies.version,
            "loadedAt": time(status.policies.loaded_at),
            "paths": list(status.policies.paths),
            "problem": status.policies.problem,
        },
        "paused": _paused(status),
        "frozenSince": time_or_none(status.frozen_since),
        "store": {
            "ok": status.store.ok,
            "problem": status.store.problem,
            "since": time_or_none(status.store.since),
            "spooled": status.store.spooled,
        },
        "watch": _watch(status.watch),
        "regions": [_region(status, estate, region, shares) for region in estate.regions],
        "verdicts": [judged_json(world.verdicts[key]) for key in sorted(world.verdicts)],
        "shares": shares_by_three(shares),
        "shed": shares_by_two(status.shed),
        "refused": shares_by_two(status.refused),
        "knobs": knob_values(all_knobs(estate, world.knobs)),
        "turned": knob_values(turned_knobs(estate, world.knobs)),
        "holders": names(world.holders),
        "primaries": names(all_primaries(estate, world)),
        "drains": [drain_json(drain) for drain in world.drains or ()],
        "overrides": [override_json(override) for override in world.overrides],
        "wishes": [wish_json(wish) for wish in world.wishes],
        "holds": [hold_json(hold) for hold in plan.holds] if plan else [],
        "inFlight": [_in_flight(act) for act in status.in_flight],
        "approvals": [approval_json(approval) for approval in status.approvals],
        "plan": plan_json(plan) if plan else None,
    }


def all_knobs(estate: Estate, in_force: Knobs) -> Knobs:
    """Every knob's value, a region-scoped one's by region; the default where nothing is in force."""
    return {name: _complete(estate, name, in_force) for name in estate.knobs}


def all_primaries(estate: Estate, world: World) -> dict[str, str | None]:
    """Every datastore's primary; the declared one where the world knows no other."""
    return {name: world.primaries.get(name, store.spec.primary) for name, store in estate.datastores.items()}


def approval_json(approval: Approval) -> dict[str, Json]:
    """Something that waits for a person."""
    return {
        "id": approval.id,
        "askedAt": time(approval.asked_at),
        "askedBy": approval.asked_by,
        "subject": approval.subject,
        "rules": rule_ids(approval.rules),
        "why": approval.why,
        "action": action_json(approval.action) if approval.action else None,
        "command": command_json(approval.command) if approval.command else None,
        "expiresAt": time_or_none(approval.expires_at),
    }


def receipt_json(receipt: Receipt) -> dict[str, Json]:
    """What became of a command, or what would."""
    return {
        "accepted": receipt.accepted,
        "why": receipt.why,
        "rules": rule_ids(receipt.rules),
        "waiting": receipt.waiting,
        "seq": receipt.seq,
        "plan": plan_json(receipt.plan) if receipt.plan else None,
    }


def _complete(
    estate: Estate, name: str, in_force: Knobs
) -> "str | bool | int | float | dict[str, str | bool | int | float]":
    knob, value = estate.knobs[name], in_force.get(name)
    if knob.scope is KnobScope.ESTATE:
        return knob.default if value is None or isinstance(value, Mapping) else value
    if isinstance(value, Mapping):
        return {region: value.get(region, knob.default) for region in estate.regions}
    return dict.fromkeys(estate.regions, knob.default if value is None else value)


def _paused(status: Status) -> Json:
    if status.paused is None:
        return None
    return {"by": status.paused.by, "reason": status.paused.reason, "since": time(status.paused.since)}


def _watch(watch: WatchHealth) -> dict[str, Json]:
    return {
        "targets": watch.targets,
        "lagS": share(watch.lag_s),
        "quiet": list(watch.quiet),
        "vantages": {name: time_or_none(watch.vantages[name]) for name in sorted(watch.vantages)},
    }


def _region(status: Status, estate: Estate, region: str, shares: Shares) -> dict[str, Json]:
    """One line a region: its own verdict, what it carries, what keeps it out."""
    world, plan = status.world, status.plan
    verdict = world.verdicts.get((region, EVERY_SERVICE))
    return {
        "region": region,
        "jurisdiction": estate.regions[region].spec.jurisdiction,
        "state": verdict.state.value if verdict else "healthy",
        "since": time_or_none(verdict.since) if verdict else None,
        "success": share(verdict.success) if verdict and verdict.success is not None else None,
        "share": share(_share_of_demand(estate, world, region, shares)),
        "utilisation": share(plan.utilisation.get(region, 0.0)) if plan else None,
        "drained": any(d.region == region and d.service == EVERY_SERVICE for d in world.drains or ()),
        "override": next((o.state.value for o in world.overrides if o.region == region), None),
        "alarmSince": time_or_none(world.alarms.get(region)),
    }


def _share_of_demand(estate: Estate, world: World, region: str, shares: Shares) -> float:
    """The part of all requests that goes to a region, weighted by demand."""
    total = carried = 0.0
    for name, by_origin in shares.items():
        service = estate.services.get(name)
        demand = {**(service.spec.demand if service else {}), **world.demand.get(name, {})}
        for origin, by_region in by_origin.items():
            total += demand.get(origin, 0.0)
            carried += demand.get(origin, 0.0) * by_region.get(region, 0.0)
    return carried / total if total > 0 else 0.0


def judged_json(verdict: Verdict) -> dict[str, Json]:
    """A verdict with the votes and reasons behind it."""
    return {
        **verdict_json(verdict),
        "votes": {said: verdict.votes[said] for said in sorted(verdict.votes)},
        "why": told(verdict.reasons),
        "reasons": reasons(verdict.reasons),
    }


def _in_flight(act: InFlight) -> dict[str, Json]:
    return {
        "action": action_json(act.action),
        "phase": act.phase.value,
        "since": time(act.since),
        "deadline": time(act.deadline),
        "attempts": act.attempts,
        "stragglers": act.stragglers,
    }
