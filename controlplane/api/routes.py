"""The daemon's own routes under ``/v1``."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from sse_starlette.event import ServerSentEvent
from sse_starlette.sse import EventSourceResponse
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from controlplane.api.bounds import Limits
from controlplane.api.callers import Callers
from controlplane.api.replies import refuse, reply
from controlplane.api.requests import CommandRequest, ExplainQuery, JournalQuery, said_in, verb_of
from controlplane.model.errors import WrongUse
from controlplane.model.journal import Entry, Json
from controlplane.service.service import Service
from controlplane.service.wire.answers import Answers
from controlplane.service.wire.entry import entry_json
from controlplane.service.wire.status import status_json

_PING_S = 10
_SEND_TIMEOUT_S = 30.0


def questions(service: Service) -> list[Route]:
    """What only looks."""
    answers = Answers(service)

    async def status(_: Request) -> Response:
        return reply(await answers.status())

    async def plan(_: Request) -> Response:
        return reply(await answers.plan())

    async def world(_: Request) -> Response:
        return reply(await answers.world())

    async def explain(request: Request) -> Response:
        return reply(await answers.explain(ExplainQuery.model_validate(dict(request.query_params)).about))

    async def journal(request: Request) -> Response:
        asked = JournalQuery.model_validate(dict(request.query_params))
        kind = asked.kind.value if asked.kind is not None else None
        found = await answers.history(after=asked.after, limit=asked.limit, subject=asked.subject, kind=kind)
        return reply(found)

    async def verify(_: Request) -> Response:
        return reply(await answers.verify())

    async def nothing_yet(_: Request) -> Response:
        return reply([])

    return [
        Route("/v1/status", status),
        Route("/v1/plan", plan),
        Route("/v1/world", world),
        Route("/v1/explain", explain),
        Route("/v1/journal", journal),
        Route("/v1/journal/verify", verify),
        *(Route(f"/v1/{part}", _part_of_status(answers, part)) for part in ("overrides", "wishes", "approvals")),
        Route("/v1/runbooks", nothing_yet),
        Route("/v1/drills", nothing_yet),
    ]


def commands(service: Service, callers: Callers) -> Route:
    """What changes something, or shows what would."""
    answers = Answers(service)

    async def command(request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return refuse(415, "Unsupported media type", "send application/json")
        asked = CommandRequest.model_validate_json(await request.body()).root
        said = said_in(asked, callers.who(request, asked.by))
        if asked.preview:
            return reply(await answers.preview(verb_of(asked), said))
        receipt = await answers.do(verb_of(asked), said)
        waits = isinstance(receipt, dict) and receipt["waiting"] is not None
        return reply(receipt, 202 if waits else 200)

    return Route("/v1/commands", command, methods=["POST"])


def events(service: Service, limits: Limits) -> Route:
    """Server-sent events: ``entry`` (its id is its ``seq``, so that a reader goes on where it was) and ``status``."""
    listening = 0

    async def stream(request: Request) -> Response:
        nonlocal listening
        after = _after(request)
        if listening >= limits.listeners:
            return refuse(503, "Too many listeners", f"{limits.listeners} listen already")

        async def told() -> AsyncGenerator[ServerSentEvent, None]:
            nonlocal listening
            listening += 1
            try:
                async with aclosing(service.events(after)) as found:
                    async for event in found:
                        if isinstance(event, Entry):
                            yield _sent("entry", entry_json(event), event.seq)
                        else:
                            yield _sent("status", status_json(event, service.estate))
            finally:
                listening -= 1

        return EventSourceResponse(told(), ping=_PING_S, send_timeout=_SEND_TIMEOUT_S)

    return Route("/v1/events", stream)


def _part_of_status(answers: Answers, part: str) -> Callable[[Request], Awaitable[Response]]:
    async def listed(_: Request) -> Response:
        status = await answers.status()
        return reply(status[part] if isinstance(status, dict) else [])

    return listed


def _after(request: Request) -> int | None:
    """Where a reader was: its Last-Event-ID, or ``?after=`` the first time."""
    text = request.headers.get("last-event-id") or request.query_params.get("after")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise WrongUse("after, or Last-Event-ID, is the place of a journal entry")
    return int(text)


def _sent(kind: str, value: dict[str, Json], place: int | None = None) -> ServerSentEvent:
    return ServerSentEvent(json.dumps(value), event=kind, id=str(place) if place is not None else None)
