"""What becomes of each region: left, kept out of, released, held, or left alone (R6 to R8, R11 to R13)."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from controlplane.decide.facts import Facts, primary_of
from controlplane.model.estate import Estate
from controlplane.model.plan import Cause, Hold
from controlplane.model.resources.region import RegionRole
from controlplane.model.rules import Reason, Rule, reason
from controlplane.model.verdict import EVERY_SERVICE, Health
from controlplane.model.world import Drain, Override, OverrideState, Shares, World

DAMPED = "damped"
"""Cause of a drain that only a person ends (R7)."""
NO_SHARE = 1e-9


class Fate(StrEnum):
    """``serve``: nothing to say. ``leave_at_once``: dead. ``leave_in_steps``: grey or planned. ``keep_out``: left
    before and not yet fit. ``returning``: left before, released by R13. ``held``: ought to be left, a bound forbids.
    """

    SERVE = "serve"
    LEAVE_AT_ONCE = "leave_at_once"
    LEAVE_IN_STEPS = "leave_in_steps"
    KEEP_OUT = "keep_out"
    RETURNING = "returning"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class RegionFate:
    """A fate, what it answers, and why."""

    fate: Fate
    cause: Cause = Cause.FAILOVER
    reasons: tuple[Reason, ...] = ()

    @property
    def left(self) -> bool:
        """Whether work is to leave, or to stay out of, the region."""
        return self.fate in (Fate.LEAVE_AT_ONCE, Fate.LEAVE_IN_STEPS, Fate.KEEP_OUT)


@dataclass(slots=True)
class Fates:
    """The fate of every region, what was held, and when time alone may change something."""

    of: dict[str, RegionFate] = field(default_factory=dict)
    holds: list[Hold] = field(default_factory=list)
    wakes: list[datetime] = field(default_factory=list)

    def drained(self) -> list[str]:
        """Regions that carry, or will carry, nothing."""
        return [r for r, fate in self.of.items() if fate.left or fate.fate is Fate.RETURNING]


SERVE = RegionFate(Fate.SERVE)


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known before anything is placed: policies, world, what stands, and each region's fate."""

    estate: Estate
    world: World
    facts: Facts
    fates: Fates


def denied(estate: Estate, world: World, *acts: str) -> Reason | None:
    """The freeze in force that denies one of these acts (R12), if any."""
    for freeze in estate.safety.freezes:
        if freeze.from_ <= world.at < freeze.to and any(act in freeze.denies for act in (*acts, "*")):
            return reason(Rule.FREEZE, "frozen", freeze=freeze.name, until=freeze.to.isoformat())
    return None


def find_fates(estate: Estate, world: World, facts: Facts, healthy: Shares) -> Situation:
    """Settle each region's fate: people's words first, then what is dead, grey, alarmed, or was left before."""
    fates = Fates(of=dict.fromkeys(estate.regions, SERVE))
    marks = _marks(estate, world, healthy)
    for region in marks:
        fates.of[region] = RegionFate(Fate.KEEP_OUT, Cause.FAILBACK)
    for region, wanted, by_person in _leavers(estate, world, facts):
        why = _beyond_bounds(estate, world, fates, region, by_person) or _nowhere_to_go(estate, facts, region)
        if why is not None:
            kept = region in marks
            fates.of[region] = replace(
                wanted, fate=Fate.KEEP_OUT if kept else Fate.HELD, reasons=(*wanted.reasons, why)
            )
            fates.holds.append(Hold(region, (*wanted.reasons, why)))
        else:
            fates.of[region] = wanted
    for region, mark in marks.items():
        if fates.of[region].fate is Fate.KEEP_OUT and fates.of[region].cause is Cause.FAILBACK:
            _keep_or_release(Situation(estate, world, facts, fates), mark)
    for region in sorted(world.management):
        if not fates.of[region].left:
            fates.holds.append(Hold(region, (reason(Rule.CONTROL_ONLY, "management-only"),)))
    for freeze in estate.safety.freezes:
        fates.wakes.extend(edge for edge in (freeze.from_, freeze.to) if edge > world.at)
    return Situation(estate, world, facts, fates)


def _marks(estate: Estate, world: World, healthy: Shares) -> dict[str, Drain]:
    """Regions left before. Where nobody keeps count, one without any share although it has a part in the healthy
    plan, and about which there is word at all, was left by somebody. Without word it is merely placed so (R5)."""
    if world.drains is not None:
        return {d.region: d for d in world.drains if d.service == EVERY_SERVICE and d.region in estate.regions}
    if not world.shares:
        return {}
    marks: dict[str, Drain] = {}
    for region in estate.regions:
        planned = carried = 0.0
        for name, by_origin in healthy.items():
            today = world.shares.get(name, by_origin)
            planned += sum(shares.get(region, 0.0) for shares in by_origin.values())
            carried += sum(shares.get(region, 0.0) for shares in today.values())
        spoken_of = region in world.alarms or any(where == region for where, _ in world.verdicts)
        spoken_of = spoken_of or region in overrides_in_force(world)
        if spoken_of and planned > NO_SHARE and carried <= NO_SHARE:
            marks[region] = Drain(region, EVERY_SERVICE, world.at)
    return marks


def overrides_in_force(world: World) -> dict[str, Override]:
    """The latest word on each region that has not expired (R11)."""
    return {o.region: o for o in world.overrides if o.until > world.at}


def wished_region(world: World, kind: str, subject: str) -> str | None:
    """The region that a person's standing wish names for a service or datastore, if any."""
    for wish in world.wishes:
        if wish.kind == kind and wish.subject == subject and wish.until > world.at:
            return str(wish.to)
    return None


def _leavers(estate: Estate, world: World, facts: Facts) -> list[tuple[str, RegionFate, bool]]:
    """Regions that ought to be left: first the dead, since leaving those cannot hurt, then what people ordered, then
    the grey, then the alarmed."""
    wanted: list[tuple[tuple[int, str, str], str, RegionFate, bool]] = []
    said = overrides_in_force(world)
    for region in estate.regions:
        override = said.get(region)
        ordered = override is not None and override.state is OverrideState.DRAINED
        since = _down_since(facts, region)
        if facts.down.get(region):
            why = reason(Rule.RAMP, "dead-region", region=region)
            fate = RegionFate(Fate.LEAVE_AT_ONCE, Cause.FAILOVER, (why,))
            wanted.append(((0, since, region), region, fate, ordered))
        elif override is not None and ordered:
            why = reason(Rule.OVERRIDE, "drain-ordered", by=override.by, reason=override.reason)
            fate = RegionFate(Fate.LEAVE_IN_STEPS, Cause.PERSON, (why, reason(Rule.RAMP, "planned")))
            wanted.append(((1, "", region), region, fate, True))
        elif region in facts.down:
            why = reason(Rule.RAMP, "grey-region", region=region)
            wanted.append(((2, since, region), region, RegionFate(Fate.LEAVE_IN_STEPS, Cause.GREY, (why,)), False))
        elif region in world.alarms:
            why = reason(Rule.RAMP, "facility-alarm", region=region, since=world.alarms[region].isoformat())
            fate = RegionFate(Fate.LEAVE_IN_STEPS, Cause.DRAIN, (why,))
            wanted.append(((3, world.alarms[region].isoformat(), region), region, fate, False))
    return [(region, fate, person) for _, region, fate, person in sorted(wanted, key=lambda item: item[0])]


def _down_since(facts: Facts, region: str) -> str:
    times = [t for (_, r), t in facts.since.items() if r == region and t is not None]
    return min(times).isoformat() if times else ""


def _beyond_bounds(estate: Estate, world: World, fates: Fates, region: str, by_person: bool) -> Reason | None:
    """R8, and R12 for what is planned. Leaving a dead region is never denied by a freeze, and one that was left
    before is not left anew."""
    if fates.of[region].left:
        return None
    override = overrides_in_force(world).get(region)
    if override is not None and override.approved_by is not None and override.state is OverrideState.DRAINED:
        return None
    already = fates.drained()
    serving = [r for r in estate.regions if r not in already and r != region and _serves(estate, world, r)]
    least = estate.safety.min_serving_regions
    if len(serving) < least:
        return reason(Rule.BLAST_RADIUS, "too-few-serving", left=len(serving), min_serving_regions=least)
    if by_person:
        return denied(estate, world, "drain", "switchover")
    if not _users_fail(world, region):
        ordered = {r for r, o in overrides_in_force(world).items() if o.state is OverrideState.DRAINED}
        campuses = {_campus(estate, r) for r in already if r not in ordered}
        most = estate.safety.max_drained_regions
        if len(campuses | {_campus(estate, region)}) > most:
            return reason(Rule.BLAST_RADIUS, "too-many-drained", drained=len(campuses), max_drained_regions=most)
    return None


def _nowhere_to_go(estate: Estate, facts: Facts, region: str) -> Reason | None:
    """Leaving for regions of which nothing good is known would help nobody (R1)."""
    others = [state for (_, other), state in facts.state.items() if other != region]
    if not others or Health.HEALTHY in others or len(estate.regions) == 1:
        return None
    return reason(Rule.BLIND, "nowhere-known-healthy", region=region)


def _serves(estate: Estate, world: World, region: str) -> bool:
    if estate.regions[region].spec.role is RegionRole.SERVING:
        return True
    return any(s.get(region, 0.0) > NO_SHARE for by in world.shares.values() for s in by.values())


def _users_fail(world: World, region: str) -> bool:
    star = world.verdicts.get((region, EVERY_SERVICE))
    return star is not None and star.success is not None and star.success < 0.10


def _campus(estate: Estate, region: str) -> str:
    campus = estate.regions[region].spec.fault_domains.get("campus")
    return f"campus {campus}" if campus is not None else f"region {region}"


def _keep_or_release(now: Situation, mark: Drain) -> None:
    """R13 and everything that stands before it. A person's ``serving`` frees a region from all but sickness."""
    region = mark.region
    override = overrides_in_force(now.world).get(region)
    freed = override is not None and override.state is OverrideState.SERVING
    why = _not_fit(now, mark, freed)
    if why is None and not freed:
        why = _not_free(now, mark)
    if why is not None:
        now.fates.of[region] = RegionFate(Fate.KEEP_OUT, Cause.FAILBACK, why)
        now.fates.holds.append(Hold(region, why))
        return
    reasons: tuple[Reason, ...] = (reason(Rule.FAILBACK, "released", region=region),)
    if override is not None and freed:
        reasons += (reason(Rule.OVERRIDE, "freed", by=override.by, reason=override.reason),)
    now.fates.of[region] = RegionFate(Fate.RETURNING, Cause.PERSON if freed else Cause.FAILBACK, reasons)


def _not_fit(now: Situation, mark: Drain, freed: bool) -> tuple[Reason, ...] | None:
    """Whether what runs there is well, and has been for ``stableFor`` (at once, if a person says so). A facility under
    alarm was not well, whatever its services said."""
    facts, region = now.facts, mark.region
    for name in now.estate.services:
        place = (name, region)
        if place not in facts.state or name in facts.everywhere:
            continue
        if facts.state[place] is Health.UNKNOWN and place not in facts.pending:
            blind = reason(Rule.BLIND, "unknown", service=name, region=region)
            return (reason(Rule.FAILBACK, "not-known-healthy", service=name), blind)
        if facts.state[place] is not Health.HEALTHY and not _only_weak(now.world, name, region):
            return (reason(Rule.FAILBACK, "not-healthy", service=name),)
        since = max((at for at in (facts.since[place], mark.alarmed_until) if at is not None), default=None)
        stable_for = now.estate.policy(name).failback.stable_for
        if since is not None and not freed and now.world.at - since < stable_for:
            now.fates.wakes.append(since + stable_for)
            waits = reason(Rule.FAILBACK, "not-stable-yet", service=name, stable_for_s=stable_for.total_seconds())
            return (waits,)
    return None


def _only_weak(world: World, name: str, region: str) -> bool:
    verdict = world.verdict(region, name)
    return verdict.state is Health.DEGRADED and any(r.rule is Rule.DEPENDENCY for r in verdict.reasons)


def _not_free(now: Situation, mark: Drain) -> tuple[Reason, ...] | None:
    estate, world, facts, region = now.estate, now.world, now.facts, mark.region
    bound = estate.safety.max_transitions
    recent = sum(t.region == region and world.at - t.at < bound.per for t in world.transitions)
    if mark.cause == DAMPED or recent >= bound.count:
        return (reason(Rule.DAMPING, "past-max-transitions", transitions=recent, max_transitions=bound.count),)
    if (frozen := denied(estate, world, "failback", "restore")) is not None:
        return (frozen,)
    if facts.everywhere or facts.entries:
        return (reason(Rule.GLOBAL, "changes-frozen", subject=min(facts.everywhere | facts.entries)),)
    for name, store in estate.datastores.items():
        moved = store.spec.primary == region and primary_of(estate, world, name) != region
        if moved and region not in world.lag.get(name, {}):
            return (reason(Rule.FAILBACK, "not-resynchronised", datastore=name), reason(Rule.DATA, "lag-unknown"))
    return None
