"""A person's word on a region: put, look at, take back."""

from typing import Annotated, Literal

import typer

from cli.change import Change, changing
from cli.options import DEFAULT_DAEMON, Daemon, Direct, Json, Policies, Region, Store, where

app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True, name="override"
)

State = Annotated[
    Literal["drained", "serving"],
    typer.Option("--state", help="drained keeps work out; serving frees it from damping and manual failback."),
]


@app.callback()
def override() -> None:
    """People's orders about regions: they beat the machine, name who and why, and expire."""


@app.command("add")
@changing()
def add(region: Region, state: State = "drained") -> Change:
    """Put a word on a region; it replaces an earlier one there."""
    from controlplane.model.world import OverrideState
    from controlplane.service.verbs import PutOverride

    return Change(
        PutOverride(region, OverrideState(state)), f"order {region} {state}", f"leeward override clear {region}"
    )


@app.command("clear")
@changing(lasts=False)
def clear(region: Region) -> Change:
    """Take the word on a region back: the machine decides again."""
    from controlplane.service.verbs import TakeOverride

    return Change(TakeOverride(region), f"take back the order about {region}")


@app.command("list")
def list_(
    as_json: Json = False,
    daemon: Daemon = DEFAULT_DAEMON,
    direct: Direct = False,
    policies: Policies = None,
    store: Store = None,
) -> None:
    """What people have ordered, and until when."""
    from cli.desk import ask
    from cli.documents import StatusDoc
    from cli.render.status import override_view
    from cli.render.terminal import show, show_json

    status = ask(where(daemon, direct=direct, policies=policies, store=store), lambda desk: desk.status())
    if as_json:
        show_json(status["overrides"] if isinstance(status, dict) else [])
    else:
        show(override_view(StatusDoc.model_validate(status)))
