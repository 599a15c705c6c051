"""What may be written in a document of a kind, for editors."""

from typing import Annotated

import typer

from cli.options import Json


def _complete(incomplete: str) -> list[str]:
    from controlplane.service.policies import kinds

    return [kind for kind in kinds() if kind.lower().startswith(incomplete.lower())]


Kind = Annotated[
    str | None,
    typer.Argument(
        help="Region, Service, FailoverPolicy …; without one, all kinds are listed.",
        metavar="KIND",
        show_default=False,
        autocompletion=_complete,
    ),
]


def schema(kind: Kind = None, as_json: Json = False) -> None:
    """Print the JSON Schema of a kind, so that an editor completes and checks it."""
    from cli.render.policies import kinds_view
    from cli.render.terminal import show, show_json
    from controlplane.service.policies import kinds
    from controlplane.service.policies import schema as schema_of

    if kind is not None:
        show_json(schema_of(kind))
    elif as_json:
        show_json([*kinds()])
    else:
        show(kinds_view(kinds()))
