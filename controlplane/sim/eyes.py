"""Eyes: what probes, edges and consoles would have seen of the truth in this second. Never the truth itself."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from controlplane.model.estate import Estate
from controlplane.model.evidence import Observation, Reading, Signal
from controlplane.model.resources.service import ProbeSpec
from controlplane.sim.conditions import Place, homes
from controlplane.sim.fluid import BASE_LATENCY_S, Flow, Inputs
from controlplane.sim.truth import Truth

EDGE = "edge"
"""The vantage of the edges' own counters."""
_REGION = "*"
_LEAST_VALID_S = 5.0
_USUAL = ProbeSpec(kind="http", target="-")
COLD_COST = 2.0


@dataclass(frozen=True, slots=True)
class Look:
    """How one place is watched from one vantage: every ``every`` seconds, at ``phase``."""

    vantage: str
    subject: str
    region: str
    every: int
    phase: int
    timeout_s: float
    fall: int
    rise: int

    @property
    def place(self) -> Place:
        """What is looked at."""
        return (self.subject, self.region)


class Eyes:
    """Everybody who looks: one prober a region, the edges, and each region's own console."""

    def __init__(self, estate: Estate) -> None:
        self.estate = estate
        self.looks = tuple(_looks(estate))
        self.slowest_s = max((look.every * max(look.fall, look.rise) for look in self.looks), default=1)
        self._every_second = all(look.every == 1 for look in self.looks)
        self._last: list[Observation] = []

    def see(self, truth: Truth, inputs: Inputs, flow: Flow, at: datetime) -> list[Observation]:
        """All samples that arrive this second."""
        seen: list[Observation] = []
        self._probe(truth, at, seen)
        self._count(truth, inputs, flow, at, seen)
        self._read_consoles(truth, flow, at, seen)
        self._read_locks(truth, at, seen)
        self._last = seen
        return seen

    def see_again(self, truth: Truth, inputs: Inputs, flow: Flow, at: datetime) -> list[Observation]:
        """The samples of a second in which nothing is otherwise than in the last one."""
        if not self._every_second:
            return self.see(truth, inputs, flow, at)
        self._last = [_dated(seen, at) for seen in self._last]
        return self._last

    def _probe(self, truth: Truth, at: datetime, seen: list[Observation]) -> None:
        now, second = truth.now, truth.second
        for look in self.looks:
            if second % look.every != look.phase or not now.sees(look.vantage, look.region):
                continue
            latency = BASE_LATENCY_S + now.slow.get(look.place, 0.0)
            passes = (
                now.reach(look.vantage, look.region)
                and look.place not in now.failing
                and look.place not in now.ailing
                and latency < look.timeout_s
            )
            seen.append(
                Observation(
                    Signal.LIVENESS,
                    look.vantage,
                    look.region,
                    look.subject,
                    Reading.OK if passes else Reading.FAILED,
                    at,
                    value=latency if passes else None,
                    fall=look.fall,
                    rise=look.rise,
                    valid_s=max(_LEAST_VALID_S, 3.0 * look.every),
                )
            )

    def _count(self, truth: Truth, inputs: Inputs, flow: Flow, at: datetime, seen: list[Observation]) -> None:
        """The edges' counters: what users got by region, and how many asked, retries left out."""
        blind = truth.now.edge_blind
        for stream, sent in zip(inputs.streams, flow.sent, strict=True):
            if _REGION not in blind:
                asked = stream.rate if stream.resolves else 0.0
                seen.append(
                    Observation(
                        Signal.DEMAND, EDGE, _REGION, stream.service, Reading.OK, at, value=asked, origin=stream.origin
                    )
                )
            for region, share in stream.routes:
                if sent * share <= 0.0 or region in blind:
                    continue
                success = (1 - stream.edges_down) * flow.success[stream.service, region]
                seen.append(
                    Observation(
                        Signal.SUCCESS,
                        EDGE,
                        region,
                        stream.service,
                        Reading.OK,
                        at,
                        value=success,
                        weight=sent * share,
                        origin=stream.origin,
                    )
                )
        for region, wait in flow.wait.items():
            if flow.load[region] > 0.0 and region not in truth.now.dead and region not in blind:
                slow = BASE_LATENCY_S + wait
                seen.append(Observation(Signal.LATENCY, EDGE, region, _REGION, Reading.OK, at, value=slow))

    def _read_consoles(self, truth: Truth, flow: Flow, at: datetime, seen: list[Observation]) -> None:
        """What a region tells of itself; all but its building's alarms goes through its management plane."""
        now = truth.now
        for region in self.estate.regions:
            for vantage in self.estate.regions:
                if now.sees(vantage, region):
                    answers = now.reach(vantage, region) and region not in now.unmanaged
                    reading = Reading.OK if answers else Reading.FAILED
                    seen.append(Observation(Signal.MANAGEMENT, vantage, region, _REGION, reading, at, fall=3, rise=5))
            if not now.sees(region, region):
                continue
            figures = {Signal.FACILITY: float(region in now.alarms)}
            if region not in now.unmanaged:
                figures[Signal.CAPACITY] = truth.capacity(region) - flow.extra[region]
                figures[Signal.LOAD] = flow.load[region]
                figures[Signal.SURCHARGE] = COLD_COST if region in now.cold else 1.0
            for signal, value in figures.items():
                seen.append(Observation(signal, region, region, _REGION, Reading.OK, at, value=value))

    def _read_locks(self, truth: Truth, at: datetime, seen: list[Observation]) -> None:
        """Who holds what. A lease that was taken away or has lapsed shows to everybody; that it is used, only to
        those who reach its host; of a host that cannot be reached under a lease that stands, nobody knows."""
        now, estate = truth.now, self.estate
        for vantage in estate.regions:
            for name in truth.seats:
                exclusive = name in estate.services
                signal = Signal.HOLDER if exclusive else Signal.PRIMARY
                regions = estate.deployed(name) if exclusive else homes(estate, name)
                for region in regions:
                    if not now.sees(vantage, region):
                        continue
                    claim = truth.seats[name].claims.get(region)
                    reached = now.reach(vantage, region)
                    if claim is None:
                        seen.append(Observation(signal, vantage, region, name, Reading.FAILED, at))
                    elif reached and truth.runs(name, region):
                        value = float(claim.epoch) if exclusive else 1.0
                        seen.append(Observation(signal, vantage, region, name, Reading.OK, at, value=value))
                    if not exclusive and reached and (lag := truth.copies[name].lag_seen(region, now)) is not None:
                        seen.append(Observation(Signal.LAG, vantage, region, name, Reading.OK, at, value=lag))


def _dated(seen: Observation, at: datetime) -> Observation:
    """The same sample, taken at another time: written out, for there are hundreds of them each second."""
    return Observation(
        seen.signal,
        seen.vantage,
        seen.region,
        seen.subject,
        seen.reading,
        at,
        seen.value,
        seen.weight,
        seen.origin,
        seen.fall,
        seen.rise,
        seen.valid_s,
        seen.detail,
    )


def _looks(estate: Estate) -> Iterator[Look]:
    for subject in (*estate.services, *estate.datastores):
        probe = _USUAL
        if subject in estate.services:
            probe = next(iter(estate.services[subject].spec.probes), _USUAL)
        regions = estate.deployed(subject) if subject in estate.services else homes(estate, subject)
        interval = probe.interval.total_seconds()
        every = max(1, round(interval))
        for region in regions:
            for number, vantage in enumerate(estate.regions):
                yield Look(
                    vantage=vantage,
                    subject=subject,
                    region=region,
                    every=every,
                    phase=number % every,
                    timeout_s=probe.timeout.total_seconds(),
                    fall=_samples(probe.fall, interval, every),
                    rise=_samples(probe.rise, interval, every),
                )


def _samples(count: int, interval_s: float, every: int) -> int:
    """As many samples at the world's pace as take as long as ``count`` at the probe's own."""
    return max(1, math.ceil(count * interval_s / every))
