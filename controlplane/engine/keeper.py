"""The one place through which the estate's state changes and is saved."""

import asyncio

from controlplane.engine.bounds import of_store
from controlplane.engine.codec import read_state, write_state
from controlplane.engine.state import Change, EstateState
from controlplane.model.errors import LeaseLost, WriteRaced
from controlplane.ports.store import State

STATE_KEY = "estate"


class Keeper:
    """Holds the state in memory and saves it under the leader's epoch. Changes that come while one save is under way
    go together into the next."""

    def __init__(self, store: State) -> None:
        self._store = store
        self._version = 0
        self._changes = 0
        self._saved = 0
        self._saving = asyncio.Lock()
        self.state = EstateState()

    @property
    def dirty(self) -> bool:
        """Whether something has changed that is not saved."""
        return self._changes != self._saved

    async def load(self) -> EstateState:
        """Take what is stored; what was in memory is forgotten."""
        document, version = await of_store(self._store.load(STATE_KEY))
        self.state = read_state(document) if version else EstateState()
        self._version = version
        self._saved = self._changes
        return self.state

    def change(self, change: Change) -> EstateState:
        """Change the state in memory; ``save`` makes it last."""
        after = change(self.state)
        if after is not self.state and after != self.state:
            self.state = after
            self._changes += 1
        return after

    async def save(self, epoch: int) -> None:
        """Make every change up to now last. LeaseLost if another leads or has written since; StoreLost without a
        store: the changes stay in memory then, and the next save takes them along."""
        wanted = self._changes
        async with self._saving:
            if self._saved >= wanted:
                return
            covered = self._changes
            document = write_state(self.state)
            try:
                self._version = await of_store(
                    self._store.save(STATE_KEY, document, epoch=epoch, expected=self._version)
                )
            except WriteRaced as error:
                raise LeaseLost("another writer has changed the state since it was loaded") from error
            self._saved = covered
