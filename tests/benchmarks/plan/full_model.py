"""The planner's problem written out the plain way and given to HiGHS: every share, every pair, every knob.

Written without a look at the planner's own model: one column a share, movement and gain as columns of their own behind
inequalities, knobs by the textbook's products of a binary and a bounded variable. Slow on purpose.
"""

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import highspy
from highspy._core import _Highs

from controlplane.decide.allocation.problem import UNKNOWN_LATENCY_S, Allocation, AllocationProblem

Terms = dict[int, float]
Settings = Mapping[tuple[str, str], int]


@dataclass
class Optimum:
    """Best figure of each aim, in their order."""

    aims: dict[str, float] = field(default_factory=dict)
    settings: dict[tuple[str, str], int] = field(default_factory=dict)


class FullModel:
    def __init__(self, problem: AllocationProblem, settings: Settings | None = None) -> None:
        self.problem = problem
        self.settings = settings
        self.engine = _Highs()
        self.engine.setOptionValue("output_flag", False)
        self.engine.setOptionValue("threads", 1)
        self.engine.setOptionValue("mip_rel_gap", 0.0)
        self.engine.setOptionValue("mip_abs_gap", 1e-7)
        for kind in ("primal", "dual", "mip"):
            self.engine.setOptionValue(f"{kind}_feasibility_tolerance", 1e-9)
        self.count = 0
        self.share: dict[tuple[str, str, str], int] = {}
        self.shed: dict[tuple[str, str], int] = {}
        self.gone: dict[tuple[str, str, str], int] = {}
        self.gain: dict[tuple[str, str, str], int] = {}
        self.over: dict[str, int] = {}
        self.turn: dict[tuple[str, str, int], int] = {}
        self._write()

    def column(self, lower: float, upper: float, *, whole: bool = False) -> int:
        self.engine.addVar(lower, upper)
        if whole:
            self.engine.changeColIntegrality(self.count, highspy.HighsVarType.kInteger)
        self.count += 1
        return self.count - 1

    def row(self, lower: float, upper: float, terms: Terms) -> None:
        self.engine.addRow(lower, upper, len(terms), list(terms), list(terms.values()))

    def _today(self, service: str, origin: str, region: str) -> float:
        today = self.problem.today or {}
        return today.get(service, {}).get(origin, {}).get(region, 0.0)

    def _write(self) -> None:
        problem = self.problem
        for service in problem.services:
            for origin in problem.demand[service]:
                self._write_pair(service, origin)
        for knob in problem.knobs:
            for place in knob.places:
                self._write_knob(knob.name, place)
        for region in problem.regions:
            self._write_limit(region)

    def _write_pair(self, service: str, origin: str) -> None:
        problem = self.problem
        shed = self.column(0, 1)
        whole: Terms = {shed: 1.0}
        for region in problem.regions:
            cell = (service, origin, region)
            upper = min(1.0, problem.ceiling.get(cell, 1.0)) if region in problem.allowed[service, origin] else 0.0
            lower = problem.floor.get(cell, 0.0)
            share = self.column(lower, max(upper, lower))
            today = self._today(*cell)
            gone, gain = self.column(0, math.inf), self.column(0, math.inf)
            self.row(today, math.inf, {gone: 1.0, share: 1.0})
            self.row(-today, math.inf, {gain: 1.0, share: -1.0})
            self.share[cell], self.gone[cell], self.gain[cell] = share, gone, gain
            whole[share] = 1.0
        self.shed[service, origin] = shed
        self.row(1.0, 1.0, whole)

    def _write_knob(self, name: str, place: str) -> None:
        knob = next(knob for knob in self.problem.knobs if knob.name == name)
        least, most = knob.at_least.get(place, 0), knob.at_most.get(place, len(knob.levels))
        turns = {}
        for depth in range(len(knob.levels) + 1):
            fits = least <= depth <= most
            if self.settings is not None:
                fits = self.settings[name, place] == depth
            self.turn[name, place, depth] = self.column(0, 1 if fits else 0, whole=self.settings is None)
            turns[self.turn[name, place, depth]] = 1.0
        self.row(1.0, 1.0, turns)

    def _write_limit(self, region: str) -> None:
        problem = self.problem
        self.over[region] = self.column(0, math.inf)
        terms: Terms = {self.over[region]: -1.0}
        for service in problem.services:
            fixed = sum(load.units for load in problem.fixed if (load.service, load.region) == (service, region))
            load, most = {}, fixed
            surcharge = problem.surcharge.get(region, 1.0)
            for origin, demand in problem.demand[service].items():
                units = problem.cost[service] * demand
                load[self.share[service, origin, region]] = units
                load[self.gain[service, origin, region]] = units * (surcharge - 1.0)
                most += units * surcharge
            left = self.column(0, math.inf)
            row: Terms = {left: 1.0} | {column: -units for column, units in load.items()}
            for saves, turn in self._savings(service, region):
                part = self.column(0, math.inf)
                self.row(-math.inf, 0.0, {part: 1.0, turn: -most})
                self.row(-math.inf, fixed, {part: 1.0} | {column: -units for column, units in load.items()})
                row[part] = saves
            self.row(fixed, math.inf, row)
            terms[left] = 1.0
        self.row(-math.inf, problem.limit[region], terms)

    def _savings(self, service: str, region: str) -> Iterator[tuple[float, int]]:
        for knob in self.problem.knobs:
            place = region if region in knob.places else knob.places[0]
            if place not in (region, "*"):
                continue
            for depth, level in enumerate(knob.levels, start=1):
                if level.saves.get(service, 0.0) > 0:
                    yield level.saves[service], self.turn[knob.name, place, depth]

    def _objectives(self) -> Iterator[tuple[str, Terms]]:
        problem = self.problem
        demand = {(s, o): problem.demand[s][o] for s, o in self.shed}
        yield "over", dict.fromkeys(self.over.values(), 1.0)
        for tier in range(4):
            yield f"shed{tier}", {c: demand[p] for p, c in self.shed.items() if problem.tier[p[0]] == tier}
        lost = {}
        for knob in problem.knobs:
            for place, (depth, level) in itertools.product(knob.places, enumerate(knob.levels, start=1)):
                lost[self.turn[knob.name, place, depth]] = level.value_lost
        yield "lost", lost
        for tier in range(4):
            yield (
                f"value{tier}",
                {c: demand[p] * problem.value[p[0]] for p, c in self.shed.items() if problem.tier[p[0]] == tier},
            )
        for name, spots in (("standby", problem.standby), ("degraded", problem.degraded)):
            yield name, {c: demand[s, o] for (s, o, r), c in self.share.items() if (s, r) in spots}
        yield "moved", {c: demand[s, o] for (s, o, r), c in self.gone.items() if (s, r) in problem.healthy}
        today = {(knob.name, place): knob.today.get(place, 0) for knob in problem.knobs for place in knob.places}
        yield "turned", {c: abs(depth - today[name, place]) for (name, place, depth), c in self.turn.items()}
        yield "depth", {c: depth for (_, _, depth), c in self.turn.items()}
        yield (
            "latency",
            {
                c: demand[s, o] * problem.latency.get(o, {}).get(r, UNKNOWN_LATENCY_S)
                for (s, o, r), c in self.share.items()
            },
        )

    def solve(self, slack: float = 1e-7) -> Optimum:
        """Each aim in turn; with more slack between them if rounding leaves the solver no feasible point."""
        try:
            return self._descend(slack)
        except RuntimeError:
            if slack > 1e-5:
                raise
            return FullModel(self.problem, self.settings).solve(10 * slack)

    def _descend(self, slack: float) -> Optimum:
        found = Optimum()
        for name, terms in self._objectives():
            costs = {column: cost for column, cost in terms.items() if cost}
            if not costs:
                found.aims[name] = 0.0
                continue
            for column in range(self.count):
                self.engine.changeColCost(column, costs.get(column, 0.0))
            self.engine.run()
            if self.engine.getModelStatus() != highspy.HighsModelStatus.kOptimal:
                raise RuntimeError(f"{name}: {self.engine.modelStatusToString(self.engine.getModelStatus())}")
            values = self.engine.getSolution().col_value
            best = math.fsum(cost * values[column] for column, cost in costs.items())
            found.aims[name] = best
            self.row(-math.inf, best + slack * max(1.0, abs(best)), costs)
            for (knob, place, depth), column in self.turn.items():
                if values[column] > 0.5:
                    found.settings[knob, place] = depth
        return found


def settings_of(problem: AllocationProblem) -> Iterator[dict[tuple[str, str], int]]:
    """Every permitted setting of the knobs."""
    dials = [(knob, place) for knob in problem.knobs for place in knob.places]
    ranges = [
        range(knob.at_least.get(place, 0), knob.at_most.get(place, len(knob.levels)) + 1) for knob, place in dials
    ]
    for depths in itertools.product(*ranges):
        yield {(knob.name, place): depth for (knob, place), depth in zip(dials, depths, strict=True)}


def exhaustive(problem: AllocationProblem) -> Optimum:
    """The best over every permitted setting of the knobs, each solved as a plain LP."""
    best: Optimum | None = None
    for settings in settings_of(problem):
        found = FullModel(problem, settings).solve()
        if best is None or better(found.aims, best.aims):
            best = found
    if best is None:
        raise ValueError("a knob permits no depth")
    return best


def better(one: Mapping[str, float], other: Mapping[str, float], tolerance: float = 1e-4) -> bool:
    """Whether the first is better in the order of the aims, beyond the tolerance."""
    for name, figure in one.items():
        if abs(figure - other[name]) > tolerance * max(1.0, abs(other[name])):
            return figure < other[name]
    return False


def figures(problem: AllocationProblem, found: Allocation) -> dict[str, float]:
    """The same aims of an allocation, by its shares; what is refused counts as shed, as it does in the model."""
    lack: dict[str, float] = {f"{name}{tier}": 0.0 for name in ("shed", "value") for tier in range(4)}
    for part in (found.shed, found.refused):
        for service, row in part.items():
            for origin, share in row.items():
                lost = share * problem.demand[service][origin]
                lack[f"shed{problem.tier[service]}"] += lost
                lack[f"value{problem.tier[service]}"] += lost * problem.value[service]
    flow = {
        (s, o, r): share * problem.demand[s][o]
        for s, row in found.shares.items()
        for o, cell in row.items()
        for r, share in cell.items()
    }
    today = problem.today or {}
    moved = math.fsum(
        max(0.0, share * problem.demand[s][o] - flow.get((s, o, r), 0.0))
        for s, row in today.items()
        for o, cell in row.items()
        for r, share in cell.items()
        if (s, r) in problem.healthy and o in problem.demand[s]
    )
    waited = (x * problem.latency.get(o, {}).get(r, UNKNOWN_LATENCY_S) for (_, o, r), x in flow.items())
    return {
        "over": math.fsum(found.over.values()),
        **{f"shed{tier}": lack[f"shed{tier}"] for tier in range(4)},
        "lost": math.fsum(
            next(knob for knob in problem.knobs if knob.name == name).levels[depth - 1].value_lost
            for name, places in found.depths.items()
            for depth in places.values()
            if depth > 0
        ),
        **{f"value{tier}": lack[f"value{tier}"] for tier in range(4)},
        "standby": math.fsum(x for (s, _, r), x in flow.items() if (s, r) in problem.standby),
        "degraded": math.fsum(x for (s, _, r), x in flow.items() if (s, r) in problem.degraded),
        "moved": moved,
        "turned": sum(
            abs(found.depths[knob.name][place] - knob.today.get(place, 0))
            for knob in problem.knobs
            for place in knob.places
        ),
        "depth": sum(depth for places in found.depths.values() for depth in places.values()),
        "latency": math.fsum(waited),
    }
