"""What people asked for, as JSON."""

from typing import assert_never

from controlplane.model.desk import (
    AcceptLoss,
    AddOverride,
    Approve,
    AskSecond,
    ClearOverride,
    ClearWish,
    Pause,
    PersonCommand,
    Reject,
    Release,
    Resume,
    SetWish,
)
from controlplane.model.journal import Json
from controlplane.service.wire.plain import duration, time
from controlplane.service.wire.world import override_json, wish_json


def command_json(command: PersonCommand) -> dict[str, Json]:
    """One command: ``ask``, who and why, and what is particular to it."""
    return {"ask": _name(command), "by": command.by, "reason": command.reason, **_particulars(command)}


def _name(command: PersonCommand) -> str:
    """``AddOverride`` is ``addOverride``."""
    name = type(command).__name__
    return name[0].lower() + name[1:]


def _particulars(command: PersonCommand) -> dict[str, Json]:
    match command:
        case AddOverride():
            return {"override": override_json(command.override)}
        case ClearOverride():
            return {"region": command.region}
        case SetWish():
            return {"wish": wish_json(command.wish)}
        case ClearWish():
            return {"kind": command.kind, "subject": command.subject, "region": command.region}
        case AcceptLoss():
            loss = duration(command.loss)
            return {"datastore": command.datastore, "loss": loss, "until": time(command.until)}
        case Approve() | Reject():
            return {"approval": command.approval}
        case Release():
            return {"subject": command.subject}
        case AskSecond():
            return {"command": command_json(command.command)}
        case Pause() | Resume():
            return {}
        case _:
            assert_never(command)
