"""Redis, as little of its protocol as a cache needs: the official client costs each shop half a second to import."""

import asyncio
from collections import deque
from typing import cast

from controlplane.sandbox.plan import Address

_ANSWER_S = 0.5


class CacheGone(Exception):
    """The cache does not answer, or says no."""


class _Replies(asyncio.Protocol):
    """Reads RESP replies and hands each to whoever has waited longest."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.waiting: deque[asyncio.Future[bytes | None]] = deque()
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._read += data
        while self.waiting:
            head, line_end, rest = self._read.partition(b"\r\n")
            if not line_end:
                return
            value: bytes | None = head[1:]
            if head[:1] == b"$":
                length = int(head[1:])
                if length >= 0 and len(rest) < length + 2:
                    return
                value, rest = (rest[:length], rest[length + 2 :]) if length >= 0 else (None, rest)
            self._read = rest
            waiter = self.waiting.popleft()
            if not waiter.done():
                if head[:1] == b"-":
                    waiter.set_exception(CacheGone(head.decode(errors="replace")))
                else:
                    waiter.set_result(value)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        while self.waiting:
            waiter = self.waiting.popleft()
            if not waiter.done():
                waiter.set_exception(CacheGone("the connection was lost"))


class Cache:
    """One region's cache, over one connection that is made again when it is lost."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._replies: _Replies | None = None
        self._dialling = asyncio.Lock()

    async def get(self, key: str) -> bytes | None:
        """What is kept under a key. Raises CacheGone."""
        return await self._ask(b"GET", key.encode())

    async def put(self, key: str, value: str, seconds: int) -> None:
        """Keep a value for so many seconds. Raises CacheGone."""
        await self._ask(b"SET", key.encode(), value.encode(), b"EX", str(seconds).encode())

    async def _ask(self, *words: bytes) -> bytes | None:
        try:
            async with asyncio.timeout(_ANSWER_S):
                replies = await self._connected()
                answered: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
                replies.waiting.append(answered)
                if replies.transport is not None:
                    parts = b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
                    replies.transport.write(b"*%d\r\n%s" % (len(words), parts))
                return await answered
        except (OSError, TimeoutError) as problem:
            raise CacheGone(str(problem)) from problem

    async def _connected(self) -> _Replies:
        async with self._dialling:
            if self._replies is None or self._replies.transport is None:
                _, self._replies = await asyncio.get_running_loop().create_connection(_Replies, *self._address)
            return self._replies
