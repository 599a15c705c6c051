"""Commands about the machine itself: pause, resume, approve, release."""

from typing import Annotated

import typer

from cli.change import Change, changing
from cli.completion import complete_approvals, complete_regions

Id = Annotated[
    str, typer.Argument(help="The id that `leeward status` shows.", metavar="ID", autocompletion=complete_approvals)
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
def approve(approval: Id, no: No = False) -> Change:
    """Say yes to what waits for a person (--no: say no)."""
    from controlplane.service.verbs import Answer

    return Change(Answer(approval, granted=not no), f"say {'no' if no else 'yes'} to {approval}")


@changing(lasts=False)
def release(subject: Held) -> Change:
    """Free a region that is held for moving too often (R7), or the estate from a global freeze (R2)."""
    from controlplane.service.verbs import Free

    return Change(Free(subject), f"free {subject}")
