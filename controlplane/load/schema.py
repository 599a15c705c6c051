"""The JSON Schema of each kind, for editors that complete and check while people write."""

from datetime import timedelta
from typing import Any

from pydantic import BaseModel

from controlplane.load.descriptions import description
from controlplane.load.fields import models_below
from controlplane.load.findings import did_you_mean, listed
from controlplane.load.kinds import API_VERSION, KINDS, model_of
from controlplane.model.errors import WrongUse
from controlplane.model.resources.kind import format_duration

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def kinds() -> tuple[str, ...]:
    """Every kind there is a schema for."""
    return tuple(KINDS)


def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a kind, fields by their YAML names, each with what it means.

    Raises WrongUse, with the nearest right name, if there is no such kind.
    """
    if kind not in KINDS:
        hint = did_you_mean(kind, KINDS, f"the kinds are {listed(KINDS, 20)}")
        raise WrongUse(f"there is no kind `{kind[:80]}`: {hint}")
    model = model_of(kind)
    found = model.model_json_schema(by_alias=True)
    for part in _models(model):
        where = found if part is model else found.get("$defs", {}).get(part.__name__, {})
        _describe(part, where.get("properties", {}))
    rest = [field for field in found.get("required", []) if field not in ("apiVersion", "kind")]
    found["required"] = ["apiVersion", "kind", *rest]
    return {"$schema": _DIALECT, "$id": f"urn:leeward:{API_VERSION.rpartition('/')[2]}:{kind}", **found}


def _describe(model: type[BaseModel], properties: dict[str, Any]) -> None:
    """Put what each field means beside what it may hold, and its default as people would write it."""
    defaults = {
        field.alias or name: field.get_default(call_default_factory=True, validated_data={})
        for name, field in model.model_fields.items()
    }
    for name, field in properties.items():
        text = description(model, name)
        field.pop("title", None)  # the field's name in other letters
        if "default" in field:
            field["default"] = _written(defaults[name])
        if text:
            field["description"] = text[:1].upper() + text[1:] + "."


def _written(default: object) -> Any:
    if isinstance(default, BaseModel):
        return default.model_dump(mode="json", by_alias=True, exclude_none=True)
    if isinstance(default, timedelta):
        return format_duration(default)
    return list(default) if isinstance(default, tuple) else default


def _models(root: type[BaseModel]) -> tuple[type[BaseModel], ...]:
    """A kind's model and every model in it."""
    found: dict[type[BaseModel], None] = {root: None}
    waiting = [root]
    while waiting:
        for part in models_below(waiting.pop()):
            if part not in found:
                found[part] = None
                waiting.append(part)
    return tuple(found)
