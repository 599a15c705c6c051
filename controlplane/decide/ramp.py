"""The first step from today towards the target: by the ramp, within the shift budget (R6, R8, R13)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from controlplane.decide.allocation.allocate import allocate
from controlplane.decide.allocation.problem import Allocation, KnobChoice
from controlplane.decide.placement import EPSILON, Bounds, Pair, Scene, leaves_live, problem_of
from controlplane.decide.places import Stand
from controlplane.model.plan import Hold
from controlplane.model.rules import Reason, Rule, reason

_FROM_IN_STEPS = (Stand.LEAVING, Stand.AVOID)


@dataclass(slots=True)
class Step:
    """The allocation to reach next, what bounds it, and when more may be done."""

    allocation: Allocation
    holds: list[Hold] = field(default_factory=list)
    wakes: list[datetime] = field(default_factory=list)


def find_next(scene: Scene, target: Allocation, still: frozenset[str] = frozenset()) -> Step:
    """The target itself where nothing bounds the way; else the best allocation between today and the target.
    ``still``: services whose live shares wait for a later plan, since they would trade places with others.

    A dead source is left whole. A live one loses, and a recovered one gains, one ramp step at a time, and all that
    leaves live regions stays within what R8 still allows in this window. A step out of a live region that would cost
    requests on the way is made smaller.
    """
    bounds, step = _bounds(scene, target, still)
    budget = _budget(scene)
    beyond = budget is not None and sum(leaves_live(scene, target.shares).values()) > budget * (1 + EPSILON) + EPSILON
    if not step.wakes and not beyond and not still:
        step.allocation = target
        return step
    step.allocation = _solve(scene, target, bounds, None)
    if worse(step.allocation, target) and bounds.tight:
        bounds.ceiling.update(bounds.tight)
        step.allocation = _solve(scene, target, bounds, None)
    if budget is not None:
        _keep_to_budget(scene, target, bounds, step, budget)
    return step


def _keep_to_budget(scene: Scene, target: Allocation, bounds: Bounds, step: Step, budget: float) -> None:
    """R8: where more would leave live regions than may in this window, every such move is cut in proportion."""
    leaving = sum(leaves_live(scene, step.allocation.shares).values())
    if leaving <= budget * (1 + EPSILON) + EPSILON:
        return
    part = budget / leaving
    for cell, now, then in _live_losses(scene, bounds, step.allocation):
        kept = now - (now - then) * part
        bounds.floor[cell] = min(kept, now)
        if cell in bounds.tight:
            bounds.ceiling[cell] = bounds.floor[cell]
    for pair, regions in bounds.allowed.items():
        for region in regions:  # what a recovered region must gain leaves somewhere else: the same cut
            now, least = scene.today[pair[0]][pair[1]].get(region, 0.0), bounds.floor[(*pair, region)]
            bounds.floor[(*pair, region)] = min(least, now + max(0.0, least - now) * part)
        _fit(scene, bounds, pair, target.shares.get(pair[0], {}).get(pair[1], {}))
    step.allocation = _solve(scene, target, bounds, budget)
    bound = scene.estate.safety.max_shift
    why: Reason = reason(Rule.BLAST_RADIUS, "max-shift", fraction=bound.fraction, left_units=round(budget, 3))
    step.holds.append(Hold("estate", (why,)))
    edges = [s.at + bound.per for s in scene.world.shifts if s.at + bound.per > scene.world.at]
    step.wakes.extend(edges or [scene.world.at + bound.per])


def _live_losses(
    scene: Scene, bounds: Bounds, allocation: Allocation
) -> Iterable[tuple[tuple[str, str, str], float, float]]:
    for (service, origin), regions in bounds.allowed.items():
        for region in regions:
            now = scene.today[service][origin].get(region, 0.0)
            then = allocation.shares.get(service, {}).get(origin, {}).get(region, 0.0)
            if then < now:
                yield (service, origin, region), now, then


def _solve(scene: Scene, target: Allocation, bounds: Bounds, budget: float | None) -> Allocation:
    problem = problem_of(scene.estate, scene.world, scene.demand, scene.holders, _at_least(scene.knobs, target))
    alive = frozenset(p for p, s in scene.places.of.items() if s.stand is not Stand.DEAD)
    return allocate(
        replace(
            problem,
            allowed=bounds.allowed,
            legal=frozenset(bounds.legal),
            floor=bounds.floor,
            ceiling=bounds.ceiling,
            today=scene.today,
            healthy=alive,
            live=alive,
            degraded=frozenset(p for p, s in scene.places.of.items() if s.stand in _FROM_IN_STEPS),
            max_leave=budget,
        )
    )


def overfull(one: Allocation, other: Allocation) -> bool:
    """Whether one allocation overloads a region more than another."""
    return sum(one.over.values()) > sum(other.over.values()) + EPSILON


def worse(one: Allocation, other: Allocation) -> bool:
    """Whether one allocation overloads a region more, or turns away more requests of any tier, than another."""
    return overfull(one, other) or any(
        a > b + EPSILON * max(1.0, b) for a, b in zip(one.aims.shed, other.aims.shed, strict=True)
    )


def _bounds(scene: Scene, target: Allocation, still: frozenset[str]) -> tuple[Bounds, Step]:
    """Between today and the target for every share, narrowed by the ramp where it applies.

    The step's wakes say when a further step is due; that there are any means that the ramp binds.
    """
    bounds, step = Bounds(), Step(target)
    for service, by_origin in scene.demand.items():
        for origin in by_origin:
            pair = (service, origin)
            goal = target.shares.get(service, {}).get(origin, {})
            today = scene.today[service][origin]
            if target.refused.get(service, {}).get(origin, 0.0) >= 1 - EPSILON:
                bounds.allowed[pair] = ()
                continue
            regions = tuple(sorted(r for r in {*goal, *today} if _usable(scene, pair, r)))
            bounds.allowed[pair] = regions
            if regions or target.shed.get(service, {}).get(origin, 0.0) > EPSILON:
                bounds.legal.add(pair)
            for region in regions:
                _bound(scene, bounds, step, (service, origin, region), goal.get(region, 0.0))
                if service in still:
                    now = today.get(region, 0.0)
                    bounds.floor[service, origin, region] = now
                    bounds.ceiling[service, origin, region] = max(now, bounds.ceiling[service, origin, region])
            _fit(scene, bounds, pair, goal)
    return bounds, step


def _fit(scene: Scene, bounds: Bounds, pair: Pair, goal: Mapping[str, float]) -> None:
    """Several recovered regions may not gain more at once than there is: their steps share what the floors leave."""
    cells = [(*pair, region) for region in bounds.allowed[pair]]
    excess = sum(bounds.floor[cell] for cell in cells) - 1.0
    returning = [c for c in cells if scene.places.of[c[0], c[2]].stand is Stand.RETURNING]
    for among in (returning, cells):
        room = {c: bounds.floor[c] - min(scene.today[c[0]][c[1]].get(c[2], 0.0), goal.get(c[2], 0.0)) for c in among}
        total = sum(room.values())
        if excess <= 0 or total <= 0:
            continue
        cut = min(1.0, excess / total)
        for cell, more in room.items():
            bounds.floor[cell] -= more * cut
        excess -= total * cut


def _usable(scene: Scene, pair: Pair, region: str) -> bool:
    standing = scene.places.of.get((pair[0], region))
    if standing is None or standing.stand in (Stand.DEAD, Stand.CLOSED):
        return False
    return region in scene.estate.legal(*pair)


def _bound(scene: Scene, bounds: Bounds, step: Step, cell: tuple[str, str, str], goal: float) -> None:
    service, origin, region = cell
    now = scene.today[service][origin].get(region, 0.0)
    low, high = min(now, goal), max(now, goal)
    stand = scene.places.of[service, region].stand
    if stand in _FROM_IN_STEPS and goal < now - EPSILON:
        low = max(goal, now - _stride(scene, service, returning=False))
        high, bounds.tight[cell] = low, now
        if low > goal + EPSILON:
            _wait(scene, step, service, returning=False)
    elif stand is Stand.RETURNING and goal > now + EPSILON:
        low = high = min(goal, now + _stride(scene, service, returning=True))
        if high < goal - EPSILON:
            _wait(scene, step, service, returning=True)
    bounds.floor[cell] = low
    bounds.ceiling[cell] = high


def _stride(scene: Scene, service: str, *, returning: bool) -> float:
    """The share of an origin that may move now: a whole step, or nothing until the last one has settled."""
    policy = scene.estate.policy(service)
    ramp = policy.failback_ramp if returning else policy.ramp
    last = scene.world.last_step.get(service)
    if last is not None and scene.world.at - last < ramp.every:
        return 0.0
    return ramp.step


def _wait(scene: Scene, step: Step, service: str, *, returning: bool) -> None:
    policy = scene.estate.policy(service)
    ramp = policy.failback_ramp if returning else policy.ramp
    last = scene.world.last_step.get(service)
    fresh = last is None or scene.world.at - last >= ramp.every
    step.wakes.append((scene.world.at if fresh or last is None else last) + ramp.every)


def _budget(scene: Scene) -> float | None:
    """Cost units a second that may still leave live regions in this window; None where nothing bounds it."""
    bound = scene.estate.safety.max_shift
    if bound.fraction >= 1.0:
        return None
    recent = sum(s.fraction for s in scene.world.shifts if scene.world.at - s.at < bound.per)
    return max(0.0, bound.fraction - recent) * estate_units(scene)


def estate_units(scene: Scene) -> float:
    """All cost units a second that the estate's demand asks for, knobs at their defaults."""
    return sum(
        rate * scene.estate.services[service].spec.unit_cost
        for service, by_origin in scene.demand.items()
        for rate in by_origin.values()
    )


def _at_least(knobs: tuple[KnobChoice, ...], target: Allocation) -> tuple[KnobChoice, ...]:
    """The target's depths as the least: on the way one may have to go deeper, never lighter."""
    return tuple(replace(knob, at_least=dict(target.depths[knob.name])) for knob in knobs)
