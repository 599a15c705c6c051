"""Reading the ``with`` of a probe: what each setting must be, said in sentences."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from controlplane.model.evidence import Signal
from controlplane.model.resources.kind import Setting

Check = Callable[[Setting], bool]


@dataclass(frozen=True, slots=True)
class Kind:
    """What a setting must be: ``check`` decides, ``words`` complete the sentence "must be …"."""

    words: str
    check: Check


def _is_word_map(value: Setting) -> bool:
    return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())


def is_status(value: Setting) -> bool:
    """A code, ``2xx``, or a list of them."""
    if isinstance(value, list):
        return bool(value) and all(is_status(item) and not isinstance(item, list) for item in value)
    if isinstance(value, str):
        return len(value) == 3 and value[0] in "12345" and value[1:] == "xx"
    return isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 599


POSITIVE = Kind(
    "a number above 0", lambda value: isinstance(value, int | float) and not isinstance(value, bool) and value > 0
)
FLAG = Kind("true or false", lambda value: isinstance(value, bool))
WORD = Kind("a word", lambda value: isinstance(value, str) and bool(value))
WORDS = Kind("a map of words", _is_word_map)
STATUS = Kind("a status code, 2xx, or a list of them", is_status)
METHOD = Kind("GET or HEAD", lambda value: value in {"GET", "HEAD"})
SIGNAL = Kind("liveness or management", lambda value: value in {Signal.LIVENESS.value, Signal.MANAGEMENT.value})


def mistakes_in(settings: Mapping[str, Setting], known: Mapping[str, Kind]) -> tuple[str, ...]:
    """Everything that is wrong with the settings, a sentence each."""
    found: list[str] = []
    for name, value in sorted(settings.items()):
        kind = known.get(name)
        if kind is None:
            near = get_close_matches(name, known, n=1)
            found.append(f"unknown setting {name!r}" + (f", did you mean {near[0]!r}?" if near else ""))
        elif not kind.check(value):
            found.append(f"setting {name!r} must be {kind.words}")
    return tuple(found)


def status_codes(value: Setting) -> frozenset[int]:
    """The codes that a checked ``status`` setting stands for."""
    if isinstance(value, list):
        return frozenset(code for item in value for code in status_codes(item))
    if isinstance(value, str):
        return frozenset(range(int(value[0]) * 100, int(value[0]) * 100 + 100))
    return frozenset({int(value)}) if isinstance(value, int | float) else frozenset(range(200, 400))


def number(value: Setting) -> float:
    """A checked number setting. Raises TypeError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is not a number")
    return float(value)
