"""The other end: what the command line asks the daemon with. Errors come back as the errors they were."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from controlplane.api.address import DEFAULT_ADDRESS, Address, parse_address
from controlplane.api.problems import read
from controlplane.model.errors import Unreachable, WrongUse
from controlplane.model.journal import Json

if TYPE_CHECKING:
    import httpx

    from controlplane.service.verbs import Said, Verb

_SILENCE_S = 45.0


class _Line:
    """Connections to one daemon, opened when needed."""

    def __init__(self, address: Address, token: str, timeout_s: float) -> None:
        self.address = address
        self.token = token
        self.timeout_s = timeout_s
        self._http: httpx.AsyncClient | None = None

    @property
    def http(self) -> "httpx.AsyncClient":
        """Nothing is sent yet."""
        import httpx

        if self._http is None:
            local = self.address.is_local
            self._http = httpx.AsyncClient(
                base_url=self.address.url,
                headers={"authorization": f"Bearer {self.token}"} if self.token else {},
                timeout=self.timeout_s,
                transport=httpx.AsyncHTTPTransport(uds=self.address.path) if self.address.path else None,
                trust_env=not local,
            )
        return self._http

    async def get(self, path: str, query: dict[str, str] | None = None) -> Json:
        """The answer's document, or the error it tells of."""
        async with _unreachable(self.address):
            return _read_answer(await self.http.get(path, params=query))

    async def command(self, command: dict[str, Json], *, follow: bool = True) -> Json:
        """The same for a change. ``follow``: if another daemon leads and this one says where, ask that one, once."""
        async with _unreachable(self.address):
            answer = await self.http.post("/v1/commands", json=command)
        leader = _document(answer).get("leaderAddress")
        if answer.status_code != 421 or not isinstance(leader, str) or not follow:
            return _read_answer(answer)
        other = _Line(parse_address(leader), self.token, self.timeout_s)
        try:
            return await other.command(command, follow=False)
        finally:
            await other.close()

    async def close(self) -> None:
        """Hang up."""
        if self._http is not None:
            await self._http.aclose()


class Client:
    """Asks one daemon, and for a change the one that leads. All methods raise Unreachable if nobody answers.

    ``token_file`` holds the caller's own token, and nothing else.
    """

    def __init__(
        self, address: str = DEFAULT_ADDRESS, *, token_file: str | None = None, timeout_s: float = 20.0
    ) -> None:
        self._line = _Line(parse_address(address), _read_token(token_file), timeout_s)

    async def __aenter__(self) -> Self:
        """Connections are opened when needed."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close them."""
        await self._line.close()

    async def status(self) -> Json:
        """Everything that is so now."""
        return await self._line.get("/v1/status")

    async def plan(self) -> Json:
        """The last decision."""
        return await self._line.get("/v1/plan")

    async def world(self) -> Json:
        """What it was made from, as a file for ``leeward plan --world``."""
        return await self._line.get("/v1/world")

    async def explain(self, asked: str) -> Json:
        """Why, why not, and what would change it."""
        return await self._line.get("/v1/explain", {"about": asked})

    async def history(
        self, *, after: int | None = None, limit: int = 100, subject: str | None = None, kind: str | None = None
    ) -> Json:
        """Journal entries, oldest first."""
        asked = {"after": after, "limit": limit, "subject": subject, "kind": kind}
        return await self._line.get("/v1/journal", {name: str(v) for name, v in asked.items() if v is not None})

    async def verify(self) -> Json:
        """Whether history is whole, and if not, where it breaks."""
        return await self._line.get("/v1/journal/verify")

    async def preview(self, verb: "Verb", said: "Said") -> Json:
        """What would happen."""
        from controlplane.service.wire.verbs import verb_json

        return await self._line.command(verb_json(verb, said, preview=True))

    async def do(self, verb: "Verb", said: "Said") -> Json:
        """Do it, or put it aside for a second person; if another daemon leads and says where, there."""
        from controlplane.service.wire.verbs import verb_json

        return await self._line.command(verb_json(verb, said))

    async def events(self, after: int | None = None) -> AsyncGenerator[tuple[str, Json], None]:
        """(``entry`` or ``status``, document) as they come, until the caller stops or the daemon does (Unreachable)."""
        import httpx

        query = {} if after is None else {"after": str(after)}
        timeout = httpx.Timeout(self._line.timeout_s, read=_SILENCE_S)
        asked = self._line.http.stream("GET", "/v1/events", params=query, timeout=timeout)
        async with _unreachable(self._line.address), asked as answer:
            if answer.status_code != 200:
                await answer.aread()
                raise read(_document(answer), answer.status_code)
            kind, data = "", ""
            async for line in answer.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    kind = value
                elif name == "data":
                    data += value
                elif not line and data:
                    yield kind, json.loads(data)
                    kind, data = "", ""
        raise Unreachable(f"the daemon at {self._line.address} ended the conversation")


@asynccontextmanager
async def _unreachable(address: Address) -> AsyncIterator[None]:
    import httpx

    try:
        yield
    except httpx.TimeoutException as error:
        raise Unreachable(f"the daemon at {address} does not answer in time") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unreachable(f"no daemon answers at {address}: {str(error) or type(error).__name__}") from error


def _read_answer(answer: "httpx.Response") -> Json:
    if answer.is_success:
        try:
            value: Json = answer.json()
        except ValueError as error:
            raise Unreachable(f"{answer.url} answered something else than JSON: is it a Leeward daemon?") from error
        return value
    raise read(_document(answer), answer.status_code)


def _document(answer: "httpx.Response") -> dict[str, Json]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _read_token(file: str | None) -> str:
    if file is None:
        return ""
    try:
        return Path(file).read_text(encoding="utf-8").split()[-1]
    except (OSError, UnicodeError, IndexError) as error:
        raise WrongUse(f"the token file {file} cannot be read, or is empty") from error
