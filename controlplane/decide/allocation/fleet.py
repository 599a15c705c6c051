"""The N-1 allocation of big fleets, with the knobs as they stand: arrays in, arrays out.

Services of the same tier, residency, cost and deployment are one class: what is optimal for the class, shared out in
proportion, is optimal for them. For each region a plan for its loss is kept ready (``prepare``); when it is lost, the
plan is brought up to today's demand (``replan``) from where the ready one ended.

Aims: least requests shed, tier 0 first; least requests moved from where they are; least latency. The last two are
sought in one, movement counting for 100,000 times the farthest latency. The value of a request is not an aim here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from controlplane.decide.allocation.grid import Bools, Floats, Ints
from controlplane.decide.allocation.transport import NOTHING, NOWHERE, Net, Start, Transport, Weights

LATENCY, MOVED, OVER = 0.01, 1e3, 1e8
SHED = (1e7, 1e6, 1e5, 1e4)
"""Weights of one request, where nothing need be shed: any such weights then give the same optimum."""
SNAP = 1e-7
"""A share that is shed and smaller than this is not shed."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """``tier``, ``cost`` and ``wall`` (the residency rule) are (S,); ``deployed`` (S, R); ``permitted`` (walls, O, R)
    says which regions a rule allows each origin; ``latency`` seconds (O, R); ``limit`` units a second (R,)."""

    tier: Ints
    cost: Floats
    wall: Ints
    deployed: Bools
    permitted: Bools
    latency: Floats
    limit: Floats


@dataclass(frozen=True, slots=True)
class Classes:
    """``of`` (S,) is each service's class; ``tier`` (C,), ``legal`` (C, O, R); ``order``, ``starts`` sum by class."""

    fleet: Fleet
    of: Ints
    tier: Ints
    legal: Bools
    order: Ints
    starts: Ints

    def gather(self, demand: Floats) -> tuple[Floats, Floats]:
        """Requests and cost units by class and origin, (C, O) each, of a demand (S, O)."""
        ordered = demand[self.order]
        units = ordered * self.fleet.cost[self.order, None]
        return np.add.reduceat(ordered, self.starts, axis=0), np.add.reduceat(units, self.starts, axis=0)


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """By class: ``shares`` (C, O, R), ``shed`` and ``refused`` (C, O); in all: ``shed_requests`` by tier (a second),
    ``moved`` (requests a second) and ``latency_s`` (mean of what is served). ``start``: where the solve ended."""

    shares: Floats
    shed: Floats
    refused: Floats
    shed_requests: tuple[float, float, float, float]
    moved: float
    latency_s: float
    start: Start


@dataclass(frozen=True, slots=True)
class Ready:
    """A plan for the loss of ``lost``, made from the placement ``today`` (C, O, R)."""

    classes: Classes
    lost: int
    today: Floats
    plan: FleetPlan


def classes_of(fleet: Fleet, *, cost_bins: int | None = None) -> Classes:
    """Merge services that are alike. With ``cost_bins`` costs count as alike within one of so many geometric bins;
    loads stay exact (each keeps its own cost), only who in a bin is served is then settled in proportion."""
    costs = fleet.cost if cost_bins is None else _binned(fleet.cost, cost_bins).astype(np.float64)
    parts = [fleet.tier[:, None], fleet.wall[:, None], np.unique(costs, return_inverse=True)[1].reshape(-1, 1)]
    keys = np.concatenate([*parts, np.packbits(fleet.deployed, axis=1)], axis=1).astype(np.int64)
    _, first, of = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    of = of.reshape(-1)
    order = np.argsort(of, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(of))[:-1]])
    legal = fleet.permitted[fleet.wall[first]] & fleet.deployed[first][:, None, :]
    return Classes(fleet, of, fleet.tier[first], legal, order, starts)


def _binned(cost: Floats, bins: int) -> Ints:
    low, high = float(cost[cost > 0].min(initial=np.inf)), float(cost.max(initial=0.0))
    if not low < high:
        return np.zeros(len(cost), dtype=np.int64)
    place = np.log(np.where(cost > 0, cost, low) / low) / np.log(high / low)
    return np.where(cost > 0, 1 + np.minimum((place * bins).astype(np.int64), bins - 1), 0)


def healthy(classes: Classes, demand: Floats) -> FleetPlan:
    """Where everything goes with every region well: least shed, then least latency."""
    none = np.zeros((*classes.legal.shape[:2], 0))
    return _solve(classes, demand, classes.legal, none, None)


def prepare(classes: Classes, today: Floats, demand: Floats, lost: Sequence[int]) -> tuple[Ready, ...]:
    """Plans for the loss of each region of ``lost``, from the placement ``today`` (C, O, R) at this demand (S, O)."""
    return tuple(
        Ready(classes, region, today, _solve(classes, demand, _without(classes.legal, region), today, None))
        for region in lost
    )


def replan(ready: Ready, demand: Floats) -> FleetPlan:
    """A ready plan brought up to another demand (S, O)."""
    classes = ready.classes
    return _solve(classes, demand, _without(classes.legal, ready.lost), ready.today, ready.plan.start)


def to_services(classes: Classes, plan: FleetPlan) -> tuple[Floats, Floats]:
    """The plan's shares (S, O, R) and shed and refused together (S, O) by service."""
    return plan.shares[classes.of], (plan.shed + plan.refused)[classes.of]


def _without(legal: Bools, region: int) -> Bools:
    rest = legal.copy()
    rest[:, :, region] = False
    return rest


def _solve(classes: Classes, demand: Floats, legal: Bools, today: Floats, start: Start | None) -> FleetPlan:
    requests, units = (part.reshape(-1) for part in classes.gather(demand))
    origins, regions = legal.shape[1:]
    flat = legal.reshape(-1, regions)
    latency = np.tile(classes.fleet.latency, (len(classes.tier), 1))
    shares = _parts(flat, latency, today)
    ratio = requests / np.where(units > 0, units, 1.0)
    mean = float(requests.sum()) / max(float(units.sum()), 1e-12)
    scale = max(float(classes.fleet.limit.mean()), 1e-12)
    pair, column = np.nonzero(shares > 0)
    net = Net(
        legal=flat,
        latency=latency / max(float(latency.max()), 1e-12),
        ratio=np.where(units > 0, ratio / max(mean, 1e-12), 0.0),
        tier=np.repeat(classes.tier, origins),
        room=classes.fleet.limit / scale,
        pair=pair,
        at=np.where(column < regions, column, NOWHERE),
        amount=shares[pair, column] * units[pair] / scale,
        settled=(column < regions) & (today.size > 0),
    )
    placed, end = _descend(net, start)
    placed[:, regions] = np.where(placed[:, regions] > SNAP * placed.sum(axis=1), placed[:, regions], 0.0)
    whole = placed.sum(axis=1, keepdims=True)
    nearest = np.where(flat, latency, np.inf).argmin(axis=1)
    idle = shares[:, :regions].copy()
    idle[np.arange(len(idle)), nearest] += shares[:, regions]
    found = np.where(whole > 0, placed / np.where(whole > 0, whole, 1.0), np.pad(idle, ((0, 0), (0, 1))))
    return _plan(classes, found, requests, flat, (today, latency, end))


def _parts(legal: Bools, latency: Floats, today: Floats) -> Floats:
    """Shares (P, R + 1) that the solve starts from: today's where they may stay, and in the last column what has lost
    its place; without a today, each at its nearest."""
    pairs, regions = legal.shape
    shares = np.zeros((pairs, regions + 1))
    reachable = legal.any(axis=1)
    if today.size:
        shares[:, :regions] = np.where(legal, today.reshape(pairs, regions), 0.0)
        shares[:, regions] = np.clip(1.0 - shares.sum(axis=1), 0.0, 1.0)
        shares[shares < NOTHING] = 0.0
    else:
        shares[np.arange(pairs), np.where(legal, latency, np.inf).argmin(axis=1)] = 1.0
    shares[~reachable] = 0.0
    return shares


def _descend(net: Net, start: Start | None) -> tuple[Floats, Start]:
    """What is placed where, and where the first solve ended.

    All aims are sought in one at first. Where that sheds nothing, it is the optimum; else tier by tier, from there.
    """
    model = Transport(net)
    model.begin(start)
    model.seek(Weights(SHED, MOVED, LATENCY, OVER * float(net.ratio.max(initial=1.0))))
    end = model.end()
    if model.placed()[:, -1].max(initial=0.0) <= SNAP and model.values[: net.regions].max(initial=0.0) <= SNAP:
        return model.placed(), end
    model.forbid_over()
    for tier in range(4):
        one = Weights((float(tier == 0), float(tier == 1), float(tier == 2), float(tier == 3)))
        if model.shed(tier) <= NOTHING or (best := model.seek(one)) <= NOTHING:
            model.forbid_shed(tier)
        else:
            model.hold(one, best)
    model.seek(Weights(moved=MOVED, latency=LATENCY))
    return model.placed(), end


def _plan(
    classes: Classes, found: Floats, requests: Floats, legal: Bools, ground: tuple[Floats, Floats, Start]
) -> FleetPlan:
    today, latency, end = ground
    pairs, regions = legal.shape
    shape = classes.legal.shape
    shares, shed = found[:, :regions], found[:, regions]
    refused = np.where(legal.any(axis=1), 0.0, 1.0)
    shed = np.where(refused > 0, 0.0, shed)
    tier = np.repeat(classes.tier, shape[1])
    zero, one, two, three = np.bincount(tier, requests * shed, minlength=4).tolist()
    moved = 0.0
    if today.size:
        gone = np.clip(today.reshape(pairs, regions) - shares, 0.0, None)
        moved = float((requests[:, None] * np.where(legal, gone, 0.0)).sum())
    served = float((requests[:, None] * shares).sum())
    waited = float((requests[:, None] * shares * latency).sum())
    return FleetPlan(
        shares=shares.reshape(shape),
        shed=shed.reshape(shape[:2]),
        refused=refused.reshape(shape[:2]),
        shed_requests=(zero, one, two, three),
        moved=moved,
        latency_s=waited / served if served > 0 else 0.0,
        start=end,
    )
