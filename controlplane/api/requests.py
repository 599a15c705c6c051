"""What a request may say: closed to unknown fields, parsed into the service's verbs."""

from typing import Annotated, Literal, assert_never

from pydantic import Field, RootModel

from controlplane.model.journal import EntryKind
from controlplane.model.resources.kind import Duration, KnobValue, Part, PositiveDuration, Word, format_duration
from controlplane.model.world import OverrideState
from controlplane.service.verbs import (
    DEFAULT_LASTING,
    NO_REASON,
    AllowLoss,
    Answer,
    Degrade,
    Drain,
    Failback,
    Failover,
    Free,
    PutOverride,
    Restore,
    Said,
    SetPause,
    TakeOverride,
    TakeWish,
    Verb,
)

Given = Annotated[str, Field(strict=True, min_length=1, max_length=253)]


class Command(Part):
    """Who asks, why, for how long it holds, and whether only to show what would happen."""

    by: Annotated[str, Field(strict=True, max_length=500)] = ""
    reason: Annotated[str, Field(strict=True, max_length=500)] = NO_REASON
    lasting: PositiveDuration = Field(
        default=DEFAULT_LASTING, alias="for", json_schema_extra={"default": format_duration(DEFAULT_LASTING)}
    )
    preview: Annotated[bool, Field(strict=True)] = False


class DrainCommand(Command):
    """Move all work out of a region and keep it out."""

    verb: Literal["drain"]
    region: Given


class FailoverCommand(Command):
    """Move a service, or a datastore's primary, to a region."""

    verb: Literal["failover"]
    subject: Given
    to: Given
    accept_loss: Duration | None = None


class FailbackCommand(Command):
    """Bring work back to a region, or a service or datastore back to where it belongs."""

    verb: Literal["failback"]
    subject: Given


class DegradeCommand(Command):
    """Turn a knob."""

    verb: Literal["degrade"]
    knob: Given
    value: KnobValue
    region: Given | None = None


class RestoreCommand(Command):
    """Let go of a knob, or ask for its default."""

    verb: Literal["restore"]
    knob: Given
    region: Given | None = None


class PutOverrideCommand(Command):
    """Put a word on a region."""

    verb: Literal["putOverride"]
    region: Given
    state: OverrideState


class TakeOverrideCommand(Command):
    """Take it back."""

    verb: Literal["takeOverride"]
    region: Given


class TakeWishCommand(Command):
    """Take back what was asked of a knob, service or datastore."""

    verb: Literal["takeWish"]
    kind: Literal["knob", "service", "datastore"]
    subject: Given
    region: Given | None = None


class AllowLossCommand(Command):
    """Accept that a promotion loses up to this much."""

    verb: Literal["allowLoss"]
    datastore: Given
    loss: Duration


class AnswerCommand(Command):
    """Say yes or no to what waits for approval."""

    verb: Literal["answer"]
    approval: Given
    granted: Annotated[bool, Field(strict=True)] = True


class SetPauseCommand(Command):
    """Stop all acting, or start it again."""

    verb: Literal["setPause"]
    paused: Annotated[bool, Field(strict=True)]


class FreeCommand(Command):
    """Free a region from damping, or the estate from the freeze of a global fault."""

    verb: Literal["free"]
    subject: Given


AnyCommand = (
    DrainCommand
    | FailoverCommand
    | FailbackCommand
    | DegradeCommand
    | RestoreCommand
    | PutOverrideCommand
    | TakeOverrideCommand
    | TakeWishCommand
    | AllowLossCommand
    | AnswerCommand
    | SetPauseCommand
    | FreeCommand
)


class CommandRequest(RootModel[Annotated[AnyCommand, Field(discriminator="verb")]]):
    """One of the operator's verbs."""


class JournalQuery(Part):
    """Which entries."""

    after: Annotated[int, Field(ge=0, le=2**62)] | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    subject: Word | None = None
    kind: EntryKind | None = None


class ExplainQuery(Part):
    """What is asked about: an action, what the policies name, or a journal entry's place."""

    about: Annotated[str, Field(min_length=1, max_length=500)]


def verb_of(command: AnyCommand) -> Verb:
    """The service's verb for a command."""
    match command:
        case DrainCommand():
            return Drain(command.region)
        case FailoverCommand():
            return Failover(command.subject, command.to, command.accept_loss)
        case FailbackCommand():
            return Failback(command.subject)
        case DegradeCommand() | RestoreCommand():
            return _turn(command)
        case PutOverrideCommand():
            return PutOverride(command.region, command.state)
        case TakeOverrideCommand() | TakeWishCommand():
            return _take_back(command)
        case AllowLossCommand():
            return AllowLoss(command.datastore, command.loss)
        case AnswerCommand():
            return Answer(command.approval, command.granted)
        case SetPauseCommand():
            return SetPause(command.paused)
        case FreeCommand():
            return Free(command.subject)
        case _:
            assert_never(command)


def said_in(command: Command, by: str) -> Said:
    """Who, why and for how long; ``by`` is who the caller is known to be."""
    return Said(by, command.reason, command.lasting)


def _turn(command: DegradeCommand | RestoreCommand) -> Degrade | Restore:
    if isinstance(command, DegradeCommand):
        return Degrade(command.knob, command.value, command.region)
    return Restore(command.knob, command.region)


def _take_back(command: TakeOverrideCommand | TakeWishCommand) -> TakeOverride | TakeWish:
    if isinstance(command, TakeOverrideCommand):
        return TakeOverride(command.region)
    return TakeWish(command.kind, command.subject, command.region)
