"""Every command, with where it lives and one line about it, so that help lists all and imports none.

``target`` is ``module:name``; the name is a typer-annotated function (one command) or a ``typer.Typer`` (a command
with commands of its own).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One command: its section of the help, its name, where it lives, and its line in the help."""

    section: str
    name: str
    target: str
    help: str


COMMANDS: tuple[Row, ...] = ()
