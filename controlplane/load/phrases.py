"""What a value should have been, why it is not, and how to mend it, in an operator's words."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from controlplane.load.findings import did_you_mean
from controlplane.load.scalars import number_of, value_of, why_not_a_number
from controlplane.load.tree import Listing, Node, Scalar, Table
from controlplane.model.resources.kind import format_duration

_A_NUMBER = ("float_type", "float_parsing", "int_type", "int_parsing", "int_from_float", "finite_number")
_NUMERIC = (*_A_NUMBER, "greater_than", "greater_than_equal", "less_than", "less_than_equal")
_SIMPLE: Mapping[str, str] = {
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of a sensible size",
    "int_from_float": "a whole number",
    "string_type": "a word",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table of fields",
    "model_attributes_type": "a table of fields",
    "none_required": "empty",
}
_BOUNDED: Mapping[str, str] = {
    "greater_than": "more than {gt}",
    "greater_than_equal": "{ge} or more",
    "less_than": "less than {lt}",
    "less_than_equal": "{le} or less",
    "string_too_short": "a word of at least {min_length} letter",
    "string_too_long": "a word of at most {max_length} letters",
    "too_short": "a list of at least {min_length}",
    "too_long": "a list of at most {max_length}",
}
_WORDED = re.compile(r"'([^']*)'")


@dataclass(frozen=True, slots=True)
class Phrase:
    """``expected`` completes "should be …"; ``sentence``, where there is one, says it all instead."""

    expected: str
    why: str = ""
    mend: str = ""
    sentence: str | None = None


def phrase(node: Node, errors: list[dict[str, Any]]) -> Phrase:
    """Say what one value should have been. Several errors are the branches of a union, any of which would do."""
    wanted = list(dict.fromkeys(_expected(error) for error in errors))
    expected = " or ".join(one for one in wanted if one != "a whole number" or "a number" not in wanted)
    for error in errors:
        if error["type"] == "value_error" and (sentence := _sentence(error)) is not None:
            return Phrase(expected, sentence=sentence)
        if error["type"] in ("expectation", "union_tag_not_found", "union_tag_invalid"):
            return _tag(error)
    why, mend = _reasons(node, errors)
    return Phrase(expected, why, mend)


def _reasons(node: Node, errors: list[dict[str, Any]]) -> tuple[str, str]:
    types = {str(error["type"]) for error in errors}
    if not isinstance(node, Scalar):
        return _of_shape(node, types)
    if node.plain and node.text == "":
        return "a field without a value is not the same as no field", "give it a value, or leave the field out"
    if types & {"tuple_type", "list_type"} and len(errors) == 1:
        return "", f"write [{node.text}]"
    if any(_is_duration(error) for error in errors):
        return _of_duration(node)
    if any(_is_time(error) for error in errors):
        return "", "write date, time and zone: 2026-11-27T00:00:00Z"
    if types & set(_NUMERIC):
        return _of_number(node)
    if "string_type" in types and node.plain and not isinstance(value_of(node), str):
        return "without quotes it is a value, not a word", f'put it in quotes: "{node.text}"'
    options = [option for error in errors for option in _options(error)]
    if options:
        return "", did_you_mean(node.text, options, "")
    if "string_pattern_mismatch" in types:
        return "", "begin and end with a letter or digit, and use nothing else but - _ . between"
    return "", ""


def _of_shape(node: Node, types: set[str]) -> tuple[str, str]:
    if isinstance(node, Table) and "tuple_type" in types:
        return "", "begin each item with a hyphen, or write the list in [ ]"
    if isinstance(node, Listing) and types & {"dict_type", "model_type"}:
        return "", "write fields and values without hyphens, or in { }"
    return "", ""


def _of_number(node: Scalar) -> tuple[str, str]:
    if not node.plain and not isinstance(number_of(node.text), str):
        return "in quotes it is a word", f"leave the quotes off: {node.text}"
    found = why_not_a_number(node.text) if isinstance(number_of(node.text), str) else None
    return found if found is not None else ("", "")


def _of_duration(node: Scalar) -> tuple[str, str]:
    mend = "write a number and its unit: 500ms, 30s, 5m, 2h or 1d"
    number = number_of(node.text)
    if not isinstance(number, str):
        if number < 0:
            return "time does not run backwards", mend
        return "a bare number could be seconds or milliseconds", f"write {node.text}s if seconds are meant"
    found = why_not_a_number(node.text)
    return (found[0] if found is not None and node.plain else "", mend)


def _expected(error: Mapping[str, Any]) -> str:
    kind, ctx = str(error["type"]), error.get("ctx", {})
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if kind in _BOUNDED:
        return _BOUNDED[kind].format(**{name: _bound(value) for name, value in ctx.items()})
    if _is_duration(error):
        return "a duration"
    if _is_time(error):
        return "a time"
    if kind == "string_pattern_mismatch":
        return "a name" if "*" not in str(ctx["pattern"])[:4] else 'a name or "*"'
    if kind in ("literal_error", "enum"):
        options = _options(error)
        return " or ".join(options) if len(options) < 5 else f"one of {_row(options)}"
    message = str(error["msg"])
    return message[:1].lower() + message[1:]


def _bound(value: object) -> str:
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, str) and value.startswith("datetime.timedelta"):  # pydantic tells bounds by their repr
        return "0s"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _options(error: Mapping[str, Any]) -> list[str]:
    if error["type"] not in ("literal_error", "enum"):
        return []
    return _WORDED.findall(str(error["ctx"]["expected"]))


def _message(error: Mapping[str, Any]) -> str:
    return str(error.get("ctx", {}).get("error", error["msg"]))


def _is_duration(error: Mapping[str, Any]) -> bool:
    return error["type"] == "value_error" and _message(error).startswith("a duration is a number")


def _is_time(error: Mapping[str, Any]) -> bool:
    return str(error["type"]).startswith("datetime_") or (
        error["type"] == "value_error" and _message(error).startswith("a time is")
    )


def _sentence(error: Mapping[str, Any]) -> str | None:
    return None if _is_duration(error) or _is_time(error) else _message(error)


def _tag(error: Mapping[str, Any]) -> Phrase:
    ctx = error.get("ctx", {})
    match str(error["type"]):
        case "union_tag_invalid":
            known = _WORDED.findall(str(ctx["expected_tags"]))
            sentence = f"`{ctx['tag']}` is not one of {_row(known)}"
            return Phrase("", mend=did_you_mean(str(ctx["tag"]), known, ""), sentence=sentence)
        case "union_tag_not_found":
            return Phrase("", mend="add `kind:` here", sentence="`kind` is missing")
        case _:
            keys = str(ctx.get("keys", "")).split(", ")
            return Phrase("", sentence="none of its keys says what is expected", mend=f"begin with one of {_row(keys)}")


def _row(words: Iterable[str]) -> str:
    return ", ".join(words)
