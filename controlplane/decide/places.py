"""How each service stands in each region: what it may gain, keep or must leave, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from controlplane.decide.dependencies import possible
from controlplane.decide.facts import Facts, Place, cannot_serve, curable
from controlplane.decide.regions import Fate, Fates, Situation, denied, wished_region
from controlplane.model.estate import Estate
from controlplane.model.plan import Cause, Hold
from controlplane.model.resources.failover_policy import FailbackMode
from controlplane.model.rules import Reason, Rule, reason
from controlplane.model.verdict import Health
from controlplane.model.world import OverrideState, World


class Stand(StrEnum):
    """``open``: may gain and keep. ``avoid``: the same, but only if nothing better is left. ``returning``: gains by
    the failback ramp. ``capped``: keeps or loses, gains nothing. ``pinned``: neither gains nor loses. ``leaving``:
    loses by the ramp. ``dead``: loses all at once. ``closed``: cannot serve, by deployment.
    """

    OPEN = "open"
    AVOID = "avoid"
    RETURNING = "returning"
    CAPPED = "capped"
    PINNED = "pinned"
    LEAVING = "leaving"
    DEAD = "dead"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Standing:
    """One place's stand, what a move from or to it answers, and the reasons."""

    stand: Stand
    cause: Cause = Cause.FAILOVER
    reasons: tuple[Reason, ...] = ()


OPEN = Standing(Stand.OPEN)


@dataclass(slots=True)
class Places:
    """The stand of every (service, region), with what was held on the way."""

    of: dict[Place, Standing] = field(default_factory=dict)
    holds: list[Hold] = field(default_factory=list)
    wakes: list[datetime] = field(default_factory=list)


def find_places(now: Situation, unwritable: frozenset[str]) -> Places:
    """Settle the stand of each spread service in each region. ``unwritable``: datastores that will have no primary."""
    estate, world, facts, fates = now.estate, now.world, now.facts, now.fates
    places = Places()
    stopped = cannot_serve(estate, world, facts, unwritable)
    cured = curable(estate, facts, unwritable)
    for name in estate.spread:
        could = possible(estate)[name]
        wish = wished_region(world, "service", name)
        for region in estate.regions:
            place = (name, region)
            if region not in could:
                places.of[place] = Standing(Stand.CLOSED, Cause.CAPACITY, (reason(Rule.DEPENDENCY, "not-deployed"),))
                continue
            standing = _stand(now, cured, place)
            if standing.stand in _KEEPS and place in stopped:
                standing = _stopped(estate, facts, fates, place, stopped)
            elif standing.stand is Stand.CAPPED and place in stopped:
                why = reason(Rule.DEPENDENCY, "dependency-down", service=name, region=region, dependency=stopped[place])
                standing = Standing(Stand.CAPPED, standing.cause, (*standing.reasons, why))
            if wish is not None and region != wish and standing.stand in _KEEPS:
                standing = Standing(
                    Stand.LEAVING, Cause.PERSON, (reason(Rule.OVERRIDE, "failover-ordered", to=str(wish)),)
                )
            places.of[place] = standing
        _tell(estate, facts, places, name)
    return places


_KEEPS = frozenset({Stand.OPEN, Stand.AVOID, Stand.RETURNING})


def _stand(now: Situation, cured: frozenset[str], place: Place) -> Standing:
    """The region's fate first, the service's own state where the region has none."""
    name, region = place
    estate, fate = now.estate, now.fates.of[region]
    match fate.fate:
        case Fate.LEAVE_AT_ONCE:
            return Standing(Stand.DEAD, fate.cause, fate.reasons)
        case Fate.LEAVE_IN_STEPS:
            return Standing(Stand.LEAVING, fate.cause, fate.reasons)
        case Fate.KEEP_OUT:
            return Standing(Stand.CAPPED, fate.cause, fate.reasons)
        case Fate.HELD:
            return Standing(Stand.PINNED, fate.cause, fate.reasons)
        case Fate.RETURNING:
            if estate.policy(name).failback.mode is FailbackMode.AUTO or fate.cause is Cause.PERSON:
                return Standing(Stand.RETURNING, fate.cause, fate.reasons)
            return Standing(Stand.CAPPED, Cause.FAILBACK, (reason(Rule.FAILBACK, "manual", region=region),))
        case Fate.SERVE:
            return _own(now, cured, place)


def _own(now: Situation, cured: frozenset[str], place: Place) -> Standing:
    estate, world, facts, (name, region) = now.estate, now.world, now.facts, place
    if name in facts.everywhere:
        return Standing(Stand.CAPPED, Cause.FAILOVER, (reason(Rule.GLOBAL, "fails-everywhere", service=name),))
    if name in cured:
        return OPEN
    if place in facts.pending:
        why = reason(Rule.DAMPING, "not-long-enough", since=facts.pending[place].isoformat())
        return Standing(Stand.PINNED, Cause.FAILOVER, (why,))
    match facts.state[place]:
        case Health.UNKNOWN:
            return Standing(Stand.PINNED, Cause.FAILOVER, (reason(Rule.BLIND, "unknown", service=name, region=region),))
        case Health.DOWN:
            return _down(estate, world, facts, place)
        case Health.DEGRADED:
            if place in facts.crowded:
                why = reason(Rule.CAPACITY, "overloaded-here", service=name, region=region)
                return Standing(Stand.CAPPED, Cause.CAPACITY, (why,))
            if name in facts.explained:
                why = reason(Rule.DEPENDENCY, "explained-everywhere", service=name)
                return Standing(Stand.CAPPED, Cause.FAILOVER, (why,))
            verdict = world.verdict(region, name)
            if any(why.rule is Rule.DEPENDENCY for why in verdict.reasons):
                return OPEN
            return Standing(Stand.AVOID, Cause.GREY, (reason(Rule.RAMP, "degraded", region=region),))
        case Health.HEALTHY:
            return _left_before(estate, world, facts, place)


def _down(estate: Estate, world: World, facts: Facts, place: Place) -> Standing:
    """A service that is down for reasons of its own leaves the region; one that a dependency explains everywhere
    would find the same elsewhere and stays."""
    name, region = place
    if name in facts.explained:
        return Standing(Stand.CAPPED, Cause.FAILOVER, (reason(Rule.DEPENDENCY, "explained-everywhere", service=name),))
    if not any(facts.state[name, r] is Health.HEALTHY for r in possible(estate)[name]):
        return Standing(Stand.PINNED, Cause.FAILOVER, (reason(Rule.BLIND, "nowhere-better", service=name),))
    if facts.dead(place):
        return Standing(Stand.DEAD, Cause.FAILOVER, (reason(Rule.RAMP, "dead-service", service=name, region=region),))
    if (frozen := denied(estate, world, "shift")) is not None:
        return Standing(Stand.PINNED, Cause.GREY, (frozen,))
    success = facts.success[place]
    why = reason(Rule.RAMP, "grey-service", service=name, region=region, success=success)
    return Standing(Stand.LEAVING, Cause.GREY, (why,))


def _left_before(estate: Estate, world: World, facts: Facts, place: Place) -> Standing:
    """A service that was left in this region alone comes back under R13 as a region does."""
    name, region = place
    marked = any(d.service == name and d.region == region for d in world.drains or ())
    if not marked:
        return OPEN
    policy = estate.policy(name).failback
    freed = any(o.region == region and o.state is OverrideState.SERVING and o.until > world.at for o in world.overrides)
    since = facts.since[place]
    why: Reason | None = None
    if not freed and (frozen := denied(estate, world, "failback", "restore")) is not None:
        why = frozen
    elif not freed and policy.mode is FailbackMode.MANUAL:
        why = reason(Rule.FAILBACK, "manual", region=region)
    elif not freed and since is not None and world.at - since < policy.stable_for:
        why = reason(Rule.FAILBACK, "not-stable-yet", service=name, stable_for_s=policy.stable_for.total_seconds())
    if why is not None:
        return Standing(Stand.CAPPED, Cause.FAILBACK, (why,))
    return Standing(Stand.RETURNING, Cause.FAILBACK, (reason(Rule.FAILBACK, "released", region=region),))


def _stopped(estate: Estate, facts: Facts, fates: Fates, place: Place, stopped: Mapping[Place, str]) -> Standing:
    """R14. Where the dependency fails everywhere, moving would not help: keep what is there."""
    name, region = place
    blocker = stopped[place]
    why = reason(Rule.DEPENDENCY, "dependency-down", service=name, region=region, dependency=blocker)
    elsewhere = [
        r
        for r in possible(estate)[name]
        if (name, r) not in stopped and facts.state[name, r] is Health.HEALTHY and not fates.of[r].left
    ]
    if not elsewhere:
        return Standing(Stand.CAPPED, Cause.FAILOVER, (why,))
    if blocker in estate.services and not facts.dead((blocker, region)):
        return Standing(Stand.LEAVING, Cause.GREY, (why, reason(Rule.RAMP, "grey-dependency", dependency=blocker)))
    return Standing(Stand.DEAD, Cause.FAILOVER, (why,))


def _tell(estate: Estate, facts: Facts, places: Places, name: str) -> None:
    """Say what is held for a service, once a reason, and when a wait ends."""
    said: dict[Reason, None] = {}
    for region in estate.regions:
        standing = places.of[name, region]
        if standing.stand in (Stand.PINNED, Stand.CAPPED):
            said.update(dict.fromkeys(why for why in standing.reasons if why.rule is not Rule.FAILBACK))
            for why in standing.reasons:
                since = facts.since.get((name, region))
                if why.code == "not-stable-yet" and since is not None:
                    places.wakes.append(since + estate.policy(name).failback.stable_for)
                if why.rule is Rule.FAILBACK and why.code == "manual":
                    said[why] = None
    if said:
        places.holds.append(Hold(name, tuple(said)))
