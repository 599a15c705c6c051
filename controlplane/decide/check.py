"""Prove a plan: whatever part of it has been done, in any order that it allows, the rules hold (R3, R4, R8 to R10).

Works from the estate, the world and the plan's own words alone, so that a mistake in planning shows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from controlplane.decide.closure import heaviest
from controlplane.decide.knobs import all_today, places_of, savings
from controlplane.decide.placement import demand_of, healthy_plan, limit_of, loads, today_shares
from controlplane.model.estate import Estate
from controlplane.model.plan import Action, ActionKind, Plan
from controlplane.model.resources.service import Placement
from controlplane.model.rules import Rule
from controlplane.model.world import Demand, Shares, World

TOLERANCE = 1e-5
"""Shares and loads are told to nine places and found to about seven."""


@dataclass(frozen=True, slots=True)
class Breach:
    """One rule that a plan would break, about what, and how."""

    rule: Rule
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class _Case:
    estate: Estate
    world: World
    plan: Plan
    demand: Demand
    today: Shares
    saved: Mapping[tuple[str, str], float]


def breaches(estate: Estate, world: World, plan: Plan) -> tuple[Breach, ...]:
    """Every breach of R3, R4, R8, R9 and R10 in a plan or in any state on the way through it; empty: proven."""
    demand = demand_of(estate, world)
    today = today_shares(estate, world, demand, healthy_plan(estate, demand).shares)
    case = _Case(estate, world, plan, demand, today, savings(estate, _depths(estate, world, plan)))
    return (
        *_shares_add_up(case, plan.target, plan.shed, "target"),
        *_shares_add_up(case, plan.next, plan.next_shed, "next"),
        *_legal(case),
        *_ends_fit(case),
        *_ways_fit(case),
        *_within_budget(case),
        *_fenced(case),
        *_ordered(case),
    )


def _depths(estate: Estate, world: World, plan: Plan) -> dict[str, dict[str, int]]:
    depths = all_today(estate, world)
    for knob in estate.knobs.values():
        told = plan.knobs.get(knob.name, knob.default)
        for place in places_of(estate, knob):
            value = told.get(place, knob.default) if isinstance(told, Mapping) else told
            depths[knob.name][place] = knob.depth(value)
    return depths


def _shares_add_up(
    case: _Case, shares: Shares, shed: Mapping[str, Mapping[str, float]], which: str
) -> Iterable[Breach]:
    for service, by_origin in case.demand.items():
        for origin in by_origin:
            parts = shares.get(service, {}).get(origin, {})
            away = shed.get(service, {}).get(origin, 0.0) + case.plan.refused.get(service, {}).get(origin, 0.0)
            total = sum(parts.values()) + away
            if abs(total - 1) > TOLERANCE or any(not -TOLERANCE <= share <= 1 + TOLERANCE for share in parts.values()):
                yield Breach(Rule.CAPACITY, service, f"{which} shares of {origin} add up to {total:.6f}")


def _legal(case: _Case) -> Iterable[Breach]:
    everything = [case.plan.target, case.plan.next, *({a.subject: a.shares} for a in case.plan.actions)]
    for shares in everything:
        for service, by_origin in shares.items():
            for origin, by_region in by_origin.items():
                legal = case.estate.legal(service, origin)
                for region, share in by_region.items():
                    if share > TOLERANCE and region not in legal:
                        yield Breach(Rule.RESIDENCY, service, f"{origin} is served from {region}")


def _pinned_over(case: _Case) -> frozenset[str]:
    """Regions that the plan itself says are over their limit by what may not be moved."""
    return frozenset(h.subject for h in case.plan.holds if any(why.code == "over-limit" for why in h.reasons))


def _ends_fit(case: _Case) -> Iterable[Breach]:
    excused = _pinned_over(case)
    for which, shares in (("target", case.plan.target), ("next", case.plan.next)):
        for region, load in _with_holders(case, loads(case.estate, case.demand, shares, case.saved)).items():
            limit = limit_of(case.estate, case.world, region)
            if load > limit * (1 + TOLERANCE) + TOLERANCE and region not in excused:
                yield Breach(Rule.CAPACITY, region, f"{which} puts {load:.3f} units where {limit:.3f} may be")


def _with_holders(case: _Case, load: dict[str, float]) -> dict[str, float]:
    for name, region in case.plan.holders.items():
        if region in load:
            cost = case.estate.services[name].spec.unit_cost
            load[region] += cost * (1 - case.saved.get((name, region), 0.0))
    return load


def _ways_fit(case: _Case) -> Iterable[Breach]:
    """Any set of shifts that holds what each waits for may be all that was done. What a region has too much of
    already is not the plan's doing, but nothing may be added to it."""
    shifts = [a for a in case.plan.actions if a.kind is ActionKind.SHIFT]
    after = {a.id: tuple(i for i in a.after if any(i == s.id for s in shifts)) for a in shifts}
    start = _with_holders(case, loads(case.estate, case.demand, case.today, case.saved))
    for region in case.estate.regions:
        weights = {a.id: _added(case, a, region) for a in shifts}
        most = max(limit_of(case.estate, case.world, region), start[region])
        worst = start[region] + heaviest(weights, after)
        if worst > most * (1 + TOLERANCE) + TOLERANCE and region not in _pinned_over(case):
            yield Breach(Rule.CAPACITY, region, f"part of the plan puts {worst:.3f} units where {most:.3f} may be")


def _added(case: _Case, shift: Action, region: str) -> float:
    name = shift.subject
    cost = case.estate.services[name].spec.unit_cost * (1 - case.saved.get((name, region), 0.0))
    return sum(
        rate * cost * (shift.shares.get(origin, {}).get(region, 0.0) - case.today[name][origin].get(region, 0.0))
        for origin, rate in case.demand[name].items()
    )


def _within_budget(case: _Case) -> Iterable[Breach]:
    bound = case.estate.safety.max_shift
    recent = sum(s.fraction for s in case.world.shifts if case.world.at - s.at < bound.per)
    total = recent + sum(a.leaves_live for a in case.plan.actions)
    if total > max(bound.fraction, recent) + TOLERANCE:
        yield Breach(Rule.BLAST_RADIUS, "estate", f"{total:.3f} of the load leaves live regions, {bound.fraction} may")


def _fenced(case: _Case) -> Iterable[Breach]:
    known = {a.id: a for a in case.plan.actions}
    for action in case.plan.actions:
        if action.kind not in (ActionKind.ACTIVATE, ActionKind.PROMOTE) or action.from_ is None:
            continue
        fences = [known[i] for i in action.after if i in known and known[i].kind is ActionKind.FENCE]
        waits = any(f.subject == action.subject and f.region == action.from_ for f in fences)
        if not waits and (action.subject, action.from_) not in case.world.fenced:
            yield Breach(Rule.DATA, action.subject, f"{action.id} does not wait for a fence in {action.from_}")


def _ordered(case: _Case) -> Iterable[Breach]:
    """Knobs before traffic, data before traffic, a strong dependency before its dependents, lightening last."""
    actions = case.plan.actions
    shifts = {a.subject: a for a in actions if a.kind is ActionKind.SHIFT}
    promotions = {a.subject: a.id for a in actions if a.kind is ActionKind.PROMOTE}
    deepened = {a.id for a in actions if a.kind is ActionKind.DEGRADE}
    for name, shift in shifts.items():
        gains = bool(shift.to)
        if gains and deepened - set(shift.after):
            yield Breach(Rule.ORDER, name, f"{shift.id} does not wait for the knobs")
        datastore = case.estate.services[name].spec.datastore
        if datastore in promotions and promotions[str(datastore)] not in shift.after:
            yield Breach(Rule.ORDER, name, f"{shift.id} does not wait for {datastore}")
        for dependency in case.estate.strong[name]:
            spread = case.estate.services[dependency].spec.placement is Placement.SPREAD
            if gains and spread and dependency in shifts and shifts[dependency].id not in shift.after:
                yield Breach(Rule.ORDER, name, f"{shift.id} does not wait for {dependency}")
    for action in actions:
        if action.kind is ActionKind.RESTORE and {a.id for a in shifts.values()} - set(action.after):
            yield Breach(Rule.ORDER, action.subject, f"{action.id} does not wait for the traffic")
