"""The journal for people: when, what, about whom, and why."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.documents import EntryDoc
from cli.render.terminal import clean
from cli.render.words import at, cites

_ACTS = frozenset({"intent", "outcome", "undo"})
_STYLES = {
    "drained": "bold red",
    "restored": "bold green",
    "freeze": "bold red",
    "hold": "yellow",
    "refused": "yellow",
    "undo": "yellow",
    "approval": "yellow",
    "person": "cyan",
    "supervise": "magenta",
}


def history_view(entries: Sequence[EntryDoc], now: datetime | None = None) -> RenderableType:
    """Oldest first, so that the newest stands right above the prompt."""
    if not entries:
        return Text("The journal has nothing of that kind.")
    return Group(*(entry_line(entry, now or entries[-1].at) for entry in entries))


def entry_line(entry: EntryDoc, now: datetime) -> RenderableType:
    """One entry on one line, folded under its own text where the terminal is narrow."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for width in (5, None, 8):
        table.add_column(no_wrap=True, min_width=width)
    table.add_column(overflow="fold")
    what = Text(clean(_what(entry)), "bold")
    if entry.why:
        what.append(f"  {clean(entry.why)}")
    if entry.rules:
        what.append(f"  {cites(entry.rules)}", "dim")
    if entry.by not in {"machine", ""}:
        what.append(f"  by {clean(entry.by)}", "cyan")
    table.add_row(
        Text(f"{entry.seq:>5}", "dim"),
        Text(at(entry.at, now), "dim"),
        Text(clean(entry.kind), _STYLES.get(entry.kind, "")),
        what,
    )
    return table


def _what(entry: EntryDoc) -> str:
    """The subject; of an act what is done with it, and of an outcome that is not as it was meant how it ended."""
    kind, from_, to = (entry.facts.get(name) for name in ("kind", "from", "to"))
    if entry.kind not in _ACTS or not isinstance(kind, str):
        return entry.subject
    change = f" from {from_} to {to}" if from_ and to else f" in {to or from_}" if to or from_ else ""
    ending = entry.facts.get("ending")
    ended = f": {ending}" if ending not in {None, "done"} else ""
    return f"{kind} {entry.subject}{change}{ended}"
