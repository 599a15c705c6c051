"""A server that is not what it should be."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import StrEnum


class Trouble(StrEnum):
    """How a target can be in trouble."""

    HANGS = "hangs"
    DROPS = "drops"
    GARBAGE = "garbage"
    TOO_MANY = "429"
    UNWELL = "500"
    NOT_JSON = "not json"


_ANSWERS = {
    Trouble.GARBAGE: b"\x00\xff\x13 what?\r\n\r\n",
    Trouble.TOO_MANY: b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n",
    Trouble.UNWELL: b"HTTP/1.1 500 Oops\r\ncontent-length: 4\r\n\r\noops",
    Trouble.NOT_JSON: b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>",
}


@asynccontextmanager
async def troubled(trouble: Trouble) -> AsyncIterator[int]:
    """A server in trouble; its port. Nothing is left of it afterwards."""
    over = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read(65536)
            if trouble is Trouble.HANGS:
                await over.wait()
            elif trouble is Trouble.DROPS:
                writer.transport.abort()
            else:
                writer.write(_ANSWERS[trouble])
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        over.set()
        server.close()
        await asyncio.sleep(0)
