"""Why, why not, and what would change it."""

from collections.abc import Iterable
from datetime import datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from cli.documents import ExplainedDoc, ExplanationDoc, VerdictDoc, WhatIfDoc
from cli.render.grid import next_steps, section, step
from cli.render.history import history_view
from cli.render.terminal import clean
from cli.render.words import age, at, health, percent
from controlplane.model.verdict import EVERY_SERVICE


def explained_view(explained: ExplainedDoc, now: datetime | None = None) -> RenderableType:
    """All that is known of what was asked about: decisions first, then what they were made from, then the record."""
    blocks: list[RenderableType] = []
    for place, one in enumerate(explained.explanations):
        blocks.extend([Text()] if place else [])
        blocks.append(explanation_view(one))
    if not blocks:
        blocks.append(Text(f"Nothing is being done about {clean(explained.asked)}, and nothing is held.", "bold"))
    if explained.verdicts:
        blocks.append(section("What is judged", Group(*(_verdict(one, now) for one in explained.verdicts))))
    if explained.what_if is not None:
        blocks.append(_imagined(explained.asked, explained.what_if))
    if explained.entries:
        blocks.append(section("What the journal says", history_view(explained.entries, now)))
    if explained.approvals:
        blocks.append(next_steps(*((f"leeward approve {clean(one.id)}", one.why) for one in explained.approvals)))
    return Group(*blocks)


def explanation_view(one: ExplanationDoc) -> RenderableType:
    """One decision."""
    return Group(
        Text(clean(one.what), "bold"),
        *_sentences("Why", one.why),
        *_sentences("What stands against it", one.why_not),
        *_sentences("What would change it", one.changes),
    )


def _imagined(asked: str, imagined: WhatIfDoc) -> RenderableType:
    title = f"As if {', '.join(imagined.changes)}"
    if not imagined.differs:
        return section(title, Text("  Nothing would be decided differently."))
    blocks: list[RenderableType] = [step("-", Text(clean(line))) for line in imagined.differs]
    about: list[RenderableType] = [
        Padding(explanation_view(one), (0, 0, 0, 2), expand=False) for one in imagined.explanations
    ]
    if about:
        blocks += [Text(f"  About {clean(asked)} then:"), *about]
    return section(title, Group(*blocks))


def _sentences(title: str, sentences: Iterable[str]) -> list[RenderableType]:
    known = list(sentences)
    return [Text(f"  {title}"), *(step("-", Text(clean(line)), indent=4) for line in known)] if known else []


def _verdict(verdict: VerdictDoc, now: datetime | None) -> RenderableType:
    name = verdict.region if verdict.service == EVERY_SERVICE else f"{verdict.service} in {verdict.region}"
    head = Text.assemble((clean(name), "bold"), " is ", health(verdict.state))
    if verdict.since:
        head.append(f" for {age(verdict.since, now)}" if now else f" since {at(verdict.since)}")
    if verdict.success is not None:
        head.append(f", {percent(verdict.success)} of its users' requests succeed")
    return step("-", head, verdict.why)
