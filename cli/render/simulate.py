"""What came of simulated outages: each told, then all of them in one line."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from cli.render.terminal import clean
from cli.render.words import count, listed

_MARKED = {"VIOLATION": "bold red", "not met": "bold red"}


def accounts_view(accounts: Sequence[tuple[str, bool, str]]) -> RenderableType:
    """``accounts``: scenario, whether it passed, and its story in lines."""
    blocks: list[RenderableType] = []
    for _, passed, story in accounts:
        head, *lines = story.splitlines()
        blocks.append(Text(clean(head), "bold green" if passed else "bold red"))
        blocks += [_line(line) for line in lines]
        blocks.append(Text())
    failed = [name for name, passed, _ in accounts if not passed]
    if failed:
        blocks.append(Text(f"{len(failed)} of {count(len(accounts), 'scenario')} failed: {listed(failed)}", "bold red"))
    else:
        blocks.append(Text(f"{count(len(accounts), 'scenario')} passed", "bold green"))
    return Group(*blocks)


def _line(line: str) -> Text:
    style = next((style for word, style in _MARKED.items() if line.strip().startswith(word)), "")
    return Text(clean(line), style)
