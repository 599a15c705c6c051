"""The tables of fields in docs/kinds.md, made from the models.

python -m tests.shipped.kinds_page      write them anew
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from controlplane.load.schema import schema

PAGE = Path(__file__).resolve().parents[2] / "docs" / "kinds.md"
_TABLE = re.compile(r"(<!-- fields of (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_CHOICES = re.compile(r"(<!-- (faults|expect) of Scenario -->\n).*?(<!-- end -->)", re.DOTALL)
_DURATION = "500ms"


def with_tables(page: str) -> str:
    """The page with each table between its marks made anew."""
    page = _TABLE.sub(lambda found: found[1] + table(found[2]) + found[3], page)
    return _CHOICES.sub(lambda found: found[1] + choices(found[2]) + found[3], page)


def choices(field: str) -> str:
    """Every fault, or every expectation, that a scenario may list: one a row."""
    parts = schema("Scenario")["$defs"]
    rows = ["| it | with | meaning |", "|---|---|---|"]
    for choice in parts["ScenarioSpec"]["properties"][field]["items"]["oneOf"]:
        part = _part(choice, parts)
        fields = {name: _holds(held, parts) for name, held in part["properties"].items() if name not in ("at", "until")}
        name = fields.pop("kind").strip('`"') if "kind" in fields else next(iter(fields))
        needed = part.get("required", ())
        given = [f"`{field}`" if field in needed else f"`{field}`?" for field in fields if field != name]
        meaning = part["description"].partition("\n\n")[0].replace("\n", " ").replace("``", "`")
        rows.append(f"| `{name}` | {', '.join(given)} | {meaning} |")
    return "\n".join(rows) + "\n"


def table(kind: str) -> str:
    """Every field of a kind's spec, one a row, those within others by their path."""
    whole = schema(kind)
    spec = whole["properties"]["spec"]
    rows = ["| field | what it holds | default | meaning |", "|---|---|---|---|"]
    for path, field, needed in _fields(spec, whole["$defs"], ""):
        default = "" if needed else _default(field)
        cells = (f"`{path}`", _holds(field, whole["$defs"]), default, field.get("description", ""))
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def _fields(part: dict[str, Any], parts: dict[str, Any], above: str) -> Iterator[tuple[str, dict[str, Any], bool]]:
    model = _part(part, parts)
    for name, field in model.get("properties", {}).items():
        path = f"{above}{name}"
        yield path, field, name in model.get("required", ())
        below, many = _model_below(field, parts)
        if below is not None:
            yield from _fields(below, parts, f"{path}[]." if many else f"{path}.")


def _model_below(field: dict[str, Any], parts: dict[str, Any]) -> tuple[dict[str, Any] | None, bool]:
    """The model that a field holds, and whether it holds many of them."""
    for choice in field.get("anyOf", [field]):
        items = choice.get("items")
        found = _part(items if items is not None else choice, parts)
        if "properties" in found:
            return found, items is not None
    return None, False


def _part(field: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    reference = field.get("$ref", "")
    found: dict[str, Any] = parts[reference.rpartition("/")[2]] if reference else field
    return found


def _holds(field: dict[str, Any], parts: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(_holds(c, parts) for c in field["anyOf"] if c.get("type") != "null"))
    if "oneOf" in field:
        return "one of several tables"
    found = _part(field, parts)
    if "enum" in found:
        return " · ".join(f"`{word}`" for word in found["enum"])
    if "const" in found:
        return f"`{json.dumps(found['const'])}`"
    match found.get("type"):
        case "array":
            return f"list of: {_holds(found['items'], parts)}" if "items" in found else "list"
        case "object":
            return "table" if "properties" in found else _mapping(found, parts)
        case "string":
            return _word(found)
        case "number" | "integer":
            return _number(found)
        case "boolean":
            return "true or false"
        case _:
            return "anything"


def _mapping(found: dict[str, Any], parts: dict[str, Any]) -> str:
    by_pattern = [*found.get("patternProperties", {}).values()]
    values = by_pattern[0] if by_pattern else found.get("additionalProperties")
    return f"table of: {_holds(values, parts)}" if isinstance(values, dict) else "table"


def _word(found: dict[str, Any]) -> str:
    if _DURATION in found.get("examples", ()):
        return "duration"
    if found.get("format") == "date-time":
        return "time"
    return "name" if "pattern" in found else "word"


def _number(found: dict[str, Any]) -> str:
    noun = "whole number" if found["type"] == "integer" else "number"
    low = next(
        (f"{sign} {found[key]:g}" for key, sign in (("exclusiveMinimum", ">"), ("minimum", "≥")) if key in found), ""
    )
    high = next(
        (f"{sign} {found[key]:g}" for key, sign in (("exclusiveMaximum", "<"), ("maximum", "≤")) if key in found), ""
    )
    return " ".join(filter(None, (noun, ", ".join(filter(None, (low, high))))))


def _default(field: dict[str, Any]) -> str:
    default = field.get("default")
    if default is None or default in ([], {}, "") or isinstance(default, dict):
        return "—"
    return f"`{default}`" if isinstance(default, str) else f"`{json.dumps(default)}`"


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
