"""Commands about the machine itself: pause, resume, approve, release."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.change import Asked, Change, changing
from cli.completion import complete_approvals, complete_regions

if TYPE_CHECKING:
    from cli.documents import ApprovalDoc, StatusDoc

Ids = Annotated[
    list[str],
    typer.Argument(
        help="What `leeward status` shows, a region, or `all`.", metavar="ID", autocompletion=complete_approvals
    ),
]
No = Annotated[bool, typer.Option("--no", help="Say no: what waits is dropped.")]
Held = Annotated[
    str,
    typer.Argument(
        help="A region, or `estate` for the freeze of a global fault.",
        metavar="REGION|estate",
        autocompletion=complete_regions,
    ),
]


@changing(lasts=False)
def pause() -> Change:
    """Stop all acting and go on watching. Traffic stays as it is; people's own commands wait too."""
    from controlplane.service.verbs import SetPause

    return Change(SetPause(paused=True), "pause the machine", "leeward resume")


@changing(lasts=False)
def resume() -> Change:
    """Let the machine act again."""
    from controlplane.service.verbs import SetPause

    return Change(SetPause(paused=False), "let the machine act again", "leeward pause")


@changing(lasts=False)
def approve(ids: Ids, no: No = False) -> Asked:
    """Say yes to what waits for a person: by its id, by the region that is left or entered, or `all` (--no: say no)."""
    return lambda status: _answers(status, ids, granted=not no)


def _answers(status: "StatusDoc", ids: list[str], *, granted: bool) -> Change:
    from cli.render.plan import action_words
    from controlplane.model.errors import WrongUse
    from controlplane.service.verbs import Answer

    word = "yes" if granted else "no"
    chosen = [one for one in status.approvals if any(_is_meant(one, name) for name in ids)]
    single = ids[0] if len(ids) == 1 else ""
    if len(chosen) < 2 and single not in {"all", *(region.region for region in status.regions)}:
        chosen_id = chosen[0].id if chosen else single
        return Change(Answer(chosen_id or ids[0], granted=granted), f"say {word} to {chosen_id or ids[0]}")
    if not chosen:
        raise WrongUse(f"nothing that waits is about {', '.join(ids)}")
    listed = [action_words(one.action) if one.action else f"{one.subject}: {one.why}" for one in chosen]
    verbs = [Answer(one.id, granted=granted) for one in chosen]
    what = "\n".join([f"say {word} to {len(chosen)} things that wait", *listed])
    return Change(verbs[0], what, more=tuple(verbs[1:]))


def _is_meant(approval: "ApprovalDoc", name: str) -> bool:
    """By id, by the region that its action leaves or enters, or whatever it is."""
    action = approval.action
    regions = {*(action.from_ or "").split(","), *(action.to or "").split(","), action.region} if action else set()
    return name in {"all", approval.id} or name in regions


@changing(lasts=False)
def release(subject: Held) -> Change:
    """Free a region that is held for moving too often (R7), or the estate from a global freeze (R2)."""
    from controlplane.service.verbs import Free

    return Change(Free(subject), f"free {subject}")
