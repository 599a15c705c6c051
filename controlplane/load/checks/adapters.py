"""Drivers and probes: installed, able to do what is asked of them, and content with their settings."""

from collections.abc import Mapping
from dataclasses import dataclass

from controlplane.load.catalogue import Catalogue
from controlplane.load.checks.referring import Teller
from controlplane.load.findings import Findings, did_you_mean, listed
from controlplane.load.folder import Folder
from controlplane.load.tree import Path
from controlplane.model.act import Capability
from controlplane.model.resources.datastore import Datastore
from controlplane.model.resources.degradation_policy import DegradationPolicy
from controlplane.model.resources.kind import Setting
from controlplane.model.resources.region import Region
from controlplane.model.resources.service import Placement, Service

_ASKED: Mapping[Capability, str] = {
    Capability.WEIGHTS: "move shares of traffic",
    Capability.SHED: "turn requests away",
    Capability.KNOBS: "turn knobs",
    Capability.HOLDER: "activate an exclusive service",
    Capability.PRIMARY: "promote a datastore",
    Capability.FENCE: "fence",
    Capability.CAPACITY: "add capacity",
}


@dataclass(frozen=True, slots=True)
class _Use:
    """A driver that is named, where (its settings being beside it), and what for."""

    driver: str
    settings: Mapping[str, Setting]
    at: Path
    needs: Capability


def check_adapters(folder: Folder, catalogue: Catalogue, findings: Findings) -> None:
    """Every driver and probe that is named, against what the catalogue says of it."""
    for document, service in folder.each(Service):
        tell = Teller.of(findings, document, service)
        if service.spec.traffic is not None:
            spread = service.spec.placement is Placement.SPREAD
            needs = Capability.WEIGHTS if spread else Capability.HOLDER
            bound = service.spec.traffic
            _use(tell, catalogue, _Use(bound.driver, bound.with_, ("spec", "traffic"), needs))
        _probes(tell, catalogue, service)
    for document, store in folder.each(Datastore):
        if store.spec.driver is not None:
            use = _Use(store.spec.driver, store.spec.with_, ("spec",), Capability.PRIMARY)
            _use(Teller.of(findings, document, store), catalogue, use)
    for document, region in folder.each(Region):
        if (scale := region.spec.scale) is not None:
            use = _Use(scale.driver, scale.with_, ("spec", "scale"), Capability.CAPACITY)
            _use(Teller.of(findings, document, region), catalogue, use)
    for document, policy in folder.each(DegradationPolicy):
        for index, knob in enumerate(policy.spec.knobs):
            if knob.driver is not None:
                at: Path = ("spec", "knobs", index, "driver")
                use = _Use(knob.driver.driver, knob.driver.with_, at, Capability.KNOBS)
                _use(Teller.of(findings, document, policy), catalogue, use)


def _use(tell: Teller, catalogue: Catalogue, use: _Use) -> None:
    can = catalogue.capabilities(use.driver)
    at: Path = (*use.at, "driver")
    if can is None:
        installed = catalogue.drivers
        why = f"those installed are {listed(installed, 20)}" if installed else "no driver is installed"
        mend = did_you_mean(use.driver, installed, "install it, or name another")
        tell.mistake(at, f"the driver `{use.driver}` is not installed", why, mend)
        return
    if use.needs not in can:
        why = f"it can {listed(_ASKED[one] for one in can)}" if can else "it can do nothing that policies ask for"
        able = [name for name in sorted(catalogue.drivers) if use.needs in (catalogue.capabilities(name) or ())]
        mend = f"name one that can: {listed(able)}" if able else "install a driver that can"
        tell.mistake(at, f"the driver `{use.driver}` cannot {_ASKED[use.needs]}", why, mend)
    _settings(tell, catalogue, use)


def _settings(tell: Teller, catalogue: Catalogue, use: _Use) -> None:
    """What is written under ``with`` must be right. Where nothing is, whoever starts the daemon may give it, so that
    what is then missing is a warning."""
    at: Path = (*use.at, "driver")
    mark = tell.key((*use.at, "with")) if "with" in _keys(tell, use.at) else tell.document.mark(at)
    for sentence in catalogue.mistakes(use.driver, use.settings):
        what = f"settings of `{use.driver}`: {sentence}"
        if use.settings:
            tell.mistake(mark, what, "the driver could not work with them", "change `with`")
        else:
            tell.warn(mark, what, "the daemon could not use the driver", "write its settings under `with`")


def _keys(tell: Teller, at: Path) -> frozenset[str]:
    items = getattr(tell.document.node(at), "items", {})
    return frozenset(items) if isinstance(items, dict) else frozenset()


def _probes(tell: Teller, catalogue: Catalogue, service: Service) -> None:
    kinds = catalogue.probe_kinds
    for index, probe in enumerate(service.spec.probes):
        path: Path = ("spec", "probes", index)
        if kinds is not None and probe.kind not in kinds:
            why = f"the kinds are {listed(kinds, 20)}" if kinds else "no probe is installed"
            mend = did_you_mean(probe.kind, kinds, "install it, or name another")
            tell.mistake((*path, "kind"), f"there is no probe of kind `{probe.kind}`", why, mend)
            continue
        for sentence in catalogue.probe_mistakes(probe):
            tell.mistake(
                path, f"{probe.kind} probe: {sentence}", "it could not be taken as written", "change the probe"
            )
