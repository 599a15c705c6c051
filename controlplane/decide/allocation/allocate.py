"""The joint solve: shares, shedding and knobs of one problem."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from controlplane.decide.allocation.dials import (
    Dial,
    Setting,
    count_at_value,
    depths_of,
    dials_of,
    factors,
    value_lost,
)
from controlplane.decide.allocation.fill import fill
from controlplane.decide.allocation.grid import Bools, Floats, Grid, grid_of
from controlplane.decide.allocation.lexicographic import (
    Descent,
    Relaxed,
    lost_aim,
    total_shed,
    turned_aim,
    write_aims,
)
from controlplane.decide.allocation.measure import aims_of, loads, moves
from controlplane.decide.allocation.model import (
    NONE,
    Cells,
    Turns,
    write_cells,
    write_limits,
    write_open_limits,
    write_turns,
)
from controlplane.decide.allocation.problem import Allocation, AllocationProblem
from controlplane.decide.allocation.sheet import Sheet

if TYPE_CHECKING:
    from collections.abc import Mapping

KnobFreedom = Literal["free", "as_today"]

SNAP = 1e-7
"""Shares this near to 0, 1 or today's are those."""
FITS = 1e-9
"""Share of its limit by which a region may be above it and still count as within."""


FORCED = ("over", "shed0", "shed1", "shed2", "shed3")
"""The aims that come before the knobs' value: what more savings can only better."""
LAST = "latency"
"""The aim that no knob is turned for."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A placement at a setting. ``short``: more savings might better the aims before the knobs' value. ``settled``:
    no other setting of the same value can better the aims after it."""

    setting: Setting
    shares: Floats
    shed: Floats
    short: bool = False
    settled: bool = True


def allocate(problem: AllocationProblem, *, knobs: KnobFreedom = "free") -> Allocation:
    """The optimum of the aims in their order; see ``problem``. Same problem, same answer, in any process.

    ``knobs``: "as_today" leaves every knob at the depth in force.
    """
    grid = grid_of(problem)
    dials = dials_of(problem, as_today=knobs == "as_today")
    relaxed = Relaxed(*fill(grid))
    cheapest = tuple(dial.cheapest for dial in dials)
    if _fits(grid, factors(dials, cheapest, grid.fixed.shape), relaxed):
        found = _Found(cheapest, relaxed.shares, relaxed.shed)
        return _answer(problem, grid, dials, found, shortcut=True)
    found = _place(grid, dials, cheapest, relaxed)
    if any(dial.free for dial in dials) and (found.short or not _only(dials, found)):
        found = _joint(grid, dials, relaxed)
    return _answer(problem, grid, dials, found, shortcut=False)


def _only(dials: tuple[Dial, ...], found: _Found) -> bool:
    return found.settled or count_at_value(dials, value_lost(dials, found.setting), cap=2) == 1


def _fits(grid: Grid, left: Floats, placed: Relaxed) -> bool:
    if bool((loads(grid, left, placed.shares) > grid.limit + FITS * grid.scale).any()):
        return False
    moved = moves(grid, placed.shares, placed.shed)
    if bool((moved > grid.max_move + FITS).any()):
        return False
    return bool(grid.units @ moved <= grid.max_leave + FITS * max(float(grid.units.sum()), 1.0))


def _active(grid: Grid) -> Bools:
    """Pairs that the solver places; the others load nothing and take what is best for them alone."""
    return grid.usable & ((grid.units > 0) | np.isfinite(grid.max_move))


def _start(grid: Grid, dials: tuple[Dial, ...]) -> tuple[Sheet, Cells]:
    """A sheet with the cells; a region may be over its limit only if what is fixed there is, at the least saving."""
    sheet = Sheet()
    lightest = [dial.saves[list(dial.depths)].min(axis=0) for dial in dials]
    left = np.ones(grid.fixed.shape)
    for dial, saves in zip(dials, lightest, strict=True):
        at = slice(None) if dial.column is None else [dial.column]
        left[:, at] -= saves[:, None]
    pinned = loads(grid, np.clip(left, 0.0, None), grid.lower)
    return sheet, write_cells(sheet, grid, _active(grid), np.asarray(pinned > grid.limit))


def _place(grid: Grid, dials: tuple[Dial, ...], setting: Setting, relaxed: Relaxed) -> _Found:
    """The best placement with the knobs at a setting."""
    sheet, cells = _start(grid, dials)
    write_limits(sheet, grid, cells, factors(dials, setting, grid.fixed.shape))
    aims = write_aims(sheet, grid, cells, relaxed)
    total = total_shed(sheet, grid, cells, relaxed)
    descent = Descent(sheet)
    forced = [aim for aim in aims if aim.name in FORCED]
    descent.seek(total)
    descent.descend(forced)
    short = not descent.bounded
    descent.descend([aim for aim in aims if aim.name not in (*FORCED, LAST)])
    settled = descent.bounded
    descent.descend([aim for aim in aims if aim.name == LAST])
    shares, shed = _read(grid, cells, descent, relaxed)
    return _Found(setting, shares, shed, short, settled)


def _joint(grid: Grid, dials: tuple[Dial, ...], relaxed: Relaxed) -> _Found:
    """Knobs and placement together: what must be shed at the deepest setting, then the least value lost that sheds no
    more, then, if several settings lose that little, the best of them."""
    sheet, cells = _start(grid, dials)
    turns = write_turns(sheet, dials)
    write_open_limits(sheet, grid, cells, turns)
    aims = write_aims(sheet, grid, cells, relaxed)
    lost, turned = lost_aim(sheet, turns), turned_aim(sheet, turns)
    descent = Descent(sheet)
    forced = [aim for aim in aims if aim.name in FORCED]
    least = _at_deepest(grid, dials, relaxed)
    for aim in forced:
        descent.hold(aim, least[aim.name] if least is not None else descent.seek(aim))
    best = descent.seek(lost)
    setting = _setting(descent, turns)
    if count_at_value(dials, value_lost(dials, setting), cap=2) > 1:
        descent.hold(replace(lost, bound=best), best)
        last = [aim for aim in aims if aim.name == LAST]
        descent.descend([*(aim for aim in aims if aim.name not in (*FORCED, LAST)), turned, *last])
        setting = _setting(descent, turns)
    return _place(grid, dials, setting, relaxed)


def _at_deepest(grid: Grid, dials: tuple[Dial, ...], relaxed: Relaxed) -> Mapping[str, float] | None:
    """The forced aims at their best; None if no one setting saves most on everything."""
    deepest = [dial.deepest for dial in dials]
    setting = tuple(depth for depth in deepest if depth is not None)
    if len(setting) < len(deepest):
        return None
    sheet, cells = _start(grid, dials)
    write_limits(sheet, grid, cells, factors(dials, setting, grid.fixed.shape))
    aims = write_aims(sheet, grid, cells, relaxed)
    total = total_shed(sheet, grid, cells, relaxed)
    descent = Descent(sheet)
    descent.seek(total)
    least = {}
    for aim in aims:
        if aim.name in FORCED:
            least[aim.name] = descent.seek(aim)
            descent.hold(aim, least[aim.name])
    return least


def _setting(descent: Descent, turns: Turns) -> Setting:
    return tuple(
        dial.depths[int(descent.solution[column].argmax())]
        for dial, column in zip(turns.dials, turns.column, strict=True)
    )


def _read(grid: Grid, cells: Cells, descent: Descent, relaxed: Relaxed) -> tuple[Floats, Floats]:
    """Shares and shedding as numbers that add up: cells outside the model are as in the relaxed placement."""
    active = cells.shed != NONE
    shares = np.where(active[:, None], 0.0, relaxed.shares)
    for part in (cells.stay, cells.gain):
        shares[part != NONE] += descent.solution[part[part != NONE]]
    solved = np.clip(shares, grid.lower, grid.upper)
    shares = np.round(solved, 8)
    for anchor in (grid.lower, grid.upper, grid.stay_upper):
        shares = np.where(np.abs(solved - anchor) <= SNAP, anchor, shares)
    rest = 1.0 - shares.sum(axis=1)
    whole = active & (rest <= SNAP)
    repaired = np.nonzero(whole & (np.abs(rest) > 1e-12))[0]
    shares[repaired, shares.argmax(axis=1)[repaired]] += rest[repaired]
    shed = np.where(whole, 0.0, np.round(rest, 12))
    return shares, np.where(active, shed, relaxed.shed)


def _answer(
    problem: AllocationProblem, grid: Grid, dials: tuple[Dial, ...], found: _Found, *, shortcut: bool
) -> Allocation:
    left = factors(dials, found.setting, grid.fixed.shape)
    load = loads(grid, left, found.shares)
    shed = np.where(_refused(problem, grid), 0.0, found.shed)
    lost = value_lost(dials, found.setting)
    shares: dict[str, dict[str, dict[str, float]]] = {}
    for (service, origin), row in zip(grid.pairs, found.shares.tolist(), strict=True):
        placed = {region: share for region, share in zip(problem.regions, row, strict=True) if share > 0}
        shares.setdefault(service, {})[origin] = placed
    beyond = np.where(load > grid.limit + SNAP * grid.scale, load - grid.limit, 0.0)
    return Allocation(
        shares=shares,
        shed=_by_pair(grid, shed),
        refused=_by_pair(grid, found.shed - shed),
        depths=depths_of(dials, found.setting),
        load=dict(zip(problem.regions, load.tolist(), strict=True)),
        over={region: units for region, units in zip(problem.regions, beyond.tolist(), strict=True) if units > 0},
        left=float(grid.units @ moves(grid, found.shares, found.shed)),
        aims=aims_of(grid, found.shares, shed, lost),
        shortcut=shortcut,
    )


def _refused(problem: AllocationProblem, grid: Grid) -> Bools:
    return np.array([pair not in problem.legal for pair in grid.pairs], dtype=np.bool_) & ~grid.usable


def _by_pair(grid: Grid, amounts: Floats) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for (service, origin), amount in zip(grid.pairs, amounts.tolist(), strict=True):
        if amount > 0:
            found.setdefault(service, {})[origin] = amount
    return found
