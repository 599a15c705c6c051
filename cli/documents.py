"""The JSON documents that the views read, as far as they read it.

The daemon, the store and a world file all answer in the wire's JSON, which ``--json`` prints as it is; views for
people take it from here, typed. What no view shows is not named, and a newer daemon's further fields are passed over.
"""

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from controlplane.model.resources.kind import KnobValue
from controlplane.model.verdict import Health

KnobSetting = KnobValue | dict[str, KnobValue]


class Doc(BaseModel):
    """One document or a part of one."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True)


class ActionDoc(Doc):
    """One step of a plan."""

    id: str
    kind: str
    subject: str
    from_: str | None = Field(default=None, alias="from")
    to: str | None = None
    rules: tuple[str, ...] = ()
    why: str = ""
    after: tuple[str, ...] = ()
    approval: bool = False
    region: str | None = None
    shares: Mapping[str, Mapping[str, float]] = Field(default_factory=dict)
    shed: Mapping[str, float] = Field(default_factory=dict)
    refused: Mapping[str, float] = Field(default_factory=dict)


class HoldDoc(Doc):
    """A decision not to act."""

    subject: str
    rules: tuple[str, ...] = ()
    why: str = ""


class CostsDoc(Doc):
    """Business value an hour."""

    acting: float
    waiting: float
    next_best: float | None = None


class PlanDoc(Doc):
    """CONTRACTS: ``leeward plan --json``."""

    feasible: bool
    target: Mapping[str, Mapping[str, Mapping[str, float]]] = Field(default_factory=dict)
    next: Mapping[str, Mapping[str, Mapping[str, float]]] = Field(default_factory=dict)
    knobs: Mapping[str, KnobSetting] = Field(default_factory=dict)
    holders: Mapping[str, str | None] = Field(default_factory=dict)
    promote: Mapping[str, str] = Field(default_factory=dict)
    shed: Mapping[str, Mapping[str, float]] = Field(default_factory=dict)
    refused: Mapping[str, Mapping[str, float]] = Field(default_factory=dict)
    utilisation: Mapping[str, float] = Field(default_factory=dict)
    actions: tuple[ActionDoc, ...] = ()
    holds: tuple[HoldDoc, ...] = ()
    at: datetime | None = None
    drained: tuple[str, ...] = ()
    costs: CostsDoc | None = None


class RegionDoc(Doc):
    """One region, as the status has it."""

    region: str
    state: Health
    since: datetime | None = None
    success: float | None = None
    share: float | None = None
    utilisation: float | None = None
    drained: bool = False
    override: str | None = None
    alarm_since: datetime | None = None


class VerdictDoc(Doc):
    """What is thought of one service in one region."""

    region: str
    service: str
    state: Health
    since: datetime | None = None
    success: float | None = None
    why: str = ""


class OverrideDoc(Doc):
    """A person's word on a region."""

    region: str
    state: str
    by: str
    reason: str
    until: datetime
    approved_by: str | None = None


class WishDoc(Doc):
    """A person's word on a knob, service or datastore."""

    kind: str
    subject: str
    to: KnobValue
    by: str
    reason: str
    until: datetime
    region: str | None = None


class DrainDoc(Doc):
    """What the machine has left."""

    region: str
    service: str
    since: datetime
    cause: str = ""


class InFlightDoc(Doc):
    """An act that has begun and not ended."""

    action: ActionDoc
    phase: str
    since: datetime
    deadline: datetime
    attempts: int = 1
    stragglers: int = 0


class ApprovalDoc(Doc):
    """What waits for a person."""

    id: str
    asked_at: datetime
    asked_by: str
    subject: str
    rules: tuple[str, ...] = ()
    why: str = ""
    action: ActionDoc | None = None
    expires_at: datetime | None = None


class PausedDoc(Doc):
    """Who stopped all acting."""

    by: str
    reason: str
    since: datetime


class PoliciesDoc(Doc):
    """The policies in force."""

    version: str = ""
    paths: tuple[str, ...] = ()
    problem: str = ""


class StoreDoc(Doc):
    """The store's health."""

    ok: bool = True
    problem: str = ""
    since: datetime | None = None
    spooled: int = 0


class WatchDoc(Doc):
    """The watchers' health."""

    targets: int = 0
    lag_s: float = 0.0
    quiet: tuple[str, ...] = ()
    vantages: Mapping[str, datetime | None] = Field(default_factory=dict)


class StatusDoc(Doc):
    """Everything that is so now."""

    at: datetime
    replica: str = ""
    mode: str
    leader: str | None = None
    leader_address: str | None = None
    epoch: int = 0
    policies: PoliciesDoc = PoliciesDoc()
    paused: PausedDoc | None = None
    frozen_since: datetime | None = None
    store: StoreDoc = StoreDoc()
    watch: WatchDoc = WatchDoc()
    regions: tuple[RegionDoc, ...] = ()
    verdicts: tuple[VerdictDoc, ...] = ()
    shed: Mapping[str, Mapping[str, float]] = Field(default_factory=dict)
    refused: Mapping[str, Mapping[str, float]] = Field(default_factory=dict)
    knobs: Mapping[str, KnobSetting] = Field(default_factory=dict)
    turned: Mapping[str, KnobSetting] = Field(default_factory=dict)
    holders: Mapping[str, str | None] = Field(default_factory=dict)
    primaries: Mapping[str, str | None] = Field(default_factory=dict)
    drains: tuple[DrainDoc, ...] = ()
    overrides: tuple[OverrideDoc, ...] = ()
    wishes: tuple[WishDoc, ...] = ()
    holds: tuple[HoldDoc, ...] = ()
    in_flight: tuple[InFlightDoc, ...] = ()
    approvals: tuple[ApprovalDoc, ...] = ()
    plan: PlanDoc | None = None


class EntryDoc(Doc):
    """One line of the journal."""

    seq: int
    at: datetime
    kind: str
    subject: str
    by: str
    why: str = ""
    rules: tuple[str, ...] = ()
    action: str = ""
    facts: Mapping[str, object] = Field(default_factory=dict)


class OutcomeDoc(Doc):
    """How one act of a command ended (only where it was seen through)."""

    action: str
    subject: str
    ending: str | None = None
    why: str = ""

    @property
    def failed(self) -> bool:
        """Whether it is not as it was meant to be."""
        return self.ending not in {"done", "no-effect"}


class ReceiptDoc(Doc):
    """What became of a command, or what would."""

    accepted: bool
    why: str = ""
    rules: tuple[str, ...] = ()
    waiting: str | None = None
    seq: int = 0
    plan: PlanDoc | None = None
    second_person: bool = False
    before: PlanDoc | None = None
    outcomes: tuple[OutcomeDoc, ...] = ()
    warnings: tuple[str, ...] = ()


class ExplanationDoc(Doc):
    """Of one decision: why, why not, and what would change it."""

    subject: str
    what: str
    why: tuple[str, ...] = ()
    why_not: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()


class WhatIfDoc(Doc):
    """How it would be."""

    changes: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()
    explanations: tuple[ExplanationDoc, ...] = ()


class ExplainedDoc(Doc):
    """All that is known of what was asked about."""

    asked: str
    explanations: tuple[ExplanationDoc, ...] = ()
    verdicts: tuple[VerdictDoc, ...] = ()
    approvals: tuple[ApprovalDoc, ...] = ()
    entries: tuple[EntryDoc, ...] = ()
    what_if: WhatIfDoc | None = None
