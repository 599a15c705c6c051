"""From the difference between today and the next step to ordered actions (R10)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from controlplane.decide.allocation.problem import ESTATE, Allocation, Depths
from controlplane.decide.dependencies import in_order
from controlplane.decide.exclusives import Exclusives, Move
from controlplane.decide.knobs import all_today, savings, wish_for
from controlplane.decide.placement import EPSILON, Scene, capacity_of, leaves_live, limit_of, loads
from controlplane.decide.places import Stand
from controlplane.decide.ramp import estate_units
from controlplane.model.plan import Action, ActionKind, Cause
from controlplane.model.resources.degradation_policy import Knob
from controlplane.model.resources.failover_policy import Autonomy
from controlplane.model.rules import Reason, Rule, reason
from controlplane.model.world import Shares

WORTH_MOVING = 0.002
"""Shares that differ by no more are the same to an edge: no act, unless it is the rest of what must leave."""
_URGENT = (Cause.FAILOVER, Cause.GREY, Cause.PERSON, Cause.DRAIN, Cause.FAILBACK, Cause.CAPACITY)


@dataclass(frozen=True, slots=True)
class Intent:
    """What the plan wants: the next step's allocation, its knobs, and the exclusive moves."""

    step: Allocation
    depths: Depths
    exclusives: Exclusives
    short: bool


def order_actions(scene: Scene, intent: Intent) -> tuple[tuple[Action, ...], tuple[str, str] | None]:
    """Every action of the plan with what it waits for: degrade and scale, fence, promote, activate, shift, restore.

    Second, two services whose shifts would wait for each other, where shifts trade places in full regions.
    """
    deepen, lighten = _turns(scene, intent.depths)
    first = tuple(a.id for a in deepen)
    exclusive = _exclusive_actions(scene, intent.exclusives)
    promoted = {a.subject: a.id for a in exclusive if a.kind is ActionKind.PROMOTE}
    shifts, circle = _make_room(scene, intent, _shifts(scene, intent, first, promoted))
    last = (*first, *(a.id for a in shifts))
    ends = [replace(a, after=last) for a in lighten]
    return (*deepen, *_scale_ups(scene, intent), *exclusive, *shifts, *ends), circle


_BOLDNESS = (Autonomy.OBSERVE, Autonomy.PROPOSE, Autonomy.ACT)


def _autonomy(scene: Scene, services: tuple[str, ...]) -> Autonomy:
    """The boldest that any service concerned allows; of nobody in particular, that any service of the estate does."""
    names = [s for s in services if s in scene.estate.services] or list(scene.estate.services)
    return max((scene.estate.policy(name).autonomy for name in names), key=_BOLDNESS.index, default=Autonomy.PROPOSE)


def _bounded(scene: Scene, action: Action, services: tuple[str, ...]) -> Action:
    """What a person asked for needs no second word; everything else as its policies allow."""
    if action.cause is Cause.PERSON:
        return action
    autonomy = _autonomy(scene, services)
    return replace(action, approval=autonomy is not Autonomy.ACT, watched_only=autonomy is Autonomy.OBSERVE)


def _turns(scene: Scene, wanted: Depths) -> tuple[list[Action], list[Action]]:
    deepen: list[Action] = []
    lighten: list[Action] = []
    today = all_today(scene.estate, scene.world)
    for knob in scene.estate.knobs.values():
        concerned = tuple(sorted({service for level in knob.levels for service in level.saves}))
        for place, depth in sorted(wanted[knob.name].items()):
            before = today[knob.name][place]
            if depth == before:
                continue
            turn = _bounded(scene, _turn(scene, knob, place, before, depth), concerned)
            (deepen if depth > before else lighten).append(turn)
    return deepen, lighten


def _turn(scene: Scene, knob: Knob, place: str, before: int, depth: int) -> Action:
    down = depth > before
    region = None if place == ESTATE else place
    kind = ActionKind.DEGRADE if down else ActionKind.RESTORE
    cause = Cause.CAPACITY if down else Cause.RESTORE
    why = reason(Rule.CAPACITY, "room-short" if down else "room-again", knob=knob.name)
    wish = wish_for(scene.world, knob.name, place)
    if wish is not None:
        cause, why = Cause.PERSON, reason(Rule.OVERRIDE, "knob-ordered", by=wish.by, reason=wish.reason)
    return Action(
        id="-".join(part for part in (kind.value, knob.name, region) if part),
        kind=kind,
        subject=knob.name,
        from_=str(knob.value_at(before)),
        to=str(knob.value_at(depth)),
        reasons=(why, reason(Rule.ORDER, "degrade-first" if down else "restore-last")),
        cause=cause,
        region=region,
        value=knob.value_at(depth),
    )


def _scale_ups(scene: Scene, intent: Intent) -> list[Action]:
    """Ask for room where it can be had while the estate is short of it; it is used once it is there (R10)."""
    actions: list[Action] = []
    for region, one in scene.estate.regions.items():
        scale = one.spec.scale
        stands = [s.stand for (_, r), s in scene.places.of.items() if r == region]
        usable = any(stand in (Stand.OPEN, Stand.AVOID, Stand.RETURNING) for stand in stands)
        now = capacity_of(scene.estate, scene.world, region)
        if not intent.short or scale is None or not usable or now >= scale.max - EPSILON or region in scene.world.stuck:
            continue
        why = reason(Rule.CAPACITY, "room-can-be-added", region=region, now=now, max=scale.max)
        action = Action(
            id=f"scale-{region}",
            kind=ActionKind.SCALE,
            subject=region,
            from_=f"{now:g}",
            to=f"{scale.max:g}",
            reasons=(why, reason(Rule.ORDER, "scale-first")),
            cause=Cause.CAPACITY,
            region=region,
            units=scale.max,
        )
        actions.append(_bounded(scene, action, ()))
    return actions


def _exclusive_actions(scene: Scene, exclusives: Exclusives) -> list[Action]:
    actions: list[Action] = []
    promoted: dict[str, str] = {}
    for move in exclusives.promotions:
        users = tuple(n for n, s in scene.estate.services.items() if s.spec.datastore == move.subject)
        fence = _fence(scene, move, users)
        actions.extend(fence)
        after = tuple(a.id for a in fence)
        promote = _move(scene, ActionKind.PROMOTE, move, users, after)
        actions.append(promote)
        promoted[move.subject] = promote.id
    activated: dict[str, str] = {}
    by_name = {move.subject: move for move in exclusives.activations}
    for name in in_order(scene.estate):
        if name not in by_name:
            continue
        move = by_name[name]
        fence = _fence(scene, move, (name,))
        actions.extend(fence)
        datastore = scene.estate.services[name].spec.datastore
        data = (promoted[datastore],) if datastore in promoted else ()
        needs = tuple(activated[d] for d in scene.estate.strong[name] if d in activated)
        activate = _move(scene, ActionKind.ACTIVATE, move, (name,), (*(a.id for a in fence), *data, *needs))
        activated[name] = activate.id
        actions.append(activate)
    return actions


def _fence(scene: Scene, move: Move, concerned: tuple[str, ...]) -> list[Action]:
    if not move.fence or move.from_ is None:
        return []
    fence = replace(_move(scene, ActionKind.FENCE, move, concerned, ()), to=None, region=move.from_)
    return [replace(fence, id=f"fence-{move.subject}-{move.from_}")]


def _move(scene: Scene, kind: ActionKind, move: Move, concerned: tuple[str, ...], after: tuple[str, ...]) -> Action:
    action = Action(
        id=f"{kind.value}-{move.subject}",
        kind=kind,
        subject=move.subject,
        from_=move.from_,
        to=move.to,
        reasons=move.reasons,
        after=after,
        cause=move.cause,
        region=move.to,
    )
    return _bounded(scene, action, concerned)


def _shifts(scene: Scene, intent: Intent, first: tuple[str, ...], promoted: Mapping[str, str]) -> list[Action]:
    """One shift a service whose shares change, dependencies first."""
    total = estate_units(scene)
    leaving = leaves_live(scene, intent.step.shares)
    actions: dict[str, Action] = {}
    for name in in_order(scene.estate):
        if name not in scene.demand:
            continue
        goal = intent.step.shares.get(name, {})
        loses, gains = changes(scene, name, intent.step.shares)
        if not loses and not gains:
            continue
        cause, reasons = _why(scene, name, loses, gains)
        datastore = scene.estate.services[name].spec.datastore
        needs = [f"shift-{d}" for d in scene.estate.strong[name] if d in actions and gains]
        data = [promoted[datastore]] if datastore is not None and datastore in promoted else []
        action = Action(
            id=f"shift-{name}",
            kind=ActionKind.SHIFT,
            subject=name,
            from_=",".join(loses) or None,
            to=",".join(gains) or None,
            reasons=(*reasons, *_why_less(intent, name)),
            after=(*(first if gains else ()), *data, *needs),
            cause=cause,
            shares={o: dict(sorted(goal.get(o, {}).items())) for o in scene.demand[name]},
            shed=intent.step.shed.get(name, {}),
            refused=intent.step.refused.get(name, {}),
            leaves_live=round(leaving.get(name, 0.0) / total, 9) if total > 0 else 0.0,
        )
        actions[name] = _bounded(scene, action, (name,))
    return list(actions.values())


def changes(scene: Scene, name: str, shares: Shares) -> tuple[list[str], list[str]]:
    """Regions where a service loses and where it gains share for some origin, going from today to ``shares``; none
    where all of it is too little to be worth an act."""
    loses: set[str] = set()
    gains: set[str] = set()
    worth_it = False
    for origin in scene.demand[name]:
        now = scene.today[name][origin]
        goal = shares.get(name, {}).get(origin, {})
        for region in {*now, *goal}:
            change = goal.get(region, 0.0) - now.get(region, 0.0)
            left = scene.places.of[name, region].stand in (Stand.DEAD, Stand.LEAVING)
            worth_it = worth_it or abs(change) > WORTH_MOVING or (left and change < -EPSILON)
            if change < -EPSILON:
                loses.add(region)
            elif change > EPSILON:
                gains.add(region)
    return (sorted(loses), sorted(gains)) if worth_it else ([], [])


def _why(scene: Scene, name: str, loses: list[str], gains: list[str]) -> tuple[Cause, tuple[Reason, ...]]:
    """The most urgent cause among the places that change, with all their reasons; else it is about room."""
    causes: list[Cause] = []
    found: dict[Reason, None] = {}
    for region in loses:
        standing = scene.places.of[name, region]
        if standing.stand in (Stand.DEAD, Stand.LEAVING, Stand.AVOID):
            causes.append(standing.cause)
            found.update(dict.fromkeys(standing.reasons))
    for region in gains:
        standing = scene.places.of[name, region]
        if standing.stand is Stand.RETURNING:
            causes.append(standing.cause)
            found.update(dict.fromkeys(standing.reasons))
    if not causes:
        return Cause.CAPACITY, (reason(Rule.CAPACITY, "room-short-here", service=name),)
    return min(causes, key=_URGENT.index), tuple(found)


def _why_less(intent: Intent, name: str) -> tuple[Reason, ...]:
    if intent.step.refused.get(name):
        return (reason(Rule.RESIDENCY, "no-legal-region", service=name),)
    if intent.step.shed.get(name):
        return (reason(Rule.CAPACITY, "shed", service=name),)
    return ()


def _make_room(scene: Scene, intent: Intent, shifts: list[Action]) -> tuple[list[Action], tuple[str, str] | None]:
    """Whatever prefix is executed must fit: where the gains of a region do not fit beside what it has, they wait for
    what leaves it."""
    saved = savings(scene.estate, intent.depths)
    now = loads(scene.estate, scene.demand, scene.today, saved)
    for name, holder in scene.holders.items():
        if holder in now:
            now[holder] += scene.estate.services[name].spec.unit_cost * (1 - saved.get((name, holder), 0.0))
    waits: dict[str, set[str]] = {a.subject: set() for a in shifts}
    parts = {a.subject: changes(scene, a.subject, {a.subject: a.shares}) for a in shifts}
    for region in scene.estate.regions:
        gaining = [name for name, (_, gains) in parts.items() if region in gains]
        losing = [name for name, (loses, _) in parts.items() if region in loses]
        most = now[region] + sum(_gain(scene, intent, name, region, saved) for name in gaining)
        if losing and most > limit_of(scene.estate, scene.world, region) * (1 + EPSILON):
            for name in gaining:
                waits[name].update(other for other in losing if other != name)
    return _without_cycles(shifts, waits)


def _gain(scene: Scene, intent: Intent, name: str, region: str, saved: Mapping[tuple[str, str], float]) -> float:
    cost = scene.estate.services[name].spec.unit_cost * (1 - saved.get((name, region), 0.0))
    cost *= max(1.0, scene.world.surcharge.get(region, 1.0))
    total = 0.0
    for origin, rate in scene.demand[name].items():
        goal = intent.step.shares.get(name, {}).get(origin, {}).get(region, 0.0)
        total += max(0.0, goal - scene.today[name][origin].get(region, 0.0)) * rate * cost
    return total


def _without_cycles(shifts: list[Action], waits: Mapping[str, set[str]]) -> tuple[list[Action], tuple[str, str] | None]:
    """Add the waits in order, leaving out any that would close a circle, and say whose the first of those was."""
    circle: tuple[str, str] | None = None
    after = {a.subject: {i.removeprefix("shift-") for i in a.after if i.startswith("shift-")} for a in shifts}
    order = [a.subject for a in shifts]
    for name in order:
        for other in sorted(waits[name] - after[name]):
            if not _reaches(after, other, name):
                after[name].add(other)
            elif circle is None:
                circle = (name, other)
    return [replace(a, after=tuple(dict.fromkeys((*a.after, *_ids(order, after[a.subject]))))) for a in shifts], circle


def _ids(order: list[str], names: set[str]) -> list[str]:
    return [f"shift-{name}" for name in order if name in names]


def _reaches(after: Mapping[str, set[str]], start: str, goal: str) -> bool:
    seen: set[str] = set()
    stack = [start]
    while stack:
        name = stack.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            stack.extend(after.get(name, ()))
    return False
