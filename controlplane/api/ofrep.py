"""OpenFeature's Remote Evaluation Protocol (github.com/open-feature/protocol): knobs as flags.

Every answer has a value, a variant and a reason: the official server-side providers break without. Members that the
protocol may gain are passed over, since its clients are not ours.
"""

import hashlib
import json

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from controlplane.model.journal import Json
from controlplane.service.flags import Flag
from controlplane.service.service import Service

PATH = "/ofrep/v1/evaluate/flags"


class _Refused(Exception):
    """400, with the protocol's own code."""

    def __init__(self, code: str, details: str) -> None:
        super().__init__(details)
        self.code = code
        self.details = details


def routes(service: Service) -> list[Route]:
    """Single and bulk evaluation."""

    async def bulk(request: Request) -> Response:
        try:
            region = await _region(request)
        except _Refused as refused:
            return _refusal(400, {"errorCode": refused.code, "errorDetails": refused.details})
        flags: list[Json] = [_flag(flag) for flag in service.flags(region)]
        etag = f'"{hashlib.sha256(json.dumps(flags, sort_keys=True).encode()).hexdigest()[:32]}"'
        if _has(request.headers.get("if-none-match"), etag):
            return Response(status_code=304, headers={"etag": etag})
        return JSONResponse({"flags": flags}, headers={"etag": etag, "cache-control": "no-cache"})

    async def single(request: Request) -> Response:
        key: str = request.path_params["key"]
        try:
            flag = service.flag(key, await _region(request))
        except _Refused as refused:
            return _refusal(400, {"key": key, "errorCode": refused.code, "errorDetails": refused.details})
        if flag is None:
            return _refusal(404, {"key": key, "errorCode": "FLAG_NOT_FOUND", "errorDetails": f"there is no knob {key}"})
        return JSONResponse(_flag(flag), headers={"cache-control": "no-store"})

    return [Route(PATH, bulk, methods=["POST"]), Route(PATH + "/{key}", single, methods=["POST"])]


def _flag(flag: Flag) -> dict[str, Json]:
    return {
        "key": flag.key,
        "value": flag.value,
        "reason": flag.reason.value,
        "variant": flag.variant,
        "metadata": {"depth": flag.depth},
    }


def _refusal(status: int, document: dict[str, Json]) -> JSONResponse:
    return JSONResponse(document, status, {"cache-control": "no-store"})


async def _region(request: Request) -> str | None:
    """The ``region`` of the evaluation context, if it says one."""
    text = await request.body()
    try:
        body = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        raise _Refused("PARSE_ERROR", "the body is not JSON") from error
    if not isinstance(body, dict):
        raise _Refused("PARSE_ERROR", "the body is not an object")
    context = body.get("context", {})
    if context is None:
        return None
    if not isinstance(context, dict):
        raise _Refused("INVALID_CONTEXT", "the context is not an object")
    for name in ("targetingKey", "region"):
        if not isinstance(context.get(name), str | None):
            raise _Refused("INVALID_CONTEXT", f"the context's {name} is not a string")
    region: str | None = context.get("region")
    return region


def _has(given: str | None, etag: str) -> bool:
    """Whether If-None-Match names it; weak or strong makes no difference here (RFC 9110, 13.1.2)."""
    if given is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in given.split(",")]
    return "*" in tags or etag in tags
