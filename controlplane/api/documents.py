"""What answers look like, for the OpenAPI document: the shapes that the service's serialisers write.

Nothing is parsed by these; they only describe, and a test holds real answers against them.
"""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from controlplane.model.resources.kind import KnobValue

Shares = dict[str, dict[str, dict[str, float]]]
Fractions = dict[str, dict[str, float]]
Knobs = dict[str, KnobValue | dict[str, KnobValue]]
Facts = dict[str, object]


class Document(BaseModel):
    """Described from the outside: camelCase, and open to members that are added later."""

    model_config = ConfigDict(alias_generator=to_camel, extra="allow", validate_by_name=True, validate_by_alias=True)


class Reason(Document):
    """What stands behind a sentence."""

    rule: str
    code: str
    facts: Facts


class Action(Document):
    """One step of a plan."""

    id: str
    kind: Literal["shift", "degrade", "restore", "scale", "fence", "activate", "promote"]
    subject: str
    from_: str | None = Field(alias="from")
    to: str | None
    rules: list[str]
    why: str
    after: list[str]
    approval: bool
    cause: str
    reasons: list[Reason]


class Hold(Document):
    """A decision not to act."""

    subject: str
    rules: list[str]
    why: str


class Plan(Document):
    """The decision for one instant: where the ramp ends (target), its first step (next), and how to get there."""

    at: datetime
    feasible: bool
    target: Shares
    next: Shares
    knobs: Knobs
    holders: dict[str, str | None]
    promote: dict[str, str]
    shed: Fractions
    refused: Fractions
    utilisation: dict[str, float]
    actions: list[Action]
    holds: list[Hold]


class Override(Document):
    """A person's word on a region."""

    region: str
    state: Literal["drained", "serving"]
    by: str
    reason: str
    until: datetime


class Wish(Document):
    """A person's word on a knob, service or datastore."""

    kind: str
    subject: str
    to: KnobValue
    by: str
    reason: str
    until: datetime


class Approval(Document):
    """Something that waits for a person."""

    id: str
    asked_at: datetime
    asked_by: str
    subject: str
    rules: list[str]
    why: str
    action: Action | None
    command: Facts | None


class Region(Document):
    """One line a region."""

    region: str
    jurisdiction: str
    state: str
    share: float
    drained: bool


class Status(Document):
    """Everything that is so now."""

    at: datetime
    replica: str
    mode: Literal["starting", "leading", "following", "holding"]
    leader: str | None
    leader_address: str | None
    epoch: int
    policies: Facts
    paused: Facts | None
    store: Facts
    watch: Facts
    regions: list[Region]
    verdicts: list[Facts]
    shares: Shares
    knobs: Knobs
    holders: dict[str, str | None]
    primaries: dict[str, str | None]
    drains: list[Facts]
    overrides: list[Override]
    wishes: list[Wish]
    holds: list[Hold]
    in_flight: list[Facts]
    approvals: list[Approval]
    plan: Plan | None


class World(Document):
    """What the last decision was made from; a file for `leeward plan --world`."""

    at: datetime
    verdicts: list[Facts]
    shares: Shares
    demand: Fractions
    knobs: Knobs


class Entry(Document):
    """One line of the journal, with its place in the hash chain."""

    seq: int
    at: datetime
    kind: str
    subject: str
    by: str
    why: str
    rules: list[str]
    epoch: int
    action: str
    facts: Facts
    previous: str
    hash: str


class Verified(Document):
    """Whether history is whole."""

    whole: bool
    broken_at: int | None


class Explained(Document):
    """All that is known of what was asked about."""

    asked: str
    explanations: list[Facts]
    verdicts: list[Facts]
    approvals: list[Approval]
    entries: list[Entry]


class Receipt(Document):
    """What became of a command, or (with `preview`) what would."""

    accepted: bool
    why: str
    rules: list[str]
    plan: Plan | None


class Problem(Document):
    """An error, after RFC 9457; `rules` are the ids of the rules that refused."""

    type: str
    title: str
    status: int
    detail: str
    rules: list[str] | None = None


class Health(Document):
    """Whether the loop turns."""

    ok: bool
    silent_s: float = Field(alias="silentS")
    quiet: list[str]


class Readiness(Document):
    """Whether this replica does its part."""

    ready: bool
    mode: str
    problems: list[str]


class Context(Document):
    """OpenFeature's evaluation context; `region` says where the asker runs."""

    targeting_key: str | None = None
    region: str | None = None


class Evaluation(Document):
    """What OpenFeature's clients send."""

    context: Context | None = None


class Flag(Document):
    """One knob as a flag."""

    key: str
    value: KnobValue
    reason: Literal["DEFAULT", "STATIC", "TARGETING_MATCH"]
    variant: str


class Flags(Document):
    """Every knob as a flag."""

    flags: list[Flag]


class FlagProblem(Document):
    """Why there is no evaluation."""

    error_code: Literal["PARSE_ERROR", "INVALID_CONTEXT", "FLAG_NOT_FOUND"]
    error_details: str
