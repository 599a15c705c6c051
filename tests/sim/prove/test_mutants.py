"""Every seeded fault is found: a proof that finds nothing in broken code proves nothing."""

import pytest

from controlplane.sim.prove.cases import run
from controlplane.wiring import sim_parts
from tests.sim.prove.guards import guards
from tests.sim.prove.hunt import hunt, known_cases, listed
from tests.sim.prove.mutants import Mutant
from tests.sim.prove.seeded import MUTANTS


def test_there_are_at_least_25_mutants_with_names_of_their_own() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 25


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_still_fits_the_code(mutant: Mutant) -> None:
    for path in {edit.path for edit in mutant.edits}:
        source = path.read_text(encoding="utf-8")
        for edit in mutant.edits:
            if edit.path == path:
                source = edit.applied(source)
        compile(source, str(path), "exec")


def test_the_list_in_the_documentation_is_of_these_mutants_and_says_how_each_was_found() -> None:
    assert [row[:3] for row in listed()] == [[mutant.name, mutant.rule, mutant.what] for mutant in MUTANTS]
    assert set(known_cases()) == {mutant.name for mutant in MUTANTS}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_proof_finds_a_mutant(mutant: Mutant) -> None:
    """Where it was found last is looked at first."""
    known = known_cases()[mutant.name]
    catch = hunt(mutant, first=known, most_hours=0.1) or hunt(mutant)
    assert catch is not None, f"{mutant.name} breaks {mutant.rule} and nothing finds it"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", guards())
def test_the_daemon_as_it_is_passes_what_guards_it(name: str) -> None:
    result = run(*guards()[name], sim_parts())
    assert (result.failed, result.violations) == ((), ())
