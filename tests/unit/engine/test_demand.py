"""Demand without the chance in it: what a Poisson count explains is no news, what it does not is told soon."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import exp
from random import Random

from controlplane.engine.demand import DemandGauge
from controlplane.engine.observe import EvidenceBook
from controlplane.model.estate import Estate
from controlplane.model.evidence import Observation, Reading, Signal
from tests.unit.decide.estates import estate, service

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
ORIGINS = ("DE", "GB", "IE", "PL", "SE")
SHOP: Estate = estate(*(service(f"s{n}", demand=dict.fromkeys(ORIGINS, 3.0)) for n in range(14)))


def arrivals(chance: Random, mean: float) -> int:
    """How many come in a second if they come by chance (Knuth)."""
    count, left = 0, chance.random()
    while left > exp(-mean):
        count += 1
        left *= chance.random()
    return count


def told(seconds: int, mean_at: Callable[[int], float], seed: int) -> list[float]:
    """The whole estate's demand as the gauge tells it, second by second."""
    chance, gauge, book, sums = Random(seed), DemandGauge(), EvidenceBook(), []
    for second in range(seconds):
        for name in SHOP.services:
            for origin in ORIGINS:
                value = float(arrivals(chance, mean_at(second)))
                at = NOW + timedelta(seconds=second)
                book.add(Observation(Signal.DEMAND, "edge", "*", name, Reading.OK, at, value, 1.0, origin))
        figures = gauge.update(SHOP, book.tracks(Signal.DEMAND))
        sums.append(sum(rate for by_origin in figures.values() for rate in by_origin.values()))
    return sums


def test_five_minutes_of_seventy_streams_of_chance_change_next_to_nothing() -> None:
    for seed in range(3):
        sums = told(300, lambda _: 3.0, seed)
        changes = sum(a != b for a, b in pairwise(sums))
        assert changes <= 15
        assert all(abs(total - 210) <= 0.08 * 210 for total in sums)


def test_of_a_third_more_of_everything_half_is_told_in_a_quarter_of_a_minute_and_nearly_all_in_one() -> None:
    for seed in range(3):
        sums = told(121, lambda second: 3.0 if second < 60 else 4.0, seed)
        assert sums[59] < 225
        assert sums[75] > 245
        assert sums[120] > 0.94 * 280
