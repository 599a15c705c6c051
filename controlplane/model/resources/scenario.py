"""Scenario: trouble in a false world, and what a right controller makes of it."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from controlplane.model.resources.kind import (
    NAME_PATTERN,
    Duration,
    Fraction,
    KnobValue,
    Name,
    NonNegative,
    Number,
    Part,
    PositiveDuration,
    Resource,
    Whole,
    Word,
)
from controlplane.model.rules import Rule


def _many(value: object) -> object:
    return (value,) if isinstance(value, str) else value


EVERY = "*"
Selector = Annotated[str, Field(strict=True, pattern=rf"^\*$|{NAME_PATTERN}")]
"""A name, or ``*`` for all there are."""
Names = Annotated[
    tuple[Name, ...],
    BeforeValidator(_many, json_schema_input_type=Name | Annotated[list[Name], Field(min_length=1)]),
    Field(min_length=1),
]
"""One name or a list of them."""


class _Fault(Part):
    """From ``at`` until ``until`` (absent: to the end), both counted from the scenario's start."""

    at: Duration = timedelta(0)
    until: Duration | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> "_Fault":
        if self.until is not None and self.until <= self.at:
            raise ValueError("`until` must be later than `at`")
        return self


class RegionDown(_Fault):
    """Everything in the region stops answering."""

    kind: Literal["region-down"]
    region: Selector


class ServiceDown(_Fault):
    """The service fails in the region (absent: everywhere)."""

    kind: Literal["service-down"]
    service: Selector
    region: Selector = EVERY


class ErrorRate(_Fault):
    """A grey fault: this share of user requests fails, while liveness probes pass unless ``liveness`` says not."""

    kind: Literal["error-rate"]
    service: Selector = EVERY
    region: Selector = EVERY
    rate: Fraction
    liveness: Literal["healthy", "failing", "failed", "unhealthy", "down"] = "healthy"

    @property
    def probes_pass(self) -> bool:
        """Whether liveness probes see nothing of it."""
        return self.liveness == "healthy"


class Latency(_Fault):
    """Answers of a region, a service or both take ``add`` longer; past the client's timeout they fail."""

    kind: Literal["latency"]
    region: Selector = EVERY
    service: Selector = EVERY
    add: Duration

    @model_validator(mode="after")
    def _somewhere(self) -> "Latency":
        if not {"region", "service"} & self.model_fields_set:
            raise ValueError('name a region or a service ("*" for every one)')
        return self


class CapacityLoss(_Fault):
    """This share of the region's capacity is gone."""

    kind: Literal["capacity-loss"]
    region: Selector
    fraction: Fraction


class DemandSurge(_Fault):
    """``factor`` times the requests, of one service or origin if named; retries add to them."""

    kind: Literal["demand-surge"]
    factor: NonNegative
    service: Selector = EVERY
    origin: Word = EVERY


class Flap(_Fault):
    """The region is down for one ``period``, up for the next, and so on."""

    kind: Literal["flap"]
    region: Selector
    period: PositiveDuration


class ProbeBlind(_Fault):
    """Samples from a vantage, or about a region, stop coming. Vantage ``*`` stops all evidence, the edge's included."""

    kind: Literal["probe-blind"]
    vantage: Selector | None = None
    region: Selector | None = None

    @model_validator(mode="after")
    def _something(self) -> "ProbeBlind":
        if self.vantage is None and self.region is None:
            raise ValueError("name the vantage that is blind, the region that is not seen, or both")
        return self


class Partition(_Fault):
    """The two cannot reach each other; users still reach both."""

    kind: Literal["partition"]
    between: tuple[Selector, Selector]


class ManagementDown(_Fault):
    """APIs, console and metrics of the region fail; serving goes on (R15)."""

    kind: Literal["management-down"]
    region: Selector


class ReplicationLag(_Fault):
    """The replica in the region (absent: every replica) falls behind by ``lag``; unknown: the metric is missing."""

    kind: Literal["replication-lag"]
    datastore: Selector
    region: Selector = EVERY
    lag: Literal["unknown"] | Duration


class ColdCache(_Fault):
    """Load that the region gains costs twice as much, falling evenly to once over ``refill``."""

    kind: Literal["cold-cache"]
    region: Selector
    refill: PositiveDuration


class FacilityAlarm(_Fault):
    """Heat, fire or utility power: a precursor is seen; the region dies after ``failsAfter`` (absent: it does not)."""

    kind: Literal["facility-alarm"]
    region: Selector
    fails_after: Duration | None = None


class DriverError(_Fault):
    """This share of the driver's acts fails: for the moment, for good, or by never coming back."""

    kind: Literal["driver-error"]
    driver: Selector
    rate: Fraction = 1.0
    mode: Literal["transient", "permanent", "hang"] = "transient"


class EdgeDown(_Fault):
    """This share of the edges of an origin fails, whatever region they pick."""

    kind: Literal["edge-down"]
    origin: Word
    share: Fraction = 1.0


class DnsFault(_Fault):
    """Names of that origin do not resolve."""

    kind: Literal["dns-fault"]
    origin: Word


class ScaleIn(_Fault):
    """An autoscaler takes this share of the capacity away while load looks low."""

    kind: Literal["scale-in"]
    region: Selector
    fraction: Fraction


class BackupMissing(_Fault):
    """Restores of the datastore fail."""

    kind: Literal["backup-missing"]
    datastore: Selector


class DaemonCrash(_Fault):
    """A replica of the control plane (``leader``: whoever leads then) dies and starts again after 5 s."""

    kind: Literal["daemon-crash"]
    replica: Selector


class StoreDown(_Fault):
    """The control plane's store and lease cannot be reached."""

    kind: Literal["store-down"]


Fault = Annotated[
    RegionDown
    | ServiceDown
    | ErrorRate
    | Latency
    | CapacityLoss
    | DemandSurge
    | Flap
    | ProbeBlind
    | Partition
    | ManagementDown
    | ReplicationLag
    | ColdCache
    | FacilityAlarm
    | DriverError
    | EdgeDown
    | DnsFault
    | ScaleIn
    | BackupMissing
    | DaemonCrash
    | StoreDown,
    Field(discriminator="kind"),
]


class Drained(Part):
    """The regions carry nothing ``within`` this of the first fault that names them, else of the first fault."""

    drained: Names
    within: Duration | None = None


class NotDrained(Part):
    """The demand-weighted share of none of these regions ever fell below half of what it was at the start."""

    not_drained: Names


class Held(Part):
    """Some hold cited the rule, ``within`` this of the first fault if given."""

    held: Rule
    within: Duration | None = None


class KnobTurned(Part):
    """The knob stood at this level or deeper; in ``region`` (of a region-scoped knob), in any if absent."""

    knob: Name
    at_least: KnobValue
    region: Name | None = None
    within: Duration | None = None


class NotPromoted(Part):
    """These datastores kept the primary they had."""

    not_promoted: Names


class Promoted(Part):
    """The datastore's primary moved to one of ``to`` (absent: anywhere else)."""

    promoted: Name
    to: Names | None = None
    within: Duration | None = None


class HolderIs(Part):
    """One of ``is`` came to hold the exclusive service."""

    holder: Name
    is_: Names = Field(alias="is")
    within: Duration | None = None


class Restored(Part):
    """The regions carry their planned share again by the end, and not before ``notBefore`` (scenario time)."""

    restored: Names
    not_before: Duration = timedelta(0)


class MetricWithin(Part):
    """The metric of the whole run is within these bounds."""

    metric: Literal[
        "failedFraction",
        "failedRequests",
        "detectionS",
        "mitigationS",
        "overloadedS",
        "residencyViolations",
        "lostWrites",
        "doubleActiveS",
        "flaps",
        "moves",
        "valueLost",
    ]
    at_most: Number | None = None
    at_least: Number | None = None

    @model_validator(mode="after")
    def _bounded(self) -> "MetricWithin":
        if self.at_most is None and self.at_least is None:
            raise ValueError("a metric needs atMost, atLeast or both")
        return self


_BY_KEY: dict[str, str] = {
    "drained": "drained",
    "notDrained": "not_drained",
    "held": "held",
    "knob": "knob",
    "notPromoted": "not_promoted",
    "promoted": "promoted",
    "holder": "holder",
    "restored": "restored",
    "metric": "metric",
}


def _which(value: Any) -> str | None:
    """An expectation is told by the key that names what it is about."""
    keys = value if isinstance(value, dict) else type(value).model_fields if isinstance(value, Part) else {}
    return next((f"expect {key}" for key, field in _BY_KEY.items() if key in keys or field in keys), None)


Expectation = Annotated[
    Annotated[Drained, Tag("expect drained")]
    | Annotated[NotDrained, Tag("expect notDrained")]
    | Annotated[Held, Tag("expect held")]
    | Annotated[KnobTurned, Tag("expect knob")]
    | Annotated[NotPromoted, Tag("expect notPromoted")]
    | Annotated[Promoted, Tag("expect promoted")]
    | Annotated[HolderIs, Tag("expect holder")]
    | Annotated[Restored, Tag("expect restored")]
    | Annotated[MetricWithin, Tag("expect metric")],
    Discriminator(
        _which,
        custom_error_type="expectation",
        custom_error_message="an expectation has one of the keys {keys}",
        custom_error_context={"keys": ", ".join(_BY_KEY)},
    ),
]


class ScenarioSpec(Part):
    """``seed`` decides everything that chance decides; times are counted from the scenario's start."""

    seed: Whole = 0
    duration: PositiveDuration
    description: Annotated[str, Field(strict=True)] = ""
    faults: tuple[Fault, ...] = ()
    expect: tuple[Expectation, ...] = ()


class Scenario(Resource):
    """What happens in the false world, when, and what must have come of it."""

    kind: Literal["Scenario"] = "Scenario"
    spec: ScenarioSpec
