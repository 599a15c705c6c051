"""Mutants: faults seeded into the daemon's code, each of which the proof must find.

A mutant is a set of edits of the text of modules. It is applied to the source while that is imported, in a process of
its own: nothing that holds an older function by name can escape it.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class Edit:
    """In this module the text ``old``, which is there once, becomes ``new``."""

    module: str
    old: str
    new: str

    @property
    def path(self) -> Path:
        """Where the module's source is."""
        return ROOT / f"{self.module.replace('.', '/')}.py"

    def applied(self, source: str) -> str:
        """The source with the fault in it. ValueError if the text is not there exactly once."""
        if source.count(self.old) != 1:
            raise ValueError(f"{self.module} has {self.old!r} {source.count(self.old)} times, not once")
        return source.replace(self.old, self.new)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One seeded fault: its name, the rule that it breaks, what it is in words, and how it is made."""

    name: str
    rule: str
    what: str
    edits: tuple[Edit, ...]


class _Loader(importlib.machinery.SourceFileLoader):
    """Compiles from edited text, and never from or into a cache."""

    edits: tuple[Edit, ...] = ()

    def get_code(self, fullname: str) -> CodeType:
        source = Path(self.path).read_text(encoding="utf-8")
        for edit in self.edits:
            source = edit.applied(source)
        return compile(source, self.path, "exec", dont_inherit=True)


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, edits: Sequence[Edit]) -> None:
        self._edits = edits

    def find_spec(self, fullname: str, path: Any = None, target: ModuleType | None = None) -> Any:
        mine = tuple(edit for edit in self._edits if edit.module == fullname)
        if not mine:
            return None
        loader = _Loader(fullname, str(mine[0].path))
        loader.edits = mine
        return importlib.util.spec_from_file_location(fullname, mine[0].path, loader=loader)


def infect(mutant: Mutant) -> None:
    """Let every later import of the modules concerned be of the mutant. None of them may be imported yet."""
    known = [edit.module for edit in mutant.edits if edit.module in sys.modules]
    if known:
        raise RuntimeError(f"{known[0]} is imported already")
    sys.meta_path.insert(0, _Finder(mutant.edits))
