"""Trouble that nobody wrote down, for hours on end, and whatever breaks a rule made small."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import Json, Policies

if TYPE_CHECKING:
    from controlplane.wiring.proof import Repro, Shrunk

Hours = Annotated[float, typer.Option("--hours", min=0.1, help="Simulated hours to live through.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="What decides everything that chance decides.")]
Workers = Annotated[int | None, typer.Option("--workers", min=1, help="Processes.", show_default="one a core")]
Out = Annotated[
    Path, typer.Option("--out", metavar="DIR", help="Where what is found is written, for `leeward simulate`.")
]


def verify(
    policies: Policies = None,
    hours: Hours = 100.0,
    seed: Seed = 1,
    workers: Workers = None,
    out: Out = Path("leeward-verify"),
    as_json: Json = False,
) -> None:
    """Live through random trouble, over these policies and over random small estates, and watch every rule.

    Several faults at once, struck where it hurts most: between intent and act, between act and confirmation. A breach
    is made as small as can be, written as a scenario that `leeward simulate` replays, and told. The same seed finds
    the same, on however many processes. Exit code 1 on any breach.
    """
    import os

    from cli.render.terminal import show, show_json
    from cli.render.verify import proof_json, proof_view
    from controlplane.wiring import proof

    found = proof.verify(policies or [], hours, seed, workers or os.cpu_count() or 1)
    written: list[tuple[Shrunk, Repro]] = [
        (shrunk, proof.write_down(shrunk, policies or [], out)) for shrunk in found.shrunk
    ]
    if as_json:
        show_json(proof_json(found, written))
    else:
        show(proof_view(found, written))
    if not found.clean:
        raise typer.Exit(1)
