"""What a command would do, before it is asked for, and what became of it."""

from rich.console import Group, RenderableType
from rich.text import Text

from cli.documents import ActionDoc, OutcomeDoc, PlanDoc, ReceiptDoc
from cli.render.grid import next_steps, section, step
from cli.render.plan import action_list, hold_list
from cli.render.terminal import clean
from cli.render.words import cites, count, percent

_SHOWN = 12
_NOTICEABLE = 0.001
_NOTHING_MORE = ("", "done")


def preview_view(what: str, preview: ReceiptDoc) -> RenderableType:
    """What will happen, in order, and what users would feel."""
    blocks: list[RenderableType] = [Text(clean(what), "bold")]
    if preview.plan is not None:
        blocks.extend(_consequences(preview.plan, preview.before))
    blocks.extend(step("!", Text(clean(warning), "bold red")) for warning in preview.warnings)
    if preview.rules:
        stands = Text.assemble(("Against it: ", "bold yellow"), clean(preview.why), (f" {cites(preview.rules)}", "dim"))
        blocks += [Text(), stands]
        if preview.second_person:
            blocks.append(Text("It will wait until a second person approves it [R11].", "yellow"))
    return Group(*blocks, Text())


def many_view(what: str) -> RenderableType:
    """Several things asked for at once, a line each."""
    head, *lines = what.splitlines()
    return Group(Text(clean(head), "bold"), *(step("-", Text(clean(line))) for line in lines), Text())


def receipt_view(receipt: ReceiptDoc, undo: str = "", *, direct: bool = False) -> RenderableType:
    """What became of it, and what to do next. ``direct``: there is no daemon to watch."""
    if receipt.waiting:
        text = Text(f"Waits for approval: {clean(receipt.why)}", "bold yellow")
        return Group(text, next_steps((f"leeward approve {receipt.waiting}", "said by a second person")))
    good = receipt.accepted and not any(one.failed for one in receipt.outcomes)
    text = Text("Done" if good else "Not done", "bold green" if good else "bold red")
    text.append(f": {clean(receipt.why)}" if receipt.why not in _NOTHING_MORE else ".", "")
    if receipt.seq:
        text.append(f"  (journal entry {receipt.seq})", "dim")
    well = [one for one in receipt.outcomes if not one.failed]
    acts = (
        [step("-", Text(f"{count(len(well), 'act')} done, the last of them {clean(well[-1].action)}"))] if well else []
    )
    acts += [_outcome(one) for one in receipt.outcomes if one.failed]
    look = ("leeward status --direct", "see how it stands") if direct else ("leeward watch", "see it happen")
    steps = [look, *([(undo, "take it back")] if undo else [])]
    return Group(text, *acts, next_steps(*steps)) if receipt.accepted else text


def _outcome(outcome: OutcomeDoc) -> RenderableType:
    head = Text.assemble((clean(outcome.action), "bold"), (f"  {outcome.ending or 'unknown'}", "bold red"))
    return step("-", head, outcome.why)


def _consequences(plan: PlanDoc, before: PlanDoc | None) -> list[RenderableType]:
    """What follows from the command: steps and holds that would be there without it too are not its doing."""
    actions = [action for action in plan.actions if before is None or not _has(before.actions, action)]
    holds = [hold for hold in plan.holds if before is None or hold not in before.holds]
    anyway = len(plan.actions) - len(actions)
    blocks: list[RenderableType] = []
    if actions:
        blocks.append(section("What will happen, in this order", action_list(actions[:_SHOWN])))
        if len(actions) > _SHOWN:
            blocks.append(Text(f"  … and {len(actions) - _SHOWN} more"))
    else:
        blocks.append(Text("  Nothing has to be moved or turned for it."))
    if anyway:
        blocks.append(Text(f"  ({count(anyway, 'action')} would be done without it too: leeward plan)", "dim"))
    dropped = [known for known in (before.actions if before else ()) if not _has(plan.actions, known)]
    if dropped:
        blocks.append(section("What will not be done because of it", action_list(dropped[:_SHOWN])))
    if holds:
        blocks.append(section("What it holds up", hold_list(holds)))
    if plan.utilisation:
        loads = "  ".join(_load(region, used, before) for region, used in sorted(plan.utilisation.items()))
        blocks.append(section("Load afterwards", Text(f"  {loads}")))
    return blocks


def _has(actions: tuple[ActionDoc, ...], action: ActionDoc) -> bool:
    """Whether the same step is among them; the order it waits for is not what makes it another."""
    return any(
        (known.id, known.from_, known.to, known.shares) == (action.id, action.from_, action.to, action.shares)
        for known in actions
    )


def _load(region: str, used: float, before: PlanDoc | None) -> str:
    was = before.utilisation.get(region, 0.0) if before is not None else used
    return f"{region} {percent(used)}" + (f" (without it {percent(was)})" if abs(was - used) > _NOTICEABLE else "")
