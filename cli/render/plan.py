"""A plan for people: its sense in one line, the steps in their order, what is not done, what it costs."""

from collections.abc import Iterable, Mapping

from rich.console import Group, RenderableType
from rich.text import Text

from cli.documents import ActionDoc, CostsDoc, HoldDoc, PlanDoc
from cli.render.grid import grid, section, step
from cli.render.terminal import clean
from cli.render.words import at, cites, count, knob, listed, number, percent

_FULL = 0.9


def plan_view(plan: PlanDoc, turned: Mapping[str, object] | None = None) -> RenderableType:
    """Everything of it that matters to a person. ``turned``: its knobs that are not at their default, where known."""
    blocks: list[RenderableType] = [headline(plan)]
    if plan.actions:
        blocks.append(section("What is done, in this order", action_list(plan.actions)))
    if plan.holds:
        blocks.append(section("What is not done", hold_list(plan.holds)))
    blocks.extend(_losses(plan))
    if plan.utilisation:
        blocks.append(section("Where it ends", _regions(plan)))
    if turned:
        blocks.append(section("Turned down", Text(f"  {', '.join(knob_words(turned))}")))
    if plan.costs is not None:
        blocks.append(Group(Text(), _costs(plan.costs)))
    return Group(*blocks)


def headline(plan: PlanDoc) -> RenderableType:
    """The plan's sense in one line."""
    when = f" at {at(plan.at)}" if plan.at else ""
    if not plan.feasible:
        lost = [word for word, parts in (("shed", plan.shed), ("refused", plan.refused)) if parts]
        start = Text(f"Plan{when}: not everybody can be served (some requests are {' and '.join(lost)}).", "bold red")
    elif plan.actions:
        start = Text(f"Plan{when}: {count(len(plan.actions), 'action')}; everybody is served.", "bold")
    else:
        start = Text(f"Plan{when}: nothing to do; everybody is served.", "bold green")
    waiting = [action for action in plan.actions if action.approval]
    if waiting:
        start.append(f" {count(len(waiting), 'action')} wait{'s' if len(waiting) == 1 else ''} for approval.", "yellow")
    return start


def action_list(actions: Iterable[ActionDoc]) -> RenderableType:
    """Numbered, each with its reason, which is not said again while it stays the same."""
    known = list(actions)
    width = len(str(len(known)))
    lines, said = [], ""
    for place, action in enumerate(known, 1):
        lines.append(step(f"{place:>{width}}.", _action(action), action.why if action.why != said else ""))
        said = action.why
    return Group(*lines)


def action_words(action: ActionDoc) -> str:
    """What an action does, in a few words."""
    subject, from_, to = action.subject, action.from_ or "nowhere", action.to or "nowhere"
    where = f" in {action.region}" if action.region and action.kind in {"degrade", "restore"} else ""
    match action.kind:
        case "shift":
            words = _shift(action)
        case "degrade":
            words = f"turn {subject} down from {from_} to {to}{where}"
        case "restore":
            words = f"turn {subject} up from {from_} to {to}{where}"
        case "scale":
            words = f"scale {subject} from {from_} to {to} units"
        case "fence":
            words = f"fence {subject} in {from_}"
        case "activate":
            words = f"start {subject} in {to}" + (f" (was in {action.from_})" if action.from_ else "")
        case "promote":
            words = f"promote {subject} in {to}" + (f" (was in {action.from_})" if action.from_ else "")
        case other:
            words = f"{other} {subject}: {from_} to {to}"
    return clean(words)


def hold_list(holds: Iterable[HoldDoc]) -> RenderableType:
    """What is held, and why; subjects that are held for the same reasons stand together."""
    together: dict[str, list[str]] = {}
    for hold in holds:
        together.setdefault(hold.why or cites(hold.rules), []).append(hold.subject)
    return Group(*(step("-", Text(listed(subjects, most=8), "bold"), why) for why, subjects in together.items()))


def knob_words(knobs: Mapping[str, object]) -> list[str]:
    """``recommendations=cached``, ``coupons=off in dublin``."""
    words = []
    for name, value in sorted(knobs.items()):
        if isinstance(value, Mapping):
            words += [f"{name}={knob(level)} in {region}" for region, level in sorted(value.items())]
        elif isinstance(value, str | bool | int | float):
            words.append(f"{name}={knob(value)}")
    return words


def lost_parts(parts: Mapping[str, Mapping[str, float]]) -> list[tuple[str, str]]:
    """Service and ``10 % of DE, 5 % of GB``, for shed and refused alike."""
    return [
        (service, ", ".join(f"{percent(part)} of {origin}" for origin, part in sorted(by.items()) if part > 0))
        for service, by in sorted(parts.items())
        if any(part > 0 for part in by.values())
    ]


def _action(action: ActionDoc) -> Text:
    text = Text(action_words(action), style="bold")
    if not action.why:
        text.append(f"  {cites(action.rules)}", style="dim")
    if action.approval:
        text.append(f"  waits for: leeward approve {clean(action.id)}", style="yellow")
    return text


def _shift(action: ActionDoc) -> str:
    from_ = listed((action.from_ or "").split(",")) if action.from_ else ""
    to = listed((action.to or "").split(",")) if action.to else ""
    if from_ and to:
        words = f"move {action.subject} from {from_} to {to}"
    elif from_:
        words = f"take {action.subject} out of {from_}"
    else:
        words = f"bring {action.subject} to {to or 'nowhere'}"
    lost = [
        f"{verb} {percent(max(parts.values()))}"
        for verb, parts in (("shedding up to", action.shed), ("refusing up to", action.refused))
        if parts and max(parts.values()) > 0
    ]
    return f"{words}, {' and '.join(lost)}" if lost else words


def _losses(plan: PlanDoc) -> list[RenderableType]:
    blocks: list[RenderableType] = []
    for title, parts in (
        ("Shed: answered with 'busy', for want of room", plan.shed),
        ("Refused: no region may serve them", plan.refused),
    ):
        if rows := lost_parts(parts):
            blocks.append(section(title, grid(("SERVICE", "REQUESTS"), rows)))
    return blocks


def _regions(plan: PlanDoc) -> RenderableType:
    rows = []
    for region, used in sorted(plan.utilisation.items()):
        style = "bold red" if used > 1 else "yellow" if used >= _FULL else ""
        notes = ["drained"] if region in plan.drained else []
        runs = [name for name, holder in sorted(plan.holders.items()) if holder == region]
        gets = [name for name, to in sorted(plan.promote.items()) if to == region]
        notes += [f"runs {listed(runs)}"] if runs else []
        notes += [f"becomes primary of {listed(gets)}"] if gets else []
        rows.append((region, Text(percent(used), style), ", ".join(notes)))
    return grid(("REGION", "LOAD", ""), rows)


def _costs(costs: CostsDoc) -> Text:
    text = f"Business value lost an hour: {number(costs.acting)} by acting, {number(costs.waiting)} by waiting"
    if costs.next_best is not None:
        text += f", {number(costs.next_best)} by the next best plan"
    return Text(f"{text}.")
