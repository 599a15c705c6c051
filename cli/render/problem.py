"""Errors as one block a person can act on: what is wrong, which rule, what to do next."""

from rich.console import Group
from rich.text import Text

from cli.render.grid import step
from cli.render.terminal import clean, tell
from cli.render.words import count
from controlplane.model.errors import (
    LeaseLost,
    LeewardError,
    NeedsApproval,
    PoliciesInvalid,
    RefusedByRule,
    StoreLost,
    Unreachable,
    WrongUse,
)

_MISTAKES_SHOWN = 200


def tell_problem(error: LeewardError) -> None:
    """Print an error that Leeward raised on purpose."""
    match error:
        case PoliciesInvalid():
            _tell_mistakes(error)
        case RefusedByRule():
            _block(f"refused by {', '.join(error.rules)}", str(error))
        case NeedsApproval():
            _block("waits for approval", str(error), f"leeward approve {error.approval}")
        case WrongUse():
            _block("wrong use", str(error))
        case StoreLost() | LeaseLost():
            _block("the store or its lease cannot be had", str(error))
        case Unreachable():
            _block(
                "the daemon cannot be reached",
                str(error),
                "leeward status --daemon ADDRESS          if it answers elsewhere",
                "leeward drain REGION --direct …          act without it, from the policies and the store",
            )
        case _:
            _block("failed", str(error))


def tell_failure(title: str, text: str, *hints: str) -> None:
    """Print any other failure in the same form."""
    _block(title, text, *hints)


def _block(title: str, text: str, *hints: str) -> None:
    head = Text.assemble(("leeward: ", "bold"), (title, "bold red"))
    lines = [step(" ", Text(clean(line)), indent=1) for line in text.splitlines() if line.strip()]
    todo = [Text("  next:"), *(Text(f"    {clean(hint)}", "cyan") for hint in hints)] if hints else []
    tell(Group(head, *lines, *todo))


def _tell_mistakes(error: PoliciesInvalid) -> None:
    head = Text.assemble(
        ("leeward: ", "bold"), (f"the policies are invalid: {count(len(error.mistakes), 'mistake')}", "bold red")
    )
    blocks: list[Text] = [head]
    for mistake in error.mistakes[:_MISTAKES_SHOWN]:
        place = f"{mistake.file}:{mistake.line}:{mistake.column}"
        blocks.append(Text.assemble((clean(place), "bold"), f": {clean(mistake.what)}"))
        blocks += [
            Text.assemble((f"    {label}: ", "dim"), clean(text))
            for label, text in (("why", mistake.why), ("mend", mistake.mend))
            if text
        ]
    if len(error.mistakes) > _MISTAKES_SHOWN:
        blocks.append(Text(f"… and {len(error.mistakes) - _MISTAKES_SHOWN} more"))
    tell(Group(*blocks))
