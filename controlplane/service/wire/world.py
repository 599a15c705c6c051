"""The world as a file for ``leeward plan --world``: what the daemon decided from can be decided from again."""

from controlplane.model.journal import Json
from controlplane.model.verdict import Verdict
from controlplane.model.world import Drain, Lag, Override, Wish, World
from controlplane.service.wire.plain import duration, knob_values, names, share, time, times


def world_json(world: World) -> dict[str, Json]:
    """CONTRACTS' fields first, in its order; then what else is known. What is unknown is absent.

    Shares are as they are, not rounded: a decision made from the file is the decision that was made.
    """
    written: dict[str, Json] = {
        "at": time(world.at),
        "verdicts": [verdict_json(world.verdicts[key]) for key in sorted(world.verdicts)],
        "shares": {
            service: {origin: dict(sorted(shares.items())) for origin, shares in sorted(by.items())}
            for service, by in sorted(world.shares.items())
        },
        "demand": {service: dict(sorted(by.items())) for service, by in sorted(world.demand.items())},
        "knobs": knob_values(world.knobs),
        "lag": {
            datastore: {region: _lag(lag) for region, lag in sorted(by.items())}
            for datastore, by in sorted(world.lag.items())
        },
        "holders": names(world.holders),
        "overrides": [override_json(override) for override in world.overrides],
        "primaries": names(dict(world.primaries)),
        "wishes": [wish_json(wish) for wish in world.wishes],
        "capacity": dict(sorted(world.capacity.items())),
        "surcharge": dict(sorted(world.surcharge.items())),
        "alarms": times(world.alarms),
        "transitions": [{"region": t.region, "at": time(t.at), "to": t.to} for t in world.transitions],
        "shifts": [{"at": time(shift.at), "fraction": shift.fraction} for shift in world.shifts],
        "fenced": [list(pair) for pair in sorted(world.fenced)],
        "unreachable": [list(pair) for pair in sorted(world.unreachable)],
        "acceptedLoss": {name: duration(loss) for name, loss in sorted(world.accepted_loss.items())},
        "lastStep": times(world.last_step),
        "management": times(world.management),
        "stuck": [*sorted(world.stuck)],
    }
    if world.drains is not None:
        written["drains"] = [drain_json(drain) for drain in world.drains]
    if world.knob_room_since is not None:
        written["knobRoomSince"] = times(world.knob_room_since)
    return written


def _lag(lag: Lag) -> Json:
    if lag.sampled_at is None:
        return duration(lag.value)
    return {"value": duration(lag.value), "sampledAt": time(lag.sampled_at)}


def verdict_json(verdict: Verdict) -> dict[str, Json]:
    """A verdict without its reasons: what a world file says of it."""
    written: dict[str, Json] = {"region": verdict.region, "service": verdict.service, "state": verdict.state.value}
    if verdict.since is not None:
        written["since"] = time(verdict.since)
    if verdict.success is not None:
        written["success"] = share(verdict.success)
    return written


def override_json(override: Override) -> dict[str, Json]:
    """A person's word on a region."""
    written: dict[str, Json] = {
        "region": override.region,
        "state": override.state.value,
        "by": override.by,
        "reason": override.reason,
        "until": time(override.until),
    }
    if override.approved_by is not None:
        written["approvedBy"] = override.approved_by
    return written


def wish_json(wish: Wish) -> dict[str, Json]:
    """A person's word on a knob, service or datastore."""
    written: dict[str, Json] = {
        "kind": wish.kind,
        "subject": wish.subject,
        "to": wish.to,
        "by": wish.by,
        "reason": wish.reason,
        "until": time(wish.until),
    }
    if wish.region is not None:
        written["region"] = wish.region
    return written


def drain_json(drain: Drain) -> dict[str, Json]:
    """What the machine has left and not yet restored."""
    return {"region": drain.region, "service": drain.service, "since": time(drain.since), "cause": drain.cause}
