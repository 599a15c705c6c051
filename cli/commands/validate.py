"""Whether policies are right: the check before they are put in force, and in every pull request."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import Json

Paths = Annotated[
    list[Path], typer.Argument(help="Files or folders of policies.", metavar="PATH...", show_default=False)
]


def validate(paths: Paths, as_json: Json = False) -> None:
    """Check policies against each other and against the drivers and probes installed here.

    All mistakes are told at once, each with its file, line and column, why it matters and how to mend it. Exit code 1
    if there are any; warnings don't count.
    """
    from cli.render.policies import sound_view, warnings_view
    from cli.render.terminal import show, show_json, tell
    from controlplane import wiring
    from controlplane.model.errors import PoliciesInvalid
    from controlplane.service.policies import checked, checked_json

    found = checked(wiring.validate(paths))
    if as_json:
        show_json(checked_json(found))
        if not found.valid:
            raise typer.Exit(PoliciesInvalid.exit_code)
        return
    if found.warnings:
        tell(warnings_view(found.warnings))
    if not found.valid:
        raise PoliciesInvalid(found.errors)
    show(sound_view(found.documents))
