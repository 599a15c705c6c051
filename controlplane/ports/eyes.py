"""Eyes: where observations come from and where they go."""

from collections.abc import Callable, Mapping
from typing import Protocol

from controlplane.model.evidence import Observation
from controlplane.model.resources.kind import Setting
from controlplane.model.resources.service import ProbeSpec
from controlplane.ports.clock import Clock

Sink = Callable[[Observation], None]
"""Takes each observation as it is made; must return at once."""


class Probe(Protocol):
    """Looks at one target once, within its own timeout. Never raises for what the target does: a target that
    fails is ``failed``; a look that could not be made (no route from here, a broken prober) is ``unknown``.
    Some looks see several things (an edge's counters by region): hence a sequence."""

    async def look(self) -> tuple[Observation, ...]: ...


class ProbeFactory(Protocol):
    """What the entry-point group ``leeward.probes`` holds, under the probe's kind."""

    def mistakes(self, spec: ProbeSpec) -> tuple[str, ...]: ...

    def __call__(self, spec: ProbeSpec, place: "Place") -> Probe: ...


class Place(Protocol):
    """What a probe is told about where it looks from and at."""

    @property
    def vantage(self) -> str: ...

    @property
    def region(self) -> str: ...

    @property
    def subject(self) -> str: ...

    @property
    def settings(self) -> Mapping[str, Setting]: ...

    @property
    def clock(self) -> Clock:
        """Gives each observation its ``observed_at``."""
        ...
