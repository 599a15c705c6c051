"""The heaviest thing that can happen: a maximum-weight closure of an order, by minimum cut."""

from collections import deque
from collections.abc import Mapping


def heaviest(weights: Mapping[str, float], after: Mapping[str, tuple[str, ...]]) -> float:
    """The greatest total weight of a set of steps that holds, with each step, all that it comes after.

    ``weights`` may be negative. ``after`` may name steps without a weight. The empty set weighs 0.
    Picard's reduction: gains hang on the source, losses on the sink, prerequisites bind without limit.
    """
    source, sink = "\x00source", "\x00sink"
    room: dict[str, dict[str, float]] = {source: {}, sink: {}}
    for step, weight in weights.items():
        room.setdefault(step, {})
        if weight > 0:
            _join(room, source, step, weight)
        elif weight < 0:
            _join(room, step, sink, -weight)
    for step, needed in after.items():
        for other in needed:
            _join(room, step, other, float("inf"))
    gained = sum(weight for weight in weights.values() if weight > 0)
    while (path := _shortest(room, source, sink)) is not None:
        least = min(room[a][b] for a, b in path)
        for a, b in path:
            room[a][b] -= least
            room[b][a] = room[b].get(a, 0.0) + least
        gained -= least
    return gained


def _join(room: dict[str, dict[str, float]], a: str, b: str, capacity: float) -> None:
    room.setdefault(a, {})[b] = room.get(a, {}).get(b, 0.0) + capacity
    room.setdefault(b, {}).setdefault(a, 0.0)


def _shortest(room: Mapping[str, Mapping[str, float]], source: str, sink: str) -> list[tuple[str, str]] | None:
    came: dict[str, str] = {source: source}
    queue = deque([source])
    while queue:
        node = queue.popleft()
        for following, left in room[node].items():
            if left > 1e-12 and following not in came:
                came[following] = node
                queue.append(following)
    if sink not in came:
        return None
    path: list[tuple[str, str]] = []
    node = sink
    while node != source:
        path.append((came[node], node))
        node = came[node]
    return path[::-1]
