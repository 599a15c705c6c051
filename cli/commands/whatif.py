"""Two sets of policies through the same outages: the check for a change of policies."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import Json, Policies

Against = Annotated[
    list[Path] | None, typer.Option("--against", help="The policies to compare with; may be repeated.", metavar="OLD")
]
Scenarios = Annotated[
    list[Path] | None, typer.Option("--scenario", help="A file or folder of scenarios; may be repeated.")
]
Outages = Annotated[bool, typer.Option("--outages", help="Also the outage library. On by itself without --scenario.")]


def whatif(
    policies: Policies = None,
    against: Against = None,
    scenario: Scenarios = None,
    outages: Outages = False,
    as_json: Json = False,
) -> None:
    """What would be decided differently with other policies, and which set fares better, metric by metric.

    Exit code 1 on a regression: a metric that is worse by more than a little, a scenario that passed and does not any
    more, a rule that was kept and is broken.
    """
    from cli.render.terminal import show, show_json
    from cli.render.whatif import comparison_json, comparison_view
    from controlplane.model.errors import WrongUse
    from controlplane.wiring import proof

    if not policies or not against:
        raise WrongUse("name both sets of policies: --policies NEW --against OLD")
    scenarios = list(scenario or [])
    if outages or not scenarios:
        found = proof.library([*policies, *against])
        if found is None:
            raise WrongUse("there is no outage library beside these policies: give scenarios with --scenario FILE")
        scenarios.append(found)
    comparisons = proof.whatif(policies, against, scenarios)
    if as_json:
        show_json(comparison_json(comparisons))
    else:
        show(comparison_view(comparisons))
    if any(comparison.regressions for comparison in comparisons):
        raise typer.Exit(1)
