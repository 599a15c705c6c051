"""The question put to the optimiser and its answer, in plain values: no verdicts, no policies, no rules.

Aims, each kept at its best while the next is sought:

0. least load over a region's limit (0 unless what is pinned there cannot be had otherwise);
1. least shed requests a second of tier 0, then of tier 1, 2 and 3 (R3);
2. least ``value_lost`` of the knobs;
3. least value of what is shed, tier 0 first, then tier 1, 2 and 3;
4. least requests a second in ``standby`` places;
5. least requests a second in ``degraded`` places;
6. least requests a second that leave ``healthy`` places (R5);
7. knobs as near as can be to their depths today;
8. least latency, weighted by demand.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from controlplane.model.world import Shares

ESTATE = "*"
"""The place of a knob that has one depth everywhere."""
UNKNOWN_LATENCY_S = 0.25
"""What a latency that nobody declared counts as: farther than any declared neighbour, nearer than never."""

Pair = tuple[str, str]
"""(service, origin)."""
Spot = tuple[str, str]
"""(service, region)."""
Cell = tuple[str, str, str]
"""(service, origin, region)."""
Depths = Mapping[str, Mapping[str, int]]
"""knob → place (``ESTATE`` or a region) → depth; 0 is the default."""


@dataclass(frozen=True, slots=True)
class KnobLevel:
    """``saves``: share of each service's cost, 0..1, in all (not beyond the lighter level). ``value_lost``: an hour."""

    saves: Mapping[str, float]
    value_lost: float


@dataclass(frozen=True, slots=True)
class KnobChoice:
    """A knob at each of its ``places``: (``ESTATE``,) or the regions it can be turned in.

    ``levels`` run from light to deep; depth 0 is the default, which saves and costs nothing. By place: ``today`` is the
    depth in force (0 where absent), ``at_least`` and ``at_most`` bound the choice (a person's wish is both).
    """

    name: str
    places: tuple[str, ...]
    levels: tuple[KnobLevel, ...]
    today: Mapping[str, int] = field(default_factory=dict)
    at_least: Mapping[str, int] = field(default_factory=dict)
    at_most: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FixedLoad:
    """Cost units a second that a service takes in a region whatever the shares (an exclusive holder)."""

    service: str
    region: str
    units: float


@dataclass(frozen=True, slots=True)
class AllocationProblem:
    """One instant's placement problem. Names are sorted; what a mapping leaves out has its neutral value.

    ``tier`` 0..3, ``value`` of a served request, ``cost`` units a request, ``demand`` requests a second by origin.
    ``limit``: units a second that a region may carry, headroom already off. ``fixed`` load counts against it.

    ``allowed``: regions that may serve a pair now. A pair without any is refused, or shed if ``legal`` names a region
    for it (there is one, it is only not to be used now). ``floor`` and ``ceiling`` bound single shares and win over
    limits; what they force above a limit is told in ``Allocation.over``. The floors of a pair add up to 1 at most.

    ``today``: the shares that movement is measured from; None: nothing placed yet, no movement. ``healthy``: places
    that it is a pity to leave (aim 6). ``live``: places whose leaving is bounded: by ``max_move`` (share of a pair
    in this step) and ``max_leave`` (cost units a second over all). What is shed does not count as having left.
    ``max_gain``: cost units a second, knobs left out of account, that a region may gain over today. Where it is what a
    region has free today, the moves of an allocation fit in whatever order they are made.
    ``surcharge``: factor (≥ 1) on the cost of load that a region gains over today (cold caches).
    ``standby`` and ``degraded``: places used only when nothing better is left. ``latency``: seconds by origin, region.
    """

    services: tuple[str, ...]
    origins: tuple[str, ...]
    regions: tuple[str, ...]
    tier: Mapping[str, int]
    value: Mapping[str, float]
    cost: Mapping[str, float]
    demand: Mapping[str, Mapping[str, float]]
    limit: Mapping[str, float]
    allowed: Mapping[Pair, tuple[str, ...]]
    legal: frozenset[Pair] = frozenset()
    fixed: tuple[FixedLoad, ...] = ()
    floor: Mapping[Cell, float] = field(default_factory=dict)
    ceiling: Mapping[Cell, float] = field(default_factory=dict)
    today: Shares | None = None
    healthy: frozenset[Spot] = frozenset()
    live: frozenset[Spot] = frozenset()
    surcharge: Mapping[str, float] = field(default_factory=dict)
    standby: frozenset[Spot] = frozenset()
    degraded: frozenset[Spot] = frozenset()
    latency: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    knobs: tuple[KnobChoice, ...] = ()
    max_move: Mapping[Pair, float] = field(default_factory=dict)
    max_leave: float | None = None
    max_gain: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Aims:
    """What the allocation costs, aim by aim; ``shed`` and ``value_shed`` by tier (requests and value a second).

    ``latency_s`` is the mean over all requests served, 0 if none is. ``value_shed`` an hour is 3600 times its sum.
    """

    shed: tuple[float, float, float, float]
    value_lost: float
    value_shed: tuple[float, float, float, float]
    standby: float
    degraded: float
    moved: float
    latency_s: float


@dataclass(frozen=True, slots=True)
class Allocation:
    """The answer. Every pair with a service and an origin of the problem's ``demand`` has its shares (zero shares are
    left out), which with ``shed`` and ``refused`` (only where above 0) add up to 1.

    ``load``: units a second by region, fixed load and savings counted; ``over``: what of it is above the limit,
    only where it is. ``depths`` names every knob at every place. ``left``: cost units a second that leave live places
    (shed not counted). ``shortcut``: found without the solver, because ignoring the limits breaks none of them.
    """

    shares: Shares
    shed: Mapping[str, Mapping[str, float]]
    refused: Mapping[str, Mapping[str, float]]
    depths: Depths
    load: Mapping[str, float]
    over: Mapping[str, float]
    left: float
    aims: Aims
    shortcut: bool
