"""Where work may go at all: residency, regions that share a fate, datastores out of reach, bounds nobody can keep."""

from collections.abc import Mapping

from controlplane.load.checks.referring import Teller
from controlplane.load.findings import Findings, did_you_mean, listed
from controlplane.load.folder import Folder
from controlplane.load.tree import Document, Path
from controlplane.model.resources.datastore import Datastore
from controlplane.model.resources.region import Region
from controlplane.model.resources.safety_policy import SafetyPolicy
from controlplane.model.resources.service import Placement, Service, Strength

_REGION = "Region"
_TOGETHER = "campus"


def check_places(folder: Folder, findings: Findings) -> None:
    """Mistakes where nothing could ever be placed, warnings where it could not be when it matters."""
    regions = {region.name: region for _, region in folder.each(Region)}
    jurisdictions = _jurisdictions(folder)
    services = {service.name: service for _, service in folder.each(Service)}
    datastores = {store.name: store for _, store in folder.each(Datastore)}
    for document, service in folder.each(Service):
        tell = Teller.of(findings, document, service)
        _residency(tell, service, jurisdictions, regions)
        _strong(tell, service, services)
        _datastore(tell, service, datastores)
    _shared_fate(folder, findings)
    for document, safety in folder.each(SafetyPolicy):
        _bounds(Teller.of(findings, document, safety), safety, len(folder.names(_REGION)))
    for document, region in folder.each(Region):
        scale = region.spec.scale
        if scale is not None and scale.max < region.spec.capacity:
            why = f"the capacity is {region.spec.capacity:g} without any room added"
            what, mend = "scaling up would take room away", "write the capacity with all room added"
            Teller.of(findings, document, region).warn(("spec", "scale", "max"), what, why, mend)


def _jurisdictions(folder: Folder) -> Mapping[str, list[str]]:
    """Each jurisdiction with its regions, those of unsound documents too."""
    found: dict[str, list[str]] = {}
    for entry in folder.of(_REGION):
        text = entry.document.text(("spec", "jurisdiction"))
        if text is not None:
            found.setdefault(text, []).append(entry.name)
    return found


def _residency(
    tell: Teller, service: Service, jurisdictions: Mapping[str, list[str]], regions: Mapping[str, Region]
) -> None:
    """One of those listed must have a region; that it has none of this service's is for the operator to know (R4)."""
    spec = service.spec
    deployed = spec.regions if spec.regions is not None else tuple(regions)
    for origin, allowed in spec.residency.items():
        path: Path = ("spec", "residency", origin)
        if not any(jurisdiction in jurisdictions for jurisdiction in allowed):
            first = allowed[0] if allowed else ""
            what = f"no region can serve `{origin}`: none is in {listed(allowed) or 'an empty list'}"
            why = f"the regions are in {listed(jurisdictions) or 'no jurisdiction'}, and residency is a hard wall (R4)"
            tell.mistake(path, what, why, did_you_mean(first, jurisdictions, "list a jurisdiction that has a region"))
        elif all(name in regions for name in deployed) and not any(
            regions[name].spec.jurisdiction in allowed for name in deployed
        ):
            legal = listed(name for j in allowed for name in jurisdictions.get(j, ()))
            why = f"it is deployed in {listed(deployed)}; its requests will be refused (R4)"
            tell.warn(path, f"`{origin}` may be served in {legal} only, where it is not", why, "deploy it there too")


def _strong(tell: Teller, service: Service, services: Mapping[str, Service]) -> None:
    """A strong dependency must be next door (R14), unless it is exclusive and so has one place for all."""
    mine = service.spec.regions
    for index, dependency in enumerate(service.spec.depends_on):
        other = services.get(dependency.service)
        if dependency.strength is Strength.WEAK or other is None or other.spec.placement is Placement.EXCLUSIVE:
            continue
        theirs = other.spec.regions
        if mine is not None and theirs is not None and not set(mine) & set(theirs):
            path: Path = ("spec", "dependsOn", index, "service")
            why = f"`{other.name}` is in {listed(theirs)}, this in {listed(mine)}, and a strong one must be near (R14)"
            tell.warn(path, f"it can serve nowhere without `{other.name}`", why, "deploy the two side by side")


def _datastore(tell: Teller, service: Service, datastores: Mapping[str, Datastore]) -> None:
    store = datastores.get(service.spec.datastore or "")
    if service.spec.placement is not Placement.EXCLUSIVE or store is None or service.spec.regions is None:
        return
    if not set(service.spec.regions) & {store.spec.primary, *store.spec.replicas}:
        why = f"{store.name} is in {listed((store.spec.primary, *store.spec.replicas))} only"
        what = f"it runs nowhere that `{store.name}` could be written"
        tell.warn(("spec", "datastore"), what, why, "deploy it beside the datastore")


def _shared_fate(folder: Folder, findings: Findings) -> None:
    """Regions of one campus are known to fall together; whatever else they share is easily forgotten."""
    sharing: dict[tuple[str, str], list[tuple[str, Document]]] = {}
    for document, region in folder.each(Region):
        for domain, value in region.spec.fault_domains.items():
            if domain != _TOGETHER:
                sharing.setdefault((domain, value), []).append((region.name, document))
    for (domain, value), found in sorted(sharing.items()):
        if len(found) > 1:
            document = found[1][1]
            why = f"when {domain} {value} fails, all of them may, and none is left to take over"
            what = f"regions {listed(name for name, _ in found)} share {domain} {value}"
            mend = "put one of them elsewhere, or know that only campus is planned for"
            findings.warn(document.mark(("spec", "faultDomains", domain)), what, why, mend)


def _bounds(tell: Teller, safety: SafetyPolicy, regions: int) -> None:
    least = safety.spec.min_serving_regions
    if regions == 0:
        return  # which is told once
    if least > regions:
        what = f"`minServingRegions` is {least}, and there are {regions} regions"
        tell.mistake(("spec", "minServingRegions"), what, "no plan could ever keep it (R8)", f"write at most {regions}")
    elif least == regions:
        what = f"`minServingRegions` is {least}, which is every region there is"
        tell.warn(("spec", "minServingRegions"), what, "no region could ever be drained (R8)", "write fewer")
