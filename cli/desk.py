"""Whom a command asks: the daemon over HTTP, or the same service here, on the policies and the store."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

from cli.options import Where
from controlplane.model.errors import LeewardError, WrongUse
from controlplane.model.journal import Json
from controlplane.service.verbs import Said, Verb

T = TypeVar("T")


class Desk(Protocol):
    """What either answers, in the wire's JSON."""

    async def status(self) -> Json:
        """Everything that is so now."""
        ...

    async def plan(self) -> Json:
        """The last decision."""
        ...

    async def world(self) -> Json:
        """What it was made from, as a file for ``leeward plan --world``."""
        ...

    async def explain(self, asked: str) -> Json:
        """Why, why not, and what would change it."""
        ...

    async def history(self, *, after: int | None, limit: int, subject: str | None, kind: str | None) -> Json:
        """Journal entries, oldest first."""
        ...

    async def preview(self, verb: Verb, said: Said) -> Json:
        """What would happen."""
        ...

    async def do(self, verb: Verb, said: Said) -> Json:
        """Do it, and say what became of it."""
        ...


@asynccontextmanager
async def open_desk(place: Where) -> AsyncIterator[Desk]:
    """The one that ``place`` names. Raises Unreachable when it does not answer, WrongUse when too little is said."""
    if not place.direct:
        from controlplane.api.client import Client

        async with Client(place.daemon, token_file=place.token_file) as client:
            yield client
        return
    if not place.policies or not place.store:
        raise WrongUse("--direct needs --policies and --store: it acts from them, without the daemon")
    from controlplane import wiring

    async with wiring.direct(place.policies, place.store) as desk:
        yield desk


def ask(place: Where, question: Callable[[Desk], Awaitable[Json]]) -> Json:
    """One question, one answer."""

    async def asked() -> Json:
        async with open_desk(place) as desk:
            return await question(desk)

    return run(asked())


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; of several errors at once the first that was raised on purpose is the one to tell."""
    try:
        return asyncio.run(work)
    except BaseExceptionGroup as group:
        raise _foremost(group) from group


def _foremost(group: BaseExceptionGroup[BaseException]) -> BaseException:
    meant, _ = group.split(LeewardError)
    inner = (meant or group).exceptions[0]
    return _foremost(inner) if isinstance(inner, BaseExceptionGroup) else inner
