"""HTTPS: the same question over the event loop's TLS."""

import asyncio
import ssl

from controlplane.model.evidence import Observation, Reading
from controlplane.model.resources.service import ProbeSpec
from controlplane.probes.endpoint import Endpoint
from controlplane.probes.faults import TIMED_OUT, Finding, blame_error
from controlplane.probes.reply import Question, Reply
from controlplane.probes.watch import Frame, Spot


class _Conversation(asyncio.Protocol):
    """One connection; ``ask`` once per look."""

    def __init__(self, question: Question) -> None:
        self.usable = False
        self._reply = Reply(question)
        self._answer: asyncio.Future[Finding] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
            self.usable = True

    def data_received(self, data: bytes) -> None:
        self._settle(self._reply.feed(data))

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        self._settle(blame_error(exc) if isinstance(exc, OSError) else self._reply.feed(b""))

    async def ask(self) -> Finding:
        """Send the question and wait for the finding."""
        answer = self._answer = asyncio.get_running_loop().create_future()
        self._reply.begin(fresh=False)
        if self._transport is not None:
            self._transport.write(self._reply.request)
        finding: Finding = await answer
        self.usable = self.usable and self._reply.reusable
        return finding

    def drop(self) -> None:
        """Close without ceremony."""
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    def _settle(self, finding: Finding | None) -> None:
        if finding is not None and self._answer is not None and not self._answer.done():
            self._answer.set_result(finding)


class TlsProbe:
    """A certificate that is wrong is a failure of the target: users see it as well."""

    def __init__(self, spec: ProbeSpec, spot: Spot, endpoint: Endpoint, question: Question) -> None:
        ca = spec.with_.get("ca")
        self._context = ssl.create_default_context(cafile=ca if isinstance(ca, str) else None)
        if spec.with_.get("verify") is False:
            self._context.check_hostname = False
            self._context.verify_mode = ssl.CERT_NONE
        self._frame = Frame.of(spec, spot)
        self._timeout_s = spec.timeout.total_seconds()
        self.endpoint = endpoint
        self._question = question
        self._kept: _Conversation | None = None

    async def look(self) -> tuple[Observation, ...]:
        """One exchange, on the kept connection if there is one that works."""
        try:
            async with asyncio.timeout(self._timeout_s):
                finding = await self._ask()
        except TimeoutError:
            finding = (Reading.FAILED, f"{TIMED_OUT} waiting for the answer")
        except ssl.SSLError as error:
            finding = (Reading.FAILED, f"TLS: {error.reason or error}")
        except OSError as error:
            finding = blame_error(error)
        return (self._frame.observation(*finding),)

    def close(self) -> None:
        """Let go of the kept connection."""
        if self._kept is not None:
            self._kept.drop()
            self._kept = None

    async def _ask(self) -> Finding:
        kept, self._kept = self._kept, None
        if kept is not None and kept.usable:
            finding = await self._put(kept)
            if finding[0] is Reading.OK:
                return finding
        return await self._put(await self._connect())

    async def _put(self, conversation: _Conversation) -> Finding:
        try:
            finding = await conversation.ask()
        except asyncio.CancelledError:
            conversation.drop()
            raise
        return self._keep(conversation, finding)

    def _keep(self, conversation: _Conversation, finding: Finding) -> Finding:
        if self._question.keep and conversation.usable and finding[0] is Reading.OK:
            self._kept = conversation
        else:
            conversation.drop()
        return finding

    async def _connect(self) -> _Conversation:
        endpoint = self.endpoint
        loop = asyncio.get_running_loop()
        if not endpoint.known(loop.time()):
            await endpoint.resolve(loop.time())
        _, conversation = await loop.create_connection(
            lambda: _Conversation(self._question),
            *endpoint.address,
            ssl=self._context,
            server_hostname=self._question.host.rpartition(":")[0] or self._question.host,
        )
        return conversation
