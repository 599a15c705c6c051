"""One target's line: a connection is opened, spoken over, read and closed or kept, one exchange at a time."""

import errno
import socket
from collections.abc import Callable
from enum import Enum
from typing import Protocol

from controlplane.model.evidence import Reading
from controlplane.probes.faults import TIMED_OUT, Finding, blame
from controlplane.probes.reactor import Reactor
from controlplane.probes.wire import CHUNK, READ, WRITE, Address, Wire

Done = Callable[[Finding], None]

_STALLED_SHARE = 0.25
_AGAIN = frozenset({errno.EAGAIN, errno.EINPROGRESS, errno.ENOTCONN})


class Script(Protocol):
    """What is said to a target and what its answer means. One script serves one line, exchange after exchange."""

    @property
    def request(self) -> bytes:
        """What to send; empty: say nothing."""
        ...

    @property
    def reusable(self) -> bool:
        """Whether the connection may carry another exchange, now that this one has its finding."""
        ...

    def begin(self, *, fresh: bool) -> Finding | None:
        """An exchange begins, on a fresh or a kept connection. A finding: to be connected was all that was asked."""
        ...

    def feed(self, data: bytes) -> Finding | None:
        """Bytes came; None: more are needed. Empty bytes: the other side has ended, and that is always a finding."""
        ...


class _State(Enum):
    IDLE = "idle"
    CONNECTING = "connecting"
    AWAITING = "awaiting"


class Line:
    """Calls ``done`` exactly once per ``begin``, possibly before ``begin`` returns, and never waits past its time."""

    __slots__ = ("_done", "_fresh", "_prompt", "_reactor", "_script", "_serial", "_stalled_at", "_state", "_timeout_s",
                 "_wire", "address", "family", "keep")  # fmt: skip

    def __init__(self, script: Script, *, keep: bool = False) -> None:
        self.address: Address = ("", 0)
        self.family = socket.AF_INET
        self.keep = keep
        self._script = script
        self._state = _State.IDLE
        self._wire = Wire()
        self._serial = 0

    def begin(self, reactor: Reactor, timeout_s: float, done: Done, *, prompt: bool) -> None:
        """Start an exchange; the one before has ended. A prompt one takes a fresh connection: it proves more."""
        self._reactor, self._done, self._prompt, self._timeout_s = reactor, done, prompt, timeout_s
        self._serial += 1
        self._stalled_at = reactor.stalled_s
        reactor.expire(self, self._serial, timeout_s)
        if prompt:
            self.drop()
        if self._wire.sock is None:
            self._connect()
        else:
            self._fresh = False
            self._script.begin(fresh=False)
            self._send()

    def drop(self) -> None:
        """Close the connection, if there is one. An exchange that goes on is forgotten."""
        self._state = _State.IDLE
        self._wire.close()

    def retry(self) -> None:
        """A tick has gone by since the request was sent: most answers are there by now, without asking epoll."""
        if self._state is _State.AWAITING and not self._wire.watched and not self._receive():
            self._watch(READ)

    def expired(self, serial: int) -> None:
        """Too late, unless it was this process that stood still."""
        if serial != self._serial or self._state is _State.IDLE:
            return
        stalled_s = self._reactor.stalled_s - self._stalled_at
        stage = "connecting" if self._state is _State.CONNECTING else "waiting for the answer"
        self.drop()
        if stalled_s > _STALLED_SHARE * self._timeout_s:
            self._done((Reading.UNKNOWN, f"the prober itself stood still for {stalled_s:.1f} s"))
        else:
            self._done((Reading.FAILED, f"{TIMED_OUT} {stage}"))

    def _connect(self) -> None:
        self._fresh = True
        self._state = _State.CONNECTING
        number = self._wire.open(self.address, self.family)
        if number:
            self._finish(blame(number))
        elif self._script.begin(fresh=True) is not None or not self._script.request:
            self._watch(WRITE)
        else:
            self._send()  # on a near network the connection stands by the time connect returns: worth a try

    def _send(self) -> None:
        number = self._wire.send(self._script.request)
        if number in _AGAIN and self._fresh:
            self._watch(WRITE)
        elif number:
            self._failed(number)
        else:
            self._state = _State.AWAITING
            if self._prompt or self._wire.watched:
                self._watch(READ)
            else:
                self._reactor.unread.append(self)
                self._reactor.wake()

    def _happened(self, mask: int) -> None:
        if self._state is _State.AWAITING:
            self._receive()
            return
        number = self._wire.connected()
        if number:
            self._finish(blame(number))
            return
        finding = self._script.begin(fresh=True)
        if finding is not None:
            self._finish(finding)
        else:
            self._send()

    def _receive(self) -> bool:
        """Whether that was all: False asks to be called again when there is more."""
        sock = self._wire.sock
        if sock is None:
            return True
        try:
            data = sock.recv(CHUNK)
        except BlockingIOError:
            return False
        except OSError as error:
            self._failed(error.errno or errno.EIO)
            return True
        if not data and not self._fresh:
            self._failed(errno.ECONNRESET)
            return True
        finding = self._script.feed(data)
        if finding is not None:
            self._finish(finding)
        return finding is not None

    def _failed(self, number: int) -> None:
        if self._fresh:
            self._finish(blame(number))
        else:  # the other side had closed the kept connection between two looks, which it may: take a fresh one
            self.drop()
            self._connect()

    def _finish(self, finding: Finding) -> None:
        if self.keep and finding[0] is Reading.OK and self._script.reusable:
            self._state = _State.IDLE
            self._wire.unwatch()
        else:
            self.drop()
        self._done(finding)

    def _watch(self, mask: int) -> None:
        self._wire.watch(self._reactor, mask, self._happened, prompt=self._prompt)
