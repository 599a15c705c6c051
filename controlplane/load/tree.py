"""A document as it is written: words with their places, before anything is made of them."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in a file; lines and columns count from 1."""

    file: str
    line: int = 1
    column: int = 1


class Scalar:
    """One word or number. ``plain``: written without quotes, so that ``12`` may be a number."""

    __slots__ = ("column", "line", "plain", "text")
    size = 1

    def __init__(self, line: int, column: int, text: str, *, plain: bool) -> None:
        self.line, self.column = line, column
        self.text, self.plain = text, plain


class Listing:
    """A list. ``size``: itself and all below, an alias counted as what it stands for."""

    __slots__ = ("column", "items", "line", "size")

    def __init__(self, line: int, column: int) -> None:
        self.line, self.column = line, column
        self.items: list[Node] = []
        self.size = 1


class Table:
    """Keys and values, in their order. ``keys`` has the place of each key."""

    __slots__ = ("column", "items", "keys", "line", "size")

    def __init__(self, line: int, column: int) -> None:
        self.line, self.column = line, column
        self.items: dict[str, Node] = {}
        self.keys: dict[str, Scalar] = {}
        self.size = 1


Node = Scalar | Listing | Table
Path = tuple[str | int, ...]
"""Keys and indices from a document's root."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file. The marks of its parts are found when a mistake needs them."""

    file: str
    root: Table
    broken: bool = field(default=False, compare=False)

    def mark(self, path: Path = ()) -> Mark:
        """Where the value at a path is; of as much of the path as there is."""
        node = self.node(path)
        return Mark(self.file, node.line, node.column)

    def key_mark(self, path: Path) -> Mark:
        """Where the key that a path ends in is; its value's place if that is not in a table."""
        above = self.node(path[:-1])
        if isinstance(above, Table) and (key := above.keys.get(str(path[-1]))) is not None:
            return Mark(self.file, key.line, key.column)
        return self.mark(path)

    def node(self, path: Path) -> Node:
        """The node at a path, or the last one on the way to it."""
        node: Node = self.root
        for step in path:
            below = below_of(node, step)
            if below is None:
                break
            node = below
        return node

    def text(self, path: Path) -> str | None:
        """The word at a path exactly; None if there is none."""
        node: Node | None = self.root
        for step in path:
            node = below_of(node, step) if node is not None else None
        return node.text if isinstance(node, Scalar) else None


def below_of(node: Node, step: str | int) -> Node | None:
    """One step down; None if there is nothing there."""
    if isinstance(node, Table):
        return node.items.get(str(step))
    if isinstance(node, Listing) and isinstance(step, int) and 0 <= step < len(node.items):
        return node.items[step]
    return None
