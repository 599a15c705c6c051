"""The problem as arrays: pairs by regions. Everything after this indexes numbers, not names."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controlplane.decide.allocation.problem import UNKNOWN_LATENCY_S, AllocationProblem, Pair, Spot

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

NO_WEIGHT = 1e-6
"""Requests a second that a pair without demand counts as in the aims, so that its shares go to a sensible place."""
ROUNDING = 1e-5
"""How far from 1 today's shares of a pair may add up and still mean 1."""


@dataclass(frozen=True, slots=True)
class Grid:
    """``pairs`` in rows (P), ``regions`` in columns (R).

    ``service``, ``tier``, ``value``, ``demand``, ``units`` (cost times demand), ``weight`` (demand, never 0) and
    ``usable`` (has an allowed region) are (P,); ``lower``, ``upper``, ``today``, ``latency`` and the flags (P, R);
    ``limit``, ``surcharge``, ``max_gain`` (R,); ``fixed`` (S, R); ``max_move`` (P,); inf: no bound.
    """

    pairs: tuple[Pair, ...]
    service: Ints
    tier: Ints
    value: Floats
    demand: Floats
    units: Floats
    weight: Floats
    usable: Bools
    lower: Floats
    upper: Floats
    today: Floats
    latency: Floats
    healthy: Bools
    live: Bools
    standby: Bools
    degraded: Bools
    limit: Floats
    surcharge: Floats
    fixed: Floats
    max_move: Floats
    max_leave: float
    max_gain: Floats

    @property
    def stay_upper(self) -> Floats:
        """How much of a cell can be load that is there today."""
        return np.minimum(self.today, self.upper)

    @property
    def unplaced(self) -> Floats:
        """Share of each pair that is served nowhere today."""
        return np.asarray(np.clip(1.0 - self.today.sum(axis=1), 0.0, 1.0))

    @property
    def scale(self) -> Floats:
        """What a region's load is measured in, so that tolerances are shares of its limit."""
        return np.where(self.limit > 0, self.limit, max(float(self.units.sum()), 1.0))


def grid_of(problem: AllocationProblem) -> Grid:
    """Index the problem. Pairs in the order of services, then origins."""
    row = {service: index for index, service in enumerate(problem.services)}
    column = {region: index for index, region in enumerate(problem.regions)}
    pairs = tuple((s, o) for s in problem.services for o in problem.origins if o in problem.demand.get(s, {}))
    service = np.array([row[s] for s, _ in pairs], dtype=np.int64)
    demand = np.array([problem.demand[s][o] for s, o in pairs], dtype=np.float64)
    cost = np.array([problem.cost[s] for s, _ in pairs], dtype=np.float64)
    today = _today(problem, pairs, column)
    lower, upper = _bounds(problem, pairs, column)
    names = problem.services
    fixed = np.zeros((len(names), len(column)))
    for load in problem.fixed:
        if load.service in row:
            fixed[row[load.service], column[load.region]] += load.units
    return Grid(
        pairs=pairs,
        service=service,
        tier=np.array([problem.tier[s] for s, _ in pairs], dtype=np.int64),
        value=np.array([problem.value[s] for s, _ in pairs], dtype=np.float64),
        demand=demand,
        units=cost * demand,
        weight=np.where(demand > 0, demand, NO_WEIGHT),
        usable=np.asarray(upper.max(axis=1, initial=0.0) > 0),
        lower=lower,
        upper=upper,
        today=today,
        latency=_latency(problem)[[problem.origins.index(o) for _, o in pairs]],
        healthy=_flags(problem.healthy, row, column)[service],
        live=_flags(problem.live, row, column)[service],
        standby=_flags(problem.standby, row, column)[service],
        degraded=_flags(problem.degraded, row, column)[service],
        limit=np.array([problem.limit[r] for r in problem.regions], dtype=np.float64),
        surcharge=np.array([problem.surcharge.get(r, 1.0) for r in problem.regions], dtype=np.float64),
        fixed=fixed,
        max_move=np.array([problem.max_move.get(pair, np.inf) for pair in pairs], dtype=np.float64),
        max_leave=np.inf if problem.max_leave is None else problem.max_leave,
        max_gain=np.array([problem.max_gain.get(r, np.inf) for r in problem.regions], dtype=np.float64),
    )


def _today(problem: AllocationProblem, pairs: tuple[Pair, ...], column: dict[str, int]) -> Floats:
    today = np.zeros((len(pairs), len(column)))
    if problem.today is not None:
        for index, (service, origin) in enumerate(pairs):
            for region, share in problem.today.get(service, {}).get(origin, {}).items():
                today[index, column[region]] = share
    # Shares that were written down in few digits are made whole again, or their rest would seem to be unplaced.
    whole = today.sum(axis=1, keepdims=True)
    off = np.abs(whole - 1.0)
    return np.where((off > 1e-12) & (off <= ROUNDING), today / np.where(whole > 0, whole, 1.0), today)


def _bounds(problem: AllocationProblem, pairs: tuple[Pair, ...], column: dict[str, int]) -> tuple[Floats, Floats]:
    lower = np.zeros((len(pairs), len(column)))
    upper = np.zeros((len(pairs), len(column)))
    row = {pair: index for index, pair in enumerate(pairs)}
    for pair, index in row.items():
        upper[index, [column[region] for region in problem.allowed.get(pair, ())]] = 1.0
    for (service, origin, region), most in problem.ceiling.items():
        if (index := row.get((service, origin), -1)) >= 0:
            upper[index, column[region]] = min(upper[index, column[region]], most)
    for (service, origin, region), least in problem.floor.items():
        if (index := row.get((service, origin), -1)) >= 0:
            lower[index, column[region]] = least
            upper[index, column[region]] = max(upper[index, column[region]], least)
    if (excess := lower.sum(axis=1)).max(initial=0.0) > 1.0 + 1e-6:
        raise ValueError(f"the floors of {pairs[int(excess.argmax())]} add up to more than 1")
    return lower, upper


def _latency(problem: AllocationProblem) -> Floats:
    return np.array(
        [[problem.latency.get(o, {}).get(r, UNKNOWN_LATENCY_S) for r in problem.regions] for o in problem.origins],
        dtype=np.float64,
    ).reshape(len(problem.origins), len(problem.regions))


def _flags(spots: frozenset[Spot], row: dict[str, int], column: dict[str, int]) -> Bools:
    flags = np.zeros((len(row), len(column)), dtype=np.bool_)
    for service, region in sorted(spots):
        if service in row:
            flags[row[service], column[region]] = True
    return flags
