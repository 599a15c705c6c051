"""Cause: nothing well is left (R1, R15), and what fails everywhere alike is not moved about (R2)."""

from collections.abc import Iterator

from controlplane.model.act import Act, Weights
from controlplane.sim.schedule import NEVER
from controlplane.sim.watch.scene import LONG_AGO, SICK_BELOW, Breach, Scene, Watcher

_ROUNDING = 1e-5
_LONG_WELL_S = 600
_ALIKE = 0.05
_EMPTY_FOR_S = 30
_RECENT_S = 3600


class Cause(Watcher):
    """Goes by the faults themselves: a region in which nothing has been wrong is not drained, and no traffic goes
    from one place that fails to another that fails as much."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._before: dict[str, dict[str, float]] = {}
        self._carried: dict[str, bool] = {}
        self._planned = {region for region in scene.estate.regions if self._carries(region)}
        self._emptied: dict[str, int] = {}

    def before_change(self, act: Act) -> Iterator[Breach]:
        """Keep what was."""
        if isinstance(act.desired, Weights):
            self._before = {origin: dict(by) for origin, by in self.scene.truth.shares[act.subject].items()}
            self._carried = {region: self._carries(region) for region in self.scene.estate.regions}
        yield from ()

    def after_change(self, act: Act) -> Iterator[Breach]:
        """Look at what was left, and for what."""
        if not isinstance(act.desired, Weights):
            return
        second = self.scene.truth.second
        for region in sorted(self._planned):
            wrong_at = self.scene.troubled_at.get(region, LONG_AGO)
            emptied = self._carried[region] and not self._carries(region)
            if emptied and second - wrong_at > _LONG_WELL_S and not self._comes_back(act.subject):
                self._emptied[region] = second
        yield from self._from_bad_to_bad(act.subject)

    def _comes_back(self, service: str) -> bool:
        """Whether traffic goes back to where something was wrong not long ago: those who stood in for it may be left
        with nothing, if others made room for that (R5)."""
        after, second = self.scene.truth.shares[service], self.scene.truth.second
        gains = {
            region
            for origin, by in after.items()
            for region, share in by.items()
            if share > self._before.get(origin, {}).get(region, 0.0) + _ROUNDING
        }
        return any(second - self.scene.troubled_at.get(region, LONG_AGO) < _RECENT_S for region in gains)

    def step(self) -> Iterator[Breach]:
        """What is emptied to make room for others, and filled with them, was not drained."""
        for region, second in sorted(self._emptied.items()):
            if self._carries(region):
                del self._emptied[region]
            elif self.scene.truth.second - second >= _EMPTY_FOR_S:
                del self._emptied[region]
                yield Breach("R1", region, f"{region} was drained though nothing had been wrong in it")

    def next_change(self, second: int) -> int:
        """When a region will have been empty for too long."""
        return min((since + _EMPTY_FOR_S for since in self._emptied.values()), default=NEVER)

    def _from_bad_to_bad(self, service: str) -> Iterator[Breach]:
        after = self.scene.truth.shares[service]
        success = self.scene.glances[-1].by_place
        for origin, before in sorted(self._before.items()):
            changed = {r: after.get(origin, {}).get(r, 0.0) - before.get(r, 0.0) for r in self.scene.estate.regions}
            left = [r for r, by in changed.items() if by < -_ROUNDING and success.get((service, r), 1.0) < SICK_BELOW]
            found = [r for r, by in changed.items() if by > _ROUNDING and success.get((service, r), 1.0) < SICK_BELOW]
            for a in left:
                for b in found:
                    if self._long_bad(service, b) and success[service, b] - success[service, a] < _ALIKE:
                        what = f"{service} of {origin} went from {a} to {b}, which fails as much"
                        yield Breach("R2", f"{service}/{a}/{b}", what)

    def _long_bad(self, service: str, region: str) -> bool:
        """Bad in every second remembered: whoever decided could see it."""
        seen = [glance.by_place.get((service, region), 1.0) for glance in self.scene.glances]
        return all(success < SICK_BELOW for success in seen)

    def _carries(self, region: str) -> bool:
        shares = self.scene.truth.shares.values()
        return any(by.get(region, 0.0) > _ROUNDING for per in shares for by in per.values())
