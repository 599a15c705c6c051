"""From stands to shares: the target, and the first step towards it (R3 to R6, R8, R13)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache

from controlplane.decide.allocation.allocate import allocate
from controlplane.decide.allocation.problem import Allocation, AllocationProblem, FixedLoad, KnobChoice
from controlplane.decide.dependencies import possible
from controlplane.decide.exclusives import holder_of
from controlplane.decide.knobs import knob_choices
from controlplane.decide.places import Places, Stand
from controlplane.model.estate import Estate
from controlplane.model.plan import Cause
from controlplane.model.resources.region import RegionRole
from controlplane.model.rules import Reason, Rule
from controlplane.model.world import Demand, Shares, World

EPSILON = 1e-6
"""Shares closer than this are the same share."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Cell = tuple[str, str, str]
Pair = tuple[str, str]
_GAINS = frozenset({Stand.OPEN, Stand.AVOID, Stand.RETURNING})


@dataclass(frozen=True, slots=True)
class Scene:
    """What both allocations of one plan are made from."""

    estate: Estate
    world: World
    places: Places
    healthy: Shares
    today: Shares
    demand: Demand
    holders: Mapping[str, str | None]
    knobs: tuple[KnobChoice, ...]


@dataclass(slots=True)
class Bounds:
    """Floors and ceilings of single shares, and which regions may be used at all, by pair. ``tight``: ceilings that
    a ramp put below today's share, with the share that they may be loosened to."""

    allowed: dict[Pair, tuple[str, ...]] = field(default_factory=dict)
    legal: set[Pair] = field(default_factory=set)
    floor: dict[Cell, float] = field(default_factory=dict)
    ceiling: dict[Cell, float] = field(default_factory=dict)
    tight: dict[Cell, float] = field(default_factory=dict)


def demand_of(estate: Estate, world: World) -> dict[str, dict[str, float]]:
    """Requests a second by service and origin: as declared, overridden by what the world says."""
    return {
        name: dict(sorted({**estate.services[name].spec.demand, **world.demand.get(name, {})}.items()))
        for name in estate.spread
    }


def healthy_plan(estate: Estate, demand: Demand) -> Allocation:
    """Where everything would be with every region well: the baseline that failback returns to."""
    return _healthy_plan(estate, tuple((s, tuple(sorted(by.items()))) for s, by in sorted(demand.items())))


@lru_cache(maxsize=32)
def _healthy_plan(estate: Estate, demand: tuple[tuple[str, tuple[tuple[str, float], ...]], ...]) -> Allocation:
    by_service = {service: dict(by_origin) for service, by_origin in demand}
    allowed = {
        (s, o): tuple(r for r in estate.legal(s, o) if r in possible(estate)[s])
        for s, by in by_service.items()
        for o in by
    }
    nothing_said = World(at=_EPOCH)
    holders = {name: holder_of(estate, nothing_said, name) for name in estate.exclusive}
    problem = problem_of(estate, nothing_said, by_service, holders, knob_choices(estate, None))
    return allocate(replace(problem, allowed=allowed))


def today_shares(
    estate: Estate, world: World, demand: Demand, healthy: Shares
) -> dict[str, dict[str, dict[str, float]]]:
    """Today's shares of every pair: the world's, or where it says nothing the healthy plan's."""
    return {
        name: {
            origin: dict(world.shares.get(name, {}).get(origin, healthy.get(name, {}).get(origin, {})))
            for origin in demand[name]
        }
        for name in estate.spread
    }


def leaves_live(scene: Scene, shares: Shares) -> dict[str, float]:
    """Cost units a second, by service, that going from today to ``shares`` moves away from live regions (R8).

    What is turned away where it is has not moved, and what is not legal where it is must go (R4): neither counts.
    """
    left: dict[str, float] = {}
    for service, by_origin in scene.demand.items():
        cost = scene.estate.services[service].spec.unit_cost
        for origin, rate in by_origin.items():
            share = _leaving(scene, (service, origin), shares.get(service, {}).get(origin, {}))
            if share > 0:
                left[service] = left.get(service, 0.0) + share * rate * cost
    return left


def _leaving(scene: Scene, pair: Pair, goal: Mapping[str, float]) -> float:
    service, origin = pair
    now, legal = scene.today[service][origin], scene.estate.legal(service, origin)
    gone = sum(
        share - goal.get(region, 0.0)
        for region, share in now.items()
        if share > goal.get(region, 0.0)
        and region in legal
        and scene.places.of[service, region].stand is not Stand.DEAD
    )
    turned_away = max(0.0, sum(now.values()) - sum(goal.values()))
    return max(0.0, gone - turned_away)


def find_target(scene: Scene) -> tuple[Allocation, bool]:
    """The optimum under today's stands, and whether something that ought to leave must stay for want of room.

    What is to leave in steps is first planned away whole. If that sheds what staying would serve, it stays as far
    as it must: leaving a live region may cost knobs, never requests (R3).
    """
    best = _solve_target(scene, stay=False)
    if not any(best.aims.shed) or not any(p.stand is Stand.LEAVING for p in scene.places.of.values()):
        return best, False
    other = _solve_target(scene, stay=True)
    if _less(other.aims.shed, best.aims.shed):
        return other, True
    return best, False


def _less(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    for a, b in zip(one, other, strict=True):
        if abs(a - b) > EPSILON * max(1.0, a, b):
            return a < b
    return False


def _solve_target(scene: Scene, *, stay: bool) -> Allocation:
    estate, world = scene.estate, scene.world
    bounds = Bounds()
    baseline: dict[str, dict[str, Mapping[str, float]]] = {}
    degraded: set[tuple[str, str]] = set()
    for service, by_origin in scene.demand.items():
        for origin in by_origin:
            today = scene.today[service][origin]
            _bound_pair(scene, bounds, (service, origin), stay)
            planned = scene.healthy.get(service, {}).get(origin, {})
            returning = any(
                scene.places.of[service, r].stand is Stand.RETURNING and planned.get(r, 0.0) > EPSILON
                for r in bounds.allowed[service, origin]
            )
            chosen = planned if returning else today
            baseline.setdefault(service, {})[origin] = chosen
    for place, standing in scene.places.of.items():
        if standing.stand is Stand.AVOID or (stay and standing.stand is Stand.LEAVING):
            degraded.add(place)
    problem = problem_of(estate, world, scene.demand, scene.holders, scene.knobs)
    return allocate(
        replace(
            problem,
            allowed=bounds.allowed,
            legal=frozenset(bounds.legal),
            floor=bounds.floor,
            ceiling=bounds.ceiling,
            today=baseline,
            healthy=frozenset(
                p for p, s in scene.places.of.items() if s.stand not in (Stand.DEAD, Stand.LEAVING, Stand.AVOID)
            ),
            degraded=frozenset(degraded),
        )
    )


def _bound_pair(scene: Scene, bounds: Bounds, pair: Pair, stay: bool) -> None:
    """What each stand allows a pair. Where nothing legal may gain, what leaves a live region stays instead, unless
    a person sends it away: an alarm or an ailing region still serves some."""
    service, origin = pair
    today = scene.today[service][origin]
    stands = {r: scene.places.of[service, r] for r in scene.estate.legal(service, origin)}
    can_gain = any(s.stand in _GAINS for s in stands.values())
    allowed: list[str] = []
    for region, standing in stands.items():
        share = today.get(region, 0.0)
        match standing.stand:
            case Stand.OPEN | Stand.AVOID | Stand.RETURNING:
                allowed.append(region)
            case Stand.PINNED | Stand.CAPPED if share > EPSILON:
                allowed.append(region)
                bounds.ceiling[service, origin, region] = share
                if standing.stand is Stand.PINNED:
                    bounds.floor[service, origin, region] = share
            case Stand.LEAVING if share > EPSILON and (stay or (not can_gain and standing.cause is not Cause.PERSON)):
                allowed.append(region)
                bounds.ceiling[service, origin, region] = share
            case _:
                pass
    bounds.allowed[pair] = tuple(sorted(allowed))
    if can_gain or any(_merely_kept_out(s.reasons) for s in stands.values() if s.stand is Stand.CAPPED):
        bounds.legal.add(pair)


def _merely_kept_out(reasons: tuple[Reason, ...]) -> bool:
    if any(why.rule is Rule.DEPENDENCY for why in reasons):
        return False
    return any(why.rule in (Rule.FAILBACK, Rule.DAMPING, Rule.FREEZE) for why in reasons)


def capacity_of(estate: Estate, world: World, region: str) -> float:
    """Cost units a second that a region can carry today."""
    return world.capacity.get(region, estate.regions[region].spec.capacity)


def limit_of(estate: Estate, world: World, region: str) -> float:
    """What may be planned there: capacity less headroom (R3)."""
    return capacity_of(estate, world, region) * (1 - estate.regions[region].spec.headroom)


def problem_of(
    estate: Estate, world: World, demand: Demand, holders: Mapping[str, str | None], knobs: tuple[KnobChoice, ...]
) -> AllocationProblem:
    """What every allocation of this estate has in common; bounds and the baseline are the caller's."""
    specs = {name: estate.services[name].spec for name in estate.services}
    services = tuple(sorted({*demand, *(name for name in holders if specs[name].unit_cost > 0)}))
    return AllocationProblem(
        services=services,
        origins=tuple(sorted({origin for by_origin in demand.values() for origin in by_origin})),
        regions=tuple(sorted(estate.regions)),
        tier={name: specs[name].tier for name in services},
        value={name: specs[name].value for name in services},
        cost={name: specs[name].unit_cost for name in services},
        demand=demand,
        limit={region: limit_of(estate, world, region) for region in estate.regions},
        allowed={},
        fixed=tuple(
            FixedLoad(name, region, specs[name].unit_cost)
            for name, region in sorted(holders.items())
            if region is not None and specs[name].unit_cost > 0
        ),
        surcharge={region: factor for region, factor in sorted(world.surcharge.items()) if factor > 1},
        standby=frozenset(
            (name, region)
            for region, one in estate.regions.items()
            if one.spec.role is RegionRole.STANDBY
            for name in services
        ),
        latency=_latency(estate),
        knobs=knobs,
    )


@lru_cache(maxsize=64)
def _latency(estate: Estate) -> dict[str, dict[str, float]]:
    seconds: dict[str, dict[str, float]] = {}
    for region, one in estate.regions.items():
        for origin, delay in one.spec.latency.items():
            seconds.setdefault(origin, {})[region] = delay.total_seconds()
    return seconds


def loads(estate: Estate, demand: Demand, shares: Shares, savings: Mapping[tuple[str, str], float]) -> dict[str, float]:
    """Cost units a second by region. ``savings``: share of a service's cost saved in a region by the knobs."""
    total = dict.fromkeys(estate.regions, 0.0)
    for service, by_origin in shares.items():
        cost = estate.services[service].spec.unit_cost
        for origin, by_region in by_origin.items():
            rate = demand.get(service, {}).get(origin, 0.0)
            for region, share in by_region.items():
                if region in total:
                    total[region] += rate * share * cost * (1 - savings.get((service, region), 0.0))
    return total
