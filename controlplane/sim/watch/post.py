"""The post: where all watchers stand, and what they have reported."""

from collections.abc import Iterable

from controlplane.model.act import Act
from controlplane.model.journal import Entry
from controlplane.sim.fluid import Flow, Inputs
from controlplane.sim.stage import Process
from controlplane.sim.watch.scene import Breach, Scene, Watcher

MOST_REPORTED = 100


class Post:
    """The Watch of the stage. ``found``: breaches as sentences, in the order in which they happened, each once."""

    def __init__(self, scene: Scene, watchers: Iterable[Watcher]) -> None:
        self.scene = scene
        self.watchers = tuple(watchers)
        self.found: list[str] = []
        self._known: set[tuple[str, str]] = set()

    def applying(self, process: Process, act: Act) -> None:
        """See Watch."""
        for watcher in self.watchers:
            self._report(watcher.applying(process, act))

    def before_change(self, act: Act) -> None:
        """See Watch."""
        for watcher in self.watchers:
            self._report(watcher.before_change(act))

    def after_change(self, act: Act) -> None:
        """See Watch."""
        for watcher in self.watchers:
            self._report(watcher.after_change(act))

    def entry(self, process: Process, entry: Entry) -> None:
        """Something was journalled."""
        for watcher in self.watchers:
            self._report(watcher.entry(process, entry))

    def step(self, inputs: Inputs, flow: Flow) -> None:
        """A second has passed."""
        self.scene.step(inputs, flow)
        for watcher in self.watchers:
            self._report(watcher.step())

    def leap(self, by: int) -> None:
        """Seconds were leapt over."""
        self.scene.leap(by)
        for watcher in self.watchers:
            watcher.leap(by)

    def next_change(self, second: int) -> int:
        """The first second in which any of them would speak."""
        return min(watcher.next_change(second) for watcher in self.watchers)

    def _report(self, breaches: Iterable[Breach]) -> None:
        for breach in breaches:
            key = (breach.rule, breach.about)
            if key not in self._known and len(self.found) < MOST_REPORTED:
                self._known.add(key)
                self.found.append(f"{breach.rule} at {self.scene.truth.second} s: {breach.what}")
