"""The journal's pen: strict where nothing may happen without an entry, patient where a fact must not be lost."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from controlplane.engine.bounds import of_store
from controlplane.model.desk import Listener, Tick
from controlplane.model.errors import LeaseLost, StoreLost
from controlplane.model.journal import Entry
from controlplane.ports.store import Journal

_MOST_SPOOLED = 10_000


class Spool(Protocol):
    """Where entries wait, on this machine, until the store is back (R16)."""

    def put(self, entries: Sequence[Entry]) -> None:
        """Keep them after those already here."""

    def held(self) -> tuple[Entry, ...]:
        """Everything that waits, oldest first."""
        ...

    def clear(self) -> None:
        """It has been journalled."""


class MemorySpool:
    """A spool that lives as long as the process; the oldest entries give way."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def put(self, entries: Sequence[Entry]) -> None:
        """Keep them after those already here."""
        self._entries.extend(entries)
        del self._entries[:-_MOST_SPOOLED]

    def held(self) -> tuple[Entry, ...]:
        """Everything that waits, oldest first."""
        return tuple(self._entries)

    def clear(self) -> None:
        """It has been journalled."""
        self._entries.clear()


class Scribe:
    """Writes entries and tells listeners of each once it is stored."""

    def __init__(self, journal: Journal, spool: Spool | None = None) -> None:
        self._journal = journal
        self._spool = spool if spool is not None else MemorySpool()
        self._listeners: list[Listener] = []
        self.spooled = len(self._spool.held())
        self.reachable = True

    async def write(self, entries: Sequence[Entry]) -> tuple[Entry, ...]:
        """Journal them now or raise StoreLost or LeaseLost: what they announce must then not happen."""
        stored = await of_store(self._journal.append(entries))
        for entry in stored:
            self.tell(entry)
        return stored

    async def note(self, entries: Sequence[Entry]) -> None:
        """Journal facts; without the store they are spooled. An entry of a past epoch is written as one of none.

        While ``reachable`` is False the store is not even asked: whoever set it asks by itself.
        """
        if not entries:
            return
        if not self.reachable:
            self._keep(entries)
            return
        try:
            if self.spooled:
                await self.flush()
            await self.write(entries)
        except LeaseLost:
            await self._note_late(entries)
        except StoreLost:
            self._keep(entries)

    async def flush(self) -> None:
        """Journal what was spooled. StoreLost if the store is still away."""
        held = self._spool.held()
        if held:
            await self.write([_of_no_epoch(entry) for entry in held])
            self._spool.clear()
        self.spooled = 0

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Tell ``listener`` of every entry and tick until the function that is answered is called."""
        self._listeners.append(listener)

        def stop() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return stop

    @property
    def heard(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)

    def tell(self, news: Entry | Tick) -> None:
        """Tell every listener."""
        for listener in tuple(self._listeners):
            listener(news)

    async def _note_late(self, entries: Sequence[Entry]) -> None:
        try:
            await self.write([_of_no_epoch(entry) for entry in entries])
        except (StoreLost, LeaseLost):
            self._keep(entries)

    def _keep(self, entries: Sequence[Entry]) -> None:
        self._spool.put(entries)
        self.spooled = len(self._spool.held())


def _of_no_epoch(entry: Entry) -> Entry:
    if entry.epoch == 0:
        return entry
    return replace(entry, epoch=0, facts={**entry.facts, "epoch": entry.epoch})
