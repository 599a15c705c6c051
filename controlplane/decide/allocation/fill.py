"""The best placement if regions had no limits: found pair by pair, without a solver.

Pairs meet only in the limits (and in ``max_leave``), so where this fill breaks none of them it is the optimum of the
whole problem. It is the answer on every quiet day, and a bound on the worse ones.
"""

import numpy as np

from controlplane.decide.allocation.grid import Floats, Grid


def fill(grid: Grid) -> tuple[Floats, Floats]:
    """Shares (P, R) and what could not be placed (P,), each pair at its own best in the order of the aims.

    A cell has two parts, load that stays and load that is gained. Each part has its place in the order of the aims
    (standby, degraded, leaving a healthy place, latency), and a pair takes its parts in that order.
    """
    pairs, regions = grid.today.shape
    stay = np.maximum(grid.stay_upper - grid.lower, 0.0)
    gain = np.maximum(grid.upper - np.maximum(grid.stay_upper, grid.lower), 0.0)
    room = np.concatenate([stay, gain], axis=1)
    leaving = np.concatenate([~(grid.healthy & (stay > 0)), np.ones_like(grid.healthy)], axis=1)
    both = [np.tile(part, (1, 2)) for part in (grid.standby, grid.degraded, grid.latency)]
    column = np.tile(np.arange(2 * regions), (pairs, 1))
    row = np.repeat(np.arange(pairs), 2 * regions)
    keys = (column, both[2], leaving, both[1], both[0])
    order = np.lexsort((*(key.ravel() for key in keys), row)).reshape(pairs, 2 * regions) % max(2 * regions, 1)
    room_in_order = np.take_along_axis(room, order, axis=1)
    before = np.cumsum(room_in_order, axis=1) - room_in_order
    wanted = np.maximum(1.0 - grid.lower.sum(axis=1), 0.0)
    taken = np.zeros_like(room)
    np.put_along_axis(taken, order, np.clip(wanted[:, None] - before, 0.0, room_in_order), axis=1)
    shares = grid.lower + taken[:, :regions] + taken[:, regions:]
    return shares, np.clip(1.0 - shares.sum(axis=1), 0.0, 1.0)
