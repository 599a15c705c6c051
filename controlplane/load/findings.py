"""Where mistakes and warnings gather while a folder is read."""

import difflib
from collections.abc import Iterable

from controlplane.load.tree import Mark
from controlplane.model.errors import Mistake

MOST_SHOWN = 500
"""Beyond this many mistakes the rest is counted: nobody mends more in one sitting."""


class Findings:
    """Mistakes forbid the whole set; warnings are what an operator should know and may keep."""

    def __init__(self) -> None:
        self._mistakes: dict[Mistake, None] = {}
        self._warnings: dict[Mistake, None] = {}

    def mistake(self, at: Mark, what: str, why: str = "", mend: str = "") -> None:
        """Add one thing that is wrong."""
        self._mistakes[Mistake(at.file, at.line, at.column, what, why, mend)] = None

    def warn(self, at: Mark, what: str, why: str = "", mend: str = "") -> None:
        """Add one thing that is allowed and unwise."""
        self._warnings[Mistake(at.file, at.line, at.column, what, why, mend)] = None

    @property
    def count(self) -> int:
        """How many mistakes there are so far."""
        return len(self._mistakes)

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """By place, at most MOST_SHOWN and a word on the rest."""
        found = sorted(self._mistakes)
        if len(found) > MOST_SHOWN:
            last = found[MOST_SHOWN - 1]
            rest = f"and {len(found) - MOST_SHOWN} mistakes more, here and after"
            return (*found[:MOST_SHOWN], Mistake(last.file, last.line, last.column, rest))
        return tuple(found)

    @property
    def warnings(self) -> tuple[Mistake, ...]:
        """By place."""
        return tuple(sorted(self._warnings))


def nearest(word: str, options: Iterable[str]) -> str | None:
    """The option that a word was most likely meant to be, if any is near; hyphens and case don't count."""
    bare: dict[str, str] = {}
    for option in sorted(options):
        bare.setdefault(_bare(option), option)
    wanted = _bare(word[:100])
    if wanted in bare:
        return bare[wanted]
    close = difflib.get_close_matches(wanted, bare, n=1, cutoff=0.6)
    return bare[close[0]] if close else None


def did_you_mean(word: str, options: Iterable[str], otherwise: str) -> str:
    """How to mend a wrong name: the nearest right one, else what may be written instead."""
    close = nearest(word, options)
    return f"did you mean `{close}`?" if close is not None else otherwise


def listed(words: Iterable[str], most: int = 12) -> str:
    """Words in a row, cut where they become a page."""
    some = sorted(words)
    row = ", ".join(some[:most])
    return f"{row} and {len(some) - most} more" if len(some) > most else row


def _bare(word: str) -> str:
    return word.lower().replace("-", "").replace("_", "")
