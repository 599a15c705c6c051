"""gRPC: the standard health service, ``grpc.health.v1.Health/Check``.

Its two messages are one field each, so they are written and read here, without generated code.
"""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from controlplane.model.evidence import Observation, Reading
from controlplane.model.resources.service import ProbeSpec
from controlplane.ports.eyes import Place
from controlplane.probes.endpoint import split_host_port
from controlplane.probes.faults import TIMED_OUT, Finding
from controlplane.probes.settings import FLAG, SIGNAL, WORD, mistakes_in
from controlplane.probes.watch import Frame, Spot

if TYPE_CHECKING:
    import grpc.aio

_KNOWN = {"service": WORD, "tls": FLAG, "ca": WORD, "signal": SIGNAL}
_METHOD = "/grpc.health.v1.Health/Check"
_SERVING = 1
_STATUS = {0: "unknown", 1: "serving", 2: "not serving", 3: "service unknown"}


def request(service: str) -> bytes:
    """A HealthCheckRequest: field 1, the service's name; empty for the server as a whole."""
    name = service.encode()
    if not name:
        return b""
    length = bytearray()
    left = len(name)
    while left > 0x7F:
        length.append(left & 0x7F | 0x80)
        left >>= 7
    length.append(left)
    return b"\x0a" + bytes(length) + name


def status(response: bytes) -> int:
    """The status in a HealthCheckResponse: field 1, a varint; absent means 0. Raises ValueError for anything else."""
    if not response:
        return 0
    if response[0] != 0x08 or len(response) != 2 or response[1] > 0x7F:
        raise ValueError("not a HealthCheckResponse")
    return response[1]


class GrpcProbe:
    """One channel, kept; each look is one call."""

    def __init__(self, spec: ProbeSpec, spot: Spot) -> None:
        self._spec = spec
        self._frame = Frame.of(spec, spot)
        self._request = request(str(spec.with_.get("service", "")))
        self._channel: grpc.aio.Channel | None = None

    async def look(self) -> tuple[Observation, ...]:
        """Ask once."""
        return (self._frame.observation(*await self._ask()),)

    def close(self) -> None:
        """Let go of the channel."""
        channel, self._channel = self._channel, None
        if channel is not None:
            self._closing = asyncio.get_running_loop().create_task(channel.close())

    async def _ask(self) -> Finding:
        from grpc import StatusCode
        from grpc.aio import AioRpcError

        if self._channel is None:
            self._channel = self._open()
        call = self._channel.unary_unary(_METHOD, request_serializer=bytes, response_deserializer=bytes)
        try:
            response = await call(self._request, timeout=self._spec.timeout.total_seconds())
            code = status(response)
        except AioRpcError as error:
            if error.code() is StatusCode.DEADLINE_EXCEEDED:
                return Reading.FAILED, f"{TIMED_OUT} waiting for the answer"
            own = error.code() is StatusCode.UNAVAILABLE and "DNS resolution failed" in (error.details() or "")
            reading = Reading.UNKNOWN if own else Reading.FAILED
            return reading, f"{error.code().name}: {error.details()}"
        except ValueError as error:
            return Reading.FAILED, str(error)
        reading = Reading.OK if code == _SERVING else Reading.FAILED
        return reading, "" if code == _SERVING else _STATUS.get(code, f"status {code}")

    def _open(self) -> "grpc.aio.Channel":
        import grpc

        # A channel backs off up to two minutes after failures; a probe has to see a recovery at its next look.
        options = [("grpc.min_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 500),
                   ("grpc.initial_reconnect_backoff_ms", 100), ("grpc.enable_http_proxy", 0)]  # fmt: skip
        ca = self._spec.with_.get("ca")
        if self._spec.with_.get("tls") is not True and ca is None:
            return grpc.aio.insecure_channel(self._spec.target, options=options)
        roots = Path(ca).read_bytes() if isinstance(ca, str) else None
        return grpc.aio.secure_channel(self._spec.target, grpc.ssl_channel_credentials(roots), options=options)


class GrpcProbes:
    """Makes gRPC health probes. ``target`` is ``host:port``; settings ``service``, ``tls``, ``ca``, ``signal``."""

    def mistakes(self, spec: ProbeSpec) -> tuple[str, ...]:
        """What is wrong with the spec, a sentence each."""
        found = mistakes_in(spec.with_, _KNOWN)
        try:
            split_host_port(spec.target)
        except ValueError as error:
            return (*found, str(error))
        return found

    def __call__(self, spec: ProbeSpec, place: Place) -> GrpcProbe:
        """A probe of one server."""
        return GrpcProbe(spec, Spot.at(place))


grpc_health = GrpcProbes()
