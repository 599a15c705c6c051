"""An idle connection held open to a target: its end is evidence at once.

A process that dies closes its sockets, and the kernel says so within a millisecond; a probe would have seen it at the
next look. The end alone proves little (a server may close what is idle), so it only asks for a confirming look.
Power loss and partitions send nothing: only time-outs see them.
"""

import errno
import socket
from collections.abc import Callable

from controlplane.probes.reactor import Reactor
from controlplane.probes.wire import CHUNK, READ, WRITE, Address, Wire


class Held:
    """Calls ``ended`` once each time an established connection ends; a failure to connect ends quietly."""

    __slots__ = ("_ended", "_reactor", "_wire", "open")

    def __init__(self, reactor: Reactor, ended: Callable[[], None]) -> None:
        self.open = False
        self._reactor = reactor
        self._ended = ended
        self._wire = Wire()

    def hold(self, address: Address, family: socket.AddressFamily) -> None:
        """Connect, unless a connection stands or is being made."""
        if self._wire.sock is not None:
            return
        if self._wire.open(address, family):
            self._wire.close()
        else:
            self._wire.watch(self._reactor, WRITE, self._happened, prompt=True)

    def close(self) -> None:
        """Let go."""
        self.open = False
        self._wire.close()

    def _happened(self, mask: int) -> None:
        sock = self._wire.sock
        if sock is None:
            return
        if not self.open:
            if self._wire.connected():
                self.close()
            else:
                self.open = True
                self._wire.watch(self._reactor, READ, self._happened, prompt=True)
            return
        try:
            ended = not sock.recv(CHUNK)  # a greeting is no end
        except OSError as error:
            ended = error.errno not in {errno.EAGAIN, errno.EINTR}
        if ended:
            self.close()
            self._ended()
