"""The demo for people: a live view while it runs, lines where there is no terminal, and the figures at its end."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cli.render.grid import grid
from cli.render.terminal import clean, console, tell
from cli.render.words import health, percent
from controlplane.model.verdict import Health

if TYPE_CHECKING:
    from controlplane.sandbox.demo.outcome import Outcome
    from controlplane.sandbox.demo.play import Audience
    from controlplane.sandbox.demo.record import Moment, Record, Second
    from controlplane.sandbox.demo.story import Line
    from controlplane.sandbox.rise import Step

_BLOCKS = "▁▂▃▄▅▆▇█"
_BAR = 28
_RECENT_S = 40


@contextmanager
def screen() -> Iterator["Audience"]:
    """Drawn in place on the terminal."""
    live = Live(console=console(stderr=True), auto_refresh=False, transient=True, vertical_overflow="crop")
    with live:
        yield _Screen(live)


@contextmanager
def lines() -> Iterator["Audience"]:
    """Told line by line on stderr."""
    yield _Lines()


class _Screen:
    """Everything at a glance."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._began = time.monotonic()
        self._stage = ""
        self._step = ""

    def rising(self, step: "Step") -> None:
        """One more part is ready."""
        self._step = f"{step.done} of {step.of}: {step.what}"
        self._live.update(self._head(), refresh=True)

    def stage(self, text: str) -> None:
        """A new part of the play begins."""
        self._stage, self._step = text, ""
        self._live.update(self._head(), refresh=True)

    def pulse(self, record: "Record") -> None:
        """There is something new to be seen."""
        room = max(4, self._live.console.size.height - 20)
        self._live.update(Group(self._head(), _picture(record, room)), refresh=True)

    def _head(self) -> RenderableType:
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        head = Text.assemble((f"{minutes}:{seconds:02}  ", "dim"), (clean(self._stage), "bold"))
        return Group(head, Text(f"      {clean(self._step)}", "dim")) if self._step else head


class _Lines:
    """What happens, as it happens."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._told = 0

    def rising(self, step: "Step") -> None:
        """Only that all of it is there."""
        if step.done == step.of:
            self._say(f"{step.of} of {step.of} parts are up")

    def stage(self, text: str) -> None:
        """A new part of the play begins."""
        self._say(text)

    def pulse(self, record: "Record") -> None:
        """The entries that are new and worth telling."""
        new = record.deeds[self._told :]
        self._told = len(record.deeds)
        for deed in new:
            if deed.verdict is not None:
                self._say(f"  {deed.subject} is judged {deed.verdict}")
            elif deed.kind in {"drained", "restored", "freeze", "undo"}:
                self._say(f"  {deed.kind} {deed.subject}: {deed.why}")

    def _say(self, text: str) -> None:
        tell(Text(f"{time.monotonic() - self._began:6.1f} s  {clean(text)}"))


def summary_view(outcome: "Outcome", report: Path) -> RenderableType:
    """What users saw, in figures, the most important first."""
    share = outcome.failed / outcome.total if outcome.total else 0.0
    head = (
        Text(f"{outcome.region} was lost and brought back; users hardly noticed.", "bold green")
        if outcome.passed
        else Text(f"{outcome.region} was lost, and not everything went as it should.", "bold red")
    )
    rows = [
        ("requests failed", f"{outcome.failed:,} of {outcome.total:,} ({percent(share)})"),
        ("known after", _seconds(outcome.detection_s)),
        ("users moved after", _seconds(outcome.traffic_left_s)),
        ("last failed request", _seconds(outcome.last_failed_s, " after the kill")),
        ("all of it left after", _seconds(outcome.drained_s, "; jobs move once the old one is fenced")),
        ("brought back after", _back(outcome)),
        ("writes", _writes(outcome)),
        ("two holders at once", f"{outcome.double_active_s:g} s"),
        ("residency", _kept(outcome.residency_violations)),
        ("knobs turned", ", ".join(f"{name}={value}" for name, value in outcome.knobs.items()) or "none"),
        *((f"now in {region}", names) for region, names in _by_region(outcome.holders)),
    ]
    return Group(head, Text(), grid(("", ""), rows), Text(), Text(f"The report: {report}"))


def _picture(record: "Record", room: int) -> RenderableType:
    from controlplane.sandbox.demo.story import story

    blocks: list[RenderableType] = [Text()]
    if record.seconds:
        blocks.append(_users(record.seconds))
    if record.now is not None:
        latest = record.seconds[-1] if record.seconds else None
        blocks += [Text(), _regions(record.now, latest), Text(), *_facts(record.now)]
    if record.deeds:
        blocks += [Text(), *(_told(line) for line in story(record)[-room:])]
    return Group(*blocks)


def _users(seconds: Sequence["Second"]) -> RenderableType:
    """How the last seconds went: a column a second, red where requests failed."""
    line = Text("  ")
    recent = list(islice(seconds, max(0, len(seconds) - _RECENT_S), None))
    most = max((second.sent for second in recent), default=1) or 1
    for second in recent:
        block = _BLOCKS[min(len(_BLOCKS) - 1, int(second.ok / most * (len(_BLOCKS) - 1)))]
        line.append(block, "red" if second.failures else "green")
    last = seconds[-1]
    failed, total = sum(second.failures for second in seconds), sum(second.sent for second in seconds)
    line.append(f"  {last.sent}/s, {percent(last.ok / last.sent if last.sent else 1.0)} succeed; ")
    line.append(f"{failed:,} of {total:,} failed", "bold red" if failed else "")
    return line


def _regions(now: "Moment", latest: "Second | None") -> RenderableType:
    answered = sum(latest.regions.values()) if latest else 0
    rows = []
    for region, state in now.health.items():
        share = latest.regions.get(region, 0) / answered if latest and answered else now.share.get(region, 0.0)
        full = round(share * _BAR)
        bar = Text("█" * full, "cyan").append("░" * (_BAR - full), "dim")
        note = "drained" if region in now.drained else ""
        rows.append((Text(clean(region), "bold"), health(Health(state)), bar, percent(share), note))
    return grid(("REGION", "STATE", "ANSWERS", "SHARE", ""), rows)


def _facts(now: "Moment") -> list[RenderableType]:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    turned = ", ".join(f"{name}={value}" for name, value in sorted(now.knobs.items()))
    seats = ", ".join(f"{name} in {region or 'nowhere'}" for name, region in sorted(now.seats.items()))
    table.add_row("  turned down", Text(turned or "nothing", "yellow" if turned else ""))
    table.add_row("  held", Text(seats))
    table.add_row("  under way", Text(", ".join(now.under_way[:4]) or "nothing", "cyan" if now.under_way else ""))
    return [table]


def _told(line: "Line") -> Text:
    style = {"good": "green", "bad": "red"}.get(line.tone, "")
    text = Text.assemble((f"  {line.when:>9}  ", "dim"), (clean(line.what), style), "  ", (clean(line.why), "dim"))
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _seconds(value: float | None, more: str = "") -> str:
    return "never" if value is None else f"{value:.1f} s{more}"


def _back(outcome: "Outcome") -> str:
    if outcome.restored_s is None:
        return "never"
    failed = outcome.failed_on_the_way_back
    return f"{outcome.restored_s:.0f} s, {failed or 'no'} request{'' if failed == 1 else 's'} failed on the way back"


def _by_region(holders: Mapping[str, str | None]) -> list[tuple[str, str]]:
    found: dict[str, list[str]] = {}
    for name, region in sorted(holders.items()):
        found.setdefault(region or "no region", []).append(name)
    return [(region, ", ".join(names)) for region, names in sorted(found.items())]


def _writes(outcome: "Outcome") -> str:
    if outcome.lost_writes is None:
        return "could not be counted: a database has no primary"
    return f"{outcome.acknowledged_writes:,} acknowledged, {outcome.lost_writes:,} lost"


def _kept(violations: int) -> str:
    return "kept" if violations == 0 else f"{violations:,} answers from where it is forbidden"
