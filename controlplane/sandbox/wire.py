"""HTTP/1.1 from the client's side, as cheap as Python gets: one protocol, kept connections, httptools.

The users and the shop's own calls share it. A reply is handed to a callback, so that nothing is awaited per request.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import httptools

from controlplane.sandbox.plan import Address


@dataclass(slots=True)
class Reply:
    """An answer: status, body, and those headers that begin with ``x-``."""

    status: int = 0
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""


Done = Callable[[Reply | None], None]
"""Called once a request: with its reply, or None when the connection was refused or lost."""


def request(method: str, host: Address, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """The bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", f"host: {host}", *(f"{name}: {value}" for name, value in headers.items())]
    if body or method == "POST":
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


class Exchange:
    """One request under way."""

    __slots__ = ("connection", "dial", "done", "request")

    def __init__(self, request: bytes, done: Done) -> None:
        self.request = request
        self.done: Done | None = done
        self.connection: Connection | None = None
        self.dial: asyncio.Task[None] | None = None

    def end(self, reply: Reply | None) -> None:
        """Hand over the outcome, once."""
        done, self.done, self.connection = self.done, None, None
        if done is not None:
            done(reply)

    def give_up(self) -> None:
        """Close what it runs on and never call back."""
        self.done = None
        if self.dial is not None:
            self.dial.cancel()
        if self.connection is not None and self.connection.transport is not None:
            self.connection.transport.abort()


class Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, pool: "Pool") -> None:
        self._pool = pool
        self._parser = httptools.HttpResponseParser(self)
        self._reply = Reply()
        self._exchange: Exchange | None = None
        self.transport: asyncio.Transport | None = None

    def ask(self, exchange: Exchange) -> None:
        """Send a request. The connection must be idle."""
        self._exchange = exchange
        self._reply = Reply()
        exchange.connection = self
        if self.transport is not None:
            self.transport.write(exchange.request)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Bytes came; what is no HTTP ends the connection."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            if self.transport is not None:
                self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, and with it the request on it."""
        self.transport = None
        self._pool.forget(self)
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.end(None)

    def on_header(self, name: bytes, value: bytes) -> None:
        """The parser found a header."""
        if name[:2] == b"x-":
            self._reply.headers[name] = value

    def on_body(self, body: bytes) -> None:
        """The parser found a piece of the body."""
        self._reply.body += body

    def on_message_complete(self) -> None:
        """The parser found the end: the connection is free again before the callback, which may ask anew."""
        reply, exchange = self._reply, self._exchange
        self._exchange = None
        reply.status = self._parser.get_status_code()
        if self._parser.should_keep_alive():
            self._parser = httptools.HttpResponseParser(self)
            self._pool.give_back(self)
        elif self.transport is not None:
            self.transport.close()
        if exchange is not None:
            exchange.end(reply)


class Pool:
    """Kept connections to one address; as many as there are requests in flight."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._idle: list[Connection] = []
        self._all: set[Connection] = set()

    def ask(self, request: bytes, done: Done) -> Exchange:
        """Send a request."""
        exchange = Exchange(request, done)
        while self._idle:
            connection = self._idle.pop()
            if connection.transport is not None and not connection.transport.is_closing():
                connection.ask(exchange)
                return exchange
        exchange.dial = asyncio.get_running_loop().create_task(self._dial(exchange))
        return exchange

    async def fetch(self, request: bytes, timeout_s: float) -> Reply | None:
        """Send a request and wait for its reply; None: refused, lost or late."""
        answered: asyncio.Future[Reply | None] = asyncio.get_running_loop().create_future()
        exchange = self.ask(request, lambda reply: None if answered.done() else answered.set_result(reply))
        try:
            async with asyncio.timeout(timeout_s):
                return await answered
        except TimeoutError:
            return None
        finally:
            if not answered.done() or answered.cancelled():
                exchange.give_up()

    def forget(self, connection: Connection) -> None:
        """A connection is gone."""
        self._all.discard(connection)

    def give_back(self, connection: Connection) -> None:
        """A connection is free."""
        self._idle.append(connection)

    def close(self) -> None:
        """Close all connections."""
        for connection in tuple(self._all):
            if connection.transport is not None:
                connection.transport.abort()

    async def _dial(self, exchange: Exchange) -> None:
        try:
            _, connection = await asyncio.get_running_loop().create_connection(lambda: Connection(self), *self.address)
        except OSError:
            exchange.end(None)
            return
        finally:
            exchange.dial = None
        self._all.add(connection)
        if exchange.done is None:
            self._idle.append(connection)
        else:
            connection.ask(exchange)
