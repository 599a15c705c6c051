"""Which driver moves what. The wiring answers from the policies, the simulator from its false world."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from controlplane.model.estate import Estate
from controlplane.model.plan import Action, ActionKind
from controlplane.ports.driver import Driver


class Sort(StrEnum):
    """What an act is done to."""

    SERVICE = "service"
    KNOB = "knob"
    DATASTORE = "datastore"
    REGION = "region"


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """One thing that acts are done to, one at a time. ``region``: of a region-scoped knob."""

    sort: Sort
    name: str
    region: str | None = None

    def __str__(self) -> str:
        return f"{self.sort}:{self.name}" + (f"@{self.region}" if self.region else "")


@dataclass(frozen=True, slots=True)
class Hand:
    """A driver under the name that its breaker goes by. ``keep_s``: an activated holder lapses unless it is told
    again within so many seconds (None: it stays)."""

    name: str
    driver: Driver
    keep_s: float | None = None


class Hands(Protocol):
    """Finds the hand for a target. Raises Broken if there is none."""

    def of(self, target: Target) -> Hand:
        """The same target always gets the same driver object, until the policies change."""
        ...


def target_of(action: Action, estate: Estate) -> Target:
    """What an action is done to."""
    match action.kind:
        case ActionKind.SHIFT | ActionKind.ACTIVATE:
            return Target(Sort.SERVICE, action.subject)
        case ActionKind.DEGRADE | ActionKind.RESTORE:
            return Target(Sort.KNOB, action.subject, action.region)
        case ActionKind.SCALE:
            return Target(Sort.REGION, action.subject)
        case ActionKind.PROMOTE:
            return Target(Sort.DATASTORE, action.subject)
        case ActionKind.FENCE:
            exclusive = action.subject in estate.services
            return Target(Sort.SERVICE if exclusive else Sort.DATASTORE, action.subject)
