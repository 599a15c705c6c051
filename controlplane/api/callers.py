"""Who may call, and who they are: bearer tokens from a file, and no web page in somebody's browser."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from starlette.requests import Request

from controlplane.model.errors import WrongUse

_SHORTEST = 16


class Unknown(Exception):
    """401: no token, or one that nobody has."""


class Forbidden(Exception):
    """403: known, but this is not theirs to do."""


@dataclass(frozen=True, slots=True)
class Callers:
    """Token → the name it stands for (empty: whoever the request says). No tokens: whoever can reach us may change
    things, which is why we then answer on this machine only. ``hosts``: names by which we may be called, beside
    addresses and localhost: a web page that had its own name point here (DNS rebinding) would use another."""

    tokens: Mapping[str, str]
    hosts: frozenset[str] = frozenset()

    def check_host(self, request: Request) -> None:
        """Forbidden for a call by a name that is not ours."""
        host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
        if host in {"", "localhost"} or host in self.hosts or _is_address(host):
            return
        raise Forbidden(f"this daemon is not called {host}")

    def who(self, request: Request, claimed: str) -> str:
        """Who makes a change: the token's owner where there is one, else who the request says it is.

        Raises Unknown, or Forbidden for a name that is not the token's, or for a call from somebody's web page.
        """
        origin = request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
            raise Forbidden("changes are not taken from web pages of other sites")
        if not self.tokens:
            return claimed
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        owner = next((name for token, name in self.tokens.items() if _same(token, given.strip())), None)
        if scheme.lower() != "bearer" or owner is None:
            raise Unknown("changes need a token: Authorization: Bearer …")
        if owner and claimed not in {"", owner}:
            raise Forbidden(f"this token is {owner}'s, not {claimed}'s")
        return owner or claimed


def read_callers(file: Path | None, hosts: frozenset[str] = frozenset()) -> Callers:
    """Tokens from a file: one a line, after the name of whom it belongs to (``ana 0123…``) or alone.

    Raises WrongUse for a file that cannot be read or that others can, without a token or with a short one. The text
    of a token is in no message.
    """
    if file is None:
        return Callers({}, hosts)
    try:
        mode, lines = file.stat().st_mode, file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        raise WrongUse(f"the token file {file} cannot be read: {type(error).__name__}") from error
    if mode & 0o077:
        raise WrongUse(f"the token file {file} can be read by others: chmod 600 {file}")
    tokens: dict[str, str] = {}
    for place, line in enumerate(lines, start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) > 2 or len(words[-1]) < _SHORTEST:
            raise WrongUse(f"{file}:{place}: write NAME TOKEN or TOKEN, the token {_SHORTEST} characters or longer")
        tokens[words[-1]] = words[0] if len(words) == 2 else ""
    if not tokens:
        raise WrongUse(f"the token file {file} has no token in it")
    return Callers(tokens, hosts)


def _same(token: str, given: str) -> bool:
    return hmac.compare_digest(token.encode(), given.encode("utf-8", "surrogatepass"))


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
