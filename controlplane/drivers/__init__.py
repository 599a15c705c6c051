"""Hands: each moves one kind of thing in the world, and knows why of none.

May live here: drivers behind the port, one package each, their registry, and in this very module the little that all
of them need: reading settings, keeping deadlines, speaking HTTP, changing a shared file.
May not: a policy, a plan, or an import of another driver.
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controlplane.model.act import Act
from controlplane.model.errors import Broken, Conflict, Refused, Retry
from controlplane.model.resources.kind import Setting

if TYPE_CHECKING:
    import httpx

_LOCK_POLL_S = 0.005
_TRANSIENT = frozenset({408, 425, 429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Kind:
    """What a setting must be: ``check`` decides, ``words`` complete the sentence "must be …"."""

    words: str
    check: Callable[[Setting], bool]


def is_number(value: Setting) -> bool:
    """Whether it is a number of seconds or the like, from 0."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def is_url(value: Setting) -> bool:
    """Whether it is an address that can be asked."""
    return isinstance(value, str) and value.startswith(("http://", "https://")) and " " not in value


def is_word_map(value: Setting) -> bool:
    """Whether it maps words to words."""
    return isinstance(value, dict) and bool(value) and all(isinstance(item, str) and item for item in value.values())


FLAG = Kind("true or false", lambda value: isinstance(value, bool))
WORD = Kind("a word", lambda value: isinstance(value, str) and bool(value))
NUMBER = Kind("a number, 0 or more", is_number)
URL = Kind("an http or https URL", is_url)
WORD_MAP = Kind("a map from names to words", is_word_map)
WORD_LIST = Kind(
    "a list of words", lambda value: isinstance(value, list) and bool(value) and all(isinstance(x, str) for x in value)
)


def mistakes_in(
    settings: Mapping[str, Setting], known: Mapping[str, Kind], *, needed: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Everything that is wrong with the settings, a sentence each."""
    found = [f"setting {name!r} is missing: it must be {known[name].words}" for name in needed if name not in settings]
    for name, value in sorted(settings.items()):
        kind = known.get(name)
        if kind is None:
            near = get_close_matches(name, known, n=1)
            found.append(f"unknown setting {name!r}" + (f", did you mean {near[0]!r}?" if near else ""))
        elif not kind.check(value):
            found.append(f"setting {name!r} must be {kind.words}")
    return tuple(found)


def number(settings: Mapping[str, Setting], name: str, default: float) -> float:
    """A checked number setting."""
    value = settings.get(name, default)
    return float(value) if isinstance(value, int | float) else default


def word_map(settings: Mapping[str, Setting], name: str) -> dict[str, str]:
    """A checked map of words, sorted."""
    value = settings.get(name)
    return {key: str(word) for key, word in sorted(value.items())} if isinstance(value, dict) else {}


def left_s(act: Act) -> float:
    """Seconds until the act's deadline. Raises Retry when it is over."""
    left = (act.deadline - datetime.now(UTC)).total_seconds()
    if left <= 0:
        raise Retry(f"the deadline of {act.once_key} is over")
    return left


@asynccontextmanager
async def within(seconds: float, what: str) -> AsyncIterator[None]:
    """A bound on everything inside; Retry when it is over."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise Retry(f"{what}: no answer within {seconds:.3g} s") from error


class Web:
    """HTTP as drivers speak it: bounded, no connection kept, every failure one of the four kinds."""

    def __init__(self, *, timeout_s: float, headers: Mapping[str, str] | None = None) -> None:
        self._timeout_s = timeout_s
        self._headers = dict(headers or {})
        self._clients: dict[bool, httpx.AsyncClient] = {}

    async def ask(self, method: str, url: str, *, json: object = None, headers: Mapping[str, str] | None = None) -> Any:
        """The answer's JSON, None if it has no body. Retry: no answer, or "come again". Conflict: 409 and 412.
        Refused: any other 4xx. Broken: 5xx, or what is not JSON."""
        content = None if json is None else dumps(json).encode()
        kind = {} if json is None else {"content-type": "application/json"}
        response = await self.send(method, url, content=content, headers={**kind, **(headers or {})})
        if not response.content:
            return None
        try:
            return response.json()
        except ValueError as error:
            raise Broken(f"{method} {url}: the answer is not JSON") from error

    async def send(
        self, method: str, url: str, *, content: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> "httpx.Response":
        """A good answer as it came."""
        import httpx

        try:
            async with within(self._timeout_s, f"{method} {url}"):
                response = await self._client(url).request(method, url, headers=dict(headers or {}), content=content)
        except httpx.ConnectError as error:
            raise Retry(f"{method} {url}: cannot connect: {error}") from error
        except httpx.TransportError as error:
            raise Retry(f"{method} {url}: {str(error) or type(error).__name__}") from error
        except (httpx.InvalidURL, httpx.DecodingError) as error:
            raise Broken(f"{method} {url}: {error}") from error
        return _checked(response, f"{method} {url}")

    def _client(self, url: str) -> "httpx.AsyncClient":
        import httpx

        secure = url.startswith("https:")  # the certificates are read only by whoever needs them
        if secure not in self._clients:
            self._clients[secure] = httpx.AsyncClient(
                verify=secure,
                trust_env=False,
                timeout=self._timeout_s,
                headers={"user-agent": "leeward", **self._headers},
                limits=httpx.Limits(max_keepalive_connections=0),
            )
        return self._clients[secure]


def _checked(response: "httpx.Response", what: str) -> "httpx.Response":
    code = response.status_code
    if code < 300:
        return response
    said = f"{what}: answered {code}: {response.text[:200]}"
    if code in _TRANSIENT:
        raise Retry(said)
    if code in {409, 412}:
        raise Conflict(said)
    if code >= 500:
        raise Broken(said)
    raise Refused(said)


@asynccontextmanager
async def locked(path: Path, seconds: float) -> AsyncIterator[None]:
    """Hold the lock that belongs to ``path``, against other processes and other tasks of this one.

    The lock is a file of its own, since the file itself is replaced at each change. Retry when it is not free in time.
    """
    try:
        descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise Broken(f"{path}: cannot be locked: {error.strerror}") from error
    try:
        async with within(seconds, f"the lock of {path}"):
            while not _lock(descriptor):  # noqa: ASYNC110  who holds it may be another process
                await asyncio.sleep(_LOCK_POLL_S)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def replace_file(path: Path, data: bytes) -> None:
    """Swap the file for new contents by an atomic rename: who reads it sees the old or the new, whole. Broken if the
    disk does not take it."""
    with _broken(path):
        fresh = path.with_name(f".{path.name}.new")
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fdatasync(file.fileno())
        if path.exists():
            fresh.chmod(path.stat().st_mode & 0o777)
        fresh.replace(path)


def read_file(path: Path) -> bytes | None:
    """The file's contents; None if there is none. Broken if it cannot be read."""
    with _broken(path):
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None


@contextmanager
def _broken(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Broken(f"{path}: {error.strerror or error}") from error
