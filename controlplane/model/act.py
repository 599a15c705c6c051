"""Act: what a driver is asked to make true. Drivers see this, never a plan, a policy or a reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from controlplane.model.resources.kind import KnobValue


class Capability(StrEnum):
    """What a driver can do. A policy that asks for more is refused at load."""

    WEIGHTS = "weights"
    SHED = "shed"
    KNOBS = "knobs"
    HOLDER = "holder"
    PRIMARY = "primary"
    FENCE = "fence"
    CAPACITY = "capacity"


@dataclass(frozen=True, slots=True)
class Weights:
    """Shares of a service's traffic: origin → region → share; what is missing to 1 is answered at the edge:
    ``shed`` by "busy, come back", ``refused`` by "not here"."""

    shares: Mapping[str, Mapping[str, float]]
    shed: Mapping[str, float] = field(default_factory=dict)
    refused: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KnobSetting:
    """A knob's value, in one region or (region None) in the whole estate."""

    value: KnobValue
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """The one region where an exclusive service is active; None: nowhere."""

    region: str | None


@dataclass(frozen=True, slots=True)
class Primary:
    """The region of a datastore's primary. ``max_loss_s``: lag at which the promotion must still be refused."""

    region: str
    max_loss_s: float


@dataclass(frozen=True, slots=True)
class Fence:
    """The service or datastore can no longer run or write in the region."""

    region: str


@dataclass(frozen=True, slots=True)
class Units:
    """Capacity of a region in cost units a second."""

    region: str
    units: float


Desired = Weights | KnobSetting | Holder | Primary | Fence | Units


@dataclass(frozen=True, slots=True)
class Act:
    """Make ``desired`` true of ``subject`` (a service, knob, datastore or region).

    ``once_key`` is the same when the same act is tried again: applying it twice is as applying it once.
    ``epoch`` fences: a driver whose target has seen a higher epoch answers Conflict. ``deadline`` is when the
    caller stops waiting. ``previous`` is what ``undo`` puts back, as read before.
    """

    once_key: str
    subject: str
    desired: Desired
    epoch: int
    deadline: datetime
    previous: Desired | None = None


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What reading back found. ``done`` False: not yet, ask again. ``effect`` False: it is as desired, but the
    act changed nothing. ``in_force``: what is new already goes the new way, though ``stragglers``, connections that
    still go the old way, keep it from being done."""

    done: bool
    effect: bool = True
    stragglers: int = 0
    detail: str = ""
    in_force: bool = False
