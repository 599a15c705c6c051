"""Circles of strong dependencies: none of their services could ever be the first to come back."""

from graphlib import CycleError, TopologicalSorter

from controlplane.load.checks.referring import Teller
from controlplane.load.findings import Findings
from controlplane.load.folder import Folder
from controlplane.load.tree import Document
from controlplane.model.resources.service import Service, Strength

MOST_TOLD = 20


def check_dependencies(folder: Folder, findings: Findings) -> None:
    """Tell each cycle once, at the dependency by which its first service by name goes on; at most MOST_TOLD."""
    services = {service.name: (document, service) for document, service in folder.each(Service)}
    strong = {
        name: [d.service for d in service.spec.depends_on if d.strength is Strength.STRONG and d.service in services]
        for name, (_, service) in sorted(services.items())
    }
    for _ in range(MOST_TOLD):
        cycle = _cycle(strong)
        if cycle is None:
            return
        _tell(services, cycle, findings)
        strong[cycle[0]].remove(cycle[1])


def _cycle(strong: dict[str, list[str]]) -> list[str] | None:
    """Some cycle, each service followed by what it depends on, from the first by name back to it."""
    try:
        TopologicalSorter(strong).prepare()
    except CycleError as error:
        found: list[str] = list(reversed(error.args[1]))[:-1]
        first = found.index(min(found))
        turned = found[first:] + found[:first]
        return [*turned, turned[0]]
    return None


def _tell(services: dict[str, tuple[Document, Service]], cycle: list[str], findings: Findings) -> None:
    document, service = services[cycle[0]]
    index = next(
        number
        for number, dependency in enumerate(service.spec.depends_on)
        if dependency.service == cycle[1] and dependency.strength is Strength.STRONG
    )
    what = f"strong dependencies in a circle: {' → '.join(cycle)}"
    why = "each waits for another to be there first, so that none could come back"
    mend = "make weak the dependency that one of them can do without for a while"
    Teller.of(findings, document, service).mistake(("spec", "dependsOn", index, "service"), what, why, mend)
