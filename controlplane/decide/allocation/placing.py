"""The placement with the knobs at one setting: a chain of LPs, one aim after another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from controlplane.decide.allocation.dials import Dial, Setting, factors, nearness
from controlplane.decide.allocation.grid import Bools, Floats, Grid
from controlplane.decide.allocation.lexicographic import REACHED, Descent, Relaxed, total_shed, write_aims
from controlplane.decide.allocation.measure import loads
from controlplane.decide.allocation.model import NONE, Cells, write_cells, write_limits
from controlplane.decide.allocation.sheet import Sheet

SNAP = 1e-7
"""Shares this near to a bound or to today's are those."""
FORCED = ("over", "shed0", "shed1", "shed2", "shed3")
"""The aims that come before the knobs' value: what more savings can only better."""
LAST = "latency"
"""The aim that no knob is turned for."""

Least = dict[str, float]
"""Forced aims at their best, by name."""


@dataclass(frozen=True, slots=True)
class Question:
    """A problem as arrays: what all solves of one allocation share. ``dials`` bring the knobs' freedom."""

    grid: Grid
    dials: tuple[Dial, ...]
    relaxed: Relaxed

    def left(self, setting: Setting) -> Floats:
        """What a setting leaves of each service's cost in each region, (S, R)."""
        return factors(self.dials, setting, self.grid.fixed.shape)

    @property
    def active(self) -> Bools:
        """Pairs that the solver places; the others load nothing and take what is best for them alone."""
        return self.grid.usable & ((self.grid.units > 0) | np.isfinite(self.grid.max_move))


@dataclass(frozen=True, slots=True)
class Placed:
    """A placement at a setting. ``rank``: its aims after the knobs' value, in their order, scaled. ``settled``: no
    other setting of the same value can better those before the nearness of knobs."""

    setting: Setting
    shares: Floats
    shed: Floats
    rank: tuple[float, ...] = ()
    settled: bool = True


def start(question: Question, *, over: bool = False) -> tuple[Sheet, Cells]:
    """A sheet with the cells. With ``over`` every region may be above its limit; else only one where what is pinned is,
    at the least saving."""
    grid = question.grid
    if over:
        beyond = np.ones(len(grid.limit), dtype=np.bool_)
    else:
        left = np.ones(grid.fixed.shape)
        for dial in question.dials:
            at = slice(None) if dial.column is None else [dial.column]
            left[:, at] -= dial.saves[list(dial.depths)].min(axis=0)[:, None]
        beyond = np.asarray(loads(grid, np.clip(left, 0.0, None), grid.lower) > grid.limit)
    sheet = Sheet()
    return sheet, write_cells(sheet, grid, question.active, beyond)


class Placing:
    """One setting being solved: first the forced aims, then the rest, if it is worth it.

    ``glance``: if the setting is short, that is all there is to know of it.
    """

    def __init__(self, question: Question, setting: Setting, *, glance: bool = False) -> None:
        self._question = question
        self.setting = setting
        sheet, self._cells = start(question)
        write_limits(sheet, question.grid, self._cells, question.left(setting))
        self._aims = write_aims(sheet, question.grid, self._cells, question.relaxed)
        everything = total_shed(sheet, question.grid, self._cells, question.relaxed)
        self._descent = Descent(sheet)
        self.least: Least = {}
        self.short = self._descent.seek(everything) > everything.bound + REACHED
        """Whether more savings might better a forced aim."""
        if self.short and glance:
            return
        for aim in self._aims:
            if aim.name in FORCED:
                self.least[aim.name] = self._descent.seek(aim)
                self._descent.hold(aim, self.least[aim.name])
        self.short = not self._descent.bounded

    def finish(self) -> Placed:
        """The rest of the aims, and the placement."""
        self._descent.descend([aim for aim in self._aims if aim.name not in (*FORCED, LAST)])
        settled = self._descent.bounded
        self._descent.descend([aim for aim in self._aims if aim.name == LAST])
        shares, shed = self._read()
        return Placed(self.setting, shares, shed, self._rank(), settled)

    def _rank(self) -> tuple[float, ...]:
        figures = {aim.name: self._descent.value(aim) for aim in self._aims if aim.name not in FORCED}
        last = figures.pop(LAST, 0.0)
        return (*figures.values(), nearness(self._question.dials, self.setting), last)

    def _read(self) -> tuple[Floats, Floats]:
        """Shares and shedding that add up; cells outside the model are as in the relaxed placement."""
        grid, relaxed, solution = self._question.grid, self._question.relaxed, self._descent.solution
        active = self._cells.shed != NONE
        shares = np.where(active[:, None], 0.0, relaxed.shares)
        for part in (self._cells.stay, self._cells.gain):
            shares[part != NONE] += solution[part[part != NONE]]
        solved = np.clip(shares, grid.lower, grid.upper)
        shares = np.round(solved, 8)
        for anchor in (grid.lower, grid.upper, grid.stay_upper):
            shares = np.where(np.abs(solved - anchor) <= SNAP, anchor, shares)
        rest = 1.0 - shares.sum(axis=1)
        whole = active & ((rest <= SNAP) | ((solution[self._cells.shed] <= SNAP) & (shares.max(axis=1) > 0)))
        repaired = np.nonzero(whole & (np.abs(rest) > 1e-12))[0]
        loose = np.where(grid.upper - grid.lower > 1e-6, shares, -1.0 + shares)
        shares[repaired, loose.argmax(axis=1)[repaired]] += rest[repaired]
        shed = np.where(whole, 0.0, np.round(rest, 12))
        return shares, np.where(active, shed, relaxed.shed)


@dataclass(frozen=True, slots=True)
class Prices:
    """What a scaled unit of a region's room, (R,), and a scaled request shed, by tier, are worth where room is short.
    Infinite where nothing of a tier may be shed."""

    room: Floats
    shed: Floats


def prices_if_short(question: Question, setting: Setting, least: Least, *, tolerance: float) -> Prices | None:
    """None if a setting reaches the forced aims at ``least``; else the prices that prove that it does not."""
    sheet, cells = start(question, over=True)
    rows = write_limits(sheet, question.grid, cells, question.left(setting))
    aims = {aim.name: aim for aim in write_aims(sheet, question.grid, cells, question.relaxed)}
    descent = Descent(sheet)
    held = [(tier, aims[f"shed{tier}"]) for tier in range(4) if f"shed{tier}" in aims]
    for _, aim in held:
        descent.hold(aim, least[aim.name])
    if descent.seek(aims["over"]) <= least.get("over", 0.0) + tolerance:
        return None
    duals = descent.duals()
    shed = np.full(4, np.inf)
    for tier, aim in held:
        if descent.is_row(aim):
            shed[tier] = max(0.0, -float(duals[aim.row]))
    return Prices(np.clip(-duals[rows], 0.0, None), shed)


def shed_weights(question: Question) -> Floats:
    """What a whole pair shed counts in its tier's aim, (P,)."""
    weight = np.where(question.active, question.grid.weight, 0.0)
    return np.asarray(weight / max(float(weight.sum()), 1e-12))
