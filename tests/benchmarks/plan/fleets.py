"""Random fleets: thousands of services of a few kinds, as fleets are, or of as many kinds as there are services."""

import dataclasses

import numpy as np
import numpy.typing as npt

from controlplane.decide.allocation.fleet import Fleet, classes_of, healthy

Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Shape:
    services: int
    origins: int
    regions: int


@dataclasses.dataclass(frozen=True)
class Kinds:
    """How many different ones there are; ``costs`` None: every service has its own."""

    walls: int = 3
    deployments: int = 6
    costs: int | None = 6


ORDINARY = Kinds()
CONTINUOUS = Kinds(costs=None)


def random_fleet(shape: Shape, kinds: Kinds, seed: int, *, room: float = 1.08) -> tuple[Fleet, Floats]:
    """A fleet and its demand (S, O); any one region lost, the rest can carry ``room`` times the load."""
    rng = np.random.default_rng(seed)
    services, origins, regions = shape.services, shape.origins, shape.regions
    union = np.arange(regions) < max(2, regions // 2)
    permitted = np.ones((kinds.walls, origins, regions), dtype=np.bool_)
    for wall in range(1, kinds.walls):
        bound = rng.random(origins) < 0.4
        permitted[wall, bound] = union if wall % 2 else ~union
    patterns = rng.random((kinds.deployments, regions)) < 0.7
    patterns[0] = True
    for pattern in patterns:
        for side in (union, ~union):
            short = np.nonzero(side & ~pattern)[0]
            missing = max(0, min(3, int(side.sum())) - int((pattern & side).sum()))
            pattern[short[:missing]] = True
    where, origin = rng.random((regions, 2)), rng.random((origins, 2))
    latency = 0.002 + 0.1 * np.hypot(*(origin[:, None, :] - where[None, :, :]).transpose(2, 0, 1))
    choices = np.geomspace(0.2, 5.0, kinds.costs or 2)
    cost = rng.choice(choices, services) if kinds.costs else rng.lognormal(0.0, 0.8, services)
    popular = rng.lognormal(0.0, 1.0, services)[:, None] * rng.lognormal(0.0, 0.5, origins)[None, :]
    demand = 10.0 * popular * rng.uniform(0.5, 1.5, (services, origins))
    fleet = Fleet(
        tier=rng.choice(4, services, p=[0.1, 0.2, 0.4, 0.3]).astype(np.int64),
        cost=cost,
        wall=rng.choice(kinds.walls, services).astype(np.int64),
        deployed=patterns[rng.choice(kinds.deployments, services)],
        permitted=permitted,
        latency=latency,
        limit=np.ones(regions),
    )
    load = float((cost[:, None] * demand).sum())
    weight = rng.uniform(0.7, 1.3, regions)
    least = weight.sum() - weight.max()
    return dataclasses.replace(fleet, limit=room * load * weight / least), demand


def drifted(demand: Floats, seed: int, most: float) -> Floats:
    """Each service's demand up or down by up to ``most``, the whole unchanged."""
    rng = np.random.default_rng(seed)
    moved = demand * rng.uniform(1 - most, 1 + most, demand.shape)
    return np.asarray(moved * demand.sum() / moved.sum())


__all__ = ["CONTINUOUS", "ORDINARY", "Kinds", "Shape", "classes_of", "drifted", "healthy", "random_fleet"]
