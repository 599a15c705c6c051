"""Walls: residency (R4), what cannot serve anywhere it is not deployed (R14), and shares that are shares."""

from collections.abc import Iterator

from controlplane.model.act import Act, Weights
from controlplane.model.estate import Estate
from controlplane.model.resources.service import Placement
from controlplane.sim.watch.scene import Breach, Scene, Watcher

_ROUNDING = 1e-5


class Walls(Watcher):
    """Looks at each set of weights by itself."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._possible = {name: _possible(scene.estate, name, {}) for name in scene.estate.spread}

    def applying(self, process: object, act: Act) -> Iterator[Breach]:
        """Before anything is touched."""
        if isinstance(act.desired, Weights):
            yield from self._ranges(act.subject, act.desired)
            yield from self._placed(act.subject, act.desired)

    def _ranges(self, service: str, weights: Weights) -> Iterator[Breach]:
        for origin, by in sorted(weights.shares.items()):
            shed, refused = weights.shed.get(origin, 0.0), weights.refused.get(origin, 0.0)
            for share in (*by.values(), shed, refused):
                if not -_ROUNDING <= share <= 1 + _ROUNDING:
                    yield Breach("shares", f"{service}/{origin}", f"a share of {share:g} of {service} from {origin}")
            if sum(by.values()) + shed + refused > 1 + _ROUNDING:
                whole = sum(by.values()) + shed + refused
                yield Breach("shares", f"{service}/{origin}", f"{service} from {origin} adds up to {whole:g}")

    def _placed(self, service: str, weights: Weights) -> Iterator[Breach]:
        before = self.scene.truth.shares[service]
        for origin, by in sorted(weights.shares.items()):
            legal = self.scene.estate.legal(service, origin)
            for region, share in sorted(by.items()):
                if share > _ROUNDING and region not in legal:
                    yield Breach("R4", f"{service}/{origin}/{region}", f"{service} of {origin} sent to {region}")
                raised = share > before.get(origin, {}).get(region, 0.0) + _ROUNDING
                if raised and region not in self._possible[service]:
                    what = f"{service} sent to {region}, where something it strongly depends on is not deployed"
                    yield Breach("R14", f"{service}/{region}", what)


def _possible(estate: Estate, name: str, known: dict[str, frozenset[str]]) -> frozenset[str]:
    """Regions where a service and all that it strongly depends on are deployed."""
    if name not in known:
        found = frozenset(estate.deployed(name))
        for dependency in estate.strong[name]:
            if estate.services[dependency].spec.placement is Placement.SPREAD:
                found &= _possible(estate, dependency, known)
        known[name] = found
    return known[name]
