"""Demand as decisions take it: what users ask for, without the chance in when they ask.

A plan fills regions to their limit, so a figure that follows each second's arrivals would move traffic and turn knobs
each second. Arrivals are a Poisson count, whose spread is known: what it explains is no news.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import sqrt

from controlplane.engine.observe import Track
from controlplane.model.estate import Estate
from controlplane.model.evidence import Observation, Reading

_SMOOTH_OVER_S = 15.0
_LEAP_SIGMAS = 8.0
_JUMP_SIGMAS = 5.0
_BAND_SIGMAS = 4.0
_DEADBAND = 0.05
_ARRIVED = 1e-3
_LEAST_OF_DECLARED = 0.01


@dataclass(slots=True)
class _Rate:
    """``seen``: the newest sample; ``smooth``: the average over the last ``over_s``; ``shown``: what is told;
    ``surprises``: samples in a row, above (+) or below (-), that chance does not explain."""

    seen: float
    smooth: float
    shown: float
    at: datetime
    over_s: float = 1.0
    surprises: int = 0


@dataclass(slots=True)
class DemandGauge:
    """Demand by service and origin.

    The average over a quarter of a minute is followed, and the figure told moves only once the average has left a band
    of 5 % around it or of what chance explains, whichever is wider. A sample far beyond chance is believed at once,
    one beyond chance when the next confirms it. Streams that are each within their band may together have moved: then
    all are told anew. It begins with what was declared, unless the first sample speaks against that.

    What was last known stays known: silence says nothing about demand (R1). Users who stay away for a while come back:
    no figure falls below a hundredth of what was declared, so that their places are kept.
    """

    _rates: dict[tuple[str, str], _Rate] = field(default_factory=dict)

    def update(self, estate: Estate, tracks: Iterable[Track]) -> dict[str, dict[str, float]]:
        """Requests a second by service and origin; services and origins that were never measured are absent."""
        for key, (value, at, gap_s) in sorted(_sum_over_regions(tracks).items()):
            service = estate.services.get(key[0])
            if service is None or key[1] not in service.spec.demand:
                continue
            rate = self._rates.get(key)
            if rate is None:
                self._rates[key] = _first(value, service.spec.demand[key[1]], at)
            elif at > rate.at:
                _follow(rate, value, gap_s)
                rate.at = at
        self._follow_sum()
        found: dict[str, dict[str, float]] = {}
        for (name, origin), rate in sorted(self._rates.items()):
            if name in estate.services and origin in estate.services[name].spec.demand:
                least = _LEAST_OF_DECLARED * estate.services[name].spec.demand[origin]
                found.setdefault(name, {})[origin] = max(rate.shown, least)
        return found

    @property
    def settled(self) -> bool:
        """Whether the same samples again would change nothing."""
        return all(rate.smooth == rate.seen for rate in self._rates.values())

    def leap(self, by: timedelta) -> None:
        """Date everything later (the simulator's leap)."""
        for rate in self._rates.values():
            rate.at += by

    def _follow_sum(self) -> None:
        smooth = sum(rate.smooth for rate in self._rates.values())
        shown = sum(rate.shown for rate in self._rates.values())
        over_s = min((rate.over_s for rate in self._rates.values()), default=1.0)
        if abs(smooth - shown) > _band(shown, over_s):
            for rate in self._rates.values():
                rate.shown = rate.smooth


def _first(value: float, declared: float, at: datetime) -> _Rate:
    """The declared figure where one second's count does not speak against it."""
    surprising = abs(value - declared) > _BAND_SIGMAS * sqrt(max(declared, 1.0))
    return _Rate(value, value, value if surprising else declared, at)


def _follow(rate: _Rate, value: float, elapsed_s: float) -> None:
    counted_s = min(max(elapsed_s, 1e-3), 1.0)
    sigmas = (value - rate.smooth) * counted_s / sqrt(max(rate.smooth * counted_s, 1.0))
    side = 1 if sigmas > 0 else -1
    surprised = abs(sigmas) > _JUMP_SIGMAS
    confirmed = surprised and rate.surprises * side > 0
    rate.surprises = side if surprised else 0
    if abs(sigmas) > _LEAP_SIGMAS or confirmed:
        rate.smooth, rate.over_s, rate.shown, rate.surprises = value, 1.0, value, 0
    elif not surprised:
        rate.over_s = min(rate.over_s + elapsed_s, _SMOOTH_OVER_S)
        rate.smooth += (value - rate.smooth) * min(1.0, elapsed_s / rate.over_s)
    if abs(value - rate.smooth) <= _ARRIVED * max(value, 1.0):
        rate.smooth = value
    rate.seen = value
    if abs(rate.smooth - rate.shown) > _band(rate.shown, rate.over_s):
        rate.shown = rate.smooth


def _band(shown: float, over_s: float) -> float:
    """How far an average over so many seconds may be from a figure without saying anything against it."""
    return max(_DEADBAND * shown, _BAND_SIGMAS * sqrt(max(shown, 1.0) / (2 * over_s)))


def _sum_over_regions(tracks: Iterable[Track]) -> dict[tuple[str, str], tuple[float, datetime, float]]:
    """(value, when, seconds since the sample before) by service and origin. An edge counts by the region it sends to;
    several vantages may read the same counter, and the newest counts."""
    newest: dict[tuple[str, str, str], tuple[Observation, float]] = {}
    for track in tracks:
        seen = track.believed
        if seen is None or seen.value is None or seen.origin is None or seen.reading is Reading.UNKNOWN:
            continue
        place = (seen.subject, seen.origin, seen.region)
        known = newest.get(place)
        if known is None or (known[0].observed_at, known[0].vantage) < (seen.observed_at, seen.vantage):
            newest[place] = (seen, track.gap_s)
    latest: dict[tuple[str, str], tuple[datetime, float]] = {}
    for (subject, origin, _), (seen, gap_s) in newest.items():
        key = (subject, origin)
        latest[key] = max(latest.get(key, (seen.observed_at, gap_s)), (seen.observed_at, gap_s))
    found: dict[tuple[str, str], tuple[float, datetime, float]] = {}
    for (subject, origin, _), (seen, _gap_s) in sorted(newest.items(), key=lambda item: item[0]):
        key = (subject, origin)
        at, gap_s = latest[key]
        fresh = at - seen.observed_at <= timedelta(seconds=seen.valid_s)
        found[key] = (found.get(key, (0.0, at, gap_s))[0] + (seen.value or 0.0) * fresh, at, gap_s)
    return found
