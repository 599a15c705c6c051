"""Commands that only look: status, explain, history, watch."""

from typing import Annotated

import typer

from cli.completion import complete_left
from cli.options import DEFAULT_DAEMON, Daemon, Direct, Json, Policies, Store, where

Asked = Annotated[
    str,
    typer.Argument(
        help="An action of the plan, a region, service, datastore or knob, or a journal entry's number.",
        metavar="ID",
        autocompletion=complete_left,
    ),
]
JsonLines = Annotated[bool, typer.Option("--json", help="Print one JSON value a line, as things happen.")]
Limit = Annotated[int, typer.Option("--limit", "-n", metavar="N", min=1, max=1000, help="How many entries at most.")]
After = Annotated[
    int | None, typer.Option("--after", metavar="N", min=0, help="Only entries after this number.", show_default=False)
]
Subject = Annotated[
    str | None,
    typer.Option(
        "--about", metavar="NAME", help="Only what concerns this region, service or knob.", autocompletion=complete_left
    ),
]
Kind = Annotated[
    str | None, typer.Option("--kind", metavar="KIND", help="Only this kind: intent, outcome, hold, drained, person, …")
]


def status(
    as_json: Json = False,
    daemon: Daemon = DEFAULT_DAEMON,
    direct: Direct = False,
    policies: Policies = None,
    store: Store = None,
) -> None:
    """What is wrong, what is done about it, and what waits for you."""
    from cli.desk import ask
    from cli.documents import StatusDoc
    from cli.render.status import status_view
    from cli.render.terminal import show, show_json

    answer = ask(where(daemon, direct=direct, policies=policies, store=store), lambda desk: desk.status())
    if as_json:
        show_json(answer)
    else:
        show(status_view(StatusDoc.model_validate(answer)))


def history(
    limit: Limit = 30,
    after: After = None,
    about: Subject = None,
    kind: Kind = None,
    as_json: Json = False,
    daemon: Daemon = DEFAULT_DAEMON,
    direct: Direct = False,
    policies: Policies = None,
    store: Store = None,
) -> None:
    """What was decided, done, held, refused and asked for; the newest last."""
    from pydantic import TypeAdapter

    from cli.desk import ask
    from cli.documents import EntryDoc
    from cli.render.history import history_view
    from cli.render.terminal import show, show_json

    entries = ask(
        where(daemon, direct=direct, policies=policies, store=store),
        lambda desk: desk.history(after=after, limit=limit, subject=about, kind=kind),
    )
    if as_json:
        show_json(entries)
    else:
        show(history_view(TypeAdapter(list[EntryDoc]).validate_python(entries)))


def watch(daemon: Daemon = DEFAULT_DAEMON, as_json: JsonLines = False) -> None:
    """The status as it changes and the journal as it grows, until Ctrl-C.

    A daemon that goes away is waited for; what was last known stays on the screen.
    """
    from cli.watching import follow

    follow(where(daemon), as_json=as_json)
