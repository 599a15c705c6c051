"""What the false world has to tell of its runs, for faces that may not know it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from controlplane.sim.outcome import Result


def account(result: "Result") -> str:
    """One run in plain lines."""
    from controlplane.sim.account import tell

    return tell(result)


def page(results: "Sequence[Result]") -> str:
    """Runs as one page of HTML that needs nothing else to be read."""
    from controlplane.sim.report import page as draw

    return draw(results)
