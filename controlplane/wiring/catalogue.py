"""What is installed, as policies may ask for it: the answers of the entry points."""

from collections.abc import Mapping

from controlplane.drivers import registry as drivers
from controlplane.model.act import Capability
from controlplane.model.errors import Broken
from controlplane.model.resources.kind import Setting
from controlplane.model.resources.service import ProbeSpec
from controlplane.probes import registry as probes


class InstalledCatalogue:
    """See ``load.catalogue.Catalogue``. A driver is imported when policies name it, and not before."""

    @property
    def drivers(self) -> frozenset[str]:
        """Names of the drivers that are installed."""
        return frozenset(drivers.installed())

    @property
    def probe_kinds(self) -> frozenset[str] | None:
        """Kinds of probe that are installed."""
        return frozenset(probes.installed())

    def capabilities(self, driver: str) -> frozenset[Capability] | None:
        """What a driver can do; None if it is not installed, nothing if what it needs is not."""
        if driver not in drivers.installed():
            return None
        try:
            return frozenset(drivers.factory(driver).capabilities)
        except Broken:
            return frozenset()

    def mistakes(self, driver: str, settings: Mapping[str, Setting]) -> tuple[str, ...]:
        """What is wrong with the settings given to an installed driver."""
        try:
            return tuple(drivers.factory(driver).mistakes(settings))
        except Broken as error:
            return (str(error),)

    def probe_mistakes(self, spec: ProbeSpec) -> tuple[str, ...]:
        """What is wrong with a probe of an installed kind."""
        try:
            return tuple(probes.factory(spec.kind).mistakes(spec))
        except Broken as error:
            return (str(error),)
