"""Commands that turn knobs: degrade, restore."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.change import Change, changing
from cli.completion import complete_knob_values, complete_knobs, complete_regions

if TYPE_CHECKING:
    from controlplane.model.resources.kind import KnobValue

Setting = Annotated[
    str,
    typer.Argument(
        help="A knob and the value it gets.",
        metavar="KNOB=VALUE",
        autocompletion=complete_knob_values,
        show_default=False,
    ),
]
Knob = Annotated[str, typer.Argument(help="A knob.", metavar="KNOB", autocompletion=complete_knobs)]
InRegion = Annotated[
    str | None,
    typer.Option(
        "--region",
        metavar="REGION",
        help="Only there, for a knob that each region has.",
        autocompletion=complete_regions,
    ),
]


@changing()
def degrade(setting: Setting, region: InRegion = None) -> Change:
    """Turn a feature down (or up) by hand, until --for ends: degrade recommendations=off."""
    from controlplane.model.errors import WrongUse
    from controlplane.service.verbs import Degrade

    knob, equals, value = setting.partition("=")
    if not (knob and equals and value):
        raise WrongUse(f"{setting!r} is not KNOB=VALUE: write it like recommendations=cached")
    where = f" in {region}" if region else ""
    undo = f"leeward restore {knob}" + (f" --region {region}" if region else "")
    return Change(Degrade(knob, _as_written(value), region), f"turn {knob} to {value}{where}", undo)


@changing()
def restore(knob: Knob, region: InRegion = None) -> Change:
    """Take back what a person set of a knob; ask for the default of one that the machine turned down."""
    from controlplane.service.verbs import Restore

    where = f" in {region}" if region else ""
    return Change(Restore(knob, region), f"restore {knob}{where}")


def _as_written(value: str) -> "KnobValue":
    """As a policy file would read it: true and false, plain numbers, and words."""
    if value in {"true", "false"}:
        return value == "true"
    for read in (int, float):
        try:
            return read(value)
        except ValueError:
            continue
    return value
