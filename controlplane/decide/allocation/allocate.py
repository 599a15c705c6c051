"""The joint solve: shares, shedding and knobs of one problem."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal

import numpy as np

from controlplane.decide.allocation.dials import Setting, count_at_value, depths_of, dials_of, nearness, value_lost
from controlplane.decide.allocation.fill import fill
from controlplane.decide.allocation.grid import Bools, Floats, Grid, grid_of
from controlplane.decide.allocation.lexicographic import Descent, Relaxed, lost_aim, turned_aim, write_aims
from controlplane.decide.allocation.measure import aims_of, gains, loads, moves
from controlplane.decide.allocation.model import Turns, write_open_limits, write_turns
from controlplane.decide.allocation.placing import FORCED, LAST, SNAP, Least, Placed, Placing, Question, start
from controlplane.decide.allocation.problem import Allocation, AllocationProblem
from controlplane.decide.allocation.search import cheapest_settings

KnobFreedom = Literal["free", "as_today"]

FITS = 1e-9
"""Share of its limit by which a region may be above it and still count as within."""
EQUAL = 1e-7
"""How much two placements may differ in a scaled aim and be as good as each other there."""


def allocate(problem: AllocationProblem, *, knobs: KnobFreedom = "free") -> Allocation:
    """The optimum of the aims in their order; see ``problem``. Same problem, same answer, in any process.

    ``knobs``: "as_today" leaves every knob at the depth in force.
    """
    grid = grid_of(problem)
    question = Question(grid, dials_of(problem, as_today=knobs == "as_today"), Relaxed(*fill(grid)))
    cheapest = tuple(dial.cheapest for dial in question.dials)
    if _fits(grid, question.left(cheapest), question.relaxed):
        found = Placed(cheapest, question.relaxed.shares, question.relaxed.shed)
        return _answer(problem, question, found, shortcut=True)
    return _answer(problem, question, _solve(_Asked(_key(question), question)), shortcut=False)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question that is equal to another if every number in it is."""

    key: bytes
    question: Question = field(compare=False)


def _key(question: Question) -> bytes:
    parts = [getattr(question.grid, name) for name in Grid.__slots__]
    arrays = [part for part in parts if isinstance(part, np.ndarray)]
    rest = [part for part in parts if not isinstance(part, np.ndarray)]
    for dial in question.dials:
        arrays += [dial.saves, dial.lost]
        rest.append((dial.column, dial.depths, dial.today))
    return b"".join([repr((rest, [part.shape for part in arrays])).encode(), *(part.tobytes() for part in arrays)])


@lru_cache(maxsize=32)
def _solve(asked: _Asked) -> Placed:
    """At the cheapest setting if that sheds nothing more than it must and nothing else can better it there; else the
    knobs are open. Remembered: a loop that decides every second asks the same for minutes."""
    question = asked.question
    cheapest = tuple(dial.cheapest for dial in question.dials)
    free = any(dial.free for dial in question.dials)
    first = Placing(question, cheapest, glance=free)
    if not free:
        return first.finish()
    if first.short:
        return _joint(question)
    placed = first.finish()
    return placed if placed.settled or _only(question, cheapest) else _joint(question)


def _only(question: Question, setting: Setting) -> bool:
    return count_at_value(question.dials, value_lost(question.dials, setting), cap=2) == 1


def _fits(grid: Grid, left: Floats, placed: Relaxed) -> bool:
    if bool((loads(grid, left, placed.shares) > grid.limit + FITS * grid.scale).any()):
        return False
    if bool((gains(grid, placed.shares) > grid.max_gain + FITS * grid.scale).any()):
        return False
    moved = moves(grid, placed.shares, placed.shed)
    if bool((moved > grid.max_move + FITS).any()):
        return False
    return bool(grid.units @ moved <= grid.max_leave + FITS * max(float(grid.units.sum()), 1.0))


def _joint(question: Question) -> Placed:
    """Knobs and placement together: what must be shed at the deepest setting, then the least value lost that sheds no
    more, then, if several settings lose that little, the best of them."""
    least = _at_deepest(question)
    settings = None if least is None else cheapest_settings(question, least)
    if settings is None:
        return Placing(question, _by_branching(question, least)).finish()
    best = Placing(question, settings[0]).finish()
    for setting in settings[1:]:
        if best.settled and best.rank[-2] < nearness(question.dials, setting) - EQUAL:
            break
        other = Placing(question, setting).finish()
        if _better(other.rank, best.rank):
            best = other
    return best


def _better(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return next((a < b for a, b in zip(one, other, strict=True) if abs(a - b) > EQUAL), False)


def _at_deepest(question: Question) -> Least | None:
    """The forced aims at their best; None if no one setting saves most on everything."""
    deepest = [dial.deepest for dial in question.dials]
    setting = tuple(depth for depth in deepest if depth is not None)
    return Placing(question, setting).least if len(setting) == len(deepest) else None


def _by_branching(question: Question, least: Least | None) -> Setting:
    """The best setting by the mixed-integer model, aim after aim: for estates with very many settings."""
    grid = question.grid
    sheet, cells = start(question)
    turns = write_turns(sheet, question.dials)
    write_open_limits(sheet, grid, cells, turns)
    aims = write_aims(sheet, grid, cells, question.relaxed)
    lost, turned = lost_aim(sheet, turns), turned_aim(sheet, turns)
    descent = Descent(sheet)
    for aim in aims:
        if aim.name in FORCED:
            descent.hold(aim, least[aim.name] if least is not None else descent.seek(aim))
    best = descent.seek(lost)
    setting = _setting(descent, turns)
    if not _only(question, setting):
        descent.hold(replace(lost, bound=best), best)
        last = [aim for aim in aims if aim.name == LAST]
        descent.descend([*(aim for aim in aims if aim.name not in (*FORCED, LAST)), turned, *last])
        setting = _setting(descent, turns)
    return setting


def _setting(descent: Descent, turns: Turns) -> Setting:
    return tuple(
        dial.depths[int(descent.solution[column].argmax())]
        for dial, column in zip(turns.dials, turns.column, strict=True)
    )


def _answer(problem: AllocationProblem, question: Question, found: Placed, *, shortcut: bool) -> Allocation:
    grid, dials = question.grid, question.dials
    left = question.left(found.setting)
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
