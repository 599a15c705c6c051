"""The whole main job, shown on real processes in under two minutes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import Json, Policies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from controlplane.sandbox.demo.play import Play
    from controlplane.sandbox.plan import Address

Directory = Annotated[
    Path | None,
    typer.Option("--dir", metavar="DIR", help="Keep its state and logs here.", show_default="a temporary directory"),
]
RegionOption = Annotated[str, typer.Option("--region", metavar="REGION", help="The region that is lost.")]
Rate = Annotated[float, typer.Option("--rate", metavar="N", min=10, help="Requests a second of all users together.")]
Report = Annotated[Path, typer.Option("--report", help="Where the report is written.", metavar="OUT.html")]


def demo(
    policies: Policies = None,
    region: RegionOption = "dublin",
    rate: Rate = 200.0,
    report: Report = Path("leeward-report.html"),
    directory: Directory = None,
    as_json: Json = False,
) -> None:
    """Bring up a real four-region shop under load, kill a region, and show what is done and what users see of it.

    Everything runs on this machine, on loopback addresses of its own, and nothing is left running afterwards. Exit
    code 0 if the region was left and brought back, with no write lost, no second holder and no answer from a region
    that residency forbids.
    """
    from tempfile import TemporaryDirectory

    from cli.desk import run
    from cli.render.demo import lines, screen, summary_view
    from cli.render.terminal import show, show_json, watched
    from cli.sandboxes import as_our_errors, ending_on_signal
    from controlplane.sandbox.demo.report.page import write_report

    with TemporaryDirectory(prefix="leeward-demo-") as scratch:
        home = directory or Path(scratch)
        with as_our_errors(home), screen() if watched() and not as_json else lines() as audience:
            play = _play(policies, home, region, rate)
            outcome = run(ending_on_signal(play.run(audience)))
            write_report(report, play.record, outcome, play.sandbox.plan)
    if as_json:
        show_json(outcome.to_json(report.resolve()))
    else:
        show(summary_view(outcome, report))
    if not outcome.passed:
        raise typer.Exit(1)


def _play(policies: list[Path] | None, home: Path, region: str, rate: float) -> "Play":
    from controlplane.model.errors import WrongUse
    from controlplane.sandbox.demo.play import Backstage, Play, Script
    from controlplane.service.files import healthy_shares, read_estate, shop

    estate = read_estate(policies or [shop()])
    if region not in estate.regions:
        raise WrongUse(f"there is no region {region!r}: known are {', '.join(estate.regions)}")
    backstage = Backstage(_daemon, lambda folder: healthy_shares(read_estate([folder])))
    return Play(estate, home, Script(region, rate), backstage)


def _daemon(policies: Path, store: Path, address: "Address") -> "Sequence[str]":
    """The command that an operator would type."""
    from controlplane.sandbox.demo.control import python

    where = ("--store", str(store), "--listen", str(address), "--state-dir", str(store.with_name("state")))
    return python("cli.main", "daemon", "--policies", str(policies), *where, "--vantage", "outside")
