"""How an act ended, and an act that has not ended yet."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from controlplane.engine.hands import Target
from controlplane.model.desk import InFlight, Phase
from controlplane.model.permit import Permit
from controlplane.model.plan import Action


class Ending(StrEnum):
    """``no-effect``: it was so already. ``undone``: it failed and was put back. ``aborted``: stopped before it could
    end (shutdown, pause, lease or permit lost). ``superseded``: a newer plan wants something else of the target."""

    DONE = "done"
    NO_EFFECT = "no-effect"
    FAILED = "failed"
    UNDONE = "undone"
    ABORTED = "aborted"
    SUPERSEDED = "superseded"

    @property
    def stands(self) -> bool:
        """Whether what was asked for is now so."""
        return self in {Ending.DONE, Ending.NO_EFFECT}


class Stop(StrEnum):
    """Why a running act is told to stop. Only a shutdown puts back what was begun."""

    SHUTDOWN = "the daemon is stopping"
    PAUSED = "a person paused the daemon"
    SUPERSEDED = "a newer plan wants something else"
    LEASE = "the lease or the store was lost"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one act."""

    ending: Ending
    detail: str = ""
    stragglers: int = 0
    took_s: float = 0.0


@dataclass(slots=True)
class Flight:
    """An act between its intent and its outcome. ``intent``: the intent's place in the journal.
    ``once_key`` is the same for every try of this act."""

    permit: Permit
    target: Target
    once_key: str
    intent: int
    since: datetime
    deadline: datetime
    deadline_s: float
    phase: Phase = Phase.INTENT
    attempts: int = 0
    stragglers: int = 0
    stop: Stop | None = None
    task: "asyncio.Task[Outcome] | None" = field(default=None, repr=False)

    @property
    def action(self) -> Action:
        """What is being done."""
        return self.permit.action

    def halt(self, why: Stop) -> None:
        """Tell it to stop. What it has already made true is left as it is, unless the daemon is shutting down."""
        if self.stop is None and self.task is not None and not self.task.done():
            self.stop = why
            self.task.cancel()

    def seen(self) -> InFlight:
        """As people are shown it."""
        return InFlight(self.action, self.phase, self.since, self.deadline, max(1, self.attempts), self.stragglers)
