"""A region: one process that answers HTTP, `python -m tests.benchmarks.failover.region NAME PORT UNITS FLAGS`.

Each request costs a unit of UNITS a second, 0.6 while FLAGS says that recommendations are off; past capacity it queues,
then turns away, as a real server does. A line on standard input is a fault: `errors SHARE` (health checks still pass)
or `blackhole` (bytes and handshakes vanish). It ends when standard input does.
"""

import asyncio
import json
import random
import socket
import sys
from pathlib import Path
from typing import cast

import httptools
import uvloop

from controlplane.sandbox.shop.capacity import WorkQueue

_OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
_FAILS = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 5\r\n\r\nfails"
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nbusy"
_LOOK_S = 0.02
_LIGHT_COST = 0.6


class Region:
    """What all connections share."""

    def __init__(self, units: float, flags: Path, listener: socket.socket) -> None:
        self.loop = asyncio.get_running_loop()
        self.queue = WorkQueue(units, self.loop.time())
        self.errors = 0.0
        self.cost = 1.0
        self.connections: set[Connection] = set()
        self._flags = flags
        self._seen = 0
        self._listener = listener
        self._chance = random.Random(7)

    def fails(self) -> bool:
        return self.errors > 0 and self._chance.random() < self.errors

    def look(self) -> None:
        """Follow the knob."""
        try:
            stamp = self._flags.stat().st_mtime_ns
            if stamp != self._seen:
                flag = json.loads(self._flags.read_text())["flags"]["recommendations"]
                self.cost = _LIGHT_COST if flag["variants"][flag["defaultVariant"]] == "off" else 1.0
                self._seen = stamp
        except (OSError, ValueError, KeyError):
            pass
        self.loop.call_later(_LOOK_S, self.look)

    def accept(self) -> None:
        client, _ = self._listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.loop.create_task(self.loop.connect_accepted_socket(lambda: Connection(self), client))

    def obey(self) -> None:
        words = sys.stdin.readline().split()
        if not words:
            self.loop.stop()
        elif words[0] == "errors":
            self.errors = float(words[1])
        elif words[0] == "blackhole":
            self._vanish()

    def _vanish(self) -> None:
        """With its queue of new connections full the kernel drops every handshake."""
        self.loop.remove_reader(self._listener)
        for connection in self.connections:
            connection.transport.pause_reading()
        self._listener.listen(0)
        self._stuffing = [socket.socket() for _ in range(3)]
        for stuffed in self._stuffing:
            stuffed.setblocking(False)
            stuffed.connect_ex(self._listener.getsockname())


class Connection(asyncio.Protocol):
    transport: asyncio.Transport

    def __init__(self, region: Region) -> None:
        self._region = region
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._region.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._region.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._url = url

    def on_message_complete(self) -> None:
        region = self._region
        if self._url.startswith(b"/healthz"):
            self.transport.write(_OK)
            return
        wait_s = region.queue.admit(region.cost, region.loop.time())
        if wait_s is None:
            self.transport.write(_BUSY)
        elif region.fails():
            self.transport.write(_FAILS)
        elif wait_s < 0.01:
            self.transport.write(_OK)
        else:
            region.loop.call_later(wait_s, self.transport.write, _OK)


async def _start(port: int, units: float, flags: Path) -> None:
    listener = socket.create_server(("127.0.0.1", port), backlog=512)
    listener.setblocking(False)
    region = Region(units, flags, listener)
    region.loop.add_reader(listener, region.accept)
    region.loop.add_reader(sys.stdin, region.obey)
    region.look()
    print("ready", flush=True)


def main() -> None:
    port, units, flags = int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4])
    loop = uvloop.new_event_loop()
    loop.run_until_complete(_start(port, units, flags))
    loop.run_forever()


if __name__ == "__main__":
    main()
