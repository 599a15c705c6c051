"""Right: who may run or write (R9), and that nobody well loses it without need (R5)."""

from collections.abc import Iterator

from controlplane.model.act import Act, Holder, Primary
from controlplane.sim.stage import Process
from controlplane.sim.truth import lease_left_s
from controlplane.sim.watch.scene import LONG_AGO, Breach, Scene, Watcher

LAG_KNOWN_FOR_S = 10
_ROUNDING = 1e-9
_LONG_WELL_S = 600


class OneHolder(Watcher):
    """Two that run or write at once, in the truth."""

    def step(self) -> Iterator[Breach]:
        """Looked at each second."""
        for name in self.scene.truth.seats:
            active = self.scene.truth.active(name)
            if len(active) > 1:
                yield Breach("holders", name, f"{name} is active in {' and '.join(active)} at once")


class Handover(Watcher):
    """Fence, then activate; promote with a lag that is known and within the RPO."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._seen: dict[tuple[str, str], tuple[int, float]] = {}
        self._wrote_at: dict[str, int] = {}

    def step(self) -> Iterator[Breach]:
        """Remember what a replica said of itself while its primary was well."""
        truth = self.scene.truth
        for name, copies in truth.copies.items():
            if not truth.active(name):
                continue
            self._wrote_at[name] = truth.second
            for region in copies.regions:
                lag = copies.lag_seen(region, truth.now)
                watched = any(truth.now.sees(v, region) and truth.now.reach(v, region) for v in truth.estate.regions)
                if lag is not None and watched:
                    self._seen[name, region] = (truth.second, lag)
                elif (name, region) in self._seen and region in truth.active(name):
                    del self._seen[name, region]
        yield from ()

    def leap(self, by: int) -> None:
        """See Watcher."""
        for name, second in self._wrote_at.items():
            if second == self.scene.truth.second:
                self._wrote_at[name] = second + by
        for key, (second, lag) in self._seen.items():
            if second == self.scene.truth.second:
                self._seen[key] = (second + by, lag)

    def applying(self, process: Process, act: Act) -> Iterator[Breach]:
        """The moment of the act is what counts, not that of its effect."""
        truth, desired = self.scene.truth, act.desired
        if not isinstance(desired, Holder | Primary) or desired.region is None or act.subject not in truth.seats:
            return
        for region in sorted(truth.seats[act.subject].claims):
            left = lease_left_s(truth, act.subject, region)
            if region != desired.region and left > 0:
                what = f"{act.subject} was given to {desired.region} while {region} could go on for {left} s"
                yield Breach("R9", f"{act.subject}/{desired.region}", what)
        if isinstance(desired, Primary):
            yield from self._promoted(act.subject, desired.region)
        yield from self._needless(act.subject, desired.region)

    def _promoted(self, datastore: str, region: str) -> Iterator[Breach]:
        truth = self.scene.truth
        copies = truth.copies.get(datastore)
        if copies is None or region in copies.primaries:
            return
        rpo = truth.estate.datastores[datastore].spec.rpo.total_seconds()
        now = copies.lag_seen(region, truth.now) if region in copies.copies else None
        if now is not None and now <= rpo + _ROUNDING:
            return
        second, lag = self._seen.get((datastore, region), (LONG_AGO, 0.0))
        if self._wrote_at.get(datastore, truth.second) - second >= LAG_KNOWN_FOR_S:
            yield Breach("R9", f"{datastore}/{region}", f"{datastore} was promoted in {region} with its lag unknown")
        elif lag > rpo + _ROUNDING:
            what = f"{datastore} was promoted in {region} with a lag of {lag:g} s, of {rpo:g} s that may be lost"
            yield Breach("R9", f"{datastore}/{region}", what)

    def _needless(self, subject: str, region: str) -> Iterator[Breach]:
        """A holder or primary that was well for long is not moved by the machine (R5)."""
        truth = self.scene.truth
        for holder in truth.active(subject):
            sick = self.scene.troubled_at.get(holder, LONG_AGO)
            if holder != region and truth.second - sick > _LONG_WELL_S:
                yield Breach("R5", f"{subject}/{region}", f"{subject} was moved from {holder}, where it was well")
