"""Where a probe connects to, by name or by number."""

import asyncio
import ipaddress
import socket

from controlplane.probes.wire import Address

RESOLVE_EVERY_S = 30.0


class Endpoint:
    """A host and port. A name is looked up again every half minute; while that fails, the last address holds."""

    __slots__ = ("_resolved_at", "address", "family", "host", "numeric", "port")

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.address: Address = (host, port)
        self.family = socket.AF_INET
        self._resolved_at: float | None = None
        try:
            parsed = ipaddress.ip_address(host)
        except ValueError:
            self.numeric = False
        else:
            self.numeric = True
            self.family = socket.AF_INET6 if parsed.version == 6 else socket.AF_INET

    def known(self, now: float) -> bool:
        """Whether the address may be used as it is, at this monotonic time."""
        return self.numeric or (self._resolved_at is not None and now - self._resolved_at < RESOLVE_EVERY_S)

    async def resolve(self, now: float) -> None:
        """Look the name up. Raises OSError when no address has ever been found."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except OSError:
            if self._resolved_at is None:
                raise
            return
        family, *_, address = found[0]
        self.family = socket.AddressFamily(family)
        self.address = (str(address[0]), int(address[1]))
        self._resolved_at = now


def split_host_port(target: str) -> tuple[str, int]:
    """Read ``host:port`` or ``[v6]:port``. Raises ValueError with a sentence."""
    host, colon, port = target.rpartition(":")
    if not colon or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"target {target!r} is not host:port")
    host = host.removeprefix("[").removesuffix("]")
    if not host:
        raise ValueError(f"target {target!r} names no host")
    return host, int(port)
