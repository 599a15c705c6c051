"""The daemon's own code in a false world."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import Json, Policies

Scenarios = Annotated[
    list[Path], typer.Argument(help="Files or folders with scenarios.", metavar="SCENARIO", show_default=False)
]
Report = Annotated[
    Path | None, typer.Option("--report", help="Write a page with plots of what happened.", metavar="OUT.html")
]


def simulate(scenarios: Scenarios, policies: Policies = None, report: Report = None, as_json: Json = False) -> None:
    """Let the daemon live through scenarios, on a virtual clock: what it would do, and what users would suffer.

    Exit code 0 only if everything that each scenario expects came about and no rule was broken.
    """
    from cli.render.simulate import accounts_view
    from cli.render.terminal import show, show_json, tell
    from controlplane import wiring
    from controlplane.model.errors import WrongUse
    from controlplane.wiring.accounts import account, page

    if not policies:
        raise WrongUse("name the policies that the scenarios are to test: --policies DIR")
    results = wiring.simulate(scenarios, policies)
    if report is not None:
        report.write_text(page(results), encoding="utf-8")
    if as_json:
        show_json([result.to_json() for result in results])
    else:
        show(accounts_view([(result.scenario, result.passed, account(result)) for result in results]))
        if report is not None:
            tell(f"The report is in {report}")
    if not all(result.passed for result in results):
        raise typer.Exit(1)
