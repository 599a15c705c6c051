"""Policies as text, with the place at which a mistake is expected marked in it."""

from collections.abc import Sequence
from pathlib import Path

from controlplane.load.catalogue import Anything, Catalogue
from controlplane.load.estate import check
from controlplane.model.errors import Mistake

HERE = "§"
"""Stands right before the character at which a mistake is expected; it is taken out of the text."""

SOUND = """\
apiVersion: leeward/v1
kind: Region
metadata: {name: dublin}
spec: {jurisdiction: EU, capacity: 1000, faultDomains: {campus: dub}}
---
apiVersion: leeward/v1
kind: Region
metadata: {name: london}
spec: {jurisdiction: UK, capacity: 1000, faultDomains: {campus: lon}}
---
apiVersion: leeward/v1
kind: Service
metadata: {name: checkout}
spec: {tier: 0, demand: {IE: 10}, datastore: orders-db, dependsOn: [{service: payment}]}
---
apiVersion: leeward/v1
kind: Service
metadata: {name: payment}
spec: {tier: 0}
---
apiVersion: leeward/v1
kind: Datastore
metadata: {name: orders-db}
spec: {engine: postgresql, primary: dublin, replicas: [london]}
---
"""


def envelope(kind: str, name: str, spec: str) -> str:
    """A document of one kind; the spec is indented as it is given."""
    return f"apiVersion: leeward/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec:\n{spec}\n"


def marked(text: str) -> tuple[str, int, int]:
    """The text without its mark, and the line and column of the mark."""
    before, mark, after = text.partition(HERE)
    assert mark, "the text has no mark"
    return before + after, 1 + before.count("\n"), len(before) - before.rfind("\n")


def found_in(
    folder: Path, text: str, catalogue: Catalogue | None = None
) -> tuple[Sequence[Mistake], Sequence[Mistake]]:
    """Mistakes and warnings of one file with this text."""
    file = folder / "policies.yaml"
    file.write_text(text, encoding="utf-8")
    report = check([file], catalogue or Anything())
    return report.mistakes, report.warnings


def the_only_mistake(folder: Path, text: str, catalogue: Catalogue | None = None) -> Mistake:
    """The one mistake of a marked text, which must be where the mark is and say how to mend it."""
    plain, line, column = marked(text)
    mistakes, _ = found_in(folder, plain, catalogue)
    assert [(m.line, m.column) for m in mistakes] == [(line, column)], "\n".join(map(str, mistakes))
    assert mistakes[0].file.endswith("policies.yaml")
    assert mistakes[0].what
    assert mistakes[0].why
    assert mistakes[0].mend
    return mistakes[0]


def the_only_warning(folder: Path, text: str, catalogue: Catalogue | None = None) -> Mistake:
    """The same for a warning in what is otherwise sound."""
    plain, line, column = marked(text)
    mistakes, warnings = found_in(folder, plain, catalogue)
    assert mistakes == ()
    assert [(m.line, m.column) for m in warnings] == [(line, column)], "\n".join(map(str, warnings))
    assert warnings[0].what
    assert warnings[0].why
    assert warnings[0].mend
    return warnings[0]
