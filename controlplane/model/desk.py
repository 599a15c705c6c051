"""Desk: what people ask of the running control plane, and what it answers.

The reconcile loop implements the desk, the application service stands in front of it, and every face (HTTP, command
line) and listener (telemetry) reads these nouns.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from controlplane.model.journal import Entry
from controlplane.model.plan import Action, Plan
from controlplane.model.rules import Rule
from controlplane.model.world import Override, Wish, World

MACHINE = "machine"
"""Who asks or acts when no person does."""

ESTATE = "estate"
"""The subject of what concerns everything."""

LOOP = "tick"
"""What the loop itself is called among those that may go quiet."""


class Mode(StrEnum):
    """What this replica is.

    ``starting``: before its first decision. ``leading``: holds the lease, decides and acts. ``following``: another
    leads, this one watches and is a vantage. ``holding``: no lease or no store, it decides and acts on nothing (R16).
    """

    STARTING = "starting"
    LEADING = "leading"
    FOLLOWING = "following"
    HOLDING = "holding"


class Phase(StrEnum):
    """How far an act has come."""

    INTENT = "intent"
    APPLYING = "applying"
    CONFIRMING = "confirming"
    UNDOING = "undoing"


# What a person can ask. Each variant says who and why; ``submit`` journals both before anything else happens.


@dataclass(frozen=True, slots=True)
class AddOverride:
    """Put a person's word on a region (R11); it replaces an earlier one on the same region."""

    override: Override

    @property
    def by(self) -> str:
        """Who asks."""
        return self.override.by

    @property
    def reason(self) -> str:
        """Why."""
        return self.override.reason


@dataclass(frozen=True, slots=True)
class ClearOverride:
    """Take a person's word on a region back."""

    region: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class SetWish:
    """Ask for a knob's value, or for the region of a service or datastore.

    It replaces an earlier wish for the same subject and region.
    """

    wish: Wish

    @property
    def by(self) -> str:
        """Who asks."""
        return self.wish.by

    @property
    def reason(self) -> str:
        """Why."""
        return self.wish.reason


@dataclass(frozen=True, slots=True)
class ClearWish:
    """Take a wish back: the machine decides again. ``region`` for a region-scoped knob."""

    kind: str
    subject: str
    by: str
    reason: str
    region: str | None = None


@dataclass(frozen=True, slots=True)
class AcceptLoss:
    """Up to ``loss`` of a datastore's last writes may be lost by promoting a replica, until ``until`` (R9)."""

    datastore: str
    loss: timedelta
    by: str
    reason: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Approve:
    """Yes to what waits under the id ``approval``."""

    approval: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reject:
    """No to what waits under the id ``approval``."""

    approval: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Stop acting, go on watching. Running acts end before their next effect."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Resume:
    """Act again."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Release:
    """Free a region or the estate from what waits for a person.

    A region: from damping (R7) and from manual failback. ``estate``: from the freeze that a global fault set (R2).
    """

    subject: str
    by: str
    reason: str


Changing = AddOverride | ClearOverride | SetWish | ClearWish | AcceptLoss | Pause | Resume | Release


@dataclass(frozen=True, slots=True)
class AskSecond:
    """Put ``command`` aside until a person other than ``command.by`` approves it.

    ``rules`` bind it until then (R11). Approved, an override carries the second person as ``approved_by``.
    """

    command: Changing
    rules: tuple[Rule, ...]

    @property
    def by(self) -> str:
        """Who asks."""
        return self.command.by

    @property
    def reason(self) -> str:
        """Why."""
        return self.command.reason


PersonCommand = Changing | AskSecond | Approve | Reject


@dataclass(frozen=True, slots=True)
class Approval:
    """Something that waits for a person.

    Either an ``action`` of a policy that proposes (asked by ``machine``), or a ``command`` that needs a second person.
    """

    id: str
    asked_at: datetime
    asked_by: str
    subject: str
    rules: tuple[Rule, ...]
    why: str = ""
    action: Action | None = None
    command: Changing | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a command.

    ``accepted`` False: ``rules`` refused it and nothing changed. ``waiting``: id of the approval it waits for.
    ``seq``: the journal entry that recorded it (0: none). ``plan``: what follows from it.
    """

    accepted: bool
    why: str
    rules: tuple[Rule, ...] = ()
    waiting: str | None = None
    seq: int = 0
    plan: Plan | None = None


# What is so now.


@dataclass(frozen=True, slots=True)
class InFlight:
    """An act that has begun and not ended. ``stragglers``: connections that still go the old way."""

    action: Action
    phase: Phase
    since: datetime
    deadline: datetime
    attempts: int = 1
    stragglers: int = 0


@dataclass(frozen=True, slots=True)
class Paused:
    """A person stopped all acting."""

    by: str
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Policies:
    """The set of policies in force.

    ``version``: a digest of their text. ``problem``: why a newer text on disk was refused, empty if none was.
    """

    version: str
    loaded_at: datetime
    paths: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """``since``: when it was lost (None while ok). ``spooled``: entries kept locally until it is back (R16)."""

    ok: bool = True
    problem: str = ""
    since: datetime | None = None
    spooled: int = 0


@dataclass(frozen=True, slots=True)
class WatchHealth:
    """Who watches the watchers.

    ``lag_s``: how late the latest probe was. ``quiet``: loops and probes that have not been heard of for too long.
    ``vantages``: when each was last heard of (None: never).
    """

    targets: int = 0
    lag_s: float = 0.0
    quiet: tuple[str, ...] = ()
    vantages: Mapping[str, datetime | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Status:
    """Everything a face shows, at one instant.

    ``world`` is what the last decision was made from: verdicts, today's shares, demand, knobs, lag, holders, primaries,
    drains, overrides, wishes. ``shed``/``refused``: service → origin → share in force. ``plan``: the last decision,
    with its actions and holds. ``leader_address``: where the leader answers, if it said so.
    """

    at: datetime
    replica: str
    mode: Mode
    epoch: int
    policies: Policies
    world: World
    leader: str | None = None
    leader_address: str | None = None
    lease_expires_at: datetime | None = None
    plan: Plan | None = None
    shed: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    refused: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    in_flight: tuple[InFlight, ...] = ()
    approvals: tuple[Approval, ...] = ()
    paused: Paused | None = None
    frozen_since: datetime | None = None
    store: StoreHealth = field(default_factory=StoreHealth)
    watch: WatchHealth = field(default_factory=WatchHealth)


@dataclass(frozen=True, slots=True)
class Tick:
    """One turn of the loop: what is so after it, and how long it took."""

    status: Status
    took_s: float


Listener = Callable[[Entry | Tick], None]
"""Told of each journal entry once it is stored and of each tick; must return at once and never raise."""
