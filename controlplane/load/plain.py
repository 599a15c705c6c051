"""A document's tree as plain Python values, for the models to be made from."""

from typing import Any

from controlplane.load.scalars import value_of
from controlplane.load.tree import Listing, Node, Scalar


def plain(node: Node) -> Any:
    """Tables as dicts, lists as lists, words by ``value_of``. Keys are always words. No deeper than MAX_DEPTH."""
    if isinstance(node, Scalar):
        return value_of(node)
    if isinstance(node, Listing):
        return [plain(item) for item in node.items]
    return {key: plain(item) for key, item in node.items.items()}
