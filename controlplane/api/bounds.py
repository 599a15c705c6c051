"""Bounds around every request: how large, how long, and never a stack trace."""

import asyncio
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from controlplane.api.problems import MEDIA_TYPE, problem

_ENDLESS = "/v1/events"
_HEADERS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))


class TooLarge(Exception):
    """413: more of a body than is read."""


@dataclass(frozen=True, slots=True)
class Limits:
    """``body`` in bytes."""

    body: int = 64 * 1024
    timeout_s: float = 15.0
    listeners: int = 64


class Bounded:
    """Stops reading a body past the limit and answering past the timeout; events are the one answer without an end."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False
        left = self._limits.body

        async def receive_some() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise TooLarge(f"a request's body has at most {self._limits.body} bytes")
            return message

        async def send_safe(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        try:
            async with asyncio.timeout(None if scope["path"] == _ENDLESS else self._limits.timeout_s):
                await self._app(scope, receive_some, send_safe)
        except TimeoutError:
            if not begun:
                await _answer(send_safe, 504, "Too slow", f"no answer within {self._limits.timeout_s:g} s")


async def _answer(send: Send, status: int, title: str, detail: str) -> None:
    import json

    body = json.dumps(problem(status, title, detail)).encode()
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
