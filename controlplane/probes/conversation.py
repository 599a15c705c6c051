"""HTTP over the event loop's transports, for what needs TLS or the body of the answer; slower than a line."""

import asyncio
import ssl
from typing import cast

from controlplane.model.evidence import Reading
from controlplane.probes.endpoint import Endpoint
from controlplane.probes.faults import TIMED_OUT, Finding, blame_error
from controlplane.probes.reply import Question, Reply


class _Connection(asyncio.Protocol):
    """One connection; one question at a time."""

    def __init__(self, question: Question) -> None:
        self.reply = Reply(question)
        self.usable = False
        self._answer: asyncio.Future[Finding] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass of it
        self.usable = True

    def data_received(self, data: bytes) -> None:
        self._settle(self.reply.feed(data))

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        self._settle(blame_error(exc) if isinstance(exc, OSError) else self.reply.feed(b""))

    async def ask(self) -> Finding:
        """Send the question and wait for the finding."""
        answer: asyncio.Future[Finding] = asyncio.get_running_loop().create_future()
        self._answer = answer
        self.reply.begin(fresh=False)
        if self._transport is not None and self.usable:
            self._transport.write(self.reply.request)
        else:
            self._settle((Reading.FAILED, "the connection was closed"))
        finding = await answer
        self.usable = self.usable and self.reply.reusable and finding[0] is Reading.OK
        return finding

    def drop(self) -> None:
        """Close without ceremony."""
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    def _settle(self, finding: Finding | None) -> None:
        if finding is not None and self._answer is not None and not self._answer.done():
            self._answer.set_result(finding)


class Conversation:
    """Asks one question again and again, on a kept connection if the question says so."""

    def __init__(self, endpoint: Endpoint, question: Question, context: ssl.SSLContext | None = None) -> None:
        self.endpoint = endpoint
        self._question = question
        self._context = context
        self._kept: _Connection | None = None

    async def ask(self, timeout_s: float) -> tuple[Finding, bytes]:
        """The finding and the body, within the time given. Raises nothing that the network does."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._ask()
        except TimeoutError:
            finding = (Reading.FAILED, f"{TIMED_OUT} waiting for the answer")
        except ssl.SSLError as error:
            finding = (Reading.FAILED, f"TLS: {error.reason or error}")
        except OSError as error:
            finding = blame_error(error)
        return finding, b""

    def close(self) -> None:
        """Let go of the kept connection."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.drop()

    async def _ask(self) -> tuple[Finding, bytes]:
        kept, self._kept = self._kept, None
        if kept is not None and kept.usable:
            finding, body = await self._put(kept)
            if finding[0] is Reading.OK:
                return finding, body
        return await self._put(await self._connect())

    async def _put(self, connection: _Connection) -> tuple[Finding, bytes]:
        try:
            finding = await connection.ask()
        except asyncio.CancelledError:
            connection.drop()
            raise
        if self._question.keep and connection.usable:
            self._kept = connection
        else:
            connection.drop()
        return finding, bytes(connection.reply.body)

    async def _connect(self) -> _Connection:
        endpoint = self.endpoint
        loop = asyncio.get_running_loop()
        if not endpoint.known(loop.time()):
            await endpoint.resolve(loop.time())
        _, connection = await loop.create_connection(
            lambda: _Connection(self._question),
            *endpoint.address,
            ssl=self._context,
            server_hostname=endpoint.host if self._context is not None else None,
        )
        return connection
