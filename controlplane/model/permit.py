"""Permit: the guard's word that an action may be executed now. Nothing executes without one."""

from dataclasses import dataclass
from datetime import datetime

from controlplane.model.plan import Action
from controlplane.model.rules import Reason


@dataclass(frozen=True, slots=True)
class Permit:
    """Made by ``decide.guard`` only. Worth nothing after ``expires_at`` or once a higher epoch leads."""

    action: Action
    epoch: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Refusal:
    """The guard's no, with the rules that made it. ``waiting``: yes once a person approves."""

    action: Action
    reasons: tuple[Reason, ...]
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """What the guard is told of the one who would act: its lease, and what people have said.

    ``lease_expires_at`` None: no lease held. ``approved``: action ids that a person approved.
    """

    epoch: int
    lease_expires_at: datetime | None
    store_ok: bool = True
    paused: bool = False
    approved: frozenset[str] = frozenset()
