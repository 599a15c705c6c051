"""Random allocation problems: a healthy day, then a region lost, with whatever else a bad day brings."""

import dataclasses
from random import Random

from controlplane.decide.allocation.allocate import allocate
from controlplane.decide.allocation.problem import ESTATE, AllocationProblem, Cell, FixedLoad, KnobChoice, KnobLevel


@dataclasses.dataclass(frozen=True)
class Size:
    services: int
    origins: int
    regions: int
    knobs: int
    levels: int = 2


LARGEST = Size(12, 4, 5, 6)


def random_size(rng: Random, most: Size) -> Size:
    return Size(
        rng.randint(2, most.services),
        rng.randint(1, most.origins),
        rng.randint(2, most.regions),
        rng.randint(0, most.knobs),
        rng.randint(1, most.levels),
    )


def quiet_day(rng: Random, size: Size) -> AllocationProblem:
    """A healthy estate whose room for the loss of one region runs from scarce to ample."""
    services = tuple(f"s{i:02d}" for i in range(size.services))
    origins = tuple(f"o{i}" for i in range(size.origins))
    regions = tuple(f"r{i}" for i in range(size.regions))
    cost = {s: rng.choice([0.0, 0.2, 0.5, 1.0, 1.0, 1.5, 2.0, 3.0]) for s in services}
    demand = {s: {o: float(rng.choice([0, 5, 20, 50, 80, 130])) for o in origins} for s in services}
    union = regions[: max(1, (2 * size.regions) // 3)]
    allowed = {}
    for service in services:
        fewest = 1 if rng.random() < 0.1 else min(2, size.regions)
        deployed = sorted(rng.sample(regions, rng.randint(fewest, size.regions)))
        for origin in origins:
            bound = rng.random() < 0.4
            allowed[service, origin] = tuple(r for r in deployed if r in union or not bound)
    total = sum(cost[s] * demand[s][o] for s in services for o in origins) or 1.0
    weight = {r: rng.uniform(0.5, 1.5) for r in regions}
    room = rng.choice([0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.4, 2.0]) * total * size.regions / max(size.regions - 1, 1)
    return AllocationProblem(
        services=services,
        origins=origins,
        regions=regions,
        tier={s: rng.randrange(4) for s in services},
        value={s: round(rng.uniform(0.2, 6.0), 1) for s in services},
        cost=cost,
        demand=demand,
        limit={r: room * weight[r] / sum(weight.values()) for r in regions},
        allowed=allowed,
        legal=frozenset(pair for pair, names in allowed.items() if names),
        healthy=frozenset((s, r) for s in services for r in regions),
        live=frozenset((s, r) for s in services for r in regions),
        latency={o: {r: round(rng.uniform(0.002, 0.08), 3) for r in regions} for o in origins},
        knobs=tuple(_knob(rng, f"k{i}", services, regions, size.levels) for i in range(size.knobs)),
    )


def _knob(rng: Random, name: str, services: tuple[str, ...], regions: tuple[str, ...], levels: int) -> KnobChoice:
    touched = rng.sample(services, rng.randint(1, min(3, len(services))))
    saves, lost, steps = dict.fromkeys(touched, 0.0), 0.0, []
    for _ in range(rng.randint(1, levels)):
        saves = {s: min(1.0, round(share + rng.uniform(0.05, 0.5), 2)) for s, share in saves.items()}
        lost += rng.choice([0, 5, 10, 10, 20, 35, 60])
        steps.append(KnobLevel(dict(saves), float(lost)))
    return KnobChoice(name, regions if rng.random() < 0.3 else (ESTATE,), tuple(steps))


def bad_day(rng: Random, quiet: AllocationProblem) -> AllocationProblem:
    """One region of a healthy estate is lost, demand has drifted, and sometimes more is wrong."""
    gone = rng.choice(quiet.regions)
    allowed = {pair: tuple(r for r in names if r != gone) for pair, names in quiet.allowed.items()}
    demand = {s: {o: d * rng.uniform(0.9, 1.1) for o, d in row.items()} for s, row in quiet.demand.items()}
    standing = frozenset(spot for spot in quiet.healthy if spot[1] != gone)
    problem = dataclasses.replace(
        quiet,
        allowed=allowed,
        demand=demand,
        legal=frozenset(pair for pair, names in allowed.items() if names),
        today=allocate(quiet).shares,
        healthy=standing,
        live=standing,
    )
    return _trouble(rng, problem, [r for r in quiet.regions if r != gone])


def _trouble(rng: Random, problem: AllocationProblem, rest: list[str]) -> AllocationProblem:
    if rng.random() < 0.2:
        cold = rng.choice(rest)
        problem = dataclasses.replace(problem, surcharge={cold: rng.uniform(1.0, 2.0)})
    if rng.random() < 0.2:
        grey = rng.choice(rest)
        spots = frozenset((s, grey) for s in problem.services)
        problem = dataclasses.replace(problem, degraded=spots, healthy=problem.healthy - spots)
    if rng.random() < 0.15:
        idle = rng.choice(rest)
        problem = dataclasses.replace(problem, standby=frozenset((s, idle) for s in problem.services))
    if rng.random() < 0.3:
        holder, place = rng.choice(problem.services), rng.choice(rest)
        problem = dataclasses.replace(problem, fixed=(FixedLoad(holder, place, 0.1 * problem.limit[place]),))
    if rng.random() < 0.15:
        blind = rng.choice(rest)
        pinned = _pinned(problem, blind)
        problem = dataclasses.replace(problem, floor=pinned, ceiling=pinned)
    if rng.random() < 0.2 and problem.knobs:
        knob = problem.knobs[0]
        deep = {place: rng.randint(0, len(knob.levels)) for place in knob.places}
        held = dataclasses.replace(knob, today=deep, at_least=deep if rng.random() < 0.5 else {})
        problem = dataclasses.replace(problem, knobs=(held, *problem.knobs[1:]))
    return problem


def _pinned(problem: AllocationProblem, region: str) -> dict[Cell, float]:
    today = problem.today or {}
    return {
        (s, o, region): today.get(s, {}).get(o, {}).get(region, 0.0)
        for (s, o), names in problem.allowed.items()
        if region in names and o in problem.demand[s]
    }
