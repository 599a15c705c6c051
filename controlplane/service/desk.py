"""The desk as the service sees it: the running reconcile loop, or a stand-in without one."""

from collections.abc import Callable
from typing import Protocol

from controlplane.model.desk import Listener, PersonCommand, Receipt, Status
from controlplane.model.estate import Estate
from controlplane.model.world import Knobs


class Desk(Protocol):
    """What the reconcile loop offers to people. All but ``submit`` answer at once from what the last tick left."""

    @property
    def estate(self) -> Estate:
        """The policies in force."""
        ...

    def snapshot(self) -> Status:
        """Everything that is so now."""
        ...

    def flags(self) -> Knobs:
        """The knob values that applications are to see now; a knob at its default may be left out."""
        ...

    async def submit(self, command: PersonCommand) -> Receipt:
        """Journal the command (kind ``person``), save what it changed, answer, and wake the loop.

        Raises LeaseLost on a replica that does not lead, StoreLost without a store.
        """
        ...

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Tell ``listener`` of every entry and tick from now on, until the function that is answered is called."""
        ...
