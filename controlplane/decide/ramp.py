"""The first step from today towards the target: by the ramp, within the shift budget (R6, R8, R13)."""

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


def find_next(scene: Scene, target: Allocation) -> Step:
    """The target itself where nothing bounds the way; else the best allocation between today and the target.

    A dead source is left whole. A live one loses, and a recovered one gains, one ramp step at a time, and all that
    leaves live regions stays within what R8 still allows in this window. A step out of a live region that would cost
    requests on the way is made smaller.
    """
    bounds, step = _bounds(scene, target)
    budget = _budget(scene)
    beyond = budget is not None and sum(leaves_live(scene, target.shares).values()) > budget * (1 + EPSILON) + EPSILON
    if not step.wakes and not beyond:
        step.allocation = target
        return step
    step.allocation = _solve(scene, target, bounds, budget)
    if _sheds_more(step.allocation, target) and bounds.tight:
        bounds.ceiling.update(bounds.tight)
        step.allocation = _solve(scene, target, bounds, budget)
    if budget is not None and beyond:
        _tell_budget(scene, step, budget)
    return step


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


def _sheds_more(one: Allocation, other: Allocation) -> bool:
    return any(a > b + EPSILON * max(1.0, b) for a, b in zip(one.aims.shed, other.aims.shed, strict=True))


def _bounds(scene: Scene, target: Allocation) -> tuple[Bounds, Step]:
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
            if regions:
                bounds.legal.add(pair)
            for region in regions:
                _bound(scene, bounds, step, (service, origin, region), goal.get(region, 0.0))
    return bounds, step


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


def _tell_budget(scene: Scene, step: Step, budget: float) -> None:
    bound = scene.estate.safety.max_shift
    why: Reason = reason(Rule.BLAST_RADIUS, "max-shift", fraction=bound.fraction, left_units=round(budget, 3))
    step.holds.append(Hold("estate", (why,)))
    edges = [s.at + bound.per for s in scene.world.shifts if s.at + bound.per > scene.world.at]
    step.wakes.extend(edges or [scene.world.at + bound.per])


def _at_least(knobs: tuple[KnobChoice, ...], target: Allocation) -> tuple[KnobChoice, ...]:
    """The target's depths as the least: on the way one may have to go deeper, never lighter."""
    return tuple(replace(knob, at_least=dict(target.depths[knob.name])) for knob in knobs)
