"""Aims in their order: each is brought to its best, and held there while the next is sought.

No weights: an aim is a row of the model, and once its best is known the row is bounded by it. Every aim is scaled to
lie between 0 and about 1, so that one tolerance fits all: what is held may give way by ``SLACK`` of its scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from controlplane.decide.allocation.grid import Floats, Grid, Ints
from controlplane.decide.allocation.model import NONE, Cells, Turns
from controlplane.decide.allocation.sheet import PRIMAL, Sheet, solver

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SLACK = 1e-9
"""How much of its scale an aim that is held at its best may give way; ten times that, and again, where rounding leaves
the solver no feasible point."""
REACHED = 1e-8
"""An aim this near its lower bound is at its best without being solved for."""
NOTHING = 1e-10
"""An aim this near to 0 is 0, and its columns are taken out."""
NEAREST_FIRST_S = 1e-7
"""Seconds by which a region counts as farther than the one before it: equal latencies have one answer."""


@dataclass(frozen=True, slots=True)
class Aim:
    """Least ``coefficients · columns``, which never falls below ``bound`` while the aims before it are at theirs."""

    name: str
    row: int
    columns: Ints
    coefficients: Floats
    bound: float = 0.0


@dataclass(frozen=True, slots=True)
class Relaxed:
    """The placement that ignores limits, (P, R) and (P,): every aim's bound is its figure there."""

    shares: Floats
    shed: Floats


def write_aims(sheet: Sheet, grid: Grid, cells: Cells, relaxed: Relaxed) -> list[Aim]:
    """The aims of a placement in their order, without those of the knobs."""
    active = cells.shed != NONE
    weight = np.where(active, grid.weight, 0.0)
    whole = max(float(weight.sum()), 1e-12)
    shedding = np.where(active, weight / whole, 0.0)
    dear = max(float(grid.value.max(initial=0.0)), 1e-12)
    aims = [_aim(sheet, "over", _kept(cells.over), 1.0, 0.0)]
    for name, worth in (("shed", np.ones_like(grid.value)), ("value", grid.value / dear)):
        for tier in range(4):
            of_tier = active & (grid.tier == tier)
            costs = (shedding * worth)[of_tier]
            bound = float(costs @ relaxed.shed[of_tier])
            aims.append(_aim(sheet, f"{name}{tier}", cells.shed[of_tier], costs, bound))
    for name, flags in (("standby", grid.standby), ("degraded", grid.degraded)):
        bound = float((shedding[:, None] * relaxed.shares * flags).sum())
        aims.append(_share_aim(sheet, cells, name, shedding[:, None] * flags, bound))
    leaving = (cells.stay != NONE) & grid.healthy
    stays = np.broadcast_to(shedding[:, None], leaving.shape)[leaving]
    bound = -float(stays @ np.minimum(relaxed.shares, grid.today)[leaving])
    aims.append(_aim(sheet, "moved", cells.stay[leaving], -stays, bound))
    far = grid.latency + NEAREST_FIRST_S * np.arange(grid.latency.shape[1])
    far = shedding[:, None] * far / max(float(far.max(initial=0.0)), 1e-12)
    aims.append(_share_aim(sheet, cells, "latency", far, float((far * relaxed.shares).sum())))
    return [aim for aim in aims if len(aim.columns)]


def total_shed(sheet: Sheet, grid: Grid, cells: Cells, relaxed: Relaxed) -> Aim:
    """All that is shed, in one: where this is at its bound, so is every tier."""
    active = cells.shed != NONE
    costs = grid.weight[active] / max(float(grid.weight[active].sum()), 1e-12)
    return _aim(sheet, "shed", cells.shed[active], costs, float(costs @ relaxed.shed[active]))


def lost_aim(sheet: Sheet, turns: Turns) -> Aim:
    """Least value lost by the knobs."""
    costs = [dial.lost[list(dial.depths)] for dial in turns.dials]
    whole = max(sum(float(cost.max()) for cost in costs), 1e-12)
    return _aim(sheet, "lost", np.concatenate(turns.column), np.concatenate(costs) / whole, 0.0)


def turned_aim(sheet: Sheet, turns: Turns) -> Aim:
    """Depths as near to today's as can be; of two equally near, the lighter. Before latency: a knob that costs nothing
    is still not turned for a few milliseconds."""
    costs = [np.abs(np.array(dial.depths) - dial.today) + 1e-3 * np.array(dial.depths) for dial in turns.dials]
    whole = max(sum(float(cost.max()) for cost in costs), 1e-12)
    return _aim(sheet, "turned", np.concatenate(turns.column), np.concatenate(costs) / whole, 0.0)


def _kept(columns: Ints) -> Ints:
    return np.asarray(columns[columns != NONE])


def _share_aim(sheet: Sheet, cells: Cells, name: str, weights: Floats, bound: float) -> Aim:
    columns, costs = [], []
    for part in (cells.stay, cells.gain):
        present = (part != NONE) & (weights != 0)
        columns.append(part[present])
        costs.append(weights[present])
    return _aim(sheet, name, np.concatenate(columns), np.concatenate(costs), bound)


def _aim(sheet: Sheet, name: str, columns: Ints, costs: Floats | float, bound: float) -> Aim:
    row = int(sheet.add_rows(1, -np.inf, np.inf)[0])
    coefficients = np.array(np.broadcast_to(np.asarray(costs, dtype=np.float64), len(columns)))
    sheet.put(np.array([row]), columns, coefficients)
    return Aim(name, row, columns, coefficients, bound)


class Descent:
    """A model being solved for one aim after another. Raises RuntimeError if HiGHS does not end at an optimum, which
    a model with shedding always has."""

    def __init__(self, sheet: Sheet) -> None:
        self._engine = solver()
        self._engine.setOptionValue("presolve", "on" if sheet.whole_numbers else "off")
        self._engine.passModel(sheet.model())
        self._columns = np.arange(sheet.columns, dtype=np.int32)
        self._slack = SLACK * (100 if sheet.whole_numbers else 1)
        self._held: dict[int, float] = {}
        self._fixed: list[NDArray[np.int32]] = []
        self.bounded = True
        self.solution: Floats = np.zeros(sheet.columns)
        self._solved = False

    def value(self, aim: Aim) -> float:
        """An aim's figure at the solution found last."""
        return float(aim.coefficients @ self.solution[aim.columns]) if self._solved else np.inf

    def seek(self, aim: Aim) -> float:
        """Bring an aim to its best; solved only if the solution at hand is not already there."""
        if not (self.bounded and self.value(aim) <= aim.bound + REACHED):
            costs = np.zeros(len(self._columns))
            costs[aim.columns] = aim.coefficients
            self._engine.changeColsCost(len(costs), self._columns, costs)
            self._run(aim)
        return self.value(aim)

    def _run(self, aim: Aim) -> None:
        status = ""
        for loosening in (1.0, 10.0, 100.0, 1e3, 1e4):
            if loosening > 1.0:
                self._engine.clearSolver()
                for row, best in self._held.items():
                    self._engine.changeRowBounds(row, -np.inf, best + loosening * self._slack)
                for columns in self._fixed:
                    none = np.zeros(len(columns))
                    self._engine.changeColsBounds(len(none), columns, none, none + loosening * self._slack)
            self._engine.run()
            status = self._engine.modelStatusToString(self._engine.getModelStatus())
            if status == "Optimal":
                self._solved = True
                self._engine.setOptionValue("simplex_strategy", PRIMAL)
                self.solution = np.array(self._engine.getSolution().col_value)
                return
        raise RuntimeError(f"no optimum for {aim.name}: {status}")

    def hold(self, aim: Aim, best: float) -> None:
        """From now on the aim is no worse than ``best``."""
        self.bounded = self.bounded and best <= aim.bound + REACHED
        costly = aim.columns[aim.coefficients > 0].astype(np.int32)
        if best <= NOTHING and bool((aim.coefficients >= 0).all()):
            none = np.zeros(len(costly))
            self._engine.changeColsBounds(len(none), costly, none, none)
            self._fixed.append(costly)
        else:
            self._held[aim.row] = best
            self._engine.changeRowBounds(aim.row, -np.inf, best + self._slack)

    def duals(self) -> Floats:
        """What a unit more on each row's right side would change of the aim sought last."""
        return np.array(self._engine.getSolution().row_dual)

    def is_row(self, aim: Aim) -> bool:
        """Whether an aim that is held is a row, not columns taken out."""
        return aim.row in self._held

    def descend(self, aims: Sequence[Aim]) -> None:
        """Seek and hold each aim in turn."""
        for aim in aims:
            self.hold(aim, self.seek(aim))
