"""What an unquoted word stands for.

YAML 1.1 reads `no`, `off`, `012`, `1:30`, `1_000` and `2026-11-27` its own way. Here only `true`, `false`, `null`,
nothing at all, and numbers in their plain forms are not words; whoever wants a number and gets one of the others is
told what YAML would have made of it.
"""

import re
from datetime import date

import yaml

from controlplane.load.tree import Scalar

_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "": None}
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,4})?")
_LIKE_A_NUMBER = re.compile(r"[-+.]?[0-9.][0-9a-fA-FxXoO_:.+\-eE]*")
_NOT_FINITE = re.compile(r"[-+]?\.?(?:inf|infinity|nan)", re.IGNORECASE)
_MOST_DIGITS = 30

Value = str | int | float | bool | None


def value_of(scalar: Scalar) -> Value:
    """The value of a scalar: a word unless it is unquoted and one of the few plain forms."""
    text = scalar.text
    if not scalar.plain:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "-+.0123456789":
        return text
    return number_of(text)


def number_of(text: str) -> str | int | float:
    """The number that a text is in plain form, else the text. Numbers without end or sense stay words."""
    if len(text) > _MOST_DIGITS:
        return text
    if _WHOLE.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        number = float(text)
        return number if abs(number) != float("inf") else text
    return text


def why_not_a_number(text: str) -> tuple[str, str] | None:
    """(why, mend) for a word that looks like a number and isn't; None if it doesn't look like one."""
    if _NOT_FINITE.fullmatch(text):
        return "infinity and not-a-number stand for nothing that can be planned", "write a finite number"
    if not _LIKE_A_NUMBER.fullmatch(text):
        return None
    if _DECIMAL.fullmatch(text):
        return "the number is too large or too long", "write it with fewer digits"
    reading = _as_yaml_reads(text)
    plain = number_of(re.sub(r"^([-+]?)0+(?=[0-9])", r"\1", text).replace("_", ""))
    mend = f"write {plain}" if not isinstance(plain, str) else "write it in digits with at most one point"
    if reading is None:
        return "numbers are written plainly, such as 12, 0.5 or 1e3", mend
    if plain != reading and not isinstance(plain, str):
        mend += f", or {reading} if that is meant"
    elif isinstance(plain, str) and not isinstance(reading, str):
        mend = f"write {reading} if that is meant"
    return f"YAML would read `{text}` as {reading}, which is seldom meant", mend


def _as_yaml_reads(text: str) -> str | int | float | None:
    """What YAML 1.1 makes of it; None if that is the text itself, or nothing at all."""
    try:
        reading = yaml.safe_load(text[:_MOST_DIGITS])
    except (yaml.YAMLError, ValueError):
        return None
    if isinstance(reading, date):
        return "a date"
    return reading if isinstance(reading, int | float) else None
