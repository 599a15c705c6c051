"""The command `leeward`: a table of commands, each imported only when it is the one asked for."""

import importlib
import io
import os
import sys
from types import TracebackType
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from cli.table import COMMANDS, Row
from controlplane.model.errors import LeewardError

_FAILED = 1


class Lazy(TyperCommand):
    """Stands in for a command in help and completion, and gives way to the real one once that is called."""

    def __init__(self, row: Row) -> None:
        super().__init__(name=row.name, help=row.help, short_help=row.help)
        self.row = row

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Import the real command and let it parse: whatever follows happens in its own context."""
        return self.load().make_context(*args, **extra)

    def load(self) -> Any:
        """The real command or group behind this row."""
        module, _, name = self.row.target.partition(":")
        target = getattr(importlib.import_module(module), name)
        if isinstance(target, typer.Typer):
            app = target
        else:
            app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
            app.command(self.row.name)(target)
        command = typer.main.get_command(app)
        command.name = self.row.name
        command.help = command.help or self.row.help
        return command


class Commands(TyperGroup):
    """The root: commands in the order and the sections of the table."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {row.name: Lazy(row) for row in COMMANDS}

    def list_commands(self, ctx: Any) -> list[str]:
        """In the order of the table, which follows what an operator does."""
        return [row.name for row in COMMANDS]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Plain text in sections: drawing it with rich would triple the time to the first line."""
        width = max((len(row.name) for row in COMMANDS), default=0)
        for section in dict.fromkeys(row.section for row in COMMANDS):
            with formatter.section(section):
                rows = [(row.name.ljust(width), row.help) for row in COMMANDS if row.section == section]
                formatter.write_dl(rows)


app = typer.Typer(
    cls=Commands,
    name="leeward",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 failed, 2 wrong use, 3 refused by a rule, 4 waits for approval, 5 not reachable.",
)


def _print_version(asked: bool) -> None:
    if asked:
        from controlplane import __version__

        typer.echo(f"leeward {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: bool = typer.Option(False, "--version", help="Print the version.", callback=_print_version, is_eager=True),
) -> None:
    """Keeps a service that runs in several regions up when one of them fails.

    On call, start with `leeward status`. Nothing is changed without being shown and asked first.
    """


def main() -> None:
    """Entry point of the command: whatever goes wrong is told in one block, and its kind is the exit code.

    The click command is called, not the Typer, which would put a hook for tracebacks of its own in place of ours.
    """
    sys.excepthook = _tell_bug
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        typer.main.get_command(app)(prog_name="leeward")
    except LeewardError as error:
        from cli.render.problem import tell_problem

        tell_problem(error)
        sys.exit(error.exit_code)
    except OSError as error:
        from cli.render.problem import tell_failure

        where = f"{error.filename}: " if error.filename else ""
        tell_failure("failed", f"{where}{error.strerror or error}")
        sys.exit(_FAILED)


def _tell_bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What nobody foresaw is told without a traceback too; the interpreter then ends with 1."""
    if os.environ.get("LEEWARD_TRACEBACK"):
        sys.__excepthook__(kind, error, trace)
        return
    from cli.render.problem import tell_failure

    tell_failure(
        "a fault of Leeward's own",
        f"{kind.__name__}: {error}",
        "run it again with LEEWARD_TRACEBACK=1 and report what it prints",
    )


if __name__ == "__main__":
    main()
