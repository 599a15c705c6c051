"""The peer that needs no solver: fill regions nearest first, tier by tier, and turn the cheapest knob when it sheds."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from controlplane.decide.allocation.fleet import Classes
from controlplane.decide.allocation.problem import UNKNOWN_LATENCY_S, Aims, Allocation, AllocationProblem

Floats = npt.NDArray[np.float64]
Dial = tuple[str, str]


def water_filling(problem: AllocationProblem) -> Allocation:
    """Greedy: what fits stays, the rest goes to the nearest room; while requests are shed, one more knob turns: the one
    that saves most for its price."""
    depths = {(knob.name, place): knob.at_least.get(place, 0) for knob in problem.knobs for place in knob.places}
    best = _fill(problem, depths)
    while sum(best.aims.shed) > 1e-9 and (turned := _one_deeper(problem, depths)) is not None:
        depths = turned
        best = _fill(problem, depths)
    return best


def _left(problem: AllocationProblem, depths: Mapping[Dial, int], service: str, region: str) -> float:
    saved = 0.0
    for knob in problem.knobs:
        for place in knob.places:
            if depths[knob.name, place] and place in ("*", region):
                saved += knob.levels[depths[knob.name, place] - 1].saves.get(service, 0.0)
    return max(0.0, 1.0 - saved)


def _one_deeper(problem: AllocationProblem, depths: Mapping[Dial, int]) -> dict[Dial, int] | None:
    worth = {}
    for knob in problem.knobs:
        for place in knob.places:
            depth = depths[knob.name, place]
            if depth >= min(len(knob.levels), knob.at_most.get(place, len(knob.levels))):
                continue
            now = knob.levels[depth - 1] if depth else None
            then = knob.levels[depth]
            saved = sum(
                (share - (now.saves.get(s, 0.0) if now else 0.0)) * problem.cost[s] * sum(problem.demand[s].values())
                for s, share in then.saves.items()
            )
            price = then.value_lost - (now.value_lost if now else 0.0)
            worth[knob.name, place] = saved / (len(knob.places) * max(price, 1e-9))
    if not worth:
        return None
    chosen = max(worth, key=lambda dial: (worth[dial], dial))
    return {**depths, chosen: depths[chosen] + 1}


def _fill(problem: AllocationProblem, depths: Mapping[Dial, int]) -> Allocation:
    room = dict(problem.limit)
    for load in problem.fixed:
        room[load.region] -= load.units * _left(problem, depths, load.service, load.region)
    left = {(s, r): _left(problem, depths, s, r) for s in problem.services for r in problem.regions}
    shares: dict[str, dict[str, dict[str, float]]] = {}
    shed: dict[str, dict[str, float]] = {}
    pairs = sorted(problem.allowed, key=lambda pair: (problem.tier[pair[0]], -problem.value[pair[0]], pair))
    for service, origin in pairs:
        cell, unmet = _fill_pair(problem, (service, origin), left, room)
        shares.setdefault(service, {})[origin] = cell
        if unmet > 1e-12 and (service, origin) in problem.legal:
            shed.setdefault(service, {})[origin] = unmet
    tiers = [0.0] * 4
    for service, row in shed.items():
        for origin, share in row.items():
            tiers[problem.tier[service]] += share * problem.demand[service][origin]
    aims = Aims((tiers[0], tiers[1], tiers[2], tiers[3]), 0.0, (0.0, 0.0, 0.0, 0.0), 0.0, 0.0, 0.0, 0.0)
    refused = {s: {o: 1.0} for s, o in pairs if not problem.allowed[s, o]}
    named: dict[str, dict[str, int]] = {}
    for (name, place), depth in depths.items():
        named.setdefault(name, {})[place] = depth
    return Allocation(shares, shed, refused, named, {}, {}, 0.0, aims, shortcut=False)


def _fill_pair(
    problem: AllocationProblem, pair: tuple[str, str], left: Mapping[tuple[str, str], float], room: dict[str, float]
) -> tuple[dict[str, float], float]:
    service, origin = pair
    units = problem.cost[service] * problem.demand[service][origin]
    today = (problem.today or {}).get(service, {}).get(origin, {})
    far = problem.latency.get(origin, {})
    near = sorted(problem.allowed[pair], key=lambda r: (far.get(r, UNKNOWN_LATENCY_S), r))
    cell: dict[str, float] = {}
    unmet = 1.0
    wishes = [(r, today.get(r, 0.0), 1.0) for r in near] + [(r, 1.0, problem.surcharge.get(r, 1.0)) for r in near]
    for region, most, factor in wishes:
        load = units * left[service, region] * factor
        fits = min(most, problem.ceiling.get((service, origin, region), 1.0) - cell.get(region, 0.0))
        take = max(0.0, min(unmet, fits, room[region] / load if load > 0 else 1.0))
        if take > 0:
            cell[region] = cell.get(region, 0.0) + take
            room[region] -= take * load
            unmet -= take
    return cell, unmet


@dataclasses.dataclass(frozen=True)
class GreedyFleet:
    shed: float
    moved: float
    waited: float


def fleet_water_filling(classes: Classes, today: Floats, demand: Floats, lost: int) -> GreedyFleet:
    """What stands stays as far as it fits; what lost its place goes to the nearest room, tier by tier."""
    requests, units = classes.gather(demand)
    legal = classes.legal.copy()
    legal[:, :, lost] = False
    latency = classes.fleet.latency
    stays = np.where(legal, today, 0.0) * units[:, :, None]
    room = classes.fleet.limit - stays.sum(axis=(0, 1))
    shrink = np.where(room < 0, classes.fleet.limit / np.maximum(stays.sum(axis=(0, 1)), 1e-12), 1.0)
    kept = stays * shrink
    room = np.maximum(room, 0.0)
    ratio = requests / np.maximum(units, 1e-12)
    moved = float(((stays - kept).sum(axis=2) * ratio).sum())
    waited = float((kept * latency[None] * ratio[:, :, None]).sum())
    rest = np.where(legal.any(axis=2), units - kept.sum(axis=2), 0.0)
    order = np.argsort(latency, axis=1, kind="stable")
    shed = 0.0
    for index in np.argsort(classes.tier, kind="stable"):
        for origin in np.nonzero(rest[index] > 1e-9)[0]:
            unmet = float(rest[index, origin])
            for region in order[origin]:
                if legal[index, origin, region] and unmet > 0:
                    take = min(unmet, float(room[region]))
                    room[region] -= take
                    unmet -= take
                    waited += take * float(ratio[index, origin]) * float(latency[origin, region])
            shed += unmet * float(ratio[index, origin])
    return GreedyFleet(shed, moved, waited)
