"""Hunt: live through trouble with a mutant in the code until a rule is broken that is kept without it.

``python -m tests.sim.prove.hunt NAME FIRST HOURS``: the mutant's process; prints a JSON object per line.
``python -m tests.sim.prove.hunt``: hunt them all and write the table into docs/proof.md.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.sim.prove.mutants import ROOT, Mutant, infect
from tests.sim.prove.seeded import MUTANTS

SEED = 1
GUARDS = -1
"""Stands for the scenarios that are looked at before the cases of the seed."""
MOST_HOURS = 100.0
PAGE = ROOT / "docs" / "proof.md"
BEGIN, END = "<!-- mutants: begin -->", "<!-- mutants: end -->"


@dataclass(frozen=True, slots=True)
class Catch:
    """How a mutant was found: in which case, after how many simulated hours, and the breach."""

    mutant: str
    case: int
    hours: float
    breach: str


def hunt(mutant: Mutant, *, first: int = GUARDS, most_hours: float = MOST_HOURS) -> Catch | None:
    """The first case in which the mutant breaks a rule that the daemon as it is keeps there."""
    spent = 0.0
    while spent < most_hours:
        command = [sys.executable, "-m", "tests.sim.prove.hunt", mutant.name, str(first), str(most_hours - spent)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr[-2000:])
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        spent += told["hours"]
        if told["case"] is None:
            return None
        if told["rule"] not in rules_broken_without(told["case"]):
            return Catch(mutant.name, told["case"], round(spent, 1), told["breach"])
        first = told["case"] + 1
    return None


@cache
def rules_broken_without(case: int) -> frozenset[str]:
    """What the daemon as it is breaks in that case: nothing, when all is well."""
    from controlplane.sim.prove.cases import case_of, live_through, rule_of
    from controlplane.wiring import sim_parts

    if case == GUARDS:
        return frozenset()
    found = live_through(case_of(SEED, case, own=False), None, sim_parts()).found
    return frozenset() if found is None else frozenset(rule_of(breach) for breach in found.breaches)


def _infected(mutant: str, first: int, most_hours: float) -> dict[str, Any]:
    infect(next(one for one in MUTANTS if one.name == mutant))
    from controlplane.sim.prove.cases import case_of, live_through, run
    from controlplane.wiring import sim_parts
    from tests.sim.prove.guards import guards

    hours, number = 0.0, first
    if first == GUARDS:
        number = 0
        for name, (estate, scenario) in guards().items():
            result = run(estate, scenario, sim_parts())
            hours += result.duration_s / 3600
            if not result.passed:
                told = (*result.violations, *result.failed)[0]
                return {"case": GUARDS, "hours": hours, "rule": name, "breach": f"“{name}”: {told}"}
    while hours < most_hours:
        lived = live_through(case_of(SEED, number, own=False), None, sim_parts())
        hours += lived.lived_s / 3600
        if lived.found is not None:
            return {"case": number, "hours": hours, "rule": lived.found.rule, "breach": lived.found.breaches[0]}
        number += 1
    return {"case": None, "hours": hours}


def table(catches: dict[str, Catch | None]) -> str:
    """The list as the documentation has it."""
    lines = ["| mutant | rule | what is wrong with it | case | hours | found by |", "|---|---|---|---|---|---|"]
    for mutant in MUTANTS:
        catch = catches.get(mutant.name)
        how = ("", "", "not found") if catch is None else (_place(catch.case), f"{catch.hours:g}", catch.breach)
        lines.append(f"| {mutant.name} | {mutant.rule} | {mutant.what} | {' | '.join(how)} |")
    return "\n".join(lines)


def _place(case: int) -> str:
    return "guards" if case == GUARDS else str(case)


def listed() -> list[list[str]]:
    """The rows of the list as the documentation has it."""
    text = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0].strip()
    return [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in text.splitlines()[2:]]


def known_cases() -> dict[str, int]:
    """In which case each mutant was found when the documentation was written."""
    return {row[0]: GUARDS if row[3] == "guards" else int(row[3]) for row in listed() if row[3]}


def main() -> None:
    """Either the mutant's process or the whole hunt, two at a time."""
    if len(sys.argv) > 1:
        sys.stdout.write(json.dumps(_infected(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))) + "\n")
        return
    from concurrent.futures import ThreadPoolExecutor

    found: dict[str, Catch | None] = {}
    with ThreadPoolExecutor(2) as pool:
        for mutant, catch in zip(MUTANTS, pool.map(hunt, MUTANTS), strict=True):
            found[mutant.name] = catch
            sys.stdout.write(f"{mutant.name}: {catch}\n")
            sys.stdout.flush()
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n\n{table(found)}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
