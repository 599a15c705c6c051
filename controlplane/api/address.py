"""Where the daemon answers: ``127.0.0.1:8470``, ``http://host:port`` or ``unix:/path``."""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from controlplane.model.errors import WrongUse

DEFAULT_ADDRESS = "127.0.0.1:8470"
_DEFAULT_PORT = 8470


@dataclass(frozen=True, slots=True)
class Address:
    """``path`` for a Unix socket, else ``host`` and ``port``."""

    host: str = ""
    port: int = 0
    path: str = ""
    scheme: str = "http"

    @property
    def url(self) -> str:
        """What a client asks; over a Unix socket the host is only a name."""
        if self.path:
            return "http://localhost"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        if self.path or self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"unix:{self.path}" if self.path else self.url


def parse_address(text: str) -> Address:
    """Read an address; WrongUse for what is none."""
    if text.startswith("unix:"):
        if len(text) <= len("unix:"):
            raise WrongUse("unix: needs the path of a socket: unix:/run/leeward.sock")
        return Address(path=text.removeprefix("unix:"))
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise WrongUse(f"{text!r} is no address: {error}") from error
    if not host or parts.scheme not in {"", "http", "https"} or parts.path not in {"", "/"}:
        raise WrongUse(f"{text!r} is no address: write host:port, http://host:port or unix:/path")
    return Address(host, _DEFAULT_PORT if port is None else port, scheme=parts.scheme or "http")
