"""Names that dangle: every reference from one document to another."""

from controlplane.load.checks.referring import Referrer, Teller
from controlplane.load.findings import Findings
from controlplane.load.folder import Folder
from controlplane.load.tree import Path
from controlplane.model.resources.datastore import Datastore
from controlplane.model.resources.degradation_policy import DegradationPolicy
from controlplane.model.resources.failover_policy import FailoverPolicy, Selector
from controlplane.model.resources.service import Service


def check_references(folder: Folder, findings: Findings) -> None:
    """Regions, services and datastores that others name, and lists that name one twice."""
    for document, service in folder.each(Service):
        _service(Referrer(Teller.of(findings, document, service), folder), service)
    for document, datastore in folder.each(Datastore):
        _datastore(Referrer(Teller.of(findings, document, datastore), folder), datastore)
    for document, failover in folder.each(FailoverPolicy):
        if isinstance(failover.spec.services, Selector):
            refer = Referrer(Teller.of(findings, document, failover), folder)
            path: Path = ("spec", "services", "names")
            refer.all_must_exist("Service", failover.spec.services.names or (), path)
            refer.tell.must_be_distinct(failover.spec.services.names or (), path)
    for document, degradation in folder.each(DegradationPolicy):
        _knobs(Referrer(Teller.of(findings, document, degradation), folder), degradation)


def _service(refer: Referrer, service: Service) -> None:
    spec = service.spec
    refer.all_must_exist("Region", spec.regions or (), ("spec", "regions"))
    refer.tell.must_be_distinct(spec.regions or (), ("spec", "regions"))
    for index, dependency in enumerate(spec.depends_on):
        refer.must_exist("Service", dependency.service, ("spec", "dependsOn", index, "service"))
    if len({dependency.service for dependency in spec.depends_on}) < len(spec.depends_on):
        _twice(refer, service)
    if spec.datastore is not None:
        refer.must_exist("Datastore", spec.datastore, ("spec", "datastore"))
    for index, probe in enumerate(spec.probes):
        if probe.regions is None:
            continue
        path: Path = ("spec", "probes", index, "regions")
        refer.all_must_exist("Region", probe.regions, path)
        refer.tell.must_be_distinct(probe.regions, path)
        for number, region in enumerate(probe.regions):
            if spec.regions is not None and region not in spec.regions and refer.folder.knows("Region", region):
                why = f"the service is deployed in {', '.join(spec.regions)}"
                refer.tell.warn((*path, number), f"a probe of `{region}`, where it is not deployed", why, "take it out")


def _twice(refer: Referrer, service: Service) -> None:
    seen: set[str] = set()
    for index, dependency in enumerate(service.spec.depends_on):
        if dependency.service in seen:
            what = f"`{dependency.service}` is depended on twice"
            refer.tell.mistake(
                ("spec", "dependsOn", index, "service"),
                what,
                "only one strength could count",
                "take one of the two out",
            )
        seen.add(dependency.service)


def _datastore(refer: Referrer, datastore: Datastore) -> None:
    spec = datastore.spec
    refer.must_exist("Region", spec.primary, ("spec", "primary"))
    refer.all_must_exist("Region", spec.replicas, ("spec", "replicas"))
    refer.tell.must_be_distinct(spec.replicas, ("spec", "replicas"))
    if spec.primary in spec.replicas:
        at: Path = ("spec", "replicas", spec.replicas.index(spec.primary))
        why = "a copy cannot take over from itself"
        refer.tell.mistake(
            at, f"the primary `{spec.primary}` is among the replicas", why, "list the other regions only"
        )


def _knobs(refer: Referrer, policy: DegradationPolicy) -> None:
    for index, knob in enumerate(policy.spec.knobs):
        for depth, level in enumerate(knob.levels):
            for service in level.saves:
                path: Path = ("spec", "knobs", index, "levels", depth, "saves", service)
                refer.must_exist("Service", service, refer.tell.key(path))
