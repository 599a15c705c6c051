"""The state as JSON and back, and actions out of the journal."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar, get_args

from pydantic import TypeAdapter, ValidationError

from controlplane.engine.state import EstateState
from controlplane.model.desk import Approval, Changing
from controlplane.model.errors import StoreLost
from controlplane.model.journal import Entry, Json
from controlplane.model.plan import Action
from controlplane.model.rules import Rule

_COMMANDS: Mapping[str, type[Changing]] = {command.__name__: command for command in get_args(Changing)}


_Noun = TypeVar("_Noun")
_ADAPTERS: dict[type, TypeAdapter[Any]] = {}


def _adapter(noun: type[_Noun]) -> TypeAdapter[_Noun]:
    """Built when first used: building takes longer than using it ever will."""
    if noun not in _ADAPTERS:
        _ADAPTERS[noun] = TypeAdapter(noun)
    return _ADAPTERS[noun]


def _dump(noun: type[_Noun], value: _Noun) -> dict[str, Json]:
    dumped = _adapter(noun).dump_python(value, mode="json")
    assert isinstance(dumped, dict)  # noqa: S101  every noun here is a dataclass
    return dumped


def write_state(state: EstateState) -> Json:
    """The state as JSON. Approvals are written by name of their command: some commands look alike."""
    approvals: list[Json] = [_write_approval(approval) for approval in state.approvals]
    return _dump(EstateState, replace(state, approvals=())) | {"approvals": approvals}


def read_state(document: Json) -> EstateState:
    """The inverse. StoreLost if it is not a state: acting on half a memory is worse than not acting."""
    if not isinstance(document, dict):
        raise StoreLost("the stored state is not an object")
    approvals = document.get("approvals")
    try:
        state = _adapter(EstateState).validate_python(document | {"approvals": []})
        held = (
            tuple(_read_approval(row) for row in approvals if isinstance(row, dict))
            if isinstance(approvals, list)
            else ()
        )
    except (ValidationError, KeyError, ValueError) as error:
        raise StoreLost(f"the stored state cannot be read: {error}") from error
    return replace(state, approvals=held)


def _write_approval(approval: Approval) -> Json:
    written: dict[str, Json] = {
        "id": approval.id,
        "asked_at": approval.asked_at.isoformat(),
        "asked_by": approval.asked_by,
        "subject": approval.subject,
        "rules": [rule.value for rule in approval.rules],
        "why": approval.why,
    }
    if approval.action is not None:
        written["action"] = _dump(Action, approval.action)
    if approval.command is not None:
        command = type(approval.command)
        written["command"] = {"name": command.__name__, "fields": _dump(command, approval.command)}
    if approval.expires_at is not None:
        written["expires_at"] = approval.expires_at.isoformat()
    return written


def _read_approval(row: dict[str, Json]) -> Approval:
    action, command, rules, expires_at = (row.get(name) for name in ("action", "command", "rules", "expires_at"))
    return Approval(
        id=str(row["id"]),
        asked_at=datetime.fromisoformat(str(row["asked_at"])),
        asked_by=str(row["asked_by"]),
        subject=str(row["subject"]),
        rules=tuple(Rule(str(rule)) for rule in rules) if isinstance(rules, list) else (),
        why=str(row.get("why", "")),
        action=None if action is None else _adapter(Action).validate_python(action),
        command=_read_command(command) if isinstance(command, dict) else None,
        expires_at=None if expires_at is None else datetime.fromisoformat(str(expires_at)),
    )


def _read_command(row: dict[str, Json]) -> Changing:
    return _adapter(_COMMANDS[str(row["name"])]).validate_python(row["fields"])


def read_action(intent: Entry) -> Action | None:
    """The action that an intent announced, as far as its effect goes; None if the entry is not whole."""
    facts = intent.facts
    fields: dict[str, Json] = {
        "id": intent.action,
        "subject": intent.subject,
        "reasons": [],
        "from_": facts.get("from"),
        **{name: facts.get(name) for name in ("kind", "cause", "to", "region", "value", "units")},
        **{name: facts.get(name, {}) for name in ("shares", "shed", "refused")},
        "leaves_live": facts.get("leaves_live", 0.0),
    }
    try:
        return _adapter(Action).validate_python(fields)
    except ValidationError:
        return None
