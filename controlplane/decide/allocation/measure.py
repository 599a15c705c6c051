"""What a placement amounts to, computed from its shares alone: loads, movement, aims. The solver's own figures are
never reported."""

import math

import numpy as np

from controlplane.decide.allocation.grid import Floats, Grid
from controlplane.decide.allocation.problem import Aims

Tiers = tuple[float, float, float, float]


def loads(grid: Grid, left: Floats, shares: Floats) -> Floats:
    """Units a second by region (R,); ``left`` (S, R) is what the knobs leave of each cost."""
    stay = np.minimum(shares, grid.today)
    weighed = stay + (shares - stay) * grid.surcharge
    return np.asarray(
        (grid.units[:, None] * left[grid.service] * weighed).sum(axis=0) + (left * grid.fixed).sum(axis=0)
    )


def moves(grid: Grid, shares: Floats, shed: Floats) -> Floats:
    """Share of each pair that leaves live places for others (P,); what is newly shed did not move."""
    gone = (np.clip(grid.today - shares, 0.0, None) * grid.live).sum(axis=1)
    return np.asarray(np.clip(gone - np.clip(shed - grid.unplaced, 0.0, None), 0.0, None))


def gains(grid: Grid, shares: Floats) -> Floats:
    """Units a second, before the knobs, that each region gains over today (R,)."""
    more = np.clip(shares - grid.today, 0.0, None) * grid.surcharge
    return np.asarray((grid.units[:, None] * more).sum(axis=0))


def aims_of(grid: Grid, shares: Floats, shed: Floats, value_lost: float) -> Aims:
    """The figures of all aims but the nearness of knobs. ``shed`` holds what is shed, not what is refused."""
    demand = grid.demand[:, None]
    gone = np.clip(grid.today - shares, 0.0, None) * grid.healthy
    served = math.fsum((demand * shares).ravel())
    waited = math.fsum((demand * shares * grid.latency).ravel())
    return Aims(
        shed=_by_tier(grid, grid.demand * shed),
        value_lost=value_lost,
        value_shed=_by_tier(grid, grid.demand * grid.value * shed),
        standby=math.fsum((demand * shares * grid.standby).ravel()),
        degraded=math.fsum((demand * shares * grid.degraded).ravel()),
        moved=math.fsum((demand * gone).ravel()),
        latency_s=waited / served if served > 0 else 0.0,
    )


def _by_tier(grid: Grid, amounts: Floats) -> Tiers:
    zero, one, two, three = (math.fsum(amounts[grid.tier == tier]) for tier in range(4))
    return zero, one, two, three
