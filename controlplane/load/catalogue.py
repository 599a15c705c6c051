"""What is installed, as far as policies may ask for it: drivers by their capabilities, probes by their kinds."""

from collections.abc import Mapping
from typing import Protocol

from controlplane.model.act import Capability
from controlplane.model.resources.kind import Setting
from controlplane.model.resources.service import ProbeSpec


class Catalogue(Protocol):
    """The wiring answers from the entry points; nothing here touches a target, and nothing raises."""

    @property
    def drivers(self) -> frozenset[str]:
        """Names of the drivers that are installed, to suggest one from."""
        ...

    @property
    def probe_kinds(self) -> frozenset[str] | None:
        """Kinds of probe that are installed; None: whatever is asked for."""
        ...

    def capabilities(self, driver: str) -> frozenset[Capability] | None:
        """What a driver can do; None if it is not installed."""
        ...

    def mistakes(self, driver: str, settings: Mapping[str, Setting]) -> tuple[str, ...]:
        """What is wrong with the settings given to an installed driver, in sentences."""
        ...

    def probe_mistakes(self, spec: ProbeSpec) -> tuple[str, ...]:
        """What is wrong with a probe of an installed kind, in sentences."""
        ...


class Anything:
    """Everything is installed: for worlds in which no driver is called (``plan``, ``simulate``, tests)."""

    @property
    def drivers(self) -> frozenset[str]:
        """None to suggest."""
        return frozenset()

    @property
    def probe_kinds(self) -> frozenset[str] | None:
        """Any."""
        return None

    def capabilities(self, driver: str) -> frozenset[Capability] | None:
        """All of them."""
        return frozenset(Capability)

    def mistakes(self, driver: str, settings: Mapping[str, Setting]) -> tuple[str, ...]:
        """None."""
        return ()

    def probe_mistakes(self, spec: ProbeSpec) -> tuple[str, ...]:
        """None."""
        return ()
