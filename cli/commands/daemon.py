"""The daemon: watch, decide, act, and answer, until it is told to stop."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import DEFAULT_DAEMON, Policies
from controlplane.model.errors import WrongUse

Store = Annotated[
    str,
    typer.Option(
        "--store",
        envvar="LEEWARD_STORE",
        metavar="ADDRESS",
        help="Journal, state and lease: a path, or postgresql://user@host/name where there are several daemons.",
    ),
]
Listen = Annotated[
    str, typer.Option("--listen", envvar="LEEWARD_LISTEN", metavar="ADDRESS", help="Where to answer; port 0: any.")
]
Vantage = Annotated[
    str, typer.Option("--vantage", envvar="LEEWARD_VANTAGE", help="Where this daemon looks from: its region's name.")
]
Replica = Annotated[
    str | None,
    typer.Option("--replica", help="This daemon's own name, the same at each start.", show_default="VANTAGE@ADDRESS"),
]
StateDir = Annotated[
    Path, typer.Option("--state-dir", envvar="LEEWARD_STATE_DIR", help="What is this machine's alone is kept here.")
]
TokenFile = Annotated[
    Path | None,
    typer.Option("--token-file", help="Who may change things: NAME TOKEN a line. Needed to answer to other machines."),
]
Host = Annotated[list[str] | None, typer.Option("--host", help="A name by which it may be called; may be repeated.")]
Webhook = Annotated[
    str | None, typer.Option("--webhook", envvar="LEEWARD_WEBHOOK", metavar="URL", help="Where people are told.")
]
SecretEnv = Annotated[
    str | None, typer.Option("--webhook-secret-env", metavar="NAME", help="Environment variable with the signing key.")
]
Traces = Annotated[
    str | None, typer.Option("--traces", metavar="URL", help="An OTLP collector: http://127.0.0.1:4318.")
]
LogLevel = Annotated[str, typer.Option("--log-level", help="debug, info, warning or error.")]
Tick = Annotated[float, typer.Option("--tick", min=0.05, max=60, help="Seconds between two looks at everything.")]
LeaseS = Annotated[float, typer.Option("--lease", min=2, max=300, help="Seconds a leader's lease lasts.")]

_LEVELS = ("debug", "info", "warning", "error")


def daemon(
    policies: Policies = None,
    store: Store = "leeward.db",
    listen: Listen = DEFAULT_DAEMON,
    vantage: Vantage = "here",
    replica: Replica = None,
    state_dir: StateDir = Path("leeward-state"),
    token_file: TokenFile = None,
    host: Host = None,
    webhook: Webhook = None,
    webhook_secret_env: SecretEnv = None,
    traces: Traces = None,
    log_level: LogLevel = "info",
    tick: Tick = 1.0,
    lease: LeaseS = 10.0,
) -> None:
    """Run the control plane here. Logs go to stderr as JSON; SIGTERM or Ctrl-C ends it and gives the lead up.

    Policies are read again when they change; a broken change is refused and the last good set stays.
    """
    if not policies:
        raise WrongUse("say which policies to follow: leeward daemon --policies DIR")
    if log_level not in _LEVELS:
        raise WrongUse(f"--log-level is one of {', '.join(_LEVELS)}, not {log_level!r}")
    from controlplane import wiring
    from controlplane.wiring.options import DaemonOptions

    wiring.run_daemon(
        DaemonOptions(
            policies=tuple(policies),
            store=store,
            listen=listen,
            vantage=vantage,
            replica=replica or "",
            state_dir=state_dir,
            token_file=token_file,
            hosts=frozenset(host or ()),
            webhook=webhook,
            webhook_secret_env=webhook_secret_env,
            traces=traces,
            log_level=log_level,
            tick_s=tick,
            lease_s=lease,
        )
    )
