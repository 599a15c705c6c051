"""Text into documents, from the parser's events: nothing is built that has not been bounded first.

PyYAML's own C composer recurses and dies on deep nesting, follows aliases without end, and lets a later key overwrite
an earlier one. Its event stream does none of that, and is the faster half of it.
"""

import re
from collections.abc import Iterator

import yaml

from controlplane.load.files import Source, place_in
from controlplane.load.findings import Findings
from controlplane.load.tree import Document, Listing, Mark, Node, Scalar, Table

MAX_DEPTH = 64
MAX_DOCUMENTS = 50_000
MAX_BREAKS = 50
"""Mistakes of form in one file, after which the rest of it is left alone."""
MAX_BORROWED = 50_000
"""Nodes that all aliases of a file may stand for together."""
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NEXT_DOCUMENT = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE = "<<"


class _Stop(Exception):
    """The rest of this document is not worth reading; the mistake has been told."""


def compose(source: Source, findings: Findings) -> Iterator[Document]:
    """The documents of a file. After a mistake of form, reading goes on at the next ``---``.

    A document whose form is broken is left out; one that merely repeats a key is handed on.
    """
    odd = _UNPRINTABLE.search(source.text)
    if odd is not None:
        line, column = place_in(source.text, odd.start())
        what = f"character U+{ord(odd[0]):04X} is not text"
        findings.mistake(Mark(source.file, line, column), what, "YAML has no control characters", "remove it")
        return
    start, number = 0, 0
    for _ in range(MAX_BREAKS):
        composer = _Composer(source, start, findings)
        for root in composer.documents():
            number += 1
            if number > MAX_DOCUMENTS:
                why = f"at most {MAX_DOCUMENTS} documents are read"
                findings.mistake(Mark(source.file, root.line, 1), "too many documents", why, "split the file")
                return
            document = _accept(root, source, findings)
            if document is not None:
                yield document
        found = _resume(composer)
        if found is None:
            return
        start = found


def _accept(root: Node, source: Source, findings: Findings) -> Document | None:
    """A document, if it is one: nothing between two ``---`` is nobody's mistake."""
    if isinstance(root, Table):
        return Document(source.file, root)
    if not (isinstance(root, Scalar) and root.plain and root.text == ""):
        mend = "begin with apiVersion, kind, metadata and spec"
        mark = Mark(source.file, root.line, root.column)
        findings.mistake(mark, "not a document", "a document is a table of fields", mend)
    return None


def _resume(composer: "_Composer") -> int | None:
    """Where the next document begins at or after the line at which a run broke; None: nowhere."""
    if composer.broke_at is None:
        return None
    text, start = composer.source.text, composer.start
    lines = text[start:].splitlines(keepends=True)
    broken_line = start + sum(map(len, lines[: max(composer.broke_at - composer.first_line, 0)]))
    found = _NEXT_DOCUMENT.search(text, max(broken_line, start + 1))
    return found.start() if found is not None else None


class _Composer:
    """One run of the parser, from ``start`` to the end of the text or the first mistake of form."""

    def __init__(self, source: Source, start: int, findings: Findings) -> None:
        self.source, self.start, self.findings = source, start, findings
        self.first_line = place_in(source.text, start)[0] - 1
        self.broke_at: int | None = None
        self._anchors: dict[str, Node | None] = {}
        self._stack: list[Listing | Table] = []
        self._names: list[str | None] = []
        self._pending: list[Scalar | None] = []
        self._borrowed = 0
        self._root: Node | None = None

    def documents(self) -> Iterator[Node]:
        """The root of each whole document."""
        try:
            for event in yaml.parse(self.source.text[self.start :], Loader=_Loader):
                if isinstance(event, yaml.ScalarEvent):
                    self._scalar(event)
                elif isinstance(event, yaml.CollectionStartEvent):
                    self._open(event)
                elif isinstance(event, yaml.CollectionEndEvent):
                    self._close()
                elif isinstance(event, yaml.AliasEvent):
                    self._alias(event)
                elif isinstance(event, yaml.DocumentStartEvent):
                    self._anchors, self._root = {}, None
                elif isinstance(event, yaml.DocumentEndEvent) and self._root is not None:
                    yield self._root
        except yaml.MarkedYAMLError as error:
            self._tell(error)
        except yaml.YAMLError as error:
            self.findings.mistake(Mark(self.source.file), "not YAML", str(error).splitlines()[0])
        except _Stop:
            pass

    def _mark(self, event: yaml.Event) -> tuple[int, int]:
        start = event.start_mark
        if start is None:
            return self.first_line + 1, 1
        return start.line + self.first_line + 1, start.column + 1

    def _wrong(self, place: tuple[int, int], what: str, why: str = "", mend: str = "") -> None:
        self.findings.mistake(Mark(self.source.file, *place), what, why, mend)

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        line, column = self._mark(event)
        if event.tag is not None:
            self._tagged((line, column), event.tag)
        node = Scalar(line, column, event.value, plain=event.style is None or event.style == "")
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        self._attach(node)

    def _tagged(self, place: tuple[int, int], tag: str) -> None:
        shown = tag.replace("tag:yaml.org,2002:", "!!")
        why = "a tag tells a program what to make of a value; policies are words, numbers, lists and tables only"
        self._wrong(place, f"the tag `{shown}` is not read", why, "leave the tag out; quote what is to be a word")

    def _open(self, event: yaml.CollectionStartEvent) -> None:
        place = self._mark(event)
        if event.tag is not None:
            self._tagged(place, event.tag)
        if len(self._stack) >= MAX_DEPTH:
            why = f"lists and tables are read {MAX_DEPTH} deep, and no policy needs a tenth of that"
            self._wrong(place, "nested too deep", why, "write it flatter")
            self.broke_at = place[0] - 1
            raise _Stop
        node: Listing | Table = Table(*place) if isinstance(event, yaml.MappingStartEvent) else Listing(*place)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._stack.append(node)
        self._names.append(event.anchor)
        self._pending.append(None)

    def _close(self) -> None:
        node, anchor = self._stack.pop(), self._names.pop()
        self._pending.pop()
        if anchor is not None:
            self._anchors[anchor] = node
        self._attach(node)

    def _alias(self, event: yaml.AliasEvent) -> None:
        line, column = self._mark(event)
        anchor = str(event.anchor)
        node = self._anchors.get(anchor)
        if node is None:
            inside = anchor in self._anchors
            what = f"the alias `*{anchor}` " + ("contains itself" if inside else "stands for nothing")
            why = "" if inside else "no anchor of that name is above it in this document"
            self._wrong((line, column), what, why, "write the value out")
            node = Scalar(line, column, "", plain=True)
        elif self._borrowed + node.size > MAX_BORROWED:
            why = f"the aliases of a document may stand for {MAX_BORROWED} values together"
            self._wrong((line, column), "aliases without end", why, "write the values out")
            self.broke_at = line - 1
            raise _Stop
        else:
            self._borrowed += node.size
        self._attach(node, place=(line, column))

    def _attach(self, node: Node, place: tuple[int, int] | None = None) -> None:
        """Put a finished node where it belongs: as the root, an item, a key or a key's value."""
        if not self._stack:
            self._root = node
            return
        above = self._stack[-1]
        if isinstance(above, Listing):
            above.items.append(node)
            above.size += node.size
        elif (key := self._pending[-1]) is None:
            self._pending[-1] = self._key(node, place)
        else:
            self._pending[-1] = None
            above.size += node.size + 1
            self._enter(above, key, node)

    def _key(self, node: Node, place: tuple[int, int] | None) -> Scalar:
        if isinstance(node, Scalar) and place is None:
            return node
        line, column = place if place is not None else (node.line, node.column)
        self._wrong((line, column), "a key that is not a word", "fields are found by their names", "write the name out")
        return Scalar(line, column, _MERGE, plain=False)

    def _enter(self, above: Table, key: Scalar, node: Node) -> None:
        if key.text == _MERGE:
            if key.plain:
                why = "merge keys hide which value counts"
                self._wrong((key.line, key.column), "`<<` is not read", why, "write the fields out")
            return
        if key.text in above.items:
            first = above.keys[key.text]
            why = f"the first one is at line {first.line}, and only one of them could count"
            self._wrong((key.line, key.column), f"`{key.text[:80]}` is written twice", why, "keep one of the two")
            return
        above.keys[key.text] = key
        above.items[key.text] = node

    def _tell(self, error: yaml.MarkedYAMLError) -> None:
        """A mistake of form, in the parser's words made plain; tabs, the commonest of them, in our own."""
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line, mark.column) if mark is not None else (0, 0)
        self.broke_at = line + self.first_line
        lines = self.source.text[self.start :].splitlines()
        written = lines[line] if line < len(lines) else ""
        place = (line + self.first_line + 1, column + 1)
        lead = written[: len(written) - len(written.lstrip())]
        if "\t" in lead or written[column : column + 1] == "\t":
            tab = lead.index("\t") if "\t" in lead else column
            why = "YAML is indented with spaces alone"
            self._wrong((place[0], tab + 1), "a tab where spaces belong", why, "replace it by spaces")
            return
        problem, why = error.problem or "cannot be parsed", str(error.context or "")
        if error.context_mark is not None:
            begins = error.context_mark
            why += f" that begins at line {begins.line + self.first_line + 1}"
            if "quoted scalar" in why and "unexpected" in problem:
                place, problem = (begins.line + self.first_line + 1, begins.column + 1), "a quote that is never closed"
        mend = "look for a missing quote, colon, bracket or space near here"
        self._wrong(place, f"not YAML: {problem}", why, mend)
