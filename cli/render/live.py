"""The status drawn again and again, with the journal running below it; without a terminal, lines as they come."""

import json
import sys
from collections import deque
from datetime import UTC, datetime
from types import TracebackType
from typing import Protocol, Self

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from cli.documents import EntryDoc, StatusDoc
from cli.render.grid import section
from cli.render.history import entry_line, history_view
from cli.render.plan import action_words, knob_words
from cli.render.status import headlines, region_table
from cli.render.terminal import clean, console, show
from cli.render.words import age, at
from controlplane.model.journal import Json

_KEPT = 200
_LINES_BELOW_STATUS = 14


class Watch(Protocol):
    """Where what is seen goes."""

    def status(self, document: Json) -> None:
        """The status has changed."""
        ...

    def entry(self, document: Json) -> None:
        """The journal has grown."""
        ...

    def silence(self, why: str) -> None:
        """Nobody answers; it is tried again."""
        ...


class Screen:
    """A terminal: drawn in place, left as it last was when it ends."""

    def __init__(self) -> None:
        self._console = console()
        self._live = Live(console=self._console, auto_refresh=False, vertical_overflow="crop")
        self._entries: deque[EntryDoc] = deque(maxlen=_KEPT)
        self._status: StatusDoc | None = None
        self._silence = ""

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def status(self, document: Json) -> None:
        """Draw it."""
        self._status, self._silence = StatusDoc.model_validate(document), ""
        self._draw()

    def entry(self, document: Json) -> None:
        """Add it below."""
        self._entries.append(EntryDoc.model_validate(document))
        self._draw()

    def silence(self, why: str) -> None:
        """Say so, and keep what was last known."""
        self._silence = why
        self._draw()

    def _draw(self) -> None:
        self._live.update(self._view(), refresh=True)

    def _view(self) -> RenderableType:
        blocks: list[RenderableType] = []
        if self._silence:
            blocks.append(
                Text(f"No answer: {clean(self._silence)}. Trying again; below is what was last known.", "bold red")
            )
        if self._status is not None:
            blocks.extend(status_blocks(self._status))
        room = max(
            3, self._console.size.height - _LINES_BELOW_STATUS - len(self._status.regions if self._status else ())
        )
        recent = list(self._entries)[-room:]
        if recent:
            blocks.append(section("Journal", history_view(recent)))
        blocks.append(Text("Ctrl-C ends.", "dim"))
        return Group(*blocks)


class Lines:
    """No terminal: each entry a line, and the headlines when they change."""

    def __init__(self) -> None:
        self._told: tuple[str, ...] = ()

    def status(self, document: Json) -> None:
        """Say what is wrong, once each time it changes."""
        status = StatusDoc.model_validate(document)
        words = tuple(str(line) for line in headlines(status))
        without_times = tuple("".join(letter for letter in line if not letter.isdigit()) for line in words)
        if without_times != self._told:
            self._told = without_times
            show(*(Text(f"{at(status.at)}  {line}") for line in words))

    def entry(self, document: Json) -> None:
        """One line."""
        entry = EntryDoc.model_validate(document)
        show(entry_line(entry, datetime.min.replace(tzinfo=UTC)))

    def silence(self, why: str) -> None:
        """Say so once."""
        if self._told != (why,):
            self._told = (why,)
            show(Text(f"No answer: {clean(why)}. Trying again."))


class Values:
    """For a program: one JSON value a line, ``{"status": …}`` or ``{"entry": …}``."""

    def status(self, document: Json) -> None:
        """Pass it on."""
        self._put({"status": document})

    def entry(self, document: Json) -> None:
        """Pass it on."""
        self._put({"entry": document})

    def silence(self, why: str) -> None:
        """Say so."""
        self._put({"silence": why})

    @staticmethod
    def _put(value: Json) -> None:
        sys.stdout.write(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n")
        sys.stdout.flush()


def status_blocks(status: StatusDoc) -> list[RenderableType]:
    """The status, short enough to be taken in at a glance."""
    blocks: list[RenderableType] = [*headlines(status), section("Regions", region_table(status))]
    facts: list[Text] = []
    if turned := knob_words(status.turned):
        facts.append(Text(f"  turned down  {', '.join(turned)}", "yellow"))
    holders = [f"{clean(name)} in {clean(region or 'nowhere')}" for name, region in sorted(status.holders.items())]
    holders += [f"{clean(name)} in {clean(region or 'nowhere')}" for name, region in sorted(status.primaries.items())]
    if holders:
        facts.append(Text(f"  held         {', '.join(holders)}"))
    facts += [
        Text(f"  under way    {action_words(act.action)} ({act.phase} for {age(act.since, status.at)})", "cyan")
        for act in status.in_flight
    ]
    if status.approvals:
        first = status.approvals[0].id if len(status.approvals) == 1 else f"all  ({len(status.approvals)} wait)"
        facts.append(Text(f"  waits        leeward approve {clean(first)}", "bold yellow"))
    return [*blocks, Text(), *facts] if facts else blocks
