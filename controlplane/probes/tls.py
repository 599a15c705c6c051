"""HTTPS: the same question over the event loop's TLS."""

import ssl

from controlplane.model.evidence import Observation
from controlplane.model.resources.service import ProbeSpec
from controlplane.probes.conversation import Conversation
from controlplane.probes.endpoint import Endpoint
from controlplane.probes.reply import Question
from controlplane.probes.watch import Frame, Spot


class TlsProbe:
    """A certificate that is wrong is a failure of the target: users see it as well."""

    def __init__(self, spec: ProbeSpec, spot: Spot, endpoint: Endpoint, question: Question) -> None:
        self.endpoint = endpoint
        self._frame = Frame.of(spec, spot)
        self._timeout_s = spec.timeout.total_seconds()
        self._conversation = Conversation(endpoint, question, tls_context(spec))

    async def look(self) -> tuple[Observation, ...]:
        """One exchange, on the kept connection if there is one that works."""
        finding, _ = await self._conversation.ask(self._timeout_s)
        return (self._frame.observation(*finding),)

    def close(self) -> None:
        """Let go of the kept connection."""
        self._conversation.close()


def tls_context(spec: ProbeSpec) -> ssl.SSLContext:
    """As the settings ``ca`` and ``verify`` say. Raises OSError if the file of certificates cannot be read."""
    ca = spec.with_.get("ca")
    context = ssl.create_default_context(cafile=ca if isinstance(ca, str) else None)
    if spec.with_.get("verify") is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
