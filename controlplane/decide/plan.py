"""The plan: one pure function from policies and a world to everything that should be, is next, and is held."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from controlplane.decide.actions import Intent, order_actions
from controlplane.decide.allocation.problem import Allocation, Depths
from controlplane.decide.costs import weigh_costs
from controlplane.decide.exclusives import Exclusives, find_exclusives
from controlplane.decide.facts import Facts, find_facts
from controlplane.decide.knobs import as_values, deeper, kept_deep, knob_choices, savings
from controlplane.decide.placement import (
    EPSILON,
    Scene,
    capacity_of,
    demand_of,
    find_target,
    healthy_plan,
    loads,
    today_shares,
)
from controlplane.decide.places import Places, Stand, find_places
from controlplane.decide.ramp import Step, find_next, overfull
from controlplane.decide.regions import Fate, Fates, find_fates
from controlplane.model.estate import Estate
from controlplane.model.plan import Action, Hold, Plan
from controlplane.model.rules import Reason, Rule, reason
from controlplane.model.verdict import EVERY_SERVICE
from controlplane.model.world import Shares, World

Parts = Mapping[str, Mapping[str, float]]
"""service → origin → share of its requests."""


def plan(estate: Estate, world: World) -> Plan:
    """Decide. The same estate and world give the same plan, byte for byte.

    First what is so (facts), then what becomes of each region (fates), each holder and primary, and each service in
    each region (places); then one optimisation finds the target, a second the first step towards it, and the
    difference from today becomes ordered actions.
    """
    demand = demand_of(estate, world)
    healthy = healthy_plan(estate, demand).shares
    facts = find_facts(estate, world)
    now = find_fates(estate, world, facts, healthy)
    fates = now.fates
    exclusives = find_exclusives(now)
    places = find_places(now, frozenset(exclusives.unwritable))
    scene = Scene(
        estate,
        world,
        places,
        healthy,
        today_shares(estate, world, demand, healthy),
        demand,
        exclusives.holders,
        knob_choices(estate, world),
    )
    scene, target, no_room, knob_holds, knob_wakes = _settle_target(scene, facts)
    step, depths, actions = _settle_next(scene, target, exclusives, short=bool(shed := _tidy_parts(target.shed)))
    refused = _tidy_parts(target.refused)
    holds = [
        *_hold_everywhere(facts),
        *fates.holds,
        *exclusives.holds,
        *places.holds,
        *knob_holds,
        *step.holds,
        *_hold_shortage(shed, refused, no_room),
        *_hold_overload(target, step.allocation),
    ]
    wakes = [*facts.wakes, *fates.wakes, *places.wakes, *knob_wakes, *step.wakes, *_expiries(world)]
    return Plan(
        at=world.at,
        feasible=not shed and not refused,
        target=_tidy(target.shares),
        next=_tidy(step.allocation.shares),
        knobs=as_values(estate, depths),
        holders=dict(sorted(exclusives.holders.items())),
        promote={move.subject: move.to for move in exclusives.promotions},
        shed=shed,
        refused=refused,
        utilisation=_utilisation(scene, target, depths),
        actions=actions,
        holds=_merge(holds),
        next_shed=_tidy_parts(step.allocation.shed),
        costs=weigh_costs(scene, facts, target, depths),
        drained=tuple(sorted(fates.drained())),
        leaving=_leaving(places),
        returning=_returning(estate, fates, places),
        wake_at=min((at for at in wakes if at > world.at), default=None),
    )


def _settle_target(
    scene: Scene, facts: Facts
) -> tuple[Scene, Allocation, bool, tuple[Hold, ...], tuple[datetime, ...]]:
    """The target, found again where a knob that it would lighten must stay for a while: which leaves room that might
    lighten another, and so on."""
    keep: frozenset[str] = frozenset()
    holds: dict[str, Hold] = {}
    wakes: list[datetime] = []
    target, no_room = find_target(scene)
    while True:
        more, told, when = kept_deep(scene.estate, scene.world, target.depths, facts.everywhere | facts.entries)
        holds.update((hold.subject, hold) for hold in told)
        wakes.extend(when)
        if more <= keep:
            break
        keep |= more
        scene = replace(scene, knobs=knob_choices(scene.estate, scene.world, keep=keep))
        target, no_room = find_target(scene)
    return scene, target, no_room, tuple(holds.values()), tuple(wakes)


def _settle_next(
    scene: Scene, target: Allocation, exclusives: Exclusives, *, short: bool
) -> tuple[Step, Depths, tuple[Action, ...]]:
    """The next step and its actions. Shifts that would trade places in full regions are taken one after another, though
    some requests be turned away for that long (R3): those put off follow in a later plan."""
    still: frozenset[str] = frozenset()
    step = find_next(scene, target)
    while True:
        depths = deeper(target.depths, step.allocation.depths)
        turned = any(depth for by_place in depths.values() for depth in by_place.values())
        actions, circle = order_actions(scene, Intent(step.allocation, depths, exclusives, short or turned))
        put_off = next((name for name in circle or () if name not in still), None)
        if put_off is None:
            return step, depths, actions
        still |= {put_off}
        other = find_next(scene, target, still)
        if overfull(other.allocation, step.allocation):
            return step, depths, actions
        step = other


def _leaving(places: Places) -> tuple[tuple[str, str], ...]:
    left = (Stand.DEAD, Stand.LEAVING)
    return tuple(sorted((region, name) for (name, region), place in places.of.items() if place.stand in left))


def _returning(estate: Estate, fates: Fates, places: Places) -> tuple[tuple[str, str], ...]:
    """Places that R13 has released, and regions where that is true of everything that can serve there."""
    back = {(region, name) for (name, region), place in places.of.items() if place.stand is Stand.RETURNING}
    for region, fate in fates.of.items():
        stands = {places.of[name, region].stand for name in estate.spread}
        if fate.fate is Fate.RETURNING and stands <= {Stand.RETURNING, Stand.CLOSED}:
            back.add((region, EVERY_SERVICE))
    return tuple(sorted(back))


def _hold_everywhere(facts: Facts) -> Iterable[Hold]:
    if facts.everywhere:
        names = ",".join(sorted(facts.everywhere))
        yield Hold("estate", (reason(Rule.GLOBAL, "fails-everywhere-at-once", services=names),))
    for origin in sorted(facts.entries):
        yield Hold(origin, (reason(Rule.GLOBAL, "entry-fails-alone", origin=origin),))


def _hold_shortage(shed: Parts, refused: Parts, no_room: bool) -> Iterable[Hold]:
    """Say which users are turned away, and what stays where it should not for want of room."""
    for service, by_origin in sorted(refused.items()):
        names = ",".join(sorted(by_origin))
        yield Hold(service, (reason(Rule.RESIDENCY, "no-legal-region", service=service, origins=names),))
    for service, by_origin in sorted(shed.items()):
        names = ",".join(sorted(by_origin))
        yield Hold(service, (reason(Rule.CAPACITY, "shed", service=service, origins=names),))
    if no_room:
        yield Hold("estate", (reason(Rule.CAPACITY, "no-room-to-leave"),))


def _hold_overload(target: Allocation, step: Allocation) -> Iterable[Hold]:
    """Regions that stay above their limit by what may not be moved now."""
    for region in sorted({*target.over, *step.over}):
        units = max(target.over.get(region, 0.0), step.over.get(region, 0.0))
        yield Hold(region, (reason(Rule.CAPACITY, "over-limit", region=region, units=round(units, 3)),))


def _expiries(world: World) -> Iterable[datetime]:
    yield from (override.until for override in world.overrides)
    yield from (wish.until for wish in world.wishes)


def _utilisation(scene: Scene, target: Allocation, depths: Depths) -> Mapping[str, float]:
    """Load at the target over today's capacity, by region, exclusive holders included."""
    saved = savings(scene.estate, depths)
    load = loads(scene.estate, scene.demand, target.shares, saved)
    for name, region in scene.holders.items():
        if region in load:
            load[region] += scene.estate.services[name].spec.unit_cost * (1 - saved.get((name, region), 0.0))
    return {
        region: round(units / capacity_of(scene.estate, scene.world, region), 6)
        for region, units in sorted(load.items())
    }


def _tidy(shares: Shares) -> dict[str, dict[str, dict[str, float]]]:
    """Sorted, rounded to what is told, without the shares that are nothing."""
    return {
        service: {
            origin: {r: round(share, 9) for r, share in sorted(by_region.items()) if share > EPSILON}
            for origin, by_region in sorted(by_origin.items())
        }
        for service, by_origin in sorted(shares.items())
    }


def _tidy_parts(parts: Parts) -> dict[str, dict[str, float]]:
    tidy = {
        service: {origin: round(part, 9) for origin, part in sorted(by_origin.items()) if part > EPSILON}
        for service, by_origin in sorted(parts.items())
    }
    return {service: by_origin for service, by_origin in tidy.items() if by_origin}


def _merge(holds: Iterable[Hold]) -> tuple[Hold, ...]:
    """One hold a subject, its reasons in the order they were found."""
    merged: dict[str, dict[Reason, None]] = {}
    for hold in holds:
        merged.setdefault(hold.subject, {}).update(dict.fromkeys(hold.reasons))
    return tuple(Hold(subject, tuple(reasons)) for subject, reasons in merged.items())
