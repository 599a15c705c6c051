"""A non-blocking socket and its registration with the reactor."""

import errno
import select
import socket
import struct

from controlplane.probes.reactor import Handler, Reactor

Address = tuple[str, int]

READ = select.EPOLLIN | select.EPOLLRDHUP
WRITE = select.EPOLLOUT
CHUNK = 65536
_AT_ONCE = struct.pack("ii", 1, 0)


class Wire:
    """Says what went wrong as an errno, 0 for nothing: a probe's failures are its findings, not exceptions."""

    __slots__ = ("_prompt", "_reactor", "sock", "watched")

    def __init__(self) -> None:
        self.sock: socket.socket | None = None
        self.watched = False
        self._prompt = False

    def open(self, address: Address, family: socket.AddressFamily) -> int:
        """Begin to connect. Closing will send a reset: probes that end first must not pile up ports in TIME_WAIT."""
        try:
            sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            self.sock = sock
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            number = sock.connect_ex(address)
        except OSError as error:
            return error.errno or errno.EINVAL
        return 0 if number == errno.EINPROGRESS else number

    def connected(self) -> int:
        """How connecting ended, once the socket has become writable."""
        return self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if self.sock is not None else errno.ENOTCONN

    def send(self, data: bytes) -> int:
        """Send it whole. EAGAIN: not connected yet."""
        if self.sock is None:
            return errno.ENOTCONN
        try:
            return 0 if self.sock.send(data) == len(data) else errno.EMSGSIZE
        except OSError as error:
            return error.errno or errno.EPIPE

    def watch(self, reactor: Reactor, mask: int, handler: Handler, *, prompt: bool) -> None:
        """Have ``handler`` called when something of ``mask`` happens, in place of what was watched before."""
        self.unwatch()
        if self.sock is not None:
            reactor.register(self.sock.fileno(), mask, handler, prompt=prompt)
            self._reactor, self._prompt, self.watched = reactor, prompt, True
            if not prompt:
                reactor.wake()

    def unwatch(self) -> None:
        """Have nobody called."""
        if self.watched and self.sock is not None:
            self._reactor.unregister(self.sock.fileno(), prompt=self._prompt)
        self.watched = False

    def close(self) -> None:
        """Close, if open."""
        self.unwatch()
        sock, self.sock = self.sock, None
        if sock is not None:
            sock.close()
