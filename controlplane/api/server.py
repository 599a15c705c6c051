"""The HTTP server inside the daemon's own loop: it takes no signal and is no process of its own."""

import asyncio
import contextlib
import socket
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from controlplane.api.address import Address
from controlplane.api.callers import Callers
from controlplane.model.errors import WrongUse

_GRACE_S = 2
_START_S = 10.0
_BACKLOG = 512


class _Guest(uvicorn.Server):
    """A server that leaves signals to its host, and says when it answers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: ASGIApp, address: Address, callers: Callers) -> AsyncIterator[Address]:
    """Answer at an address (port 0: any that is free) while the block lasts; the address as it came to be.

    Raises WrongUse if it is taken, or if others than this machine could make changes there without a token.
    """
    if not address.is_local and not callers.tokens:
        raise WrongUse(f"{address} can be reached by others: give a token file, or bind to 127.0.0.1")
    listener = _listen(address)
    server = _Guest(_config(app))
    running = asyncio.create_task(server.serve([listener]), name="http")
    try:
        async with asyncio.timeout(_START_S):
            await server.up.wait()
        yield _bound(listener, address)
    finally:
        server.should_exit = True
        await asyncio.wait({running}, timeout=_GRACE_S + 3)
        running.cancel()
        listener.close()
        _take_away(address)


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        loop="none",
        ws="none",
        server_header=False,
        backlog=_BACKLOG,
        limit_concurrency=512,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_GRACE_S,
    )


def _listen(address: Address) -> socket.socket:
    try:
        return _listen_at_path(Path(address.path)) if address.path else _listen_at_port(address)
    except OSError as error:
        raise WrongUse(f"cannot answer at {address}: {error.strerror or error}") from error


def _listen_at_port(address: Address) -> socket.socket:
    family, kind, protocol, _, place = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
    except OSError:
        listener.close()
        raise
    return listener


def _listen_at_path(path: Path) -> socket.socket:
    """Only its owner may connect. A socket that a dead process left is taken away, one that answers is not."""
    if path.exists():
        if not stat.S_ISSOCK(path.stat().st_mode) or _answers(path):
            raise FileExistsError(0, "it is taken")
        path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        path.chmod(0o600)
    except OSError:
        listener.close()
        raise
    return listener


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(str(path)) == 0


def _take_away(address: Address) -> None:
    if address.path:
        Path(address.path).unlink(missing_ok=True)


def _bound(listener: socket.socket, address: Address) -> Address:
    if address.path:
        return address
    host, port, *_ = listener.getsockname()
    return Address(host, port)
