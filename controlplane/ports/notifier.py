"""Telling people."""

from typing import Protocol

from controlplane.model.notice import Notice


class Notifier(Protocol):
    """Sends one notice. Raises DriverError kinds; the caller journals and goes on: telling never blocks acting."""

    async def send(self, notice: Notice) -> None: ...
