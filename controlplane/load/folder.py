"""A folder as read: every document with its resource, and the names that others may refer to."""

import gc
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from controlplane.load.compose import compose
from controlplane.load.files import Source, read_sources
from controlplane.load.findings import Findings
from controlplane.load.kinds import kind_of, model_of, read
from controlplane.load.salvage import salvage
from controlplane.load.tree import Document, Listing, Mark
from controlplane.model.resources.kind import Resource

R = TypeVar("R", bound=Resource)
_NAME = re.compile(r"\bname:\s*[\"']?([A-Za-z0-9][-_.A-Za-z0-9]*)")


@dataclass(frozen=True, slots=True)
class Entry:
    """One document of a known kind. Where it is not ``sound``, ``resource`` is what could be saved of it, if anything;
    its name counts all the same, so that one mistake is not told again by everybody who refers to it."""

    kind: str
    name: str
    document: Document
    resource: Resource | None
    sound: bool


class Folder:
    """All documents of some paths, those of one kind at a time."""

    def __init__(self, entries: Iterable[Entry], perhaps: frozenset[str] = frozenset()) -> None:
        self.entries = tuple(entries)
        self._perhaps = perhaps
        self._of: dict[str, list[Entry]] = {}
        for entry in self.entries:
            self._of.setdefault(entry.kind, []).append(entry)
        self._names = {kind: frozenset(entry.name for entry in found) for kind, found in self._of.items()}

    def of(self, kind: str) -> list[Entry]:
        """Documents of a kind, in the order in which they were read."""
        return self._of.get(kind, [])

    def each(self, model: type[R]) -> Iterator[tuple[Document, R]]:
        """Documents of a kind with their resources, as far as there is one."""
        for entry in self.of(model.__name__):
            if isinstance(entry.resource, model):
                yield entry.document, entry.resource

    def names(self, kind: str) -> frozenset[str]:
        """Names of a kind, those of unsound documents too."""
        return self._names.get(kind, frozenset())

    def knows(self, kind: str, name: str) -> bool:
        """Whether a name of a kind is there, or may be in what could not be read."""
        return name in self._names.get(kind, ()) or name in self._perhaps

    @property
    def whole(self) -> bool:
        """Whether all of it could be read, so that what is not there is missing."""
        return not self._perhaps

    def knobs(self) -> frozenset[str]:
        """Names of all knobs, those of unsound documents too."""
        names: set[str] = set()
        for entry in self.of("DegradationPolicy"):
            knobs = entry.document.node(("spec", "knobs"))
            count = len(knobs.items) if isinstance(knobs, Listing) else 0
            names.update(entry.document.text(("spec", "knobs", index, "name")) or "" for index in range(count))
        return frozenset(names - {""})


def read_folder(paths: Iterable[Path], findings: Findings) -> Folder:
    """Read every document of some files and folders; what is wrong with each alone is then in ``findings``."""
    entries: list[Entry] = []
    perhaps: set[str] = set()
    with _undisturbed():
        for source in read_sources(paths, findings):
            _read_source(source, findings, entries, perhaps)
    return Folder(entries, frozenset(perhaps))


def _read_source(source: Source, findings: Findings, entries: list[Entry], perhaps: set[str]) -> None:
    known = findings.count
    documents = list(compose(source, findings))
    kinds = [kind_of(document, findings) for document in documents]
    if findings.count > known:
        perhaps.update(_NAME.findall(source.text))
    elif not documents:
        why = "it has nothing but comments"
        findings.mistake(Mark(source.file), "an empty file", why, "write a document in it, or remove it")
    for document, kind in zip(documents, kinds, strict=True):
        if kind is not None:
            name = document.text(("metadata", "name")) or ""
            resource = read(kind, document, findings)
            sound = resource is not None
            entries.append(Entry(kind, name, document, resource or salvage(model_of(kind), document), sound))


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Without the garbage collector: while a large estate is read nothing becomes garbage, and looking for it again and
    again takes as long as the reading."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
