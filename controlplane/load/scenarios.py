"""Files into scenarios."""

from collections.abc import Iterable
from pathlib import Path

from controlplane.load.checks.names import check_names
from controlplane.load.checks.scenarios import check_scenarios
from controlplane.load.findings import Findings
from controlplane.load.folder import read_folder
from controlplane.load.tree import Mark
from controlplane.model.errors import PoliciesInvalid
from controlplane.model.estate import Estate
from controlplane.model.resources.scenario import Scenario


def load_scenarios(paths: Iterable[Path], estate: Estate | None = None) -> tuple[Scenario, ...]:
    """The scenarios in some files and folders, in their order; documents of other kinds there are left alone.

    ``estate``: where they are to happen; names that it does not have are mistakes. Raises PoliciesInvalid with every
    mistake, and where there is no scenario at all.
    """
    given = tuple(paths)
    findings = Findings()
    folder = read_folder(given, findings)
    check_names(folder, findings)
    if estate is not None:
        check_scenarios(folder, estate, findings)
    scenarios = tuple(scenario for _, scenario in folder.each(Scenario))
    if not scenarios and findings.count == 0:
        named = ", ".join(map(str, given)) or "."
        findings.mistake(Mark(named), "no Scenario here", "there is nothing to simulate", "give a file that has one")
    if findings.count:
        raise PoliciesInvalid(findings.mistakes)
    return scenarios
