"""The prober's doubt about itself: when nothing answers anywhere, it is likelier that the prober is cut off."""

from collections import Counter


class Isolation:
    """Knows, by region, how many watches last came back with something: an answer or a refusal, not silence.

    The region that the prober itself stands in proves nothing about its way to the others.
    """

    __slots__ = ("_answered", "_answering", "_home", "_regions")

    def __init__(self, home: str) -> None:
        self._home = home
        self._answered: dict[str, tuple[str, bool]] = {}
        self._answering: Counter[str] = Counter()
        self._regions: Counter[str] = Counter()

    def note(self, key: str, region: str, *, answered: bool) -> None:
        """The watch ``key`` came back."""
        last = self._answered.get(key)
        if last == (region, answered) or region in {self._home, "*"}:
            return
        if last is None:
            self._regions[region] += 1
        else:
            self._answering[last[0]] -= last[1]
        self._answered[key] = (region, answered)
        self._answering[region] += answered

    def forget(self, key: str) -> None:
        """The watch has ended."""
        last = self._answered.pop(key, None)
        if last is not None:
            self._regions[last[0]] -= 1
            self._answering[last[0]] -= last[1]

    def cut_off(self, region: str) -> bool:
        """Whether silence from ``region`` may be our own: other regions are watched, and none of them answers."""
        others = [other for other, watched in self._regions.items() if watched > 0 and other != region]
        return bool(others) and not any(self._answering[other] > 0 for other in others)
