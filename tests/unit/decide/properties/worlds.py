"""Random estates, what can befall them, and what a plan amounts to, counted without the planner's help."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import Any

from hypothesis import strategies as st

from controlplane.decide.placement import demand_of, healthy_plan
from controlplane.decide.plan import plan
from controlplane.model.estate import Estate
from controlplane.model.plan import Plan
from controlplane.model.verdict import EVERY_SERVICE, Health, Verdict
from controlplane.model.world import Lag, Override, OverrideState, Shares, World
from tests.unit.decide.estates import LONG_AGO, NOW, estate, knob, policy, region, service

EPSILON = 2e-5
"""Shares are told to nine places and found to about seven; sums of some are a little worse."""
EU, UK = ("dublin", "frankfurt", "stockholm"), ("london", "leeds")
ORIGINS = ("IE", "DE", "GB")
STEP = 0.25
FAILBACK_STEP = 0.1

seeds = st.integers(0, 1_000_000)


@dataclass(frozen=True)
class Case:
    estate: Estate
    world: World

    @property
    def plan(self) -> Plan:
        return plan(self.estate, self.world)


SCARCE_TO_AMPLE = (0.9, 1.1, 1.3, 2.0)
"""Room that is left when a region is lost, as a share of the load."""
AMPLE = (1.6, 2.0, 3.0)


def random_estate(rng: Random, rooms: tuple[float, ...] = SCARCE_TO_AMPLE, **safety: Any) -> Estate:
    """Three to five regions, with room for one lost or not; tiers, walls, dependencies, a job, a database, knobs."""
    names = EU + UK[: rng.randint(0, 2)]
    services = [_service(rng, f"s{index}", names, index) for index in range(rng.randint(3, 7))]
    if rng.random() < 0.6:
        store = "orders-db" if rng.random() < 0.7 else None
        services.append(
            service("job", placement="exclusive", regions=("dublin", "frankfurt"), cost=20.0, datastore=store)
        )
    load = sum(s.spec.unit_cost * sum(s.spec.demand.values()) for s in services if s.spec.placement.value == "spread")
    room = rng.choice(rooms) * load / (len(names) - 1) / 0.9
    regions = tuple(
        region(
            name,
            jurisdiction="EU" if name in EU else "UK",
            capacity=round(max(room, 10.0) * rng.uniform(0.7, 1.3), 3),
            latency={o: f"{rng.randint(2, 60)}ms" for o in ORIGINS},
            faultDomains={"campus": rng.choice(["one", "two"])} if rng.random() < 0.2 else {},
        )
        for name in names
    )
    return estate(
        *services,
        regions=regions,
        policies=(
            policy(
                ramp={"step": STEP, "every": "15s"},
                failback={"mode": "auto", "stableFor": "10m", "ramp": {"step": FAILBACK_STEP, "every": "1m"}},
            ),
        ),
        knobs=_knobs(rng, [s.name for s in services]),
        datastores={"orders-db": ("dublin", ("frankfurt", "stockholm"), "1s")},
        safety={"maxShift": {"fraction": rng.choice([0.2, 0.6, 1.0]), "per": "5m"}} | safety,
    )


def _service(rng: Random, name: str, regions: tuple[str, ...], index: int) -> Any:
    spec: dict[str, Any] = {
        "tier": rng.randrange(4),
        "value": round(rng.uniform(0.5, 5.0), 1),
        "cost": rng.choice([0.5, 1.0, 2.0]),
        "demand": {o: float(rng.choice([0, 20, 60, 100])) for o in ORIGINS},
    }
    if rng.random() < 0.3:
        spec["regions"] = tuple(sorted(rng.sample(regions, rng.randint(2, len(regions)))))
    if rng.random() < 0.4:
        spec["residency"] = dict.fromkeys(ORIGINS[: rng.randint(1, 3)], ("EU",))
    if index and rng.random() < 0.4:
        spec["dependsOn"] = [
            {"service": f"s{rng.randrange(index)}", "strength": rng.choice(["strong", "strong", "weak"])}
        ]
    if rng.random() < 0.2:
        spec["datastore"] = "orders-db"
    return service(name, **spec)


def _knobs(rng: Random, services: list[str]) -> tuple[Any, ...]:
    made = []
    for index in range(rng.randint(0, 3)):
        touched = rng.sample(services, min(2, len(services)))
        light = {s: round(rng.uniform(0.1, 0.5), 2) for s in touched}
        deep = {s: round(share + 0.3, 2) for s, share in light.items()}
        made.append(
            knob(
                f"k{index}",
                ("less", light, 20.0 + index),
                ("off", deep, 60.0 + index),
                scope=rng.choice(["estate", "region"]),
            )
        )
    return tuple(made)


def fault(rng: Random, made: Estate) -> dict[tuple[str, str], Verdict]:
    """One thing that is wrong: a region or a service, dead, grey, degraded or unknown."""
    where = rng.choice(tuple(made.regions))
    what = EVERY_SERVICE if rng.random() < 0.5 else rng.choice(tuple(made.services))
    state = rng.choice([Health.DOWN, Health.DOWN, Health.DOWN, Health.DEGRADED, Health.UNKNOWN])
    success = rng.choice([None, 0.0, 0.5]) if state is Health.DOWN else None
    since = rng.choice([LONG_AGO, LONG_AGO, NOW - timedelta(seconds=2), None])
    return {(where, what): Verdict(where, what, state, since, success)}


def random_world(rng: Random, made: Estate) -> World:
    """None to three faults, and whatever else may stand."""
    verdicts: dict[tuple[str, str], Verdict] = {}
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
        verdicts |= fault(rng, made)
    names = tuple(made.regions)
    world = World(at=NOW, verdicts=verdicts)
    if rng.random() < 0.15:
        world = replace(world, alarms={rng.choice(names): LONG_AGO})
    if rng.random() < 0.15:
        world = replace(world, overrides=(drain_order(rng.choice(names)),))
    if rng.random() < 0.2:
        world = replace(
            world, capacity={rng.choice(names): made.regions[names[0]].spec.capacity * rng.uniform(0.3, 0.9)}
        )
    if rng.random() < 0.2:
        world = replace(world, surcharge={rng.choice(names): rng.uniform(1.0, 2.0)})
    if rng.random() < 0.5:
        world = replace(world, lag={"orders-db": {"frankfurt": Lag(timedelta(seconds=rng.choice([0.2, 0.8, 5.0])))}})
    if rng.random() < 0.3:
        factor = rng.uniform(0.6, 1.5)
        world = replace(
            world, demand={s: {o: d * factor for o, d in made.services[s].spec.demand.items()} for s in made.spread}
        )
    return world


def drain_order(where: str, *, hours: float = 1.0, approved_by: str | None = None) -> Override:
    return Override(where, OverrideState.DRAINED, "ana", "maintenance", NOW + timedelta(hours=hours), approved_by)


def carried_out(world: World, made: Plan) -> World:
    """The world after the plan's next step, a minute later, with everything else as it was."""
    moved = {a.subject: world.at for a in made.actions if a.kind.value == "shift"}
    return replace(
        world,
        at=world.at + timedelta(minutes=1),
        shares=made.next,
        knobs=made.knobs,
        holders=made.holders,
        primaries={**world.primaries, **made.promote},
        last_step=moved,
    )


def random_case(seed: int, rooms: tuple[float, ...] = SCARCE_TO_AMPLE) -> Case:
    """A random estate in a random world, half of the time some steps after something else befell it."""
    rng = Random(seed)
    made = random_estate(rng, rooms)
    world = random_world(rng, made)
    for _ in range(rng.choice([0, 0, 1, 2])):
        earlier = carried_out(world, plan(made, world))
        world = replace(random_world(rng, made), shares=earlier.shares, knobs=earlier.knobs, holders=earlier.holders)
        world = replace(world, primaries=earlier.primaries)
    return Case(made, world)


cases = seeds.map(random_case)
roomy_cases = seeds.map(lambda seed: random_case(seed, AMPLE))
"""Without regions that are full to the brim and would have to trade places: there R3 holds at both ends of a plan, and
on the way only if requests are turned away for a step."""


def calm_case(seed: int, rooms: tuple[float, ...] = SCARCE_TO_AMPLE, **safety: Any) -> tuple[Random, Case]:
    """A random estate on a quiet day, and the dice for what befalls it."""
    rng = Random(seed)
    return rng, Case(random_estate(rng, rooms, **safety), World(at=NOW))


def today(case: Case) -> Shares:
    """Today's shares: the world's, else those of the healthy plan."""
    demand = demand_of(case.estate, case.world)
    healthy = healthy_plan(case.estate, demand).shares
    return {
        s: {o: case.world.shares.get(s, {}).get(o, healthy[s].get(o, {})) for o in demand[s]}
        for s in case.estate.spread
    }


def share(shares: Shares, name: str, origin: str, where: str) -> float:
    return shares.get(name, {}).get(origin, {}).get(where, 0.0)


def left_of_cost(made: Estate, knobs: Mapping[str, Any], name: str, where: str) -> float:
    """What the knobs leave of a service's cost in a region."""
    saved = 0.0
    for one in made.knobs.values():
        value = knobs.get(one.name, one.default)
        value = value.get(where, one.default) if isinstance(value, Mapping) else value
        depth = one.depth(value)
        saved += one.levels[depth - 1].saves.get(name, 0.0) if depth else 0.0
    return max(0.0, 1.0 - saved)


def load(case: Case, shares: Shares, knobs: Mapping[str, Any], holders: Mapping[str, str | None]) -> dict[str, float]:
    """Cost units a second by region, holders included, surcharges left out."""
    made, total = case.estate, dict.fromkeys(case.estate.regions, 0.0)
    demand = demand_of(made, case.world)
    for where in total:
        for name in made.spread:
            left = made.services[name].spec.unit_cost * left_of_cost(made, knobs, name, where)
            total[where] += sum(rate * left * share(shares, name, o, where) for o, rate in demand[name].items())
        for name, at in holders.items():
            if at == where:
                total[where] += made.services[name].spec.unit_cost * left_of_cost(made, knobs, name, where)
    return total


def limit(case: Case, where: str) -> float:
    """Units a second that R3 allows in a region."""
    spec = case.estate.regions[where].spec
    return case.world.capacity.get(where, spec.capacity) * (1 - spec.headroom)


def shed_by_tier(case: Case, made: Plan) -> list[float]:
    """Requests a second shed at the target, tier 0 first."""
    tiers = [0.0] * 4
    demand = demand_of(case.estate, case.world)
    for name, by_origin in made.shed.items():
        for origin, part in by_origin.items():
            tiers[case.estate.services[name].spec.tier] += part * demand[name][origin]
    return tiers


def sheds_less(one: list[float], other: list[float]) -> bool:
    """Whether the first is better in the order of R3, beyond rounding."""
    return next((a < b for a, b in zip(one, other, strict=True) if abs(a - b) > 0.01 + 1e-4 * max(a, b)), False)


def over_told(made: Plan) -> set[str]:
    """Regions that the plan itself says carry what may not be moved."""
    return {hold.subject for hold in made.holds if any(why.code == "over-limit" for why in hold.reasons)}


def rules_of(made: Plan) -> set[str]:
    """Every rule that a hold cites."""
    return {rule.value for hold in made.holds for rule in hold.rules}
