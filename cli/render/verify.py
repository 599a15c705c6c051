"""What a proof came to: the hours, each breach that was made small as a story, and how to see it again."""

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from cli.render.simulate import accounts_view
from cli.render.terminal import clean
from cli.render.words import count
from controlplane.model.journal import Json

if TYPE_CHECKING:
    from controlplane.wiring.proof import Proof, Repro, Shrunk

Written = Sequence[tuple["Shrunk", "Repro"]]


def proof_view(proof: "Proof", written: Written) -> RenderableType:
    """For people."""
    from controlplane.wiring.accounts import account

    blocks: list[RenderableType] = []
    for shrunk, repro in written:
        blocks.append(accounts_view([(shrunk.found.scenario.name, False, account(shrunk.result))]))
        faults = count(len(shrunk.found.scenario.spec.faults), "fault")
        blocks.append(Text(clean(f"  made small in {count(shrunk.runs, 'run')}: {faults} are left. See it again:")))
        blocks.append(Text(clean(f"  {replay(repro)}"), "bold"))
        blocks.append(Text())
    told = {shrunk.found.case.number for shrunk, _ in written}
    rest = [found for found in proof.found if found.case.number not in told]
    blocks += [Text(clean(f"case {found.case.number}, too: {found.breaches[0]}"), "red") for found in rest]
    blocks.append(Text(_sum(proof), "bold green" if proof.clean else "bold red"))
    return Group(*blocks)


def proof_json(proof: "Proof", written: Written) -> Json:
    """For programs."""
    places = {shrunk.found.case.number: (shrunk, repro) for shrunk, repro in written}
    found: list[Json] = []
    for each in proof.found:
        entry: dict[str, Json] = {"case": each.case.number, "rule": each.rule, "violations": list(each.breaches)}
        if each.case.number in places:
            shrunk, repro = places[each.case.number]
            entry |= {
                "scenario": str(repro.scenario),
                "policies": [str(path) for path in repro.policies],
                "faults": len(shrunk.found.scenario.spec.faults),
                "shown": list(shrunk.found.breaches),
                "replay": replay(repro),
            }
        found.append(entry)
    return {
        "seed": proof.order.seed,
        "hours": round(proof.hours, 3),
        "steppedHours": round(proof.stepped_hours, 3),
        "cases": len(proof.lived),
        "runs": sum(lived.runs for lived in proof.lived),
        "moves": sum(lived.acts for lived in proof.lived),
        "clean": proof.clean,
        "found": found,
    }


def replay(repro: "Repro") -> str:
    """The command that shows it again."""
    named = [part for path in repro.policies for part in ("--policies", str(path))]
    return shlex.join(["leeward", "simulate", str(repro.scenario), *named])


def _sum(proof: "Proof") -> str:
    share = proof.stepped_hours / proof.hours if proof.hours else 0.0
    runs = sum(lived.runs for lived in proof.lived)
    moves = sum(lived.acts for lived in proof.lived)
    verdict = "no rule was broken" if proof.clean else f"a rule was broken in {count(len(proof.found), 'case')}"
    return (
        f"{verdict}: {proof.hours:.0f} simulated hours of {count(len(proof.lived), 'case')} in {count(runs, 'run')}, "
        f"{share:.0%} of them second by second, {count(moves, 'move')} made (seed {proof.order.seed})"
    )
