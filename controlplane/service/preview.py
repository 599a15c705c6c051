"""What would follow from a person's commands: the plan with them, and the rules that stand against them. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from controlplane.decide.explain import told
from controlplane.decide.plan import plan
from controlplane.model.desk import (
    AcceptLoss,
    AddOverride,
    Approval,
    Approve,
    ClearOverride,
    ClearWish,
    PersonCommand,
    Release,
    SetWish,
)
from controlplane.model.estate import Estate
from controlplane.model.plan import Plan
from controlplane.model.rules import Reason, Rule, cited
from controlplane.model.world import OverrideState, World

T = TypeVar("T")

_ORDERS = frozenset({"drain-ordered", "promotion-ordered", "failover-ordered", "knob-ordered"})
_NOT_AGAINST = frozenset({"planned"})
_SECOND = "a second person"
_NOTICEABLE = 1e-6


@dataclass(frozen=True, slots=True)
class Preview:
    """``plan`` with the commands, ``before`` without. ``against``: reasons that hold them up. ``second``: they give way
    once a second person approves (R11); otherwise nothing but a change of the world lifts them. ``warnings``: what
    users would feel."""

    commands: tuple[PersonCommand, ...]
    before: Plan
    plan: Plan
    against: tuple[Reason, ...] = ()
    second: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that stand against the commands."""
        return cited(self.against)

    @property
    def why(self) -> str:
        """What stands against the commands, in words."""
        return told(self.against)


def foresee(
    estate: Estate, world: World, commands: tuple[PersonCommand, ...], approvals: Iterable[Approval] = ()
) -> Preview:
    """Decide with the commands and without, and compare. A yes to one of ``approvals`` is what it says yes to."""
    before = plan(estate, world)
    after = plan(estate, heed(world, _meant(commands, approvals)))
    against = _against(after, commands)
    second = bool(against) and not _against(plan(estate, heed(world, _seconded(commands, _SECOND))), commands)
    short = _turned_away(after) > _turned_away(before) + _NOTICEABLE
    if not against and short and any(_turns_a_knob(command) for command in commands):
        against, second = _shortage(after), True
    return Preview(commands, before, after, against, second, _warnings(before, after))


def heed(world: World, commands: Iterable[PersonCommand]) -> World:
    """The world in which the commands have been given."""
    for command in commands:
        world = _heed(world, command)
    return world


def _heed(world: World, command: PersonCommand) -> World:
    match command:
        case AddOverride(override):
            others = _without(world.overrides, lambda known: known.region == override.region)
            return replace(world, overrides=(*others, override))
        case ClearOverride(region=region):
            return replace(world, overrides=_without(world.overrides, lambda known: known.region == region))
        case SetWish(wish):
            same = (wish.kind, wish.subject, wish.region)
            others_ = _without(world.wishes, lambda known: (known.kind, known.subject, known.region) == same)
            return replace(world, wishes=(*others_, wish))
        case ClearWish():
            gone = (command.kind, command.subject, command.region)
            left = _without(world.wishes, lambda known: (known.kind, known.subject, known.region) == gone)
            return replace(world, wishes=left)
        case AcceptLoss():
            return replace(world, accepted_loss={**world.accepted_loss, command.datastore: command.loss})
        case Release(subject=subject):
            return _released(world, subject)
        case _:
            return world


def _released(world: World, region: str) -> World:
    """Damping counts from nought again."""
    drains = world.drains
    if drains is not None:
        drains = tuple(replace(drain, cause="") if drain.region == region else drain for drain in drains)
    return replace(world, drains=drains, transitions=_without(world.transitions, lambda known: known.region == region))


def _without(known: tuple[T, ...], gone: Callable[[T], bool]) -> tuple[T, ...]:
    return tuple(one for one in known if not gone(one))


def _meant(commands: Iterable[PersonCommand], approvals: Iterable[Approval]) -> Iterable[PersonCommand]:
    """Each yes to a command that waits for a second person as that command, with the second person."""
    waiting = {approval.id: approval.command for approval in approvals}
    for command in commands:
        asked = waiting.get(command.approval) if isinstance(command, Approve) else None
        yield from (command,) if asked is None else _seconded((asked,), command.by)


def _seconded(commands: Iterable[PersonCommand], by: str) -> tuple[PersonCommand, ...]:
    return tuple(
        replace(command, override=replace(command.override, approved_by=by))
        if isinstance(command, AddOverride)
        else command
        for command in commands
    )


def _against(after: Plan, commands: Iterable[PersonCommand]) -> tuple[Reason, ...]:
    """Reasons of the holds that name a person's order on one of the commands' subjects."""
    subjects = {subject for command in commands for subject in _subjects(command)}
    found: dict[Reason, None] = {}
    for hold in after.holds:
        if hold.subject in subjects and any(why.code in _ORDERS for why in hold.reasons):
            found.update((why, None) for why in hold.reasons if why.code not in _ORDERS | _NOT_AGAINST)
    return tuple(found)


def _subjects(command: PersonCommand) -> tuple[str, ...]:
    match command:
        case AddOverride(override) if override.state is OverrideState.DRAINED:
            return (override.region,)
        case SetWish(wish):
            return (wish.subject,)
        case _:
            return ()


def _turns_a_knob(command: PersonCommand) -> bool:
    return isinstance(command, SetWish) and command.wish.kind == "knob"


def _turned_away(decided: Plan) -> float:
    """Sum of the shares of all services and origins that are shed: more is worse, whatever the unit."""
    return sum(share for by_origin in decided.shed.values() for share in by_origin.values())


def _shortage(decided: Plan) -> tuple[Reason, ...]:
    return (Reason(Rule.CAPACITY, "shed", (("service", ", ".join(sorted(decided.shed))),)),)


def _warnings(before: Plan, after: Plan) -> tuple[str, ...]:
    """What users would feel that they do not feel now."""
    return (
        *_more(before.shed, after.shed, "requests are turned away for want of room (R3)"),
        *_more(before.refused, after.refused, "no legal region is left to serve (R4)"),
    )


def _more(
    before: Mapping[str, Mapping[str, float]], after: Mapping[str, Mapping[str, float]], what: str
) -> tuple[str, ...]:
    found = []
    for service in sorted(after):
        for origin, share in sorted(after[service].items()):
            if share > before.get(service, {}).get(origin, 0.0) + _NOTICEABLE:
                found.append(f"{service} from {origin}: {what}, {share:.1%} of requests")
    return tuple(found)
