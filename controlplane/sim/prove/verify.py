"""Verify: live through so many hours of trouble, and make small whatever broke a rule."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from controlplane.model.estate import Estate
from controlplane.sim.prove.cases import Case, Found, Lived, PartsMaker, cases, live_through
from controlplane.sim.prove.shrink import Shrunk, shrink

MOST_SHRUNK = 3
"""Of so many different rules a breach is made small; the others are named."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be proven. ``given``: an estate that people wrote, lived through beside those from the seed."""

    given: Estate | None
    hours: float
    seed: int
    workers: int = 1


@dataclass(frozen=True, slots=True)
class Proof:
    """What it came to: every case in its order, every run that broke a rule, and one of each rule made small."""

    order: Order
    lived: tuple[Lived, ...]
    shrunk: tuple[Shrunk, ...]

    @property
    def found(self) -> tuple[Found, ...]:
        """Every case in which a rule was broken."""
        return tuple(one.found for one in self.lived if one.found is not None)

    @property
    def hours(self) -> float:
        """Simulated hours that were lived through."""
        return sum(one.lived_s for one in self.lived) / 3600

    @property
    def stepped_hours(self) -> float:
        """Those of them that were not leapt over."""
        return sum(one.stepped_s for one in self.lived) / 3600

    @property
    def clean(self) -> bool:
        """No rule was broken."""
        return not self.found


def verify(order: Order, maker: PartsMaker) -> Proof:
    """The same for a seed, however many workers there are: each case grows from its own number."""
    jobs = [
        _Job(case, order.given if case.own else None, maker)
        for case in cases(order.seed, order.hours, own=order.given is not None)
    ]
    if order.workers <= 1:
        lived = [_live(job) for job in jobs]
        return Proof(order, tuple(lived), tuple(shrink(found, maker) for found in _chosen(lived)))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(order.workers, mp_context=context) as pool:
        lived = list(pool.map(_live, jobs))
        smaller = list(pool.map(_shrink, [(found, maker) for found in _chosen(lived)]))
    return Proof(order, tuple(lived), tuple(smaller))


def first_breach(order: Order, maker: PartsMaker) -> tuple[float, Found | None]:
    """Hours until a rule was broken for the first time, and how; all the hours if none was."""
    hours = 0.0
    parts = maker()
    for case in cases(order.seed, order.hours, own=order.given is not None):
        lived = live_through(case, order.given, parts)
        hours += lived.lived_s / 3600
        if lived.found is not None:
            return hours, lived.found
    return hours, None


@dataclass(frozen=True, slots=True)
class _Job:
    case: Case
    given: Estate | None
    maker: PartsMaker


def _live(job: _Job) -> Lived:
    return live_through(job.case, job.given, job.maker())


def _shrink(asked: tuple[Found, PartsMaker]) -> Shrunk:
    return shrink(*asked)


def _chosen(lived: list[Lived]) -> Iterator[Found]:
    """The first of each rule."""
    rules: set[str] = set()
    for one in lived:
        if one.found is not None and one.found.rule not in rules and len(rules) < MOST_SHRUNK:
            rules.add(one.found.rule)
            yield one.found
