"""Knobs between policy and optimiser: what may be turned now, how far, and what a setting saves (R3, R7, R12)."""

from collections.abc import Mapping
from datetime import datetime

from controlplane.decide.allocation.problem import ESTATE, Depths, KnobChoice, KnobLevel
from controlplane.decide.regions import denied
from controlplane.model.estate import Estate
from controlplane.model.plan import Hold
from controlplane.model.resources.degradation_policy import Knob, KnobScope
from controlplane.model.resources.kind import KnobValue
from controlplane.model.rules import Reason, Rule, reason
from controlplane.model.world import Knobs, Wish, World


def places_of(estate: Estate, knob: Knob) -> tuple[str, ...]:
    """Where a knob has a value of its own."""
    return (ESTATE,) if knob.scope is KnobScope.ESTATE else tuple(estate.regions)


def depths_today(estate: Estate, world: World, knob: Knob) -> dict[str, int]:
    """Depths in force, by place; the default where the world says nothing."""
    told = world.knobs.get(knob.name)
    if isinstance(told, Mapping):
        return {place: knob.depth(told.get(place, knob.default)) for place in places_of(estate, knob)}
    value = knob.default if told is None else told
    return {place: knob.depth(value) for place in places_of(estate, knob)}


def knob_choices(estate: Estate, world: World | None, *, keep: frozenset[str] = frozenset()) -> tuple[KnobChoice, ...]:
    """Every knob as the optimiser takes it. ``keep``: knobs that may not be lightened now. No world: all free."""
    return tuple(_choice(estate, world, knob, knob.name in keep) for knob in estate.knobs.values())


def _choice(estate: Estate, world: World | None, knob: Knob, keep: bool) -> KnobChoice:
    places = places_of(estate, knob)
    levels = tuple(KnobLevel(dict(level.saves), level.value_lost) for level in knob.levels)
    if world is None:
        return KnobChoice(knob.name, places, levels)
    today = depths_today(estate, world, knob)
    least = dict(today) if keep else {}
    most: dict[str, int] = {}
    if knob.name in world.stuck or denied(estate, world, "degrade") is not None:
        most = dict(today)
        if knob.name in world.stuck:
            least = dict(today)
    for place in places:
        if (wish := wish_for(world, knob.name, place)) is not None:
            least[place] = most[place] = knob.depth(wish.to)
    return KnobChoice(knob.name, places, levels, today, least, most)


def wish_for(world: World, knob: str, place: str) -> Wish | None:
    """A person's latest standing word on a knob at a place."""
    found: Wish | None = None
    for wish in world.wishes:
        if wish.kind == "knob" and wish.subject == knob and wish.until > world.at and wish.region in (None, place):
            found = wish
    return found


def kept_deep(
    estate: Estate, world: World, wanted: Depths, everywhere: frozenset[str]
) -> tuple[frozenset[str], tuple[Hold, ...], tuple[datetime, ...]]:
    """Which knobs that could be lightened must wait (freeze, R2, or no room for long enough yet), why, until when."""
    keep: set[str] = set()
    holds: list[Hold] = []
    wakes: list[datetime] = []
    for knob in estate.knobs.values():
        today = depths_today(estate, world, knob)
        if all(wanted[knob.name][place] >= depth for place, depth in today.items()):
            continue
        why = _not_yet(estate, world, knob, everywhere, wakes)
        if why is not None:
            keep.add(knob.name)
            holds.append(Hold(knob.name, (why,)))
    return frozenset(keep), tuple(holds), tuple(wakes)


def _not_yet(
    estate: Estate, world: World, knob: Knob, everywhere: frozenset[str], wakes: list[datetime]
) -> Reason | None:
    if any(w.kind == "knob" and w.subject == knob.name and w.until > world.at for w in world.wishes):
        return None
    if (frozen := denied(estate, world, "restore")) is not None:
        return frozen
    if everywhere:
        return reason(Rule.GLOBAL, "changes-frozen", subject=min(everywhere))
    if world.knob_room_since is None:
        return None
    since = world.knob_room_since.get(knob.name)
    wait = knob.restore.stable_for
    if since is not None and world.at - since >= wait:
        return None
    if since is not None:
        wakes.append(since + wait)
    return reason(Rule.DAMPING, "knob-room", knob=knob.name, stable_for_s=wait.total_seconds())


def savings(estate: Estate, depths: Depths) -> dict[tuple[str, str], float]:
    """(service, region) → share of cost saved, several knobs added up to 1 at most."""
    saved: dict[tuple[str, str], float] = {}
    for knob in estate.knobs.values():
        for place, depth in depths[knob.name].items():
            if depth == 0:
                continue
            for service, share in knob.levels[depth - 1].saves.items():
                for region in estate.regions if place == ESTATE else (place,):
                    saved[service, region] = min(1.0, saved.get((service, region), 0.0) + share)
    return saved


def value_lost(estate: Estate, depths: Depths) -> float:
    """Business value an hour that a setting costs; a region-scoped knob counts once a region turned."""
    return sum(
        knob.levels[depth - 1].value_lost
        for knob in estate.knobs.values()
        for depth in depths[knob.name].values()
        if depth > 0
    )


def as_values(estate: Estate, depths: Depths) -> Knobs:
    """Depths as the values people write: plain for estate scope, by region for region scope."""
    values: dict[str, KnobValue | Mapping[str, KnobValue]] = {}
    for knob in estate.knobs.values():
        at = {place: knob.value_at(depth) for place, depth in sorted(depths[knob.name].items())}
        values[knob.name] = at[ESTATE] if knob.scope is KnobScope.ESTATE else at
    return values


def all_today(estate: Estate, world: World) -> dict[str, dict[str, int]]:
    """Today's depth of every knob at every place."""
    return {knob.name: depths_today(estate, world, knob) for knob in estate.knobs.values()}


def deeper(one: Depths, other: Depths) -> dict[str, dict[str, int]]:
    """At every place the deeper of two settings."""
    return {name: {place: max(depth, other[name][place]) for place, depth in by.items()} for name, by in one.items()}
