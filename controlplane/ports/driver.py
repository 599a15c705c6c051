"""Hands: make something true, see that it is, put it back."""

from collections.abc import Mapping
from typing import Protocol

from controlplane.model.act import Act, Capability, Confirmation, Desired
from controlplane.model.resources.kind import Setting


class Driver(Protocol):
    """One target in one shape. All verbs raise only the four kinds of DriverError, each with its cause chained.

    ``read`` answers what is so now of a subject, in the same noun that ``like`` has (None: the target has never
    heard of it; ``like`` also carries the region that is meant). ``apply`` may be repeated with the same
    ``once_key`` without further effect. ``confirm`` reads back, never trusting ``apply``. ``undo`` puts
    ``act.previous`` back and is safe if ``apply`` never happened. None of them waits past ``act.deadline``.
    """

    async def read(self, subject: str, like: Desired) -> Desired | None: ...

    async def apply(self, act: Act) -> None: ...

    async def confirm(self, act: Act) -> Confirmation: ...

    async def undo(self, act: Act) -> None: ...


class DriverFactory(Protocol):
    """What the entry-point group ``leeward.drivers`` holds, under the driver's name.

    ``capabilities`` is what policies may ask of it; ``mistakes`` are what is wrong with the settings given in
    ``with`` (sentences; empty: fine), found without touching the target.
    """

    capabilities: frozenset[Capability]

    def mistakes(self, settings: Mapping[str, Setting]) -> tuple[str, ...]: ...

    def __call__(self, settings: Mapping[str, Setting]) -> Driver: ...
