"""Numbers that are finite and still cannot be meant: sums of them would lose the digits that matter."""

from collections.abc import Iterator

from controlplane.load.checks.referring import Teller
from controlplane.load.findings import Findings
from controlplane.load.folder import Folder
from controlplane.load.tree import Path
from controlplane.model.resources.degradation_policy import DegradationPolicy
from controlplane.model.resources.region import Region
from controlplane.model.resources.service import Service

MOST = 1e12


def check_sizes(folder: Folder, findings: Findings) -> None:
    """Capacities, demands, costs and values of no more than MOST."""
    for document, region in folder.each(Region):
        _tell(Teller.of(findings, document, region), _of_region(region))
    for document, service in folder.each(Service):
        _tell(Teller.of(findings, document, service), _of_service(service))
    for document, policy in folder.each(DegradationPolicy):
        _tell(Teller.of(findings, document, policy), _of_knobs(policy))


def _tell(tell: Teller, numbers: Iterator[tuple[Path, float | None]]) -> None:
    for path, number in numbers:
        if number is not None and number > MOST:
            why = f"nothing that is planned for is larger than {MOST:g}"
            tell.mistake(path, f"`{path[-1]}` is {number:g}", why, "choose a larger unit")


def _of_region(region: Region) -> Iterator[tuple[Path, float | None]]:
    yield ("spec", "capacity"), region.spec.capacity
    if region.spec.scale is not None:
        yield ("spec", "scale", "max"), region.spec.scale.max


def _of_service(service: Service) -> Iterator[tuple[Path, float | None]]:
    yield ("spec", "value"), service.spec.value
    yield ("spec", "cost"), service.spec.cost
    for origin, rate in service.spec.demand.items():
        yield ("spec", "demand", origin), rate


def _of_knobs(policy: DegradationPolicy) -> Iterator[tuple[Path, float | None]]:
    for index, knob in enumerate(policy.spec.knobs):
        for depth, level in enumerate(knob.levels):
            yield ("spec", "knobs", index, "levels", depth, "valueLost"), level.value_lost
