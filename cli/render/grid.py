"""Tables without a frame: they can be read aloud, cut with awk, and survive a narrow terminal."""

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cli.render.terminal import clean

Cell = str | Text
NUMBERS = frozenset({"TRAFFIC", "LOAD", "USERS OK", "SHARE", "SEQ", "ATTEMPTS", "RATE"})


def grid(headings: Sequence[str], rows: Iterable[Sequence[Cell]], *, indent: int = 2) -> RenderableType:
    """A table. The last column takes what width is left and folds; the others keep their words whole."""
    table = Table(
        box=None,
        show_edge=False,
        show_header=any(headings),
        pad_edge=False,
        padding=(0, 2, 0, 0),
        header_style="dim",
    )
    for place, heading in enumerate(headings):
        last = place == len(headings) - 1
        table.add_column(
            heading,
            justify="right" if heading in NUMBERS else "left",
            no_wrap=not last,
            overflow="fold" if last else "ellipsis",
        )
    for row in rows:
        table.add_row(*(Text(clean(cell)) if isinstance(cell, str) else cell for cell in row))
    return Padding(table, (0, 0, 0, indent), expand=False)


def section(title: str, body: RenderableType) -> RenderableType:
    """A titled block with a blank line before it."""
    return Group(Text(), Text(title, style="bold"), body)


def step(mark: str, head: Text, note: str = "", *, indent: int = 2) -> RenderableType:
    """One item of a list with a hanging indent, and a dimmed sentence under it."""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    body = head if not note else Text.assemble(head, "\n", (clean(note), "dim"))
    table.add_row(Text(mark), body)
    return Padding(table, (0, 0, 0, indent), expand=False)


def next_steps(*lines: tuple[str, str]) -> RenderableType:
    """What to do next: commands to copy, each with what it is for."""
    table = Table.grid(padding=(0, 3, 0, 0))
    table.add_column(no_wrap=True, style="cyan")
    table.add_column(overflow="fold")
    for command, purpose in lines:
        table.add_row(Text(command), Text(purpose))
    return Group(Text(), Text("Next", style="bold"), Padding(table, (0, 0, 0, 2), expand=False))
