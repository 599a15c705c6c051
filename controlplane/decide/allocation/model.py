"""The placement as a linear model, with the knobs at a given setting or open.

A cell (pair, region) has two columns where it matters: load that stays there and load that is gained. Leaving is then
linear (what does not stay), and so is a surcharge on what is gained. Open knobs make load times saving bilinear; since
a saving is one of a few levels, the product is written out level by level (the convex hull of each choice), exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from controlplane.decide.allocation.dials import Dial
from controlplane.decide.allocation.grid import Bools, Floats, Grid, Ints
from controlplane.decide.allocation.sheet import Sheet

if TYPE_CHECKING:
    from collections.abc import Sequence

NONE = -1


@dataclass(frozen=True, slots=True)
class Cells:
    """Columns of the placement: ``stay`` and ``gain`` (P, R), ``shed`` (P,), ``over`` (R,); ``NONE`` where there is no
    column."""

    stay: Ints
    gain: Ints
    shed: Ints
    over: Ints


@dataclass(frozen=True, slots=True)
class Load:
    """The weighed load of cells as entries: ``pair``, ``region``, ``column``, ``units`` (before the knobs)."""

    pair: Ints
    region: Ints
    column: Ints
    units: Floats


def write_cells(sheet: Sheet, grid: Grid, active: Bools, over: Bools) -> Cells:
    """Columns and the rows that make each active pair's parts add up to 1."""
    stay_upper = grid.stay_upper
    open_cell = active[:, None] & (grid.upper > 0)
    bounded = grid.live & (np.isfinite(grid.max_move)[:, None] | np.isfinite(grid.max_leave))
    counted = grid.healthy | bounded | (grid.surcharge > 1.0) | np.isfinite(grid.max_gain)
    split = open_cell & (stay_upper > 0) & counted
    base = np.where(split, stay_upper, 0.0)
    stay = np.full(split.shape, NONE)
    stay[split] = sheet.add_columns(int(split.sum()), np.minimum(grid.lower, stay_upper)[split], stay_upper[split])
    gained = open_cell & (grid.upper - base > 0)
    gain = np.full(split.shape, NONE)
    gain[gained] = sheet.add_columns(
        int(gained.sum()), np.clip(grid.lower - base, 0.0, None)[gained], (grid.upper - base)[gained]
    )
    shed = np.full(len(active), NONE)
    shed[active] = sheet.add_columns(int(active.sum()), 0.0, 1.0)
    whole = np.full(len(active), NONE)
    whole[active] = sheet.add_rows(int(active.sum()), 1.0, 1.0)
    for columns, present in ((stay, split), (gain, gained)):
        sheet.put(whole[np.nonzero(present)[0]], columns[present], 1.0)
    sheet.put(whole[active], shed[active], 1.0)
    beyond = np.full(len(over), NONE)
    beyond[over] = sheet.add_columns(int(over.sum()), 0.0, np.inf)
    _write_moves(sheet, grid, stay, shed)
    _write_gains(sheet, grid, gain)
    return Cells(stay, gain, shed, beyond)


def _write_gains(sheet: Sheet, grid: Grid, gain: Ints) -> None:
    """Rows for ``max_gain``. What is pinned there beyond today wins over it."""
    bounded = np.isfinite(grid.max_gain)
    pinned = (grid.units[:, None] * np.clip(grid.lower - grid.today, 0.0, None) * grid.surcharge).sum(axis=0)
    row = np.full(len(bounded), NONE)
    most = np.maximum(grid.max_gain, pinned) / grid.scale
    row[bounded] = sheet.add_rows(int(bounded.sum()), -np.inf, most[bounded])
    pair, region = np.nonzero((gain != NONE) & bounded)
    units = grid.units[pair] * grid.surcharge[region] / grid.scale[region]
    sheet.put(row[region], gain[pair, region], units)


def _write_moves(sheet: Sheet, grid: Grid, stay: Ints, shed: Ints) -> None:
    """Rows for ``max_move`` and ``max_leave``: what leaves live places, less what is shed beyond today."""
    live = (stay != NONE) & grid.live
    leaving = live.any(axis=1) & (np.isfinite(grid.max_move) | np.isfinite(grid.max_leave))
    pairs = np.nonzero(leaving)[0]
    if not len(pairs):
        return
    move = sheet.add_columns(len(pairs), 0.0, grid.max_move[pairs])
    rows = sheet.add_rows(len(pairs), np.where(live, grid.today, 0.0)[pairs].sum(axis=1), np.inf)
    row_of = np.full(len(grid.pairs), NONE)
    row_of[pairs] = rows
    cells = live & leaving[:, None]
    sheet.put(row_of[np.nonzero(cells)[0]], stay[cells], 1.0)
    sheet.put(rows, move, 1.0)
    partly = grid.unplaced[pairs] > 1e-9
    sheet.put(rows[~partly], shed[pairs][~partly], 1.0)
    sheet.put(rows[partly], _newly_shed(sheet, grid.unplaced[pairs][partly], shed[pairs][partly]), 1.0)
    if np.isfinite(grid.max_leave):
        scale = max(float(grid.units.sum()), 1e-9)
        sheet.put(sheet.add_rows(1, -np.inf, grid.max_leave / scale), move, grid.units[pairs] / scale)


def _newly_shed(sheet: Sheet, unplaced: Floats, shed: Ints) -> Ints:
    """Columns for what a pair sheds beyond ``unplaced``, at most. Not linear, since a pair may shed more than today or
    less: a column of 0 or 1 says which."""
    count = len(shed)
    newly = sheet.add_columns(count, 0.0, 1.0)
    more = sheet.add_columns(count, 0.0, 1.0, integer=True)
    only_if = sheet.add_rows(count, -np.inf, 0.0)
    sheet.put(only_if, newly, 1.0)
    sheet.put(only_if, more, -1.0)
    beyond = sheet.add_rows(count, -np.inf, 0.0)
    sheet.put(beyond, newly, 1.0)
    sheet.put(beyond, shed, -1.0)
    sheet.put(beyond, more, unplaced)
    return newly


def load_of(grid: Grid, cells: Cells) -> Load:
    """Every column that loads a region, with the units a second that a share of 1 brings."""
    parts = []
    for columns, factor in ((cells.stay, np.ones_like(grid.surcharge)), (cells.gain, grid.surcharge)):
        pair, region = np.nonzero(columns != NONE)
        parts.append((pair, region, columns[pair, region], grid.units[pair] * factor[region]))
    pair, region, column, units = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Load(pair, region, column, units)


def write_limits(sheet: Sheet, grid: Grid, cells: Cells, left: Floats) -> Ints:
    """One row a region: its load with the knobs at a given setting (``left``, (S, R)) within its limit."""
    load, scale = load_of(grid, cells), grid.scale
    room = (grid.limit - (left * grid.fixed).sum(axis=0)) / scale
    rows = sheet.add_rows(len(grid.limit), -np.inf, room)
    weighed = load.units * left[grid.service[load.pair], load.region] / scale[load.region]
    sheet.put(rows[load.region], load.column, weighed)
    _write_over(sheet, rows, cells)
    return rows


def _write_over(sheet: Sheet, rows: Ints, cells: Cells) -> None:
    over = cells.over != NONE
    sheet.put(rows[over], cells.over[over], -1.0)


@dataclass(frozen=True, slots=True)
class Turns:
    """Columns of the open dials: ``column[i][j]`` is 1 if ``dials[i]`` takes its j-th permitted depth."""

    dials: tuple[Dial, ...]
    column: tuple[Ints, ...]


def write_turns(sheet: Sheet, dials: Sequence[Dial]) -> Turns:
    """A column for each permitted depth of each dial, and the row by which exactly one is taken."""
    columns = []
    for dial in dials:
        column = sheet.add_columns(len(dial.depths), 0.0, 1.0, integer=True)
        sheet.put(sheet.add_rows(1, 1.0, 1.0), column, 1.0)
        columns.append(column)
    return Turns(tuple(dials), tuple(columns))


def write_open_limits(sheet: Sheet, grid: Grid, cells: Cells, turns: Turns) -> None:
    """The regions' limits with the knobs open.

    For each (service, region) that an open dial touches: a column for the load that remains, and for each dial and
    depth a column for the part of the load that stands at that depth (all of it or none, by the dial's column). Loads
    are in shares of the service's whole, so that every column lies between 0 and about 1.
    """
    services, regions = grid.fixed.shape
    load, scale = load_of(grid, cells), grid.scale
    whole = np.bincount(grid.service, grid.units, minlength=services) * grid.surcharge.max() + grid.fixed.sum(axis=1)
    touched = np.zeros((services, regions), dtype=np.bool_)
    for dial in turns.dials:
        at = slice(None) if dial.column is None else [dial.column]
        touched[:, at] |= (dial.saves[list(dial.depths)].max(axis=0) > 0)[:, None]
    touched &= (whole > 0)[:, None]
    limit = sheet.add_rows(regions, -np.inf, (grid.limit - (grid.fixed * ~touched).sum(axis=0)) / scale)
    free = ~touched[grid.service[load.pair], load.region]
    sheet.put(limit[load.region[free]], load.column[free], load.units[free] / scale[load.region[free]])
    _write_over(sheet, limit, cells)

    at_service, at_region = np.nonzero(touched)
    count = len(at_service)
    remains = sheet.add_columns(count, 0.0, np.inf)
    sheet.put(limit[at_region], remains, whole[at_service] / scale[at_region])
    fixed = grid.fixed[at_service, at_region] / whole[at_service]
    left = sheet.add_rows(count, fixed, np.inf)
    sheet.put(left, remains, 1.0)
    index = np.full(touched.shape, NONE)
    index[touched] = np.arange(count)
    inside = ~free
    spot = index[grid.service[load.pair[inside]], load.region[inside]]
    share = load.units[inside] / whole[grid.service[load.pair[inside]]]
    sheet.put(left[spot], load.column[inside], -share)
    most = np.bincount(spot, share * _upper(grid, load)[inside], minlength=count) + fixed
    for dial, column in zip(turns.dials, turns.column, strict=True):
        here = np.ones(count, dtype=np.bool_) if dial.column is None else at_region == dial.column
        here &= dial.saves[list(dial.depths)].max(axis=0)[at_service] > 0
        spots = np.nonzero(here)[0]
        parted = sheet.add_rows(len(spots), -np.inf, fixed[spots])
        row_of = np.full(count, NONE)
        row_of[spots] = parted
        ours = here[spot]
        sheet.put(row_of[spot[ours]], load.column[inside][ours], -share[ours])
        for turn, depth in zip(column, dial.depths, strict=True):
            saves = dial.saves[depth][at_service[spots]]
            gives = spots[saves > 0]
            if not len(gives):
                continue
            part = sheet.add_columns(len(gives), 0.0, np.inf)
            sheet.put(row_of[gives], part, 1.0)
            sheet.put(left[gives], part, saves[saves > 0])
            capped = sheet.add_rows(len(gives), -np.inf, 0.0)
            sheet.put(capped, part, 1.0)
            sheet.put(capped, np.full(len(gives), turn), -most[gives])
            if dial.column is None:
                _write_whole(sheet, part, at_service[gives], int(turn))


def _write_whole(sheet: Sheet, part: Ints, service: Ints, turn: int) -> None:
    """All regions together hold no more than the whole of a service: it makes the relaxation tight."""
    names, row = np.unique(service, return_inverse=True)
    rows = sheet.add_rows(len(names), -np.inf, 0.0)
    sheet.put(rows[row], part, 1.0)
    sheet.put(rows, np.full(len(names), turn), -1.0)


def _upper(grid: Grid, load: Load) -> Floats:
    return np.asarray(grid.upper[load.pair, load.region])
