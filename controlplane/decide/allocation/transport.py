"""Moving parts of a placement off full regions at least cost, with only the columns that can matter.

A part is some of a pair's load at one region (or at none: it was displaced). Nearly all parts of a big fleet stay where
they are, so the model starts with the displaced ones and takes in others when the prices of the regions say that
moving them pays. When no part is left that would pay, the small model's optimum is that of the whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from controlplane.decide.allocation.grid import Bools, Floats, Ints
from controlplane.decide.allocation.sheet import PRIMAL, solver

if TYPE_CHECKING:
    from highspy._core import HighsBasis
    from highspy._core import _Highs as Engine

NOWHERE = -1
NEAREST = 6
"""How many targets a part starts with; more are taken in when they pay."""
PAYS = 1e-8
"""How much a column must better the objective, a scaled unit, to be taken in."""
NOTHING = 1e-9
"""Scaled units that count as none."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What one request costs: shed (by tier), moved, per unit of the latency given; ``over`` a unit above a limit."""

    shed: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    moved: float = 0.0
    latency: float = 0.0
    over: float = 0.0

    def less(self, other: Weights, times: float) -> Weights:
        """These weights less some of others."""
        zero, one, two, three = (a - times * b for a, b in zip(self.shed, other.shed, strict=True))
        return Weights(
            (zero, one, two, three),
            self.moved - times * other.moved,
            self.latency - times * other.latency,
            self.over - times * other.over,
        )


@dataclass(frozen=True, slots=True)
class Net:
    """Pairs (P) by regions (R), and the parts (N) that the placement starts with.

    ``legal`` and ``latency`` are (P, R); ``ratio`` (P,) is requests a unit of load, 1 on average; ``tier`` (P,),
    ``room`` (R,) in scaled units. Parts: ``pair``, ``at`` (a region or ``NOWHERE``), ``amount`` in scaled units,
    ``settled``: leaving counts as movement.
    """

    legal: Bools
    latency: Floats
    ratio: Floats
    tier: Ints
    room: Floats
    pair: Ints
    at: Ints
    amount: Floats
    settled: Bools

    @property
    def regions(self) -> int:
        """How many regions; as a target, this number means shed."""
        return len(self.room)

    def costs(self, weights: Weights, part: Ints, target: Ints) -> Floats:
        """What a scaled unit of each part costs at each target."""
        pair = self.pair[part]
        served = target < self.regions
        shed = np.array(weights.shed)[self.tier[pair]]
        near = self.latency[pair, np.where(served, target, 0)]
        left = self.settled[part] & (target != self.at[part])
        return np.asarray(
            self.ratio[pair] * (np.where(served, weights.latency * near, shed) + np.where(left, weights.moved, 0.0))
        )


@dataclass(frozen=True, slots=True)
class Start:
    """A model's parts, columns and basis as they ended, for the next solve of the same parts to begin with."""

    parts: Ints
    part: Ints
    target: Ints
    basis: HighsBasis


class Transport:
    """The restricted model: rows are regions, then parts, then aims that are held; columns are (part, target)."""

    def __init__(self, net: Net) -> None:
        self._net = net
        self._engine: Engine = solver()
        for option, value in (("presolve", "off"), ("primal_feasibility_tolerance", 1e-9)):
            self._engine.setOptionValue(option, value)
        self._row = np.full(len(net.pair), NOWHERE)
        self._part = np.zeros(0, dtype=np.int64)
        self._target = np.zeros(0, dtype=np.int64)
        self._known: set[int] = set()
        self._unshed = np.zeros(len(net.tier), dtype=np.bool_)
        self._held: list[tuple[int, Weights, float]] = []
        outside = _summed(net.at[net.at >= 0], net.amount[net.at >= 0], net.regions)
        _add_rows(self._engine, np.full(net.regions, -np.inf), net.room - outside)
        self._free = net.room - outside
        self._engine.addCols(
            net.regions,
            np.zeros(net.regions),
            np.zeros(net.regions),
            np.full(net.regions, np.inf),
            net.regions,
            np.arange(net.regions, dtype=np.int32),
            np.arange(net.regions, dtype=np.int32),
            np.full(net.regions, -1.0),
        )
        self.values: Floats = np.zeros(0)

    def take_in(self, parts: Ints) -> Ints:
        """Give parts a row each; returns those of them that can stay where they are."""
        parts = parts[self._row[parts] == NOWHERE]
        net = self._net
        self._row[parts] = _add_rows(self._engine, net.amount[parts], net.amount[parts])
        there = parts[net.at[parts] >= 0]
        if len(there):
            self._free = self._free + _summed(net.at[there], net.amount[there], net.regions)
            for region, free in enumerate(self._free.tolist()):
                self._engine.changeRowBounds(region, -np.inf, free)
        return there

    def add(self, part: Ints, target: Ints) -> int:
        """Columns for parts that have a row; those that exist already are left out."""
        width = self._net.regions + 1
        keys = (part * width + target).tolist()
        fresh = np.array([key not in self._known for key in keys], dtype=np.bool_)
        self._known.update(keys)
        part, target = part[fresh], target[fresh]
        count = len(part)
        if not count:
            return 0
        served = target < self._net.regions
        rows = [self._row[part]]
        values = [np.ones(count)]
        keep = [np.ones(count, dtype=np.bool_)]
        rows.append(target)
        values.append(np.ones(count))
        keep.append(served)
        for row, weights, _ in self._held:
            rows.append(np.full(count, row))
            values.append(self._net.costs(weights, part, target))
            keep.append(values[-1] != 0)
        kept = np.stack(keep, axis=1)
        starts = np.concatenate([[0], np.cumsum(kept.sum(axis=1))[:-1]])
        index = np.stack(rows, axis=1)[kept].astype(np.int32)
        self._engine.addCols(
            count,
            np.zeros(count),
            np.zeros(count),
            np.full(count, np.inf),
            len(index),
            starts.astype(np.int32),
            index,
            np.stack(values, axis=1)[kept],
        )
        self._part = np.concatenate([self._part, part])
        self._target = np.concatenate([self._target, target])
        return count

    def seek(self, weights: Weights) -> float:
        """Least total cost."""
        while True:
            costs = np.concatenate(
                [np.full(self._net.regions, weights.over), self._net.costs(weights, self._part, self._target)]
            )
            self._engine.changeColsCost(len(costs), np.arange(len(costs), dtype=np.int32), costs)
            self._run()
            # From here on columns are added and costs change: the basis stays primal feasible.
            self._engine.setOptionValue("simplex_strategy", PRIMAL)
            solution = self._engine.getSolution()
            if not self._price(weights, np.array(solution.row_dual)):
                self.values = np.array(solution.col_value)
                return float(costs @ self.values)

    def _run(self) -> None:
        """Solve; where rounding leaves no feasible point, with what is held a little looser."""
        for loosening in (1.0, 10.0, 100.0, 1000.0):
            if loosening > 1.0:
                self._engine.clearSolver()
                for row, _, best in self._held:
                    self._engine.changeRowBounds(row, -np.inf, best + loosening * _slack(best))
            self._engine.run()
            if self._engine.modelStatusToString(self._engine.getModelStatus()) == "Optimal":
                return
        raise RuntimeError("no optimum for a fleet, which may always shed")

    def _price(self, weights: Weights, duals: Floats) -> int:
        """Take in what would pay at these prices; returns how many columns that were."""
        net = self._net
        for row, held, _ in self._held:
            weights = weights.less(held, float(duals[row]))
        value = np.where(net.legal, weights.latency * net.ratio[:, None] * net.latency - duals[: net.regions], np.inf)
        shed = np.where(self._unshed, np.inf, net.ratio * np.array(weights.shed)[net.tier])
        best = value.argmin(axis=1)
        least = value[np.arange(len(best)), best]
        target = np.where(shed < least, net.regions, best)
        least = np.minimum(shed, least)
        leave = np.where(net.settled, weights.moved * net.ratio[net.pair], 0.0)
        inside = self._row != NOWHERE
        stays = np.where(inside, duals[self._row], value[net.pair, np.maximum(net.at, 0)])
        pays = np.nonzero((least[net.pair] + leave < stays - PAYS) & (net.amount > NOTHING))[0]
        there = self.take_in(pays)
        return self.add(np.concatenate([there, pays]), np.concatenate([net.at[there], target[net.pair[pays]]]))

    def hold(self, weights: Weights, best: float) -> None:
        """From now on these weights cost no more than ``best``."""
        costs = self._net.costs(weights, self._part, self._target)
        columns = np.nonzero(costs)[0]
        row = self._engine.getNumRow()
        self._engine.addRows(
            1,
            np.array([-np.inf]),
            np.array([best + _slack(best)]),
            len(columns),
            np.zeros(1, dtype=np.int32),
            (columns + self._net.regions).astype(np.int32),
            costs[columns],
        )
        self._held.append((row, weights, best))

    def forbid_over(self) -> None:
        """From now on no region is above its limit."""
        _take_out(self._engine, np.arange(self._net.regions))

    def forbid_shed(self, tier: int) -> None:
        """From now on nothing of a tier is shed."""
        self._unshed = self._unshed | (self._net.tier == tier)
        shed = (self._target == self._net.regions) & self._unshed[self._net.pair[self._part]]
        _take_out(self._engine, np.nonzero(shed)[0] + self._net.regions)

    def shed(self, tier: int) -> float:
        """How much of a tier is shed in the solution found last, in what one request counts for on average."""
        net = self._net
        pair = net.pair[self._part]
        ours = (self._target == net.regions) & (net.tier[pair] == tier)
        return float(net.ratio[pair[ours]] @ self.values[net.regions :][ours])

    def end(self) -> Start:
        """What the next solve of these parts may begin with."""
        inside = np.nonzero(self._row != NOWHERE)[0]
        return Start(inside[np.argsort(self._row[inside])], self._part, self._target, self._engine.getBasis())

    def begin(self, start: Start | None) -> None:
        """Begin where another solve of the same parts has ended; and with every displaced part that it did not have,
        each with its nearest targets and with shedding."""
        net = self._net
        if start is not None:
            self.take_in(start.parts)
            self.add(start.part, start.target)
            self._engine.setBasis(start.basis)
        displaced = np.nonzero((net.at == NOWHERE) & (net.amount > NOTHING))[0]
        self.take_in(displaced)
        far = np.where(net.legal, net.latency, np.inf)[net.pair[displaced]]
        order = np.argsort(far, axis=1, kind="stable")[:, :NEAREST]
        reachable = np.isfinite(np.take_along_axis(far, order, axis=1))
        self.add(np.repeat(displaced, order.shape[1])[reachable.ravel()], order.ravel()[reachable.ravel()])
        self.add(displaced, np.full(len(displaced), net.regions))

    def placed(self) -> Floats:
        """Scaled units by pair and target (P, R + 1); the last column is shed."""
        net = self._net
        width = net.regions + 1
        outside = (self._row == NOWHERE) & (net.at >= 0)
        at = net.pair[outside] * width + net.at[outside]
        units = _summed(at, net.amount[outside], len(net.ratio) * width)
        values = np.clip(self.values[net.regions :], 0.0, None)
        units += _summed(net.pair[self._part] * width + self._target, values, len(units))
        return np.asarray(units.reshape(len(net.ratio), width))


def _add_rows(engine: Engine, lower: Floats, upper: Floats) -> Ints:
    count, before = len(lower), engine.getNumRow()
    none = np.zeros(0)
    engine.addRows(count, lower, upper, 0, np.zeros(count, dtype=np.int32), none.astype(np.int32), none)
    return np.arange(before, before + count)


def _take_out(engine: Engine, columns: Ints) -> None:
    none = np.zeros(len(columns))
    engine.changeColsBounds(len(none), columns.astype(np.int32), none, none)


def _slack(best: float) -> float:
    return 10 * NOTHING * max(1.0, best)


def _summed(place: Ints, amount: Floats, size: int) -> Floats:
    return np.bincount(place, amount, minlength=size).astype(np.float64)
