"""World: everything a decision is made from besides the policies. The same noun comes from a file, the daemon
or the simulator."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from controlplane.model.resources.kind import KnobValue
from controlplane.model.verdict import EVERY_SERVICE, Health, Verdict

Shares = Mapping[str, Mapping[str, Mapping[str, float]]]
"""service → origin → region → share of that origin's requests, 0..1."""
Demand = Mapping[str, Mapping[str, float]]
"""service → origin → requests a second."""
Knobs = Mapping[str, KnobValue | Mapping[str, KnobValue]]
"""knob → value (estate scope) or knob → region → value (region scope)."""


class OverrideState(StrEnum):
    """What a person wants of a region: ``drained`` keeps work out, ``serving`` frees it from every hold of the
    machine's own (damping, manual failback)."""

    DRAINED = "drained"
    SERVING = "serving"


@dataclass(frozen=True, slots=True)
class Override:
    """A person's word on a region (R11). ``approved_by``: the second person, whom safety rules yield to."""

    region: str
    state: OverrideState
    by: str
    reason: str
    until: datetime
    approved_by: str | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """A person's word on one subject, good until ``until``: a knob's value, a service's or datastore's region.

    ``kind``: ``knob`` (subject = knob, to = value), ``service`` (move all it has to region ``to``),
    ``datastore`` (promote in region ``to``).
    """

    kind: str
    subject: str
    to: KnobValue
    by: str
    reason: str
    until: datetime
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Drain:
    """A region (``service`` = ``*``) or one service in it that the machine has left and not yet restored.

    ``alarmed_until``: when the last facility alarm there ended, if one stood since: its services' health tells nothing
    of that. It says something about a drain, and does not make it another one.
    """

    region: str
    service: str
    since: datetime
    cause: str = ""
    alarmed_until: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Transition:
    """The machine drained or restored a region (R7)."""

    region: str
    at: datetime
    to: str


@dataclass(frozen=True, slots=True)
class Lag:
    """Replication lag of a replica: ``value`` in seconds as sampled at ``sampled_at`` (None: a file's word, now)."""

    value: timedelta
    sampled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Shift:
    """Traffic that left live regions: ``fraction`` of the estate's cost units (R8)."""

    at: datetime
    fraction: float


@dataclass(frozen=True, slots=True)
class World:
    """See CONTRACTS, ``leeward plan --world``. Everything but ``at`` may be absent.

    ``shares``/``holders``/``primaries``/``knobs`` hold only what is known to differ from the healthy plan or to be
    in force; ``capacity``: cost units a second a region can carry today where that is not the declared figure;
    ``surcharge``: factor on the cost of load that a region gains (cold caches), 1 where absent; ``alarms``: regions
    with a standing facility alarm and since when; ``fenced``: (subject, region) pairs proven unable to write or
    run; ``idle``: (datastore, region) pairs whose primary is seen not to write although it can be reached: it came
    back fenced, or nobody promoted it; ``unreachable``: pairs of regions that cannot reach each other;
    ``accepted_loss``: what a person accepts to lose by promoting a datastore; ``last_step``: when traffic of a
    service last moved by a ramp; ``knob_room_since``: since when a lighter level of a knob would have done (None:
    nobody keeps count, and a lighter level is taken at once); ``management``: regions whose management plane alone
    fails (R15), since when; ``stuck``: knobs and datastores whose driver is out of order: the plan must do without
    them. ``drains`` None: nobody keeps count, and a region without any share that has a verdict, alarm or override
    is taken for drained. A verdict may also be on a datastore, by its name.
    """

    at: datetime
    verdicts: Mapping[tuple[str, str], Verdict] = field(default_factory=dict)
    shares: Shares = field(default_factory=dict)
    demand: Demand = field(default_factory=dict)
    knobs: Knobs = field(default_factory=dict)
    lag: Mapping[str, Mapping[str, Lag]] = field(default_factory=dict)
    holders: Mapping[str, str | None] = field(default_factory=dict)
    primaries: Mapping[str, str] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()
    wishes: tuple[Wish, ...] = ()
    capacity: Mapping[str, float] = field(default_factory=dict)
    surcharge: Mapping[str, float] = field(default_factory=dict)
    alarms: Mapping[str, datetime] = field(default_factory=dict)
    drains: tuple[Drain, ...] | None = None
    transitions: tuple[Transition, ...] = ()
    shifts: tuple[Shift, ...] = ()
    fenced: frozenset[tuple[str, str]] = frozenset()
    idle: frozenset[tuple[str, str]] = frozenset()
    unreachable: frozenset[tuple[str, str]] = frozenset()
    accepted_loss: Mapping[str, timedelta] = field(default_factory=dict)
    last_step: Mapping[str, datetime] = field(default_factory=dict)
    knob_room_since: Mapping[str, datetime] | None = None
    management: Mapping[str, datetime] = field(default_factory=dict)
    stuck: frozenset[str] = frozenset()

    def verdict(self, region: str, service: str) -> Verdict:
        """The verdict on a service, else that on ``*`` there, else healthy since ever."""
        found = self.verdicts.get((region, service)) or self.verdicts.get((region, EVERY_SERVICE))
        return found if found is not None else Verdict(region, service, Health.HEALTHY)
