"""The sandbox by hand: a small real estate on this machine, and what befalls it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import DEFAULT_DAEMON, Daemon, Json, Policies

if TYPE_CHECKING:
    from controlplane.model.estate import Estate
    from controlplane.model.journal import Json as Value
    from controlplane.sandbox.rise import Progress
    from controlplane.sandbox.sandbox import Sandbox

app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True, name="sandbox"
)

Directory = Annotated[
    Path,
    typer.Option(
        "--dir", metavar="DIR", envvar="LEEWARD_SANDBOX", help="Where it keeps its state; one sandbox a directory."
    ),
]
Rate = Annotated[
    float,
    typer.Option("--rate", metavar="N", min=1, help="Requests a second that the estate's peak demand is scaled to."),
]
Stay = Annotated[bool, typer.Option("--stay", help="Stay until Ctrl-C, then take it down.")]
Kind = Annotated[
    str,
    typer.Argument(
        help="kill, freeze, blackhole, reset, slow, errors, capacity, lag or partition.",
        metavar="KIND",
        autocompletion=lambda: list(_PARAMETERS),
    ),
]
Place = Annotated[str, typer.Argument(help="A region, or '*' for all of them.", metavar="REGION")]
Parameters = Annotated[
    list[str] | None,
    typer.Argument(
        help="What the kind needs: slow add_s=0.5 · errors rate=0.3 [service=checkout] · capacity fraction=0.5 · "
        "lag datastore=orders-db seconds=5 · partition peer=london.",
        metavar="NAME=VALUE",
        show_default=False,
    ),
]
Id = Annotated[str, typer.Argument(help="The fault's id, or 'all'.", metavar="ID")]

_STATE = Path("sandbox-state")
_PARAMETERS = ("kill", "freeze", "blackhole", "reset", "slow", "errors", "capacity", "lag", "partition")


@app.callback()
def sandbox() -> None:
    """A real small estate on loopback: Envoy, the shop, PostgreSQL and Redis in every region."""


@app.command("up")
def up(
    directory: Directory = _STATE,
    policies: Policies = None,
    rate: Rate = 500.0,
    daemon: Daemon = DEFAULT_DAEMON,
    stay: Stay = False,
    as_json: Json = False,
) -> None:
    """Start it (without --policies: the shop that is shipped) and wait until all of it serves."""
    from cli.desk import run
    from cli.render.sandbox import Rising, up_view
    from cli.render.terminal import show, show_json
    from cli.sandboxes import as_our_errors, until_told_to_end
    from controlplane.sandbox.planning import Options
    from controlplane.sandbox.sandbox import Sandbox
    from controlplane.service.files import read_estate, shop

    estate = read_estate(policies or [shop()])
    options = Options(rate=rate, ofrep=daemon if "://" in daemon else f"http://{daemon}")
    with as_our_errors(directory), Rising(quiet=as_json) as rising:
        made = Sandbox.create(estate, directory, options)
        folder = run(_raise(made, estate, rising.step, stay=stay))
    answer: dict[str, Value] = {
        "directory": str(made.plan.home),
        "edge": made.plan.edge_url,
        "admin": made.plan.admin_url,
        "policies": str(folder),
        "regions": {region: made.plan.region_url(region) for region in made.plan.regions},
    }
    show_json(answer) if as_json else show(up_view(made.plan, folder, stays=stay))
    if stay:
        try:
            run(until_told_to_end())
        finally:
            made.down()


@app.command("down")
def down(directory: Directory = _STATE, as_json: Json = False) -> None:
    """End all of it, whatever state it is in. Logs stay in the directory."""
    from cli.render.sandbox import down_view
    from cli.render.terminal import show, show_json
    from cli.sandboxes import as_our_errors
    from controlplane.sandbox.sandbox import Sandbox

    with as_our_errors(directory):
        made = Sandbox.open(directory)
        made.down()
    show_json({"directory": str(made.plan.home), "up": False}) if as_json else show(down_view(made.plan))


@app.command("status")
def status(directory: Directory = _STATE, as_json: Json = False) -> None:
    """What runs, what is broken on purpose, and what each region says of itself."""
    from cli.desk import run
    from cli.render.sandbox import SandboxDoc, sandbox_view
    from cli.render.terminal import show, show_json
    from cli.sandboxes import as_our_errors
    from controlplane.sandbox.sandbox import Sandbox

    with as_our_errors(directory):
        answer = run(Sandbox.open(directory).status())
    show_json(answer) if as_json else show(sandbox_view(SandboxDoc.model_validate(answer)))


@app.command("fault")
def fault(
    kind: Kind, region: Place, parameters: Parameters = None, directory: Directory = _STATE, as_json: Json = False
) -> None:
    """Break something: kill dublin, errors frankfurt rate=0.3 service=checkout. It lasts until it is mended."""
    from cli.desk import run
    from cli.render.sandbox import fault_view
    from cli.render.terminal import show, show_json
    from cli.sandboxes import as_our_errors, read_parameters
    from controlplane.sandbox.sandbox import Sandbox

    given = read_parameters(parameters or [])
    with as_our_errors(directory):
        begun = run(Sandbox.open(directory).fault(kind, region, **given))
    show_json({"id": begun}) if as_json else show(fault_view(begun, kind, region))


@app.command("mend")
def mend(fault_id: Id, directory: Directory = _STATE, as_json: Json = False) -> None:
    """End a fault, or all of them: what was killed starts again, what was cut off can be reached."""
    from cli.desk import run
    from cli.render.sandbox import mended_view
    from cli.render.terminal import show, show_json
    from cli.sandboxes import as_our_errors
    from controlplane.sandbox.sandbox import Sandbox

    with as_our_errors(directory):
        made = Sandbox.open(directory)
        ids = [active.id for active in made.faults.active()] if fault_id == "all" else [fault_id]
        for one in ids:
            run(made.end(one))
    mended: list[Value] = [*ids]
    show_json({"mended": mended}) if as_json else show(mended_view(ids))


async def _raise(made: "Sandbox", estate: "Estate", progress: "Progress", *, stay: bool) -> Path:
    """Up, with the shares that a healthy estate would have, so that a daemon has nothing to move when it comes."""
    from controlplane.sandbox.binding import write_policies
    from controlplane.service.files import healthy_shares, read_estate

    folder = write_policies(estate, made.plan)
    await made.up(progress, shares=healthy_shares(read_estate([folder])), attached=stay)
    return folder
