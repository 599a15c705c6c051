"""What would change a decision: the same decision, made again for a world or policies that differ in what is asked."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from controlplane.decide.explain import Explanation, explain, what
from controlplane.decide.plan import plan
from controlplane.model.errors import WrongUse
from controlplane.model.estate import Estate
from controlplane.model.plan import Action, Plan
from controlplane.model.resources.kind import KnobValue, parse_duration
from controlplane.model.verdict import EVERY_SERVICE, Health, Verdict
from controlplane.model.world import Knobs, Lag, Wish, World
from controlplane.service.service import Explained
from controlplane.service.verbs import known

FORMS = (
    "capacity.REGION=+80 (or -80, 900, *1.2)",
    "headroom.REGION=0.1",
    "demand=*1.2",
    "demand.SERVICE[.ORIGIN]=300 (or +50, *1.5)",
    "state.REGION[.SERVICE]=healthy|degraded|down|unknown",
    "lag.DATASTORE.REGION=800ms (or unknown)",
    "knob.NAME=VALUE",
    "safety.minServingRegions=1 (or maxDrainedRegions)",
)
_LONG_ENOUGH = timedelta(days=1)
"""As if it had been so for longer than any dwell or stableFor that one meets."""
_SAFETY = {"minServingRegions": "min_serving_regions", "maxDrainedRegions": "max_drained_regions"}


@dataclass(frozen=True, slots=True)
class Difference:
    """The decision as it is, as it would be with ``changes``, and what differs, in sentences."""

    changes: tuple[str, ...]
    before: Plan
    after: Plan
    differs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Imagined:
    """What is known of one id or name, and how that would differ (``difference`` None: nothing was imagined;
    ``then``: the explanations as they would be)."""

    now: Explained
    then: tuple[Explanation, ...] = ()
    difference: Difference | None = None


def explain_for_world(estate: Estate, world: World, asked: str, changes: tuple[str, ...] = ()) -> Imagined:
    """Why, why not, and what would change it, from policies and a world alone. Raises WrongUse for an unknown name."""
    decided = plan(estate, world)
    explanations = explain(decided, asked)
    verdicts = tuple(verdict for key, verdict in sorted(world.verdicts.items()) if asked in key)
    if not explanations and not verdicts:
        known(asked, [*(a.id for a in decided.actions), *_names(estate)], "action or name")
    now = Explained(asked, explanations, verdicts, (), ())
    if not changes:
        return Imagined(now)
    difference = what_if(estate, world, changes)
    return Imagined(now, explain(difference.after, asked), difference)


def what_if(estate: Estate, world: World, changes: tuple[str, ...]) -> Difference:
    """Decide again as if. Raises WrongUse for a change that is not understood or names what is not there."""
    other_estate, other_world = estate, world
    for change in changes:
        other_estate, other_world = imagine(other_estate, other_world, change)
    before, after = plan(estate, world), plan(other_estate, other_world)
    return Difference(changes, before, after, tuple(_differences(before, after)))


def imagine(estate: Estate, world: World, change: str) -> tuple[Estate, World]:
    """The policies and the world with one change, written ``what.name=value``."""
    left, equals, value = change.partition("=")
    kind, *names = left.split(".", 2)
    if not equals or not value:
        raise WrongUse(f"{change!r} is no change: write it as one of {'; '.join(FORMS)}")
    match kind, names:
        case "capacity", [name]:
            region = known(name, estate.regions, "region")
            now = world.capacity.get(region, estate.regions[region].spec.capacity)
            return estate, replace(world, capacity={**world.capacity, region: _figure(change, now, value)})
        case "headroom", [name]:
            return _headroom(estate, known(name, estate.regions, "region"), change, value), world
        case "demand", _:
            return estate, replace(world, demand=_demand(estate, world, names, change, value))
        case "state", [name, *service]:
            region = known(name, estate.regions, "region")
            subject = known(service[0], estate.services, "service") if service else EVERY_SERVICE
            return estate, _judged(world, region, subject, value)
        case "lag", [name, region]:
            return estate, _lagging(estate, world, (name, region), value)
        case "knob", [name]:
            return estate, _turned(estate, world, known(name, estate.knobs, "knob"), value)
        case "safety", [name] if name in _SAFETY:
            figure = int(_figure(change, getattr(estate.safety, _SAFETY[name]), value))
            return replace(estate, safety=estate.safety.model_copy(update={_SAFETY[name]: figure})), world
        case _:
            raise WrongUse(f"{change!r} is no change: write it as one of {'; '.join(FORMS)}")


def _figure(change: str, now: float, text: str) -> float:
    """An absolute figure, or one relative to today's; never below nought."""
    sign, digits = (text[0], text[1:]) if text[0] in "+-*" else ("", text)
    try:
        figure = float(digits)
    except ValueError as error:
        raise WrongUse(f"{change!r}: {text!r} is not a figure like 900, +80, -80 or *1.2") from error
    result = {"+": now + figure, "-": now - figure, "*": now * figure}.get(sign, figure)
    if not 0 <= result < float("inf"):
        raise WrongUse(f"{change!r}: that would be {result:g}")
    return result


def _headroom(estate: Estate, region: str, change: str, value: str) -> Estate:
    one = estate.regions[region]
    headroom = _figure(change, one.spec.headroom, value)
    if headroom >= 1:
        raise WrongUse(f"{change!r}: headroom is a share below 1")
    other = one.model_copy(update={"spec": one.spec.model_copy(update={"headroom": headroom})})
    return replace(estate, regions={**estate.regions, region: other})


def _demand(estate: Estate, world: World, names: list[str], change: str, value: str) -> dict[str, Mapping[str, float]]:
    services = [known(names[0], estate.spread, "spread service")] if names else list(estate.spread)
    changed: dict[str, Mapping[str, float]] = dict(world.demand)
    for service in services:
        today = {**estate.services[service].spec.demand, **world.demand.get(service, {})}
        origins = [known(names[1], today, f"origin of {service}")] if len(names) > 1 else list(today)
        changed[service] = {**today, **{origin: _figure(change, today[origin], value) for origin in origins}}
    return changed


def _judged(world: World, region: str, service: str, state: str) -> World:
    health = Health(known(state, [state.value for state in Health], "state"))
    verdict = Verdict(region, service, health, world.at - _LONG_ENOUGH)
    kept = world.verdicts
    if service == EVERY_SERVICE:
        kept = {key: judged for key, judged in kept.items() if key[0] != region}
    return replace(world, verdicts={**kept, (region, service): verdict})


def _lagging(estate: Estate, world: World, replica: tuple[str, str], value: str) -> World:
    name = known(replica[0], estate.datastores, "datastore")
    region = known(replica[1], estate.datastores[name].spec.replicas, f"replica of {name} in")
    others = {known_region: lag for known_region, lag in world.lag.get(name, {}).items() if known_region != region}
    if value == "unknown":
        return replace(world, lag={**world.lag, name: others})
    try:
        lag = Lag(parse_duration(value))
    except ValueError as error:
        raise WrongUse(f"lag.{name}.{region}={value}: {error}") from error
    return replace(world, lag={**world.lag, name: {**others, region: lag}})


def _turned(estate: Estate, world: World, knob: str, value: str) -> World:
    policy = estate.knobs[knob]
    values: dict[str, KnobValue] = {
        str(known_value): known_value for known_value in (policy.default, *_levels(estate, knob))
    }
    to = values[known(value, values, f"value of {knob}")]
    wish = Wish("knob", knob, to, "what-if", "what-if", world.at + _LONG_ENOUGH)
    others = tuple(one for one in world.wishes if (one.kind, one.subject) != ("knob", knob))
    return replace(world, wishes=(*others, wish))


def _levels(estate: Estate, knob: str) -> tuple[KnobValue, ...]:
    return tuple(level.value for level in estate.knobs[knob].levels)


def _names(estate: Estate) -> tuple[str, ...]:
    return (*estate.regions, *estate.services, *estate.datastores, *estate.knobs)


def _differences(before: Plan, after: Plan) -> list[str]:
    found: list[str] = []
    if before.feasible != after.feasible:
        found.append("everybody would be served" if after.feasible else "not everybody would be served")
    for words, now, then in (("shed", before.shed, after.shed), ("refused", before.refused, after.refused)):
        found += [
            f"{service}: {_most(now.get(service))} would become {_most(then.get(service))} {words}"
            for service in sorted({*now, *then})
            if _most(now.get(service)) != _most(then.get(service))
        ]
    found += [
        f"{knob}: {now} would become {then}" for knob, now, then in _pairs(before.knobs, after.knobs) if now != then
    ]
    found += [
        f"{name}: {before.holders.get(name)} would become {after.holders.get(name)}"
        for name in sorted({*before.holders, *after.holders})
        if before.holders.get(name) != after.holders.get(name)
    ]
    return found + _changed_actions(before, after) + _changed_holds(before, after)


def _changed_actions(before: Plan, after: Plan) -> list[str]:
    now, then = ({_key(action): action for action in decided.actions} for decided in (before, after))
    return [f"not done any more: {what(now[key])}" for key in now if key not in then] + [
        f"done: {what(then[key])}" for key in then if key not in now
    ]


def _changed_holds(before: Plan, after: Plan) -> list[str]:
    now, then = ({hold.subject for hold in decided.holds} for decided in (before, after))
    return [f"not held any more: {name}" for name in sorted(now - then)] + [
        f"held: {name}" for name in sorted(then - now)
    ]


def _key(action: Action) -> tuple[str, str, str | None, str | None, str | None]:
    return action.kind.value, action.subject, action.from_, action.to, action.region


def _pairs(before: Knobs, after: Knobs) -> list[tuple[str, object, object]]:
    """Every knob at every place: name, what it is, what it would be."""
    found: list[tuple[str, object, object]] = []
    for name in sorted({*before, *after}):
        now, then = before.get(name), after.get(name)
        if isinstance(now, Mapping) and isinstance(then, Mapping):
            found += [(f"{name} in {region}", now.get(region), then.get(region)) for region in sorted({*now, *then})]
        else:
            found.append((name, now, then))
    return found


def _most(by_origin: Mapping[str, float] | None) -> str:
    share = max((by_origin or {}).values(), default=0.0)
    return f"up to {share:.1%}" if share > 0 else "nothing"
