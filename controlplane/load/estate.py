"""Files into an estate: everything right, or everything that is wrong with them."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from controlplane.load.catalogue import Anything, Catalogue
from controlplane.load.checks.adapters import check_adapters
from controlplane.load.checks.dependencies import check_dependencies
from controlplane.load.checks.names import check_names
from controlplane.load.checks.places import check_places
from controlplane.load.checks.policies import check_policies
from controlplane.load.checks.references import check_references
from controlplane.load.checks.scenarios import check_scenarios
from controlplane.load.checks.sizes import check_sizes
from controlplane.load.findings import Findings
from controlplane.load.folder import Folder, read_folder
from controlplane.load.kinds import ESTATE_KINDS
from controlplane.load.tree import Mark
from controlplane.model.errors import Mistake, PoliciesInvalid
from controlplane.model.estate import Estate
from controlplane.model.resources.datastore import Datastore
from controlplane.model.resources.degradation_policy import DegradationPolicy
from controlplane.model.resources.failover_policy import FailoverPolicy
from controlplane.model.resources.kind import Resource
from controlplane.model.resources.region import Region
from controlplane.model.resources.safety_policy import SafetyPolicy, SafetySpec
from controlplane.model.resources.scenario import Scenario
from controlplane.model.resources.service import Service

R = TypeVar("R", bound=Resource)
ANYTHING: Catalogue = Anything()


@dataclass(frozen=True, slots=True)
class Report:
    """What reading some files came to. ``estate``: None if there were mistakes, or nothing of an estate in them.

    ``documents``: how many there were of each kind.
    """

    estate: Estate | None
    scenarios: tuple[Scenario, ...]
    mistakes: tuple[Mistake, ...]
    warnings: tuple[Mistake, ...]
    documents: tuple[tuple[str, int], ...] = ()


def check(paths: Iterable[Path], catalogue: Catalogue = ANYTHING) -> Report:
    """Read files and folders and check them against each other and against what is installed; raises nothing."""
    given = tuple(paths)
    findings = Findings()
    folder = read_folder(given, findings)
    check_names(folder, findings)
    check_references(folder, findings)
    check_dependencies(folder, findings)
    check_policies(folder, findings)
    check_places(folder, findings)
    check_sizes(folder, findings)
    check_adapters(folder, catalogue, findings)
    concerns_estate = any(entry.kind in ESTATE_KINDS for entry in folder.entries)
    if concerns_estate:
        _must_have_both(folder, findings)
    estate = _estate(folder) if concerns_estate and findings.count == 0 else None
    if estate is not None:
        check_scenarios(folder, estate, findings)
    kinds = sorted({entry.kind for entry in folder.entries})
    return Report(
        estate=estate if findings.count == 0 else None,
        scenarios=tuple(
            entry.resource for entry in folder.of("Scenario") if entry.sound and isinstance(entry.resource, Scenario)
        ),
        mistakes=findings.mistakes,
        warnings=findings.warnings,
        documents=tuple((kind, len(folder.of(kind))) for kind in kinds),
    )


def load_estate(paths: Iterable[Path], catalogue: Catalogue = ANYTHING) -> Estate:
    """The estate that some files and folders describe; documents of other kinds beside it are checked and left alone.

    Raises PoliciesInvalid with every mistake there is in them.
    """
    given = tuple(paths)
    report = check(given, catalogue)
    if report.mistakes:
        raise PoliciesInvalid(report.mistakes)
    if report.estate is None:
        mend = "give the folder that has Regions and Services in it"
        raise PoliciesInvalid((Mistake(_named(given), 1, 1, "no estate here", "there is no Region or Service", mend),))
    return report.estate


def _named(paths: tuple[Path, ...]) -> str:
    return ", ".join(map(str, paths)) or "."


def _must_have_both(folder: Folder, findings: Findings) -> None:
    """Policies about nothing are most likely half of a folder."""
    for kind, what in (("Region", "nowhere to run"), ("Service", "nothing to run")):
        if not folder.of(kind) and folder.whole:
            first = folder.entries[0].document
            mend = "give the whole folder of the policies, not one file of it"
            findings.mistake(Mark(first.file), f"no {kind} here", f"an estate without one has {what}", mend)


def _estate(folder: Folder) -> Estate:
    policies = [policy for _, policy in folder.each(DegradationPolicy)]
    safety = [policy.spec for _, policy in folder.each(SafetyPolicy)]
    return Estate(
        regions=_by_name(folder, Region),
        services=_by_name(folder, Service),
        datastores=_by_name(folder, Datastore),
        failover=tuple(_by_name(folder, FailoverPolicy).values()),
        knobs=dict(sorted((knob.name, knob) for policy in policies for knob in policy.spec.knobs)),
        safety=safety[0] if safety else SafetySpec(),
    )


def _by_name(folder: Folder, kind: type[R]) -> dict[str, R]:
    return dict(sorted((resource.name, resource) for _, resource in folder.each(kind)))
