"""Journal entries: everything decided, done, held, refused or asked, in the order it happened."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


class EntryKind(StrEnum):
    """``intent`` comes before the act it announces, ``outcome`` after; the rest are facts."""

    LEADER = "leader"
    VERDICT = "verdict"
    PLAN = "plan"
    HOLD = "hold"
    RELEASED = "released"
    REFUSED = "refused"
    INTENT = "intent"
    OUTCOME = "outcome"
    UNDO = "undo"
    DRAINED = "drained"
    RESTORED = "restored"
    FREEZE = "freeze"
    PERSON = "person"
    APPROVAL = "approval"
    POLICY = "policy"
    SUPERVISE = "supervise"
    DRILL = "drill"
    RUNBOOK = "runbook"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. ``rules`` are rule ids; ``facts`` is plain JSON; ``why`` a sentence for people.

    ``seq``, ``hash`` and ``previous`` are given by the store: sha256 over the previous hash and this entry's
    canonical JSON, so that an edit of history shows. They are 0 and empty before that.
    """

    kind: EntryKind
    at: datetime
    subject: str
    by: str
    why: str = ""
    rules: tuple[str, ...] = ()
    epoch: int = 0
    action: str = ""
    facts: Mapping[str, Json] = field(default_factory=dict)
    seq: int = 0
    previous: str = ""
    hash: str = ""
