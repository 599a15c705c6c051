"""The least value lost, found by trying settings in the order of their value and learning from each that fails.

A setting that fails comes with prices of room. At those prices every other setting has a least cost that can be written
down pair by pair, without solving anything: where it is above what is there, that setting fails too. So one LP rules
out thousands of settings, and a handful of LPs finds all that lose least. Exact, like the mixed-integer model, and far
quicker while all settings fit in a table.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from controlplane.decide.allocation.dials import Setting
from controlplane.decide.allocation.grid import Floats
from controlplane.decide.allocation.placing import Least, Prices, Question, prices_if_short, shed_weights

MOST_SETTINGS = 200_000
MOST_TRIES = 60
MOST_TIES = 16
FITS = 1e-6
"""What is over all limits together, as shares of them, and still counts as nothing: well above what the aims that are
held may give way to each other, well below what any knob saves."""
EQUAL = 1e-9
"""Share of the value lost by which two settings may differ and lose the same."""


@dataclass(frozen=True, slots=True)
class _Table:
    """Every setting of the free dials, an axis a dial. ``lost`` and ``turned`` are what each costs."""

    question: Question
    free: tuple[int, ...]
    lost: Floats
    turned: Floats

    def setting(self, index: int) -> Setting:
        """The setting at a flat index, with the depths of the dials that have no choice."""
        chosen = dict(zip(self.free, np.unravel_index(index, self.lost.shape), strict=True))
        return tuple(dial.depths[int(chosen.get(i, 0))] for i, dial in enumerate(self.question.dials))


def cheapest_settings(question: Question, least: Least) -> list[Setting] | None:
    """All settings that reach the forced aims at ``least`` and lose least, those nearest to today's first.

    None if there are too many settings, ties or tries for this way.
    """
    free = tuple(i for i, dial in enumerate(question.dials) if dial.free)
    if math.prod(len(question.dials[i].depths) for i in free) > MOST_SETTINGS or len(free) > 30:
        return None
    table = _table(question, free)
    order = np.lexsort((table.turned.ravel(), table.lost.ravel()))
    lost = table.lost.ravel()[order]
    possible = np.ones(len(order), dtype=np.bool_)
    found: list[Setting] = []
    best, at = np.inf, 0
    for _ in range(MOST_TRIES):
        waiting = np.nonzero(possible[at:] & (lost[at:] <= best + EQUAL * max(1.0, best)))[0]
        if not len(waiting):
            return found or None
        at += int(waiting[0])
        setting = table.setting(int(order[at]))
        prices = prices_if_short(question, setting, least, tolerance=FITS)
        if prices is None:
            best = min(best, float(lost[at]))
            found.append(setting)
            if len(found) > MOST_TIES:
                return None
        else:
            short = _least_over(table, prices, least)
            possible &= (short <= least.get("over", 0.0) + 10 * FITS).ravel()[order]
        at += 1
    return None


def _table(question: Question, free: tuple[int, ...]) -> _Table:
    lost, turned = np.zeros((1,) * len(free)), np.zeros((1,) * len(free))
    for axis, index in enumerate(free):
        dial = question.dials[index]
        depths = np.array(dial.depths)
        lost = lost + _along(np.round(dial.lost[depths], 9), axis, len(free))
        turned = turned + _along(np.abs(depths - dial.today) + 1e-3 * depths, axis, len(free))
    return _Table(question, free, lost, turned)


def _along(values: Floats, axis: int, axes: int) -> Floats:
    shape = [1] * axes
    shape[axis] = len(values)
    return values.reshape(shape)


def _least_over(table: _Table, prices: Prices, least: Least) -> Floats:
    """A lower bound, for every setting, on the scaled units above limits that it cannot avoid."""
    question, grid = table.question, table.question.grid
    room = prices.room / grid.scale
    spare = float(room @ grid.limit)
    spare += sum(float(prices.shed[t]) * least.get(f"shed{t}", 0.0) for t in range(4) if np.isfinite(prices.shed[t]))
    total = np.full(table.lost.shape, -spare)
    instead = _shed_costs(question, prices)
    costs = grid.units[:, None] * room * np.where(grid.today > 0, 1.0, grid.surcharge)
    pinned = np.where(question.active[:, None], costs * grid.lower, 0.0)
    choice = grid.upper > grid.lower + 1e-12
    rest = np.clip(1.0 - grid.lower.sum(axis=1), 0.0, 1.0)
    for service in range(grid.fixed.shape[0]):
        pairs = np.nonzero((grid.service == service) & question.active)[0]
        left, axes = _left(table, service)
        part = left @ (grid.fixed[service] * room + pinned[pairs].sum(axis=0))
        if len(pairs):
            served = np.where(choice[pairs], left[:, None, :] * costs[pairs], np.inf).min(axis=2)
            dearest = np.minimum(served, instead[pairs])
            part = part + np.where(np.isfinite(dearest), dearest, 0.0) @ rest[pairs]
        total = total + part.reshape(axes)
    return total


def _shed_costs(question: Question, prices: Prices) -> Floats:
    """What shedding a whole pair costs at these prices, (P,)."""
    price = prices.shed[question.grid.tier]
    return np.where(np.isfinite(price), shed_weights(question) * np.where(np.isfinite(price), price, 0.0), np.inf)


def _left(table: _Table, service: int) -> tuple[Floats, list[int]]:
    """What each combination of the dials that touch a service leaves of its cost, (combinations, R), and the shape by
    which that spreads over the table's axes."""
    question = table.question
    axes = len(table.free)
    regions = question.grid.fixed.shape[1]
    saved = np.zeros((1,) * axes + (regions,))
    for index, dial in enumerate(question.dials):
        depths = list(dial.depths)
        values = dial.saves[depths, service]
        if not values.any():
            continue
        spread = np.zeros((len(depths), regions))
        spread[:, slice(None) if dial.column is None else [dial.column]] = values[:, None]
        if index in table.free:
            shape = [1] * axes + [regions]
            shape[table.free.index(index)] = len(depths)
            saved = saved + spread.reshape(shape)
        else:
            saved = saved + spread[0]
    left = np.where(saved < 1.0 - 1e-12, 1.0 - saved, 0.0)
    return left.reshape(-1, regions), list(left.shape[:-1])
