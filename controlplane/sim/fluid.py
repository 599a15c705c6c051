"""Requests as fluid flows: where they go, what saturates, what fails, and what comes back as a retry.

One second at a time, and a pure function of the state before it and the inputs: where neither changes, nothing that
follows can, which is what allows the world to leap.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from controlplane.sim.conditions import Place
from controlplane.sim.warmth import Warmth

CLIENT_TIMEOUT_S = 2.0
QUEUE_S = 1.8
"""Work a region lets wait, in seconds of its capacity; what is beyond is turned away at once."""
THRASH = 0.2
"""Share of a region's capacity that goes into work nobody waits for any more, at THRASH_AT times its capacity."""
THRASH_AT = 2.5
FAILED_COST = 0.25
"""Share of its cost that a request takes which fails at once; one that is answered too late takes all of it."""
BASE_LATENCY_S = 0.02
LATER = 3
"""Steps after which the retry of a request that timed out comes: 2 s of waiting, then the client's pause. What fails
fast comes back in the next step."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One service's requests from one origin: ``rate`` a second. ``routes``: (region, share) of what gets an answer
    from a region; ``answered``: share that the edge answers itself (shed, refused or routed nowhere);
    ``edges_down``: share of its edges that fail; ``resolves``: whether clients find the edge at all."""

    service: str
    origin: str
    rate: float
    routes: tuple[tuple[str, float], ...]
    answered: float = 0.0
    edges_down: float = 0.0
    resolves: bool = True


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that a step needs besides the state. ``cost``: units a request at a place, knobs counted; ``full_cost``: the
    same with every knob at its default, which is what caches hold; ``well``: share of
    requests that the place itself and all it depends on serve; ``slow``: seconds added there; ``hangs``: places
    whose failures are time-outs; ``capacity`` and ``fixed`` (load of exclusive work) by region; ``cold``: refill time
    of regions whose caches are cold."""

    streams: tuple[Stream, ...]
    cost: Mapping[Place, float]
    full_cost: Mapping[str, float]
    well: Mapping[Place, float]
    slow: Mapping[Place, float]
    hangs: frozenset[Place]
    capacity: Mapping[str, float]
    fixed: Mapping[str, float]
    dead: frozenset[str]
    cold: Mapping[str, float]


@dataclass(slots=True)
class Stock:
    """The state: retries under way by stream and step in which they come, backlog and warmth by region."""

    second_tries: list[list[float]]
    third_tries: list[list[float]]
    backlog: dict[str, float]
    warmth: dict[str, Warmth]

    def state(self) -> tuple[object, ...]:
        """What tells one second from the next."""
        return (
            tuple(map(tuple, self.second_tries)),
            tuple(map(tuple, self.third_tries)),
            tuple(sorted(self.backlog.items())),
            tuple((region, warmth.state()) for region, warmth in sorted(self.warmth.items())),
        )


@dataclass(slots=True)
class Flow:
    """One second. ``sent``: attempts by stream that reached an edge, with the share that fails in each region at
    ``success``; requests (not attempts) in all, and those that failed for good, of which ``answered`` by the edge."""

    sent: list[float] = field(default_factory=list)
    success: dict[Place, float] = field(default_factory=dict)
    rate: dict[Place, float] = field(default_factory=dict)
    load: dict[str, float] = field(default_factory=dict)
    wait: dict[str, float] = field(default_factory=dict)
    extra: dict[str, float] = field(default_factory=dict)
    cached: dict[str, float] = field(default_factory=dict)
    overloaded: tuple[str, ...] = ()
    requests: float = 0.0
    failed: float = 0.0
    answered: float = 0.0


def empty(streams: int, regions: Sequence[str]) -> Stock:
    """Nothing under way, nothing waiting."""
    return Stock(
        [[0.0] * LATER for _ in range(streams)],
        [[0.0] * LATER for _ in range(streams)],
        dict.fromkeys(regions, 0.0),
        {region: Warmth() for region in regions},
    )


def flow_on(inputs: Inputs, stock: Stock, second: int) -> Flow:
    """Let one second pass. ``stock`` is carried on in place."""
    flow = Flow(load=dict(inputs.fixed))
    _send(inputs, stock, flow)
    turned_away = _saturate(inputs, stock, flow, second)
    for place in flow.rate:
        late = inputs.slow.get(place, 0.0) + flow.wait[place[1]] + BASE_LATENCY_S >= CLIENT_TIMEOUT_S
        flow.success[place] = 0.0 if late else inputs.well[place] * (1 - turned_away[place[1]])
    for number, stream in enumerate(inputs.streams):
        _settle(inputs, stock, flow, number, stream)
    return flow


def _send(inputs: Inputs, stock: Stock, flow: Flow) -> None:
    load, rate, dead, cost = flow.load, flow.rate, inputs.dead, inputs.cost
    for number, stream in enumerate(inputs.streams):
        first = stream.rate * (1 - stream.answered) if stream.resolves else 0.0
        sent = first + stock.second_tries[number][0] + stock.third_tries[number][0]
        flow.sent.append(sent)
        if sent == 0.0:
            continue
        through = sent * (1 - stream.edges_down)
        for region, share in stream.routes:
            place = (stream.service, region)
            rate[place] = rate.get(place, 0.0) + through * share
            if region not in dead:
                full = through * share * inputs.full_cost[stream.service]
                flow.cached[region] = flow.cached.get(region, 0.0) + full
                well = inputs.well[place]
                load[region] += through * share * cost[place] * (well + FAILED_COST * (1 - well))


def _saturate(inputs: Inputs, stock: Stock, flow: Flow, second: int) -> dict[str, float]:
    """Queues, and the share of a region's requests that finds no place in them."""
    turned_away: dict[str, float] = {}
    overloaded: list[str] = []
    for region, capacity in inputs.capacity.items():
        load = flow.load[region]
        extra = stock.warmth[region].step(flow.cached.get(region, 0.0), inputs.cold.get(region), second)
        flow.extra[region] = extra
        load += extra
        flow.load[region] = load
        backlog, lost = 0.0, 0.0
        if load > 0.0 and region not in inputs.dead:
            if load > capacity * (1 + 1e-9):
                overloaded.append(region)
            excess = load / capacity - 1 if capacity > 0 else THRASH_AT
            effective = capacity * (1 - THRASH * min(1.0, max(0.0, excess / (THRASH_AT - 1))))
            offered = stock.backlog[region] + load
            backlog = min(max(0.0, offered - effective), QUEUE_S * capacity)
            lost = round(min(1.0, max(0.0, offered - effective - backlog) / load), 9)
        stock.backlog[region] = backlog
        flow.wait[region] = backlog / capacity if capacity > 0 else 0.0
        turned_away[region] = lost
    flow.overloaded = tuple(overloaded)
    return turned_away


def _settle(inputs: Inputs, stock: Stock, flow: Flow, number: int, stream: Stream) -> None:
    """Count what failed for good, and put the rest under way again."""
    second, third = stock.second_tries[number], stock.third_tries[number]
    flow.requests += stream.rate
    answered = stream.rate * stream.answered if stream.resolves else stream.rate
    first = stream.rate - answered
    fast = stream.edges_down if stream.routes else 1.0
    slow = 0.0
    for region, share in stream.routes:
        place = (stream.service, region)
        failing = share * (1 - stream.edges_down) * (1 - flow.success.get(place, 0.0))
        if place in inputs.hangs or flow.success.get(place) == 0.0:
            slow += failing
        else:
            fast += failing
    if stream.resolves:
        flow.answered += answered
    flow.failed += answered + third[0] * (fast + slow)
    coming = second[0]
    stock.second_tries[number] = [second[1] + first * fast, second[2], first * slow]
    stock.third_tries[number] = [third[1] + coming * fast, third[2], coming * slow]
