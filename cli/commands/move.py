"""Commands that move work: drain, failover, failback."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from cli.change import Asked, Change, changing
from cli.completion import complete_left, complete_movable, complete_regions
from cli.options import Region

if TYPE_CHECKING:
    from cli.documents import StatusDoc

Movable = Annotated[
    str, typer.Argument(help="A service or a datastore.", metavar="SERVICE|DATASTORE", autocompletion=complete_movable)
]
To = Annotated[
    str, typer.Option("--to", metavar="REGION", help="The region that takes over.", autocompletion=complete_regions)
]
AcceptLoss = Annotated[
    str | None,
    typer.Option(
        "--accept-loss", metavar="DURATION", help="Last writes that may be lost by promoting a replica, e.g. 30s (R9)."
    ),
]
Left = Annotated[
    str | None,
    typer.Argument(
        help="The region that gets its work back (or a service or datastore that goes home).",
        metavar="[REGION]",
        autocompletion=complete_left,
    ),
]


@changing()
def drain(region: Region) -> Change:
    """Move all work out of a region, and keep it out until --for ends.

    Traffic leaves in steps; holders and primaries move once they are fenced. To take it back: leeward override clear
    REGION.
    """
    from controlplane.service.verbs import Drain

    return Change(Drain(region), f"drain {region}", f"leeward override clear {region}")


@changing()
def failover(name: Movable, to: To, accept_loss: AcceptLoss = None) -> Change:
    """Move a service, or a datastore's primary, to a region.

    A datastore whose lag is unknown or beyond its RPO is promoted only with --accept-loss: say how much of the last
    writes may be lost.
    """
    from controlplane.service.verbs import Failover

    loss = _duration("--accept-loss", accept_loss) if accept_loss is not None else None
    what = f"move {name} to {to}" + (
        f" and accept the loss of up to {accept_loss} of writes" if loss is not None else ""
    )
    return Change(Failover(name, to, loss), what, f"leeward failback {name}")


@changing()
def failback(region: Left = None) -> Asked:
    """Bring work back to a region that was left and is well again.

    It goes in the steps of the policy's failback ramp. Without a name: the one region that is left.
    """
    return _back_to(region) if region is not None else lambda status: _back_to(_only_left(status))


def _back_to(name: str) -> Change:
    from controlplane.service.verbs import Failback

    return Change(Failback(name), f"bring work back to {name}", f"leeward drain {name}")


def _only_left(status: "StatusDoc") -> str:
    from controlplane.model.errors import WrongUse

    left = [region.region for region in status.regions if region.drained or region.override == "drained"]
    if not left:
        raise WrongUse("no region is left, so there is none to bring work back to")
    if len(left) > 1:
        raise WrongUse(f"{' and '.join(left)} are left: name one")
    return left[0]


def _duration(option: str, text: str) -> timedelta:
    from controlplane.model.errors import WrongUse
    from controlplane.model.resources.kind import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise WrongUse(f"{option} {text}: {error}") from error
