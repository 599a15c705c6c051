"""Two sets of policies side by side: per scenario what changed, then which set is better at what."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from cli.render.terminal import clean
from cli.render.words import count
from controlplane.model.journal import Json

if TYPE_CHECKING:
    from controlplane.wiring.proof import Comparison, Decision

MOST_DECISIONS = 12


def comparison_view(comparisons: Sequence["Comparison"]) -> RenderableType:
    """For people."""
    blocks: list[RenderableType] = [block for one in comparisons for block in _scenario(one)]
    for metric, (new, old) in _tally(comparisons).items():
        if new or old:
            blocks.append(Text(f"{metric}: the new policies are better in {new}, the old in {old}"))
    worse = [one for one in comparisons if one.regressions]
    verdict = f"a regression in {count(len(worse), 'scenario')}" if worse else "no regression"
    blocks.append(Text(f"{verdict}, of {len(comparisons)}", "bold red" if worse else "bold green"))
    return Group(*blocks)


def comparison_json(comparisons: Sequence["Comparison"]) -> Json:
    """For programs."""
    tally: dict[str, Json] = {name: {"new": new, "old": old} for name, (new, old) in _tally(comparisons).items()}
    return {
        "scenarios": [one.to_json() for one in comparisons],
        "better": tally,
        "regressions": sum(bool(one.regressions) for one in comparisons),
    }


def _tally(comparisons: Sequence["Comparison"]) -> dict[str, tuple[int, int]]:
    from controlplane.wiring.proof import better

    return better(comparisons)


def _scenario(one: "Comparison") -> list[RenderableType]:
    changed = [figure for figure in one.figures if figure.better != "same"]
    gained, lost = one.gained, one.lost
    if not changed and not gained and not lost and not one.regressions:
        return [Text(clean(f"{one.scenario}: the same"))]
    blocks: list[RenderableType] = [Text(clean(one.scenario), "bold red" if one.regressions else "bold")]
    for figure in changed:
        line = (
            f"  {figure.metric} {_number(figure.old)} → {_number(figure.new)}, better with the {figure.better} policies"
        )
        blocks.append(Text(line, "red" if figure.better == "old" else "green"))
    blocks += _decisions("+", gained) + _decisions("-", lost)
    blocks += [Text(clean(f"  regression: {sentence}"), "bold red") for sentence in one.regressions]
    return blocks


def _decisions(sign: str, made: Sequence["Decision"]) -> list[RenderableType]:
    lines: list[RenderableType] = [
        Text(clean(f"  {sign} {each.kind} {each.subject} {each.what} [{' '.join(each.rules)}]".replace("  [", " [")))
        for each in made[:MOST_DECISIONS]
    ]
    if len(made) > MOST_DECISIONS:
        lines.append(Text(f"  {sign} … and {len(made) - MOST_DECISIONS} more (--json)"))
    return lines


def _number(value: float | None) -> str:
    return "never" if value is None else f"{value:g}"
