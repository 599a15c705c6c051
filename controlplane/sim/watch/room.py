"""Room: no region is planned above its usable capacity (R3), and what must be shed is shed from below."""

import math
from collections.abc import Iterator

from controlplane.model.act import Act, Holder, KnobSetting, Weights
from controlplane.sim.schedule import NEVER
from controlplane.sim.truth import Truth
from controlplane.sim.watch.scene import LONG_AGO, Breach, Glance, Scene, Watcher

_TOLERANCE = 1e-4
_NOISE = 0.08
"""What a plan may be off by while demand is not the declared one: whoever measures it takes the mean of some time."""
MEASURED_OVER_S = 60
_COLD_EXTRA = 1.0
UNJUST_FOR_S = 15
"""Acts of one plan come about one after another; that long, an unjust state may be one in passing."""


class Capacity(Watcher):
    """An act may not lift a region above capacity * (1 - headroom), by any of what was seen in the last seconds."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._seen: list[Glance] = []
        self._before: list[dict[str, float]] = []
        self._last: Glance | None = None
        self._odd = False
        self._odd_at = LONG_AGO

    def before_change(self, act: Act) -> Iterator[Breach]:
        """Keep what was planned until now."""
        if isinstance(act.desired, Weights | KnobSetting | Holder):
            self._seen = self.scene.kinds_of_glances()
            self._before = [planned(self.scene.truth, glance) for glance in self._seen]
        yield from ()

    def after_change(self, act: Act) -> Iterator[Breach]:
        """Compare with what is planned now."""
        if not isinstance(act.desired, Weights | KnobSetting | Holder) or not self._before:
            return
        after = [planned(self.scene.truth, glance) for glance in self._seen]
        now = self.scene.truth.now
        for region, spec in self.scene.estate.regions.items():
            if region in now.dead:
                continue
            over: list[tuple[float, float]] = []
            slack = 1 + (_NOISE if self._unsettled() else _TOLERANCE)
            for before, later, glance in zip(self._before, after, self._seen, strict=True):
                gain = later[region] - before[region]
                extra = gain * _COLD_EXTRA if region in now.cold else 0.0
                usable = glance.capacity[region] * (1 - spec.spec.headroom)
                if gain > usable * _TOLERANCE and later[region] + extra > usable * slack:
                    over.append((later[region] + extra, usable))
            if len(over) == len(after):
                load, usable = min(over)
                what = f"{region} was planned to carry {load:.2f} units of {usable:.2f} usable, by {act.subject}"
                yield Breach("R3", f"{region}/{act.subject}", what)

    def step(self) -> Iterator[Breach]:
        """Remember when demand was last another than declared."""
        glance = self.scene.glances[-1]
        if glance is not self._last:
            self._last = glance
            declared = self.scene.estate.services
            self._odd = any(
                abs(rate - declared[name].spec.demand[origin]) > _TOLERANCE
                for (name, origin), rate in glance.demand.items()
            )
        if self._odd:
            self._odd_at = self.scene.truth.second
        yield from ()

    def leap(self, by: int) -> None:
        """See Watcher."""
        if self._odd:
            self._odd_at += by

    def _unsettled(self) -> bool:
        return self.scene.truth.second - self._odd_at < MEASURED_OVER_S


class Justice(Watcher):
    """No tier-0 request is shed while a lower tier is served in room that could legally serve it."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._since: dict[tuple[str, str], int] = {}
        self._version = -1
        self._glance: Glance | None = None

    def step(self) -> Iterator[Breach]:
        """Looked at whenever something has changed, and reported once it has stood for a while."""
        truth, glance = self.scene.truth, self.scene.glances[-1]
        if truth.version != self._version or glance is not self._glance:
            self._version, self._glance = truth.version, glance
            unjust = dict(self._unjust(glance))
            self._since = {key: self._since.get(key, truth.second) for key in unjust}
        for (service, origin), since in self._since.items():
            if truth.second - since >= UNJUST_FOR_S:
                what = f"{service} of {origin} is shed while a lower tier is served where it could be"
                yield Breach("tiers", f"{service}/{origin}", what)

    def next_change(self, second: int) -> int:
        """When a state that is unjust now will have stood too long."""
        ends = [since + UNJUST_FOR_S for since in self._since.values() if since + UNJUST_FOR_S > second]
        return min(ends, default=NEVER)

    def _unjust(self, glance: Glance) -> Iterator[tuple[tuple[str, str], str]]:
        truth, estate = self.scene.truth, self.scene.estate
        for name in estate.spread:
            if estate.services[name].spec.tier != 0 or not _writable(truth, name):
                continue
            for origin, shed in truth.shed[name].items():
                if shed * glance.demand.get((name, origin), 0.0) <= _TOLERANCE:
                    continue
                for region in estate.legal(name, origin):
                    well = self.scene.sick_for((name, region)) > self._back_s(name) and region not in truth.now.alarms
                    if well and region not in truth.now.dead and self._serves_lower(region, glance):
                        yield (name, origin), region

    def _back_s(self, name: str) -> float:
        """How long a place that failed may take to get all of its share back (R13)."""
        policy = self.scene.estate.policy(name)
        steps = math.ceil(1 / policy.failback_ramp.step) + 1
        return (
            UNJUST_FOR_S
            + policy.failback.stable_for.total_seconds()
            + steps * (policy.failback_ramp.every.total_seconds() + UNJUST_FOR_S)
        )

    def _serves_lower(self, region: str, glance: Glance) -> bool:
        truth, estate = self.scene.truth, self.scene.estate
        for name in estate.spread:
            spec = estate.services[name].spec
            if spec.tier == 0 or truth.unit_costs[name, region] <= 0:
                continue
            for origin, by in truth.shares[name].items():
                if by.get(region, 0.0) * glance.demand.get((name, origin), 0.0) > _TOLERANCE:
                    return True
        return False


def _writable(truth: Truth, name: str) -> bool:
    """Whether the datastores that a service needs have a primary at all: without one nobody can serve it (R14)."""
    store = truth.estate.services[name].spec.datastore
    if store is not None and not truth.active(store):
        return False
    spread = [needed for needed in truth.estate.strong[name] if needed in truth.shares]
    return all(_writable(truth, needed) for needed in spread)


def planned(truth: Truth, glance: Glance) -> dict[str, float]:
    """Units by region that the shares, knobs and holders in force plan for the demand of that second."""
    estate = truth.estate
    load = dict.fromkeys(estate.regions, 0.0)
    cost = truth.unit_costs
    for name, per in truth.shares.items():
        for origin, by in per.items():
            rate = glance.demand.get((name, origin), 0.0)
            for region, share in by.items():
                load[region] += rate * share * cost[name, region]
    for name in estate.exclusive:
        for region in truth.seats[name].claims:
            load[region] += estate.services[name].spec.unit_cost
    return load
