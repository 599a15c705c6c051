"""Record: no act without its intent first, and none by a replica whose lease was lost (R16)."""

from collections.abc import Iterator

from controlplane.model.act import Act
from controlplane.model.journal import Entry, EntryKind
from controlplane.sim.clock import Timeline
from controlplane.sim.lens import Leader
from controlplane.sim.stage import Process
from controlplane.sim.watch.scene import Breach, Scene, Watcher


class IntentFirst(Watcher):
    """An intent of the same subject, and of the same once-key where it tells one, that has had no outcome yet."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._open: dict[str, set[str]] = {}

    def entry(self, process: Process, entry: Entry) -> Iterator[Breach]:
        """Intents open, outcomes close."""
        key = str(entry.facts.get("once_key", ""))
        if entry.kind is EntryKind.INTENT:
            self._open.setdefault(entry.subject, set()).add(key)
        elif entry.kind is EntryKind.OUTCOME:
            self._open.get(entry.subject, set()).discard(key)
        yield from ()

    def applying(self, process: Process, act: Act) -> Iterator[Breach]:
        """Announced, or not."""
        known = self._open.get(act.subject, set())
        if act.once_key not in known and "" not in known:
            what = f"{process.name} acted on {act.subject} without an intent in the journal"
            yield Breach("intent", f"{act.subject}/{act.once_key}", what)


class LeaderOnly(Watcher):
    """By the store's own lease, not by what the process believes."""

    def __init__(self, scene: Scene, leader: Leader, timeline: Timeline) -> None:
        super().__init__(scene)
        self._leader = leader
        self._timeline = timeline

    def applying(self, process: Process, act: Act) -> Iterator[Breach]:
        """Whoever acts must lead at that instant, under the epoch that it claims."""
        leads = self._leader.leads(process, self._timeline.loop.microseconds)
        if not leads or act.epoch != self._leader.epoch:
            leader = self._leader.process.name if self._leader.process else "nobody"
            what = (
                f"{process.name} acted on {act.subject} under epoch {act.epoch} without the lease: "
                f"{leader} holds it under epoch {self._leader.epoch}"
            )
            yield Breach("R16", f"{process.name}/{act.epoch}/{act.subject}", what)
