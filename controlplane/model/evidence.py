"""Evidence: what one vantage saw of one thing at one instant."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Signal(StrEnum):
    """What kind of thing was seen.

    ``liveness``: a probe passed or failed. ``success``: users' requests at the edge, value = success fraction 0..1,
    weight = how many requests. ``latency``: value in seconds. ``demand``: value in requests a second by ``origin``.
    ``lag``: replication lag in seconds of ``subject`` (a datastore) in ``region``. ``capacity``: cost units a second
    the region can really carry. ``facility``: a standing alarm (heat, fire, utility power), value 1 standing, 0
    cleared. ``management``: an API, console or metrics endpoint; never moves traffic (R15). ``holder``: whether the
    exclusive service is active in the region, value = its epoch. ``primary``: whether the datastore's primary is in
    the region, value 1, or not, value 0. ``load``: cost units a second the region carries. ``surcharge``: factor on
    the cost of load that the region gains while its caches are cold (1: none).
    """

    LIVENESS = "liveness"
    SUCCESS = "success"
    LATENCY = "latency"
    DEMAND = "demand"
    LAG = "lag"
    CAPACITY = "capacity"
    FACILITY = "facility"
    MANAGEMENT = "management"
    HOLDER = "holder"
    PRIMARY = "primary"
    LOAD = "load"
    SURCHARGE = "surcharge"


class Reading(StrEnum):
    """Evidence is three-valued: a probe that could not run has seen nothing."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Observation:
    """One sample.

    ``subject`` names a service or datastore; ``*`` is the region itself. ``fall`` and ``rise`` are how many
    equal samples in a row it takes to believe a change, ``valid_s`` how long the sample may be believed, ``over_s`` how
    long a time before ``observed_at`` it speaks of (0: that instant). ``newest``: of a success over a long time, what
    its last part says by itself (seconds, requests, success), so that what broke within it is not hidden by what was.
    """

    signal: Signal
    vantage: str
    region: str
    subject: str
    reading: Reading
    observed_at: datetime
    value: float | None = None
    weight: float = 1.0
    origin: str | None = None
    fall: int = 1
    rise: int = 1
    valid_s: float = 5.0
    detail: str = ""
    over_s: float = 0.0
    newest: tuple[float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """What a sample is a sample of; the newest believed one of each key counts."""

    signal: Signal
    vantage: str
    region: str
    subject: str
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is believed at one instant, after fall and rise. ``vantages``: everybody who is meant to look, seen
    or silent. Samples past their ``valid_s`` may still be there: whoever weighs them counts them as silence.
    ``failing_since``: of keys that read ``failed``, when the row of failures began."""

    at: datetime
    vantages: tuple[str, ...]
    samples: Mapping[Key, Observation]
    failing_since: Mapping[Key, datetime] = field(default_factory=dict)
