"""Written: estates and scenarios as the files that people write."""

from collections.abc import Iterator
from typing import Any

from controlplane.model.estate import Estate
from controlplane.model.resources.kind import Resource
from controlplane.model.resources.safety_policy import SafetyPolicy, SafetySpec
from controlplane.model.resources.scenario import Scenario
from controlplane.sim.prove.trouble import written_fault

Document = dict[str, Any]


def estate_text(estate: Estate) -> str:
    """Every document of an estate, as one file of YAML."""
    return _yaml(list(_documents(estate)))


def scenario_text(scenario: Scenario, note: str = "") -> str:
    """A scenario as a file that ``leeward simulate`` replays. ``note``: what is said at its head."""
    spec: Document = {
        "seed": scenario.spec.seed,
        "duration": scenario.spec.model_dump(mode="json", include={"duration"})["duration"],
        **({"description": scenario.spec.description} if scenario.spec.description else {}),
        "faults": [written_fault(fault) for fault in scenario.spec.faults],
    }
    head = "".join(f"# {line}\n" for line in note.splitlines())
    return head + _yaml([_envelope("Scenario", scenario.name, spec)])


def _documents(estate: Estate) -> Iterator[Document]:
    listed: list[Resource] = [*estate.regions.values(), *estate.services.values(), *estate.datastores.values()]
    for resource in (*listed, *estate.failover):
        yield _envelope(type(resource).__name__, resource.name, _plain(resource))
    if estate.knobs:
        knobs = [knob.model_dump(mode="json", by_alias=True, exclude_defaults=True) for knob in estate.knobs.values()]
        yield _envelope("DegradationPolicy", "knobs", {"knobs": knobs})
    if estate.safety != SafetySpec():
        policy = SafetyPolicy.model_validate({"metadata": {"name": "default"}, "spec": estate.safety})
        yield _envelope("SafetyPolicy", "default", _plain(policy))


def _plain(resource: Resource) -> Document:
    found: Document = resource.model_dump(mode="json", by_alias=True, exclude_defaults=True)["spec"]
    return found


def _envelope(kind: str, name: str, spec: Document) -> Document:
    return {"apiVersion": "leeward/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def _yaml(documents: list[Document]) -> str:
    import yaml

    return "---\n".join(
        yaml.safe_dump(document, sort_keys=False, default_flow_style=None, width=120, allow_unicode=True)
        for document in documents
    )
