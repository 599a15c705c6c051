"""Blast radius: how many regions may be left and how much may leave live ones (R8), and how often (R7)."""

from collections import deque
from collections.abc import Iterator

from controlplane.model.act import Act, Weights
from controlplane.model.resources.region import RegionRole
from controlplane.sim.ledger import Ledger
from controlplane.sim.watch.scene import DEAD_BELOW, Breach, Scene, Watcher

_TOLERANCE = 0.02


class Radius(Watcher):
    """Counts regions that carry nothing though they should, and units that leave regions whose users are served."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._carried = self._carrying()
        self._empty: set[str] = set()
        self._spared: set[str] = set()
        self._left: deque[tuple[int, float]] = deque()
        self._before: dict[str, dict[str, float]] = {}
        self._turned_away: dict[str, float] = {}

    def before_change(self, act: Act) -> Iterator[Breach]:
        """Keep what the service had."""
        if isinstance(act.desired, Weights):
            self._before = {origin: dict(by) for origin, by in self.scene.truth.shares[act.subject].items()}
            self._turned_away = self._away(act.subject)
        yield from ()

    def after_change(self, act: Act) -> Iterator[Breach]:
        """Weigh what it has now."""
        if not isinstance(act.desired, Weights):
            return
        yield from self._shift(act)
        carrying = self._carrying()
        for region in sorted(self._carried - carrying - self._empty):
            self._empty.add(region)
            lowest = self.scene.lowest_success(region)
            if region in self.scene.truth.now.dead or (lowest is not None and lowest < DEAD_BELOW):
                self._spared.add(region)
            else:
                yield from self._drained(region)
            yield from self._serving(region, carrying)
        self._empty -= carrying
        self._spared &= self._empty

    def _carrying(self) -> set[str]:
        return {
            region
            for per in self.scene.truth.shares.values()
            for by in per.values()
            for region, share in by.items()
            if share > 0
        }

    def _drained(self, region: str) -> Iterator[Breach]:
        """A region whose users are served counts, one of those that share a campus for all of them."""
        counted = {self._campus(other) for other in self._empty - self._spared}
        allowed = self.scene.estate.safety.max_drained_regions
        if len(counted) > allowed:
            what = f"{region} was drained as the {len(counted)}. live one, of {allowed} allowed"
            yield Breach("R8", f"drained/{region}", what)

    def _serving(self, region: str, carrying: set[str]) -> Iterator[Breach]:
        """A serving region that is not left serves, though nothing may be planned for it just now."""
        regions = self.scene.estate.regions
        ready = {name for name, each in regions.items() if each.spec.role is RegionRole.SERVING} - self._empty
        least, left = self.scene.estate.safety.min_serving_regions, len(carrying | ready)
        if left < least:
            yield Breach("R8", f"serving/{region}", f"leaving {region} leaves {left} serving, of {least} at least")

    def _campus(self, region: str) -> str:
        return self.scene.estate.regions[region].spec.fault_domains.get("campus", region)

    def _away(self, service: str) -> dict[str, float]:
        """What is turned away by plan goes nowhere: it leaves, and moves no load."""
        shed, refused = self.scene.truth.shed[service], self.scene.truth.refused[service]
        return {origin: shed.get(origin, 0.0) + refused.get(origin, 0.0) for origin in {*shed, *refused}}

    def _shift(self, act: Act) -> Iterator[Breach]:
        estate, truth = self.scene.estate, self.scene.truth
        glance = self.scene.glances[-1]
        bound = estate.safety.max_shift
        cost = estate.services[act.subject].spec.unit_cost
        after = truth.shares[act.subject]
        leaving = 0.0
        away = self._away(act.subject)
        for origin, by in self._before.items():
            rate = glance.demand.get((act.subject, origin), 0.0)
            moved = 0.0
            for region, share in by.items():
                lowest = self.scene.lowest_at((act.subject, region))
                if self.scene.live(region) and (lowest is None or lowest >= DEAD_BELOW):
                    moved += max(0.0, share - after.get(origin, {}).get(region, 0.0))
            shed = max(0.0, away.get(origin, 0.0) - self._turned_away.get(origin, 0.0))
            leaving += max(0.0, moved - shed) * rate * cost
        whole = sum(rate * estate.services[name].spec.unit_cost for (name, _), rate in glance.demand.items())
        if leaving <= 0.0 or whole <= 0.0 or bound.fraction >= 1.0:
            return
        self._left.append((truth.second, leaving / whole))
        while self._left[0][0] <= truth.second - bound.per.total_seconds():
            self._left.popleft()
        gone = sum(part for _, part in self._left)
        if gone > bound.fraction + _TOLERANCE:
            what = f"{gone:.0%} of the estate left live regions within {bound.per}, of {bound.fraction:.0%} allowed"
            yield Breach("R8", "shift", what)


class Damping(Watcher):
    """Past maxTransitions a region stays drained until a person frees it."""

    def __init__(self, scene: Scene, ledger: Ledger) -> None:
        super().__init__(scene)
        self._ledger = ledger

    def step(self) -> Iterator[Breach]:
        """Looks at restorations as they happen."""
        bound = self.scene.estate.safety.max_transitions
        for region, log in self._ledger.regions.items():
            if not log.restored or log.restored[-1] != self.scene.truth.second:
                continue
            since = log.restored[-1] - bound.per.total_seconds()
            before = [second for second in (*log.drained, *log.restored[:-1]) if second > since]
            if len(before) >= bound.count:
                what = f"{region} was restored after {len(before)} transitions within {bound.per}"
                yield Breach("R7", region, what)
