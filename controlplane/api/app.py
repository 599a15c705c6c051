"""The application: every route of the daemon over one service."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from controlplane.api import ofrep
from controlplane.api.bounds import Bounded, Limits
from controlplane.api.callers import Callers, Forbidden
from controlplane.api.openapi import document
from controlplane.api.replies import handlers, refuse, reply
from controlplane.api.routes import commands, events, questions
from controlplane.model.desk import LOOP, Mode
from controlplane.model.journal import Json
from controlplane.service.service import Service

Metrics = Callable[[], tuple[bytes, str]]
"""The text that Prometheus scrapes, and its content type."""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Leeward</title></head>
<body><h1>Leeward</h1>
<ul><li><a href="v1/status">status</a></li><li><a href="v1/plan">plan</a></li><li><a href="v1/journal">journal</a></li>
<li><a href="metrics">metrics</a></li><li><a href="openapi.json">openapi.json</a></li></ul></body></html>
"""


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _no_metrics() -> tuple[bytes, str]:
    return b"", "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Manner:
    """How the application answers. ``stale_s``: a loop that has not turned for so long is not healthy."""

    callers: Callers = field(default_factory=lambda: Callers({}))
    metrics: Metrics = _no_metrics
    limits: Limits = field(default_factory=Limits)
    now: Callable[[], datetime] = _utc_now
    stale_s: float = 30.0


class KnownHosts:
    """Answers only to names that are ours, whatever is asked."""

    def __init__(self, app: ASGIApp, callers: Callers) -> None:
        self._app = app
        self._callers = callers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http":
            try:
                self._callers.check_host(Request(scope))
            except Forbidden as forbidden:
                await refuse(403, "Not called so", str(forbidden))(scope, receive, send)
                return
        await self._app(scope, receive, send)


def build_app(service: Service, manner: Manner | None = None) -> Starlette:
    """The whole HTTP face over a service."""
    manner = manner if manner is not None else Manner()
    return Starlette(
        routes=[
            Route("/", _page),
            *_probes(service, manner),
            *questions(service),
            events(service, manner.limits),
            commands(service, manner.callers),
            *ofrep.routes(service),
            Route("/openapi.json", _openapi),
        ],
        middleware=[Middleware(Bounded, limits=manner.limits), Middleware(KnownHosts, callers=manner.callers)],
        exception_handlers=handlers(service),
    )


def _probes(service: Service, manner: Manner) -> list[Route]:
    async def healthy(_: Request) -> Response:
        """Whether this process is worth keeping: its loop turns."""
        status = await service.status()
        silent_s = (manner.now() - status.at).total_seconds()
        well = silent_s <= manner.stale_s and LOOP not in status.watch.quiet
        body: dict[str, Json] = {"ok": well, "silentS": round(max(silent_s, 0.0), 3), "quiet": [*status.watch.quiet]}
        return reply(body, 200 if well else 503)

    async def ready(_: Request) -> Response:
        """Whether it does its part: it has decided once, has its store, and knows who leads."""
        status = await service.status()
        problems: list[Json] = []
        if status.mode is Mode.STARTING:
            problems.append("has not decided yet")
        if not status.store.ok:
            problems.append(f"the store is lost: {status.store.problem}")
        if status.mode is Mode.HOLDING:
            problems.append("holds: nobody is known to lead")
        body: dict[str, Json] = {"ready": not problems, "mode": status.mode.value, "problems": problems}
        return reply(body, 503 if problems else 200)

    async def metrics(_: Request) -> Response:
        text, kind = manner.metrics()
        return PlainTextResponse(text, media_type=kind)

    return [Route("/healthz", healthy), Route("/readyz", ready), Route("/metrics", metrics)]


async def _page(_: Request) -> Response:
    headers = {"content-security-policy": "default-src 'none'", "cache-control": "no-store"}
    return HTMLResponse(_PAGE, headers=headers)


async def _openapi(_: Request) -> Response:
    return reply(document())
