"""Where output goes: answers to stdout, everything else to stderr; colours only where a person looks."""

import asyncio
import json
import os
import re
import shutil
import sys
from typing import TextIO

from rich.console import Console, RenderableType
from rich.text import Text

from controlplane.model.journal import Json

_WIDE = 100_000
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """Text from outside (a reason, a journal, a driver's answer) cannot move the cursor or recolour the screen."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def is_terminal(stream: TextIO) -> bool:
    """Whether a person looks at it. A stream that is closed is nobody's."""
    return not stream.closed and stream.isatty()


def can_ask() -> bool:
    """Whether there is somebody to answer a question."""
    return is_terminal(sys.stdin) and is_terminal(sys.stderr)


def watched() -> bool:
    """Whether a person looks at what is drawn while a command runs."""
    return is_terminal(sys.stderr)


def console(*, stderr: bool = False) -> Console:
    """A console on the stream as it is now.

    Only the stream itself says whether it is a terminal: FORCE_COLOR must not put escapes into a pipe that a program
    reads. A pipe has no width, so nothing is folded there and every line can be searched for.
    """
    stream = sys.stderr if stderr else sys.stdout
    terminal = is_terminal(stream)
    return Console(
        file=stream,
        force_terminal=terminal,
        color_system="auto" if terminal else None,
        no_color=bool(os.environ.get("NO_COLOR")) or None,
        width=shutil.get_terminal_size().columns if terminal else _WIDE,
        markup=False,
        highlight=False,
        emoji=False,
    )


def show(*blocks: RenderableType) -> None:
    """Print the answer."""
    _print(console(), blocks)


def tell(*blocks: RenderableType) -> None:
    """Print what is not the answer: questions, progress, warnings, errors."""
    _print(console(stderr=True), blocks)


def show_json(value: Json) -> None:
    """Print one JSON value: an answer for a program."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2 if is_terminal(sys.stdout) else None, allow_nan=False)
    sys.stdout.write("\n")
    sys.stdout.flush()


async def ask(question: str) -> bool:
    """Yes or no from the person at the terminal; anything but yes is no.

    The loop goes on while the person thinks: a lease is kept, and Ctrl-C is heard, which a blocked read would swallow.
    """
    console(stderr=True).print(Text(f"{question} [y/N] ", style="bold"), end="")
    await _readable(sys.stdin)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


async def _readable(stream: TextIO) -> None:
    """Until a line is there. What cannot be waited for (a file) has its line at once."""
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    try:
        place = stream.fileno()
        loop.add_reader(place, ready.set)
    except (OSError, ValueError):
        return
    try:
        await ready.wait()
    finally:
        loop.remove_reader(place)


def _print(where: Console, blocks: tuple[RenderableType, ...]) -> None:
    if where.is_terminal:
        for block in blocks:
            where.print(block, overflow="fold")
        return
    with where.capture() as captured:
        for block in blocks:
            where.print(block, overflow="fold")
    where.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))
    where.file.flush()
