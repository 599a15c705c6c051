"""Options that many commands share, written once so that they mean the same everywhere."""

import getpass
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from cli.completion import complete_regions
from controlplane.api.address import DEFAULT_ADDRESS
from controlplane.model.errors import WrongUse

DEFAULT_DAEMON = DEFAULT_ADDRESS

Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON value on stdout, nothing else there.")]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask. Needed where no terminal is.")]
Preview: TypeAlias = Annotated[bool, typer.Option("--preview", help="Show what would happen, and do nothing.")]
Reason: TypeAlias = Annotated[
    str, typer.Option("--reason", "-r", metavar="WHY", help="Why; recorded with your name.", show_default=False)
]
By: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--by", metavar="NAME", envvar="LEEWARD_BY", help="Who asks.", show_default="the name you are logged in with"
    ),
]
Lasting: TypeAlias = Annotated[
    str,
    typer.Option("--for", metavar="DURATION", help="How long it holds: 30m, 4h, 2d; then the machine decides again."),
]
Daemon: TypeAlias = Annotated[
    str, typer.Option("--daemon", envvar="LEEWARD_DAEMON", metavar="ADDRESS", help="Where the daemon answers.")
]
Direct: TypeAlias = Annotated[
    bool, typer.Option("--direct", help="Without a daemon: act from --policies and --store, here and now.")
]
Policies: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option(
        "--policies",
        "-p",
        metavar="PATH",
        envvar="LEEWARD_POLICIES",
        help="Folder or file of policies; may be repeated.",
    ),
]
Store: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="ADDRESS",
        envvar="LEEWARD_STORE",
        help="The daemon's store, for --direct.",
        show_default=False,
    ),
]
TokenFile: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--token-file",
        metavar="FILE",
        envvar="LEEWARD_TOKEN_FILE",
        help="File with your token, where the daemon asks for one.",
        show_default=False,
    ),
]
Region: TypeAlias = Annotated[str, typer.Argument(help="A region.", metavar="REGION", autocompletion=complete_regions)]


@dataclass(frozen=True, slots=True)
class Where:
    """Whom to ask: the daemon at an address, or nobody but the policies and the store."""

    daemon: str = DEFAULT_DAEMON
    direct: bool = False
    policies: tuple[Path, ...] = ()
    store: str | None = None
    token_file: str | None = None


@dataclass(frozen=True, slots=True)
class Manner:
    """How a change is made: asked or not, printed for whom, said by whom and why."""

    json: bool = False
    yes: bool = False
    preview: bool = False
    reason: str = ""
    by: str | None = None
    lasting: str = "4h"


def where(daemon: str, *, direct: bool = False, policies: list[Path] | None = None, store: str | None = None) -> Where:
    """The options of a command line as one value."""
    return Where(daemon, direct, tuple(policies or ()), store)


def whoever(by: str | None) -> str:
    """The name that is recorded. Raises WrongUse where the machine knows no name for whoever runs this."""
    try:
        return by or getpass.getuser()
    except (KeyError, OSError) as error:
        raise WrongUse("say who you are with --by: every change is recorded with a name") from error
