"""Knobs as arrays: a dial is a knob at one place; a setting is a depth for each dial."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from controlplane.decide.allocation.grid import Floats
from controlplane.decide.allocation.problem import ESTATE, AllocationProblem, Depths, KnobChoice

Setting = tuple[int, ...]
"""A depth for each dial, in the order of the dials."""


@dataclass(frozen=True, slots=True)
class Dial:
    """``saves`` (depths, S) and ``lost`` (depths,) with depth 0 first; ``column`` is its region, None for everywhere;
    ``depths`` are those it may take, ``today`` the one in force."""

    knob: str
    place: str
    column: int | None
    depths: tuple[int, ...]
    today: int
    saves: Floats
    lost: Floats

    @property
    def free(self) -> bool:
        """Whether there is a choice."""
        return len(self.depths) > 1

    @property
    def cheapest(self) -> int:
        """The permitted depth that loses least; of several the nearest to today's, then the lightest."""
        return min(self.depths, key=lambda depth: (self.lost[depth], abs(depth - self.today), depth))

    @property
    def deepest(self) -> int | None:
        """The permitted depth that saves most on every service; None if no single one does."""
        best = self.saves[list(self.depths)].max(axis=0)
        return next((depth for depth in self.depths if bool((self.saves[depth] >= best).all())), None)


def dials_of(problem: AllocationProblem, *, as_today: bool) -> tuple[Dial, ...]:
    """Every knob at every place, sorted by knob and place; with ``as_today`` none has a choice."""
    row = {service: index for index, service in enumerate(problem.services)}
    column = {region: index for index, region in enumerate(problem.regions)}
    dials = []
    for knob in sorted(problem.knobs, key=lambda knob: knob.name):
        saves = np.zeros((len(knob.levels) + 1, len(row)))
        for depth, level in enumerate(knob.levels, start=1):
            for service, share in level.saves.items():
                if service in row:
                    saves[depth, row[service]] = share
        lost = np.array([0.0, *(level.value_lost for level in knob.levels)])
        for place in sorted(knob.places):
            today = min(knob.today.get(place, 0), len(knob.levels))
            depths = (today,) if as_today else _permitted(knob, place)
            region = None if place == ESTATE else column[place]
            dials.append(Dial(knob.name, place, region, depths, today, saves, lost))
    return tuple(dials)


def _permitted(knob: KnobChoice, place: str) -> tuple[int, ...]:
    deepest = len(knob.levels)
    least = min(max(knob.at_least.get(place, 0), 0), deepest)
    return tuple(range(least, max(min(knob.at_most.get(place, deepest), deepest), least) + 1))


def factors(dials: Iterable[Dial], setting: Setting, shape: tuple[int, int]) -> Floats:
    """What is left of each service's cost in each region, (S, R); savings add up, to 1 at most."""
    left = np.ones(shape)
    for dial, depth in zip(dials, setting, strict=True):
        if depth > 0:
            if dial.column is None:
                left -= dial.saves[depth][:, None]
            else:
                left[:, dial.column] -= dial.saves[depth]
    return np.where(left > 1e-12, left, 0.0)


def value_lost(dials: Iterable[Dial], setting: Setting) -> float:
    """Business value an hour that a setting costs."""
    return math.fsum(float(dial.lost[depth]) for dial, depth in zip(dials, setting, strict=True))


def nearness(dials: Iterable[Dial], setting: Setting) -> float:
    """How far depths are from today's; of two equally far, the lighter is nearer."""
    return math.fsum(abs(depth - dial.today) + 1e-3 * depth for dial, depth in zip(dials, setting, strict=True))


def depths_of(dials: Iterable[Dial], setting: Setting) -> Depths:
    """The setting by names."""
    named: dict[str, dict[str, int]] = {}
    for dial, depth in zip(dials, setting, strict=True):
        named.setdefault(dial.knob, {})[dial.place] = depth
    return named


def count_at_value(dials: Iterable[Dial], value: float, *, cap: int) -> int:
    """How many settings lose ``value`` (within a millionth), counted up to ``cap``.

    One means that the choice of knobs is settled by their value alone. Sums are rounded before they are compared, so
    that the count errs only on the safe side.
    """
    tolerance = 1e-6 * max(1.0, abs(value))
    sums: dict[float, int] = {0.0: 1}
    for dial in dials:
        grown: dict[float, int] = {}
        for total, count in sums.items():
            for depth in dial.depths:
                reached = round(total + float(dial.lost[depth]), 9)
                if reached <= value + tolerance:
                    grown[reached] = min(grown.get(reached, 0) + count, cap)
        sums = grown
        if len(sums) > 20_000:
            return cap
    return min(sum(count for total, count in sums.items() if total >= value - tolerance), cap)
