"""Verbs as JSON: what a client sends to ``/v1/commands``."""

from dataclasses import fields
from datetime import timedelta
from enum import Enum
from types import MappingProxyType

from controlplane.model.journal import Json
from controlplane.service.verbs import (
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
from controlplane.service.wire.plain import duration

VERBS = MappingProxyType(
    {
        "drain": Drain,
        "failover": Failover,
        "failback": Failback,
        "degrade": Degrade,
        "restore": Restore,
        "putOverride": PutOverride,
        "takeOverride": TakeOverride,
        "takeWish": TakeWish,
        "allowLoss": AllowLoss,
        "answer": Answer,
        "setPause": SetPause,
        "free": Free,
    }
)
"""What a verb is called on the wire."""

_NAMES = {kind: name for name, kind in VERBS.items()}


def verb_json(verb: Verb, said: Said, *, preview: bool = False) -> dict[str, Json]:
    """One request: the verb with its particulars, who says so and why, for how long, and whether to touch anything."""
    particulars: dict[str, Json] = {}
    for field in fields(verb):
        value = getattr(verb, field.name)
        if value is not None:
            particulars[_camel(field.name)] = _plain(value)
    common: dict[str, Json] = {"by": said.by, "reason": said.reason, "for": duration(said.lasting), "preview": preview}
    return {"verb": _NAMES[type(verb)], **particulars, **common}


def _plain(value: str | bool | float | timedelta | Enum) -> Json:
    if isinstance(value, timedelta):
        return duration(value)
    return str(value.value) if isinstance(value, Enum) else value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)
