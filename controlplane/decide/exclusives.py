"""Where single-holder work goes: primaries of datastores and holders of exclusive services (R9)."""

from dataclasses import dataclass, field
from datetime import timedelta

from controlplane.decide.dependencies import possible
from controlplane.decide.facts import Facts, apart, curable, primary_of
from controlplane.decide.regions import Fate, Situation, denied, wished_region
from controlplane.model.estate import Estate
from controlplane.model.plan import Cause, Hold
from controlplane.model.rules import Reason, Rule, reason
from controlplane.model.verdict import EVERY_SERVICE, Health
from controlplane.model.world import Lag, World

LAG_AGE = timedelta(seconds=10)
"""How old the last lag sample may have been when the primary first failed (R9)."""
_STAYS = frozenset({Fate.SERVE, Fate.KEEP_OUT, Fate.RETURNING})
"""Fates of a region whose primary may write again where it is: that sends it no traffic, so that R13 does not ask."""
_DEPLOY_ORDER = (Health.HEALTHY, Health.DEGRADED)


@dataclass(frozen=True, slots=True)
class Move:
    """One holder or primary that goes ``from_`` → ``to``; ``fence`` unless the old one is fenced already."""

    subject: str
    from_: str | None
    to: str
    cause: Cause
    reasons: tuple[Reason, ...]
    fence: bool = True


@dataclass(slots=True)
class Exclusives:
    """``holders``: where each exclusive service is to be (None: nowhere known). ``unwritable``: datastores that will
    have no primary."""

    holders: dict[str, str | None] = field(default_factory=dict)
    primaries: dict[str, str] = field(default_factory=dict)
    promotions: list[Move] = field(default_factory=list)
    activations: list[Move] = field(default_factory=list)
    unwritable: set[str] = field(default_factory=set)
    holds: list[Hold] = field(default_factory=list)


def find_exclusives(now: Situation) -> Exclusives:
    """Settle every primary, then every holder: a holder that writes goes where its primary can be reached."""
    found = Exclusives()
    for name in now.estate.datastores:
        _settle_primary(now, name, found)
    for name in now.estate.exclusive:
        _settle_holder(now, name, found)
    return found


def holder_of(estate: Estate, world: World, service: str) -> str | None:
    """Who holds an exclusive service: as the world says; else its datastore's primary region, else its first."""
    if service in world.holders:
        return world.holders[service]
    deployed = estate.deployed(service)
    datastore = estate.services[service].spec.datastore
    if datastore is not None and estate.datastores[datastore].spec.primary in deployed:
        return estate.datastores[datastore].spec.primary
    return deployed[0] if deployed else None


def _settle_primary(now: Situation, name: str, found: Exclusives) -> None:
    at = primary_of(now.estate, now.world, name)
    found.primaries[name] = at
    if name in now.facts.lost_pending:
        found.holds.append(Hold(name, (reason(Rule.DAMPING, "primary-not-long-enough", datastore=name),)))
        return
    if name in now.facts.idle and now.fates.of[at].fate in _STAYS and _answers(now, name, at):
        idle = (reason(Rule.DATA, "primary-idle", datastore=name, region=at),)
        found.promotions.append(Move(name, None, at, Cause.FAILOVER, idle, fence=False))
        return
    why, cause = _primary_must_go(now, name, at)
    if not why:
        return
    planned = cause in (Cause.PERSON, Cause.DRAIN) and name not in now.facts.lost | now.facts.idle
    frozen = denied(now.estate, now.world, "promote", "switchover") if planned else None
    if frozen is not None:
        found.holds.append(Hold(name, (*why, frozen)))
        return
    best, reasons = _best_replica(now, name, planned=planned)
    if best is None:
        found.holds.append(Hold(name, (*why, *reasons)))
        if name in now.facts.lost | now.facts.idle:
            found.unwritable.add(name)
        return
    fenced = (name, at) in now.world.fenced
    found.primaries[name] = best
    found.promotions.append(Move(name, at, best, cause, (*why, *reasons), not fenced))


def _primary_must_go(now: Situation, name: str, at: str) -> tuple[tuple[Reason, ...], Cause]:
    """Why a primary must leave its region, with the person's word where there is one; nothing if it need not."""
    wish = wished_region(now.world, "datastore", name)
    ordered: tuple[Reason, ...] = ()
    if wish is not None and wish != at:
        ordered = (reason(Rule.OVERRIDE, "promotion-ordered", datastore=name, to=wish),)
    if name in now.facts.lost:
        return (reason(Rule.DATA, "primary-lost", datastore=name, region=at), *ordered), Cause.FAILOVER
    if ordered:
        return ordered, Cause.PERSON
    if name in now.facts.idle:
        return (reason(Rule.DATA, "primary-idle", datastore=name, region=at),), Cause.FAILOVER
    fate = now.fates.of.get(at)
    if fate is not None and fate.fate in (Fate.LEAVE_AT_ONCE, Fate.LEAVE_IN_STEPS):
        own = now.world.verdicts.get((at, name))
        well = own is not None and own.state in _DEPLOY_ORDER
        cause = Cause.DRAIN if fate.fate is Fate.LEAVE_IN_STEPS or well else Cause.FAILOVER
        return (reason(Rule.DATA, "primary-region-left", datastore=name, region=at),), cause
    return (), Cause.FAILOVER


def _fit_to_write(now: Situation, name: str, region: str) -> bool:
    fate = now.fates.of[region]
    return not fate.left and fate.fate is not Fate.HELD and _alive(now, name, region)


def _best_replica(now: Situation, name: str, *, planned: bool) -> tuple[str | None, tuple[Reason, ...]]:
    """The fit replica with the least lag, in the declared order among equals, and why it may be promoted; or none, and
    why not. A lag that nobody knows comes last, and only where a person accepts the loss."""
    spec = now.estate.datastores[name].spec
    at = primary_of(now.estate, now.world, name)
    wish = wished_region(now.world, "datastore", name)
    accepted = now.world.accepted_loss.get(name)
    refusals: list[Reason] = []
    fit: list[tuple[timedelta, int, str]] = []
    for order, region in enumerate((spec.primary, *spec.replicas)):
        if region == at or (wish is not None and region != wish):
            continue
        if not _fit_to_write(now, name, region):
            refusals.append(reason(Rule.DATA, "replica-not-well", datastore=name, region=region))
            continue
        lag = known_lag(now.world, name, region, at)
        why_not = _too_far_behind(name, region, lag, None if planned else max(spec.rpo, accepted or timedelta(0)))
        if lag is None and accepted is not None:
            fit.append((timedelta.max, order, region))
        elif why_not is not None:
            refusals.append(why_not)
        elif lag is not None:
            fit.append((lag, order, region))
    if not fit:
        return None, tuple(refusals) or (reason(Rule.DATA, "no-replica", datastore=name),)
    lag, _, best = min(fit)
    return best, (_may_be_promoted(name, lag, spec.rpo, accepted),)


def _too_far_behind(name: str, region: str, lag: timedelta | None, most: timedelta | None) -> Reason | None:
    if lag is None:
        return reason(Rule.DATA, "lag-unknown", datastore=name, region=region)
    if most is None or lag <= most:
        return None
    lag_s, most_s = lag.total_seconds(), most.total_seconds()
    return reason(Rule.DATA, "lag-beyond-rpo", datastore=name, region=region, lag_s=lag_s, rpo_s=most_s)


def _may_be_promoted(name: str, lag: timedelta, rpo: timedelta, accepted: timedelta | None) -> Reason:
    accepted_s = (accepted or timedelta(0)).total_seconds()
    if lag == timedelta.max:
        return reason(Rule.DATA, "promote-blind", datastore=name, accepted_s=accepted_s)
    if accepted is not None and lag > rpo:
        return reason(Rule.DATA, "promote-with-loss", datastore=name, lag_s=lag.total_seconds(), accepted_s=accepted_s)
    return reason(Rule.DATA, "promote", datastore=name, lag_s=lag.total_seconds(), rpo_s=rpo.total_seconds())


def _alive(now: Situation, name: str, region: str) -> bool:
    """Neither the replica nor its region is known to be down, and something there is known at all (R1)."""
    own = now.world.verdicts.get((region, name)) or now.world.verdicts.get((region, EVERY_SERVICE))
    if own is not None and own.state in (Health.DOWN, Health.UNKNOWN):
        return False
    states = [now.facts.state[n, region] for n in now.estate.services if (n, region) in now.facts.state]
    return not states or any(state in _DEPLOY_ORDER for state in states)


def _answers(now: Situation, name: str, region: str) -> bool:
    """Whether the place of a primary that does not write is well otherwise: by the word on itself, else by that on what
    runs there without it. Those who need it fail there because it does not write."""
    own = now.world.verdicts.get((region, name))
    if own is not None:
        return own.state in _DEPLOY_ORDER
    others = [n for n, s in now.estate.services.items() if s.spec.datastore != name and n not in now.facts.explained]
    states = [now.facts.state[n, region] for n in others if (n, region) in now.facts.state]
    return not states or any(state in _DEPLOY_ORDER for state in states)


def known_lag(world: World, datastore: str, region: str, primary: str) -> timedelta | None:
    """R9: the last sample before the primary's first failed evidence, if it was under 10 s old then."""
    lag: Lag | None = world.lag.get(datastore, {}).get(region)
    if lag is None:
        return None
    verdict = world.verdicts.get((primary, datastore)) or world.verdicts.get((primary, EVERY_SERVICE))
    if lag.sampled_at is not None:
        healthy = verdict is None or verdict.state in (Health.HEALTHY, Health.DEGRADED)
        last = world.at if healthy or verdict is None or verdict.since is None else verdict.since
        if last - lag.sampled_at > LAG_AGE:
            return None
    return lag.value


def _settle_holder(now: Situation, name: str, found: Exclusives) -> None:
    at = holder_of(now.estate, now.world, name)
    found.holders[name] = at
    why, cause = _holder_must_go(now, name)
    if why is None:
        if at is not None and (held := _holder_held(now.facts, name, at)) is not None:
            found.holds.append(Hold(name, (held,)))
        return
    datastore = now.estate.services[name].spec.datastore
    if datastore is not None and datastore in found.unwritable:
        found.holds.append(Hold(name, (why, reason(Rule.DATA, "needs-unpromoted-datastore", datastore=datastore))))
        return
    if name in now.facts.everywhere:
        found.holds.append(Hold(name, (why, reason(Rule.GLOBAL, "fails-everywhere", service=name))))
        return
    to = _best_region(now, name, found)
    if to is None:
        found.holds.append(Hold(name, (why, reason(Rule.DEPENDENCY, "no-region-fit", service=name))))
        return
    fenced = at is None or (name, at) in now.world.fenced
    found.holders[name] = to
    found.activations.append(
        Move(name, at, to, cause, (why, reason(Rule.DATA, "fenced-first", service=name)), not fenced)
    )


def _holder_must_go(now: Situation, name: str) -> tuple[Reason | None, Cause]:
    at = holder_of(now.estate, now.world, name)
    if at is None:
        return reason(Rule.DATA, "no-holder", service=name), Cause.FAILOVER
    wish = wished_region(now.world, "service", name)
    if wish is not None and wish != at:
        return reason(Rule.OVERRIDE, "failover-ordered", to=wish), Cause.PERSON
    fate = now.fates.of.get(at)
    if fate is not None and fate.fate in (Fate.LEAVE_AT_ONCE, Fate.LEAVE_IN_STEPS):
        return reason(Rule.RAMP, "holder-region-left", service=name, region=at), fate.cause
    if fate is not None and fate.fate is Fate.HELD:
        return None, Cause.FAILOVER
    if now.facts.state.get((name, at)) is Health.DOWN:
        return reason(Rule.RAMP, "holder-down", service=name, region=at), Cause.FAILOVER
    return None, Cause.FAILOVER


def _holder_held(facts: Facts, name: str, at: str) -> Reason | None:
    if (name, at) in facts.pending:
        return reason(Rule.DAMPING, "not-long-enough", since=facts.pending[name, at].isoformat())
    if facts.state.get((name, at)) is Health.UNKNOWN:
        return reason(Rule.BLIND, "unknown", service=name, region=at)
    return None


def _best_region(now: Situation, name: str, found: Exclusives) -> str | None:
    """The primary's own region if it is fit, else the first fit one in the service's own order."""
    at = holder_of(now.estate, now.world, name)
    wish = wished_region(now.world, "service", name)
    datastore = now.estate.services[name].spec.datastore
    home = found.primaries.get(datastore) if datastore is not None else None
    fit = [
        region
        for region in possible(now.estate)[name]
        if region != at
        and (wish is None or region == wish)
        and not now.fates.of[region].left
        and now.fates.of[region].fate is not Fate.HELD
        and now.facts.state.get((name, region)) in _DEPLOY_ORDER
        and not _strong_down(now, found, name, region)
        and not (home is not None and apart(now.world, region, home))
    ]
    return min(fit, key=lambda region: (region != home, fit.index(region)), default=None)


def _strong_down(now: Situation, found: Exclusives, name: str, region: str) -> bool:
    """Whether something it cannot do without is down there, and is not brought back by a promotion of this plan."""
    cured = curable(now.estate, now.facts, frozenset(found.unwritable))
    return any(now.facts.state.get((d, region)) is Health.DOWN and d not in cured for d in now.estate.strong[name])
