"""The network of the sandbox: a process that every connection into a region, or between two regions, runs through.

It exists because packets can only be lost for real (no reset, no answer) by something between the two ends, and
changing the kernel's filters needs a privilege that a developer's machine may not give. It forwards bytes, knows no
protocol, and costs some 25 µs a chunk.

``python -m controlplane.sandbox.network DIRECTORY`` runs it; orders come as JSON lines on the plan's ``control``:
``{"region": "dublin", "fault": {"blackhole": true, "add_s": 0.0, "reset": false}}``, ``{"between": ["a", "b"], "cut":
true}``, ``{"show": true}``. Each is answered by one line: the faults in force and the connections open by region.
"""

import asyncio
import json
import socket
import sys
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

from controlplane.sandbox.plan import Address, SandboxPlan, load_plan

_BACKLOG = 512
_CONNECT_TIMEOUT_S = 2.0
_HIGH_WATER = 256 * 1024


@dataclass(frozen=True, slots=True)
class Link:
    """One way in: whoever connects to ``listen`` reaches ``to`` in region ``target``. ``source`` None: from outside."""

    source: str | None
    target: str
    listen: Address
    to: Address


@dataclass(frozen=True, slots=True)
class Fault:
    """What befalls a region's connections. ``blackhole``: bytes and handshakes vanish. ``add_s``: what goes in comes
    so much later. ``reset``: every connection is torn down, new ones too."""

    blackhole: bool = False
    add_s: float = 0.0
    reset: bool = False


def links(plan: SandboxPlan) -> Iterator[Link]:
    """Every link of a sandbox."""
    for region in plan.regions.values():
        yield Link(None, region.name, region.ingress, region.shop)
        for peer, listen in region.peers.items():
            yield Link(region.name, peer, listen, plan.regions[peer].shop)
    for store in plan.datastores.values():
        for there, server in store.server.items():
            yield Link(None, there, store.ingress[there], server)
            for viewer, reach in store.reach.items():
                if viewer != there:
                    yield Link(viewer, there, reach[there], server)


@dataclass(slots=True)
class Weather:
    """The faults in force."""

    regions: dict[str, Fault] = field(default_factory=dict)
    cut: set[frozenset[str]] = field(default_factory=set)

    def over(self, link: Link) -> Fault:
        """The worst of what its two ends suffer."""
        ends = [self.regions.get(end, Fault()) for end in (link.source, link.target) if end is not None]
        severed = link.source is not None and frozenset((link.source, link.target)) in self.cut
        return Fault(
            blackhole=severed or any(end.blackhole for end in ends),
            add_s=sum(end.add_s for end in ends),
            reset=any(end.reset for end in ends),
        )


class _Side(asyncio.Protocol):
    """One end of a forwarded connection; ``other`` is its twin."""

    def __init__(self, door: "Door", *, delayed: bool) -> None:
        self.door = door
        self.other: _Side | None = None
        self.transport: asyncio.Transport | None = None
        self._delayed = delayed
        self._early: list[bytes] = []
        self._late: deque[tuple[float, bytes]] = deque()
        self._full = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=_HIGH_WATER)
        self.door.sides.add(self)
        if self.door.fault.blackhole:
            self.transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        if self._delayed and (self.door.fault.add_s or self._late):
            self._hold(data)
        elif self.other is None or self.other.transport is None:
            self._early.append(data)
        else:
            self.other.transport.write(data)

    def pair(self, other: "_Side") -> None:
        self.other, other.other = other, self
        if self._early and other.transport is not None:
            other.transport.write(b"".join(self._early))
            self._early.clear()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.door.sides.discard(self)
        self.transport = None
        if self.other is not None and self.other.transport is not None:
            if exc is not None:
                self.other.transport.abort()
            else:
                self.other.transport.close()

    def pause_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other._full = True  # noqa: SLF001
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other._full = False  # noqa: SLF001
            self.other.weather_changed()

    def weather_changed(self) -> None:
        """Stop or go on reading, as the fault over this door has it."""
        if self.transport is None:
            return
        if self.door.fault.reset:
            self.transport.abort()
        elif self.door.fault.blackhole or self._full:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def _hold(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + self.door.fault.add_s
        self._late.append((due, data))
        if len(self._late) == 1:
            loop.call_at(due, self._let_go)

    def _let_go(self) -> None:
        loop = asyncio.get_running_loop()
        while self._late and self._late[0][0] <= loop.time() + 0.001:
            data = self._late.popleft()[1]
            if self.other is None or self.other.transport is None:
                self._early.append(data)
            else:
                self.other.transport.write(data)
        if self._late:
            loop.call_at(self._late[0][0], self._let_go)


class Door:
    """A listening socket and what has come in by it.

    It accepts by hand: under a blackhole the socket stays open but nobody takes from its queue, which is cut to the
    shortest there is, so that further handshakes get no answer at all.
    """

    def __init__(self, link: Link) -> None:
        self.link = link
        self.fault = Fault()
        self.sides: set[_Side] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.setblocking(False)
        self._socket.bind(link.listen)

    def open(self) -> None:
        """Begin to accept."""
        self._socket.listen(_BACKLOG)
        asyncio.get_running_loop().add_reader(self._socket, self._accept)

    def suffer(self, fault: Fault) -> None:
        """Put a fault in force, or lift it, for new connections and for those that stand."""
        if fault == self.fault:
            return
        was, self.fault = self.fault, fault
        if fault.blackhole and not was.blackhole:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.listen(0)
        elif was.blackhole and not fault.blackhole:
            self.open()
        for side in tuple(self.sides):
            side.weather_changed()

    def _accept(self) -> None:
        for _ in range(64):
            try:
                taken, _peer = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            taken.setblocking(False)
            taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = asyncio.get_running_loop().create_task(self._join(taken))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _join(self, taken: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        if self.fault.reset:
            _reset(taken)
            return
        _, outer = await loop.connect_accepted_socket(lambda: _Side(self, delayed=True), taken)
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                transport, inner = await loop.create_connection(lambda: _Side(self, delayed=False), *self.link.to)
        except (OSError, TimeoutError):
            if outer.transport is not None:
                outer.transport.abort()
            return
        if outer.transport is None:
            transport.abort()
            return
        outer.pair(inner)


def _reset(taken: socket.socket) -> None:
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    taken.close()


class Network:
    """All doors under one weather."""

    def __init__(self, plan: SandboxPlan) -> None:
        self._doors = [Door(link) for link in links(plan)]
        self._weather = Weather()

    def open(self) -> None:
        """Let connections in."""
        for door in self._doors:
            door.open()

    def order(self, order: Mapping[str, Any]) -> dict[str, object]:
        """Carry out one order and tell how things stand. KeyError, TypeError: the order makes no sense."""
        if "region" in order:
            fault = Fault(**order["fault"])
            if fault == Fault():
                self._weather.regions.pop(order["region"], None)
            else:
                self._weather.regions[order["region"]] = fault
        elif "between" in order:
            pair = frozenset(order["between"])
            (self._weather.cut.add if order["cut"] else self._weather.cut.discard)(pair)
        for door in self._doors:
            door.suffer(self._weather.over(door.link))
        connections: Counter[str] = Counter()
        for door in self._doors:
            connections[door.link.target] += len(door.sides) // 2
        return {
            "regions": {region: asdict(fault) for region, fault in sorted(self._weather.regions.items())},
            "cut": sorted(sorted(pair) for pair in self._weather.cut),
            "connections": dict(sorted(connections.items())),
        }

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection on the control address."""
        with suppress(OSError):
            while line := await reader.readline():
                try:
                    answer: object = self.order(json.loads(line))
                except (ValueError, KeyError, TypeError) as problem:
                    answer = {"error": f"{type(problem).__name__}: {problem}"}
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
            writer.close()


async def order(plan: SandboxPlan, what: Mapping[str, object]) -> dict[str, Any]:
    """Give the running network one order. OSError or TimeoutError: it is not there; ValueError: it says no."""
    async with asyncio.timeout(5):
        reader, writer = await asyncio.open_connection(*plan.control)
        try:
            writer.write(json.dumps(what).encode() + b"\n")
            answer: dict[str, Any] = json.loads(await reader.readline())
        finally:
            writer.close()
    if "error" in answer:
        raise ValueError(answer["error"])
    return answer


async def _run(plan: SandboxPlan) -> None:
    network = Network(plan)
    network.open()
    server = await asyncio.start_server(network.converse, *plan.control)
    async with server:
        await server.serve_forever()


def main() -> None:
    """Run until killed."""
    import uvloop

    uvloop.run(_run(load_plan(Path(sys.argv[1]))))


if __name__ == "__main__":
    main()
