"""Names that refer to something: told alike wherever they dangle."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from controlplane.load.findings import Findings, did_you_mean, listed
from controlplane.load.folder import Folder
from controlplane.load.kinds import subject_of
from controlplane.load.tree import Document, Mark, Path
from controlplane.model.resources.kind import Resource


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells what is wrong in one document."""

    findings: Findings
    document: Document
    subject: str

    @classmethod
    def of(cls, findings: Findings, document: Document, resource: Resource) -> "Teller":
        """For the document of a resource."""
        return cls(findings, document, subject_of(type(resource).__name__, document))

    def mistake(self, at: Path | Mark, what: str, why: str, mend: str) -> None:
        """A mistake at the value of a path, or at a place found before."""
        mark = at if isinstance(at, Mark) else self.document.mark(at)
        self.findings.mistake(mark, f"{self.subject}: {what}", why, mend)

    def warn(self, at: Path | Mark, what: str, why: str, mend: str) -> None:
        """A warning likewise."""
        mark = at if isinstance(at, Mark) else self.document.mark(at)
        self.findings.warn(mark, f"{self.subject}: {what}", why, mend)

    def key(self, path: Path) -> Mark:
        """The place of the key that a path ends in."""
        return self.document.key_mark(path)

    def dangling(self, at: Path | Mark, noun: str, name: str, known: Iterable[str]) -> None:
        """There is no such thing: the nearest that there is, or all there are."""
        names = tuple(known)
        why = f"the {noun}s are {listed(names)}" if names else f"there is no {noun} at all"
        mend = did_you_mean(name, names, f"add the {noun}, or take the name out")
        self.mistake(at, f"there is no {noun} `{name[:80]}`", why, mend)

    def must_be_distinct(self, names: Collection[str], path: Path) -> None:
        """A mistake for each name that is listed again."""
        seen: set[str] = set()
        for index, name in enumerate(names):
            if name in seen:
                self.mistake((*path, index), f"`{name}` is listed twice", "saying it once is enough", "take one out")
            seen.add(name)


@dataclass(frozen=True, slots=True)
class Referrer:
    """A document whose names must be in its folder."""

    tell: Teller
    folder: Folder

    def must_exist(self, kind: str, name: str, at: Path | Mark) -> None:
        """A mistake if there is no document of that kind and name."""
        if not self.folder.knows(kind, name):
            self.tell.dangling(at, kind.lower(), name, self.folder.names(kind))

    def all_must_exist(self, kind: str, names: Iterable[str], path: Path) -> None:
        """The same for each item of the list at a path."""
        for index, name in enumerate(names):
            self.must_exist(kind, name, (*path, index))
