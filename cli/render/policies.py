"""Policies that were checked, and kinds that can be written."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from cli.render.terminal import clean
from cli.render.words import count
from controlplane.model.errors import Mistake

_PLURALS = {
    "FailoverPolicy": "FailoverPolicies",
    "DegradationPolicy": "DegradationPolicies",
    "SafetyPolicy": "SafetyPolicies",
}


def sound_view(documents: Sequence[tuple[str, int]]) -> RenderableType:
    """Nothing is wrong, and how much was looked at."""
    counted = ", ".join(count(many, kind, _PLURALS.get(kind, "")) for kind, many in documents)
    return Text.assemble(("valid", "bold green"), f": {counted}")


def warnings_view(warnings: Sequence[Mistake]) -> RenderableType:
    """What is allowed and unwise."""
    blocks = [Text.assemble(("leeward: ", "bold"), (count(len(warnings), "warning"), "bold yellow"))]
    for warning in warnings:
        place = f"{warning.file}:{warning.line}:{warning.column}"
        blocks.append(Text.assemble((clean(place), "bold"), f": {clean(warning.what)}"))
        blocks += [
            Text.assemble((f"    {label}: ", "dim"), clean(text))
            for label, text in (("why", warning.why), ("mend", warning.mend))
            if text
        ]
    return Group(*blocks)


def kinds_view(kinds: Sequence[str]) -> RenderableType:
    """One kind a line."""
    return Text("\n".join(kinds))
