"""How answers and errors leave the house."""

from collections.abc import Awaitable, Callable

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from controlplane.api.bounds import TooLarge
from controlplane.api.callers import Forbidden, Unknown
from controlplane.api.problems import MEDIA_TYPE, TABLE, problem, written
from controlplane.model.errors import LeaseLost, LeewardError
from controlplane.model.journal import Json
from controlplane.service.service import Service

Handler = Callable[[Request, Exception], Awaitable[Response]]


def reply(value: Json, status: int = 200) -> JSONResponse:
    """Plain JSON that nobody is to keep."""
    return JSONResponse(value, status, {"cache-control": "no-store"})


def refuse(status: int, title: str, detail: str, more: dict[str, Json] | None = None) -> JSONResponse:
    """A problem document."""
    return _problem({**problem(status, title, detail), **(more or {})}, status)


def handlers(service: Service) -> dict[type[Exception], Handler]:
    """What becomes of each error that a route lets out."""

    async def on_error(_: Request, error: Exception) -> Response:
        if not isinstance(error, LeewardError):  # Starlette's signature is wider than what it calls this with
            return refuse(500, "It failed", "an error of ours: the daemon's log has it")
        more: dict[str, Json] = {}
        if isinstance(error, LeaseLost):
            status = await service.status()
            more = {"leader": status.leader, "leaderAddress": status.leader_address}
        return _problem(written(error, more), next(row.status for row in TABLE if isinstance(error, row.kind)))

    return {
        LeewardError: on_error,
        ValidationError: _on_invalid,
        HTTPException: _on_http,
        TooLarge: _plain(413, "Too large"),
        Unknown: _plain(401, "Who are you?", {"www-authenticate": "Bearer"}),
        Forbidden: _plain(403, "Not yours to do"),
        Exception: _on_fault,
    }


async def _on_invalid(_: Request, error: Exception) -> Response:
    """422 with every field that is wrong, and without what was in it: a secret may have been put there."""
    found = (
        error.errors(include_url=False, include_input=False, include_context=False)
        if isinstance(error, ValidationError)
        else []
    )
    errors: list[Json] = [{"where": ".".join(map(str, e["loc"])) or "body", "what": e["msg"]} for e in found]
    detail = "; ".join(f"{e['where']}: {e['what']}" for e in errors if isinstance(e, dict))
    return refuse(422, "The request is not well formed", detail, {"errors": errors})


async def _on_http(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) else ""
    answer = refuse(status, detail, {404: "there is nothing here", 405: "not by this method"}.get(status, detail))
    if isinstance(error, HTTPException) and error.headers:
        answer.headers.update(error.headers)
    return answer


async def _on_fault(_: Request, _error: Exception) -> Response:
    return refuse(500, "It failed", "an error of ours: the daemon's log has it")


def _plain(status: int, title: str, headers: dict[str, str] | None = None) -> Handler:
    async def handle(_: Request, error: Exception) -> Response:
        answer = refuse(status, title, str(error))
        answer.headers.update(headers or {})
        return answer

    return handle


def _problem(document: dict[str, Json], status: int) -> JSONResponse:
    return JSONResponse(document, status, {"cache-control": "no-store"}, MEDIA_TYPE)
