"""The ledger: what users suffered and what was done, second by second, from the truth."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from controlplane.model.act import Act, Holder, KnobSetting, Primary, Weights
from controlplane.model.estate import Estate
from controlplane.model.resources.kind import KnobValue
from controlplane.sim.fluid import Flow, Inputs
from controlplane.sim.tally import Run, Tally
from controlplane.sim.truth import Truth, lease_left_s

FLAP_WITHIN_S = 1800
ALL_OF_IT = 0.9
"""Share of what a region was planned to carry from which it carries that again: measured demand is never quite the
declared one, and the plan for it differs by as much."""
FAILING_FROM = 0.01
NOTHING = 1e-6
"""A share up to this is rounding, not traffic."""
NOBODY = -1.0
"""Stands for the success of users where there are none."""
_HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Promotion:
    """A datastore got another primary, and so many writes were gone. One that writes again where it was is no other."""

    second: int
    datastore: str
    region: str
    lost: float


@dataclass(slots=True)
class RegionLog:
    """One region over time. ``weight``: its demand-weighted share of what it was planned to carry (1 at the start)."""

    planned: float
    weight: Run = field(default_factory=lambda: Run([]))
    success: Run = field(default_factory=lambda: Run([]))
    load: Run = field(default_factory=lambda: Run([]))
    drained: list[int] = field(default_factory=list)
    restored: list[int] = field(default_factory=list)
    empty: bool = False


@dataclass(slots=True)
class Ledger:
    """Sums are kept as runs, so that leaping over equal seconds gives the same figures as living through them.

    ``bad`` and ``turned_away``: shares of requests that failed unplanned, and that the edge answered by plan (shed,
    refused); ``asked``: requests a second.
    """

    estate: Estate
    regions: dict[str, RegionLog]
    tallies: dict[str, Tally]
    illegal: frozenset[tuple[str, str, str]]
    knobs: dict[tuple[str, str], list[tuple[int, KnobValue]]] = field(default_factory=dict)
    holders: dict[str, list[tuple[int, tuple[str, ...]]]] = field(default_factory=dict)
    promotions: list[Promotion] = field(default_factory=list)
    bad: Run = field(default_factory=lambda: Run([]))
    turned_away: Run = field(default_factory=lambda: Run([]))
    asked: Run = field(default_factory=lambda: Run([]))
    moves: int = 0
    _last: dict[str, float] = field(default_factory=dict)
    _version: int = -1

    def step(self, truth: Truth, inputs: Inputs, flow: Flow) -> None:
        """Enter one second."""
        second = truth.second
        sums = {
            "requests": flow.requests,
            "failed": flow.failed,
            "overloadedS": float(len(flow.overloaded)),
            "doubleActiveS": float(sum(len(truth.active(name)) > 1 for name in truth.seats)),
            "residencyViolations": self._illegal(inputs, flow),
            "valueLost": truth.lost_an_hour / _HOUR_S,
        }
        self._last = sums
        self.repeat(1)
        unplanned = (flow.failed - flow.answered) / flow.requests if flow.requests > 0 else 0.0
        self.bad.put(second, round(unplanned, 9))
        turned_away = flow.answered / flow.requests if flow.requests > 0 else 0.0
        self.turned_away.put(second, round(turned_away, 9))
        self.asked.put(second, round(flow.requests, 9))
        success = _success(flow)
        for region, log in self.regions.items():
            log.success.put(second, round(success.get(region, NOBODY), 6))
            log.load.put(second, 0.0 if region in inputs.dead else round(flow.load[region], 6))
        self._place(truth)

    def repeat(self, seconds: int) -> None:
        """Enter the last second so many times more."""
        for name, value in self._last.items():
            self.tallies[name].add(value, seconds)

    def acted(self, truth: Truth, act: Act, before: object) -> None:
        """Enter an act that has come about."""
        second, subject = truth.second, act.subject
        match act.desired:
            case Weights():
                self.moves += before != truth.shares[subject]
            case Holder():
                self.moves += before != tuple(truth.seats[subject].claims)
            case KnobSetting():
                for region, value in truth.knobs[subject].items():
                    self.knobs.setdefault((subject, region), []).append((second, value))
            case Primary(region=region) if truth.seats[subject].owner == region:
                copies = truth.copies[subject]
                if region not in copies.primaries:
                    lost = round(copies.loss_at_promotion(region), 6)
                    self.promotions.append(Promotion(second, subject, region, lost))
            case _:
                pass

    def _place(self, truth: Truth) -> None:
        """Follow where work is; cheap while nobody moves any."""
        for name in self.estate.exclusive:
            active = truth.active(name)
            history = self.holders.setdefault(name, [])
            if not history or history[-1][1] != active:
                history.append((truth.second, active))
        changed = truth.version != self._version
        self._version = truth.version
        weights = region_weights(self.estate, truth.shares) if changed else {}
        for region, log in self.regions.items():
            if changed:
                log.weight.put(truth.second, weights[region] / log.planned if log.planned > 0 else 0.0)
            self._drain(truth, region, log)

    def _drain(self, truth: Truth, region: str, log: RegionLog) -> None:
        weight = log.weight.points[-1][1]
        carries = weight > 0 and any(
            by.get(region, 0.0) > NOTHING for per in truth.shares.values() for by in per.values()
        )
        held = any(lease_left_s(truth, name, region) > 0 for name in self.estate.exclusive)
        if not carries and not held and not log.empty and log.planned > 0:
            log.empty = True
            log.drained.append(truth.second)
        elif log.empty and weight >= ALL_OF_IT:
            log.empty = False
            log.restored.append(truth.second)

    def _illegal(self, inputs: Inputs, flow: Flow) -> float:
        if not self.illegal:
            return 0.0
        return sum(
            sent * share
            for stream, sent in zip(inputs.streams, flow.sent, strict=True)
            for region, share in stream.routes
            if (stream.service, stream.origin, region) in self.illegal
        )

    @property
    def flaps(self) -> int:
        """Regions drained again soon after they were restored."""
        return sum(
            any(0 <= again - restored <= FLAP_WITHIN_S for restored in log.restored)
            for log in self.regions.values()
            for again in log.drained
        )


def open_ledger(estate: Estate, truth: Truth) -> Ledger:
    """An empty ledger of an estate that is as it should be."""
    weights = region_weights(estate, truth.shares)
    illegal = frozenset(
        (name, origin, region)
        for name in estate.spread
        for origin in estate.services[name].spec.demand
        for region in estate.regions
        if region not in estate.legal(name, origin)
    )
    sums = ("requests", "failed", "overloadedS", "doubleActiveS", "residencyViolations", "valueLost")
    ledger = Ledger(
        estate,
        regions={region: RegionLog(weights[region]) for region in estate.regions},
        tallies={name: Tally() for name in sums},
        illegal=illegal,
    )
    for name, values in truth.knobs.items():
        for region, value in values.items():
            ledger.knobs[name, region] = [(0, value)]
    return ledger


def region_weights(estate: Estate, shares: Mapping[str, Mapping[str, Mapping[str, float]]]) -> dict[str, float]:
    """Requests a second of declared demand that the shares send to each region."""
    found = dict.fromkeys(estate.regions, 0.0)
    for name, per in shares.items():
        for origin, by in per.items():
            rate = estate.services[name].spec.demand.get(origin, 0.0)
            for region, share in by.items():
                found[region] += rate * share
    return found


def _success(flow: Flow) -> dict[str, float]:
    """Share of attempts that a region served, of regions that were sent any."""
    sent: dict[str, float] = {}
    served: dict[str, float] = {}
    for (_, region), rate in flow.rate.items():
        sent[region] = sent.get(region, 0.0) + rate
    for place, rate in flow.rate.items():
        served[place[1]] = served.get(place[1], 0.0) + rate * flow.success[place]
    return {region: served[region] / rate for region, rate in sent.items() if rate > 0}
