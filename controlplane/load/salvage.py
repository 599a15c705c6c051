"""What is left of a document once its mistakes are taken out of it, so that the rest can be checked in the same run.

Nothing is ever run on it: where there are mistakes there is no estate. It only keeps an operator from mending one
mistake and then being told of the next.
"""

from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from controlplane.load.plain import plain
from controlplane.load.tree import Document, Node, Path, below_of

M = TypeVar("M", bound=BaseModel)
_ROUNDS = 4
_CLAIMS: tuple[Path, ...] = (("spec", "services"), ("metadata",), ("spec",))
"""What a document is about: without it the rest would say something else."""


def salvage(model: type[M], document: Document) -> M | None:
    """The model of a document less its unsound fields, each of which then has its default; None if too little is left.

    Items are never taken out of a list, which would move those behind them: the list goes as a whole.
    """
    data = plain(document.root)
    for _ in range(_ROUNDS):
        try:
            return model.model_validate(data, by_alias=True, by_name=False)
        except ValidationError as error:
            places = {_place(document, raw["loc"]) for raw in error.errors(include_url=False, include_input=False)}
        if not all(_take_out(data, place) for place in sorted(places, key=lambda place: (-len(place), str(place)))):
            return None
    return None


def _place(document: Document, loc: Iterable[str | int]) -> Path:
    """As far as a document goes along with a pydantic location, up to the last field by name."""
    node: Node = document.root
    path: list[str | int] = []
    for step in loc:
        below = below_of(node, step)
        if below is not None:
            node = below
            path.append(step)
    while path and isinstance(path[-1], int):
        path.pop()
    return tuple(path)


def _take_out(data: Any, place: Path) -> bool:
    """Remove one field; False if that would leave nothing to check."""
    if place in _CLAIMS or len(place) < 2:
        return False
    for step in place[:-1]:
        data = data[step] if isinstance(step, int) else data.get(step)
        if data is None:
            return True  # it went with what it was in
    data.pop(place[-1], None)
    return True
