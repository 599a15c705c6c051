"""The route file on disk: changed by many at once, each change whole.

Changes that come together go together: one reading, one rename, one reload of Envoy. The lock keeps other processes
out; a change that fails takes no other with it.
"""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from controlplane.drivers import locked, read_file, replace_file
from controlplane.model.errors import Broken, DriverError

Change = Callable[[dict[str, Any]], bool]
"""Edits the document in place; answers whether anything has changed. Raises a DriverError, before it has changed
anything, to be left out."""

Signature = tuple[int, int, int]

_LOCK_S = 2.0


class RouteFile:
    """One file; one object of it serves all services of a process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._waiting: list[tuple[Change, asyncio.Future[None]]] = []
        self._flushing: asyncio.Task[None] | None = None
        self._known: tuple[Signature, dict[str, Any]] | None = None

    def read(self) -> dict[str, Any]:
        """The document, for looking at. Broken if it is missing or no JSON object."""
        signature = self._signature()
        if self._known is None or self._known[0] != signature:
            self._known = signature, self._parse()
        return self._known[1]

    def _parse(self) -> dict[str, Any]:
        data = read_file(self.path)
        if data is None:
            raise Broken(f"{self.path}: there is no route file; whoever runs the edge makes the first one")
        try:
            document = json.loads(data)
        except ValueError as error:
            raise Broken(f"{self.path}: not JSON: {error}") from error
        if not isinstance(document, dict):
            raise Broken(f"{self.path}: not a DiscoveryResponse")
        return document

    def age_s(self) -> float:
        """Seconds since the file was last swapped."""
        return time.time() - self._signature()[1] / 1e9

    def _signature(self) -> Signature:
        """What a swap of the file changes. Broken if there is none."""
        try:
            stat = self.path.stat()
        except OSError as error:
            raise Broken(f"{self.path}: {error.strerror}: whoever runs the edge makes the first one") from error
        return stat.st_ino, stat.st_mtime_ns, stat.st_size

    async def change(self, change: Change) -> None:
        """Apply a change together with whatever else is waiting. Raises what the change raised, or Retry without the
        lock, or Broken."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((change, done))
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.get_running_loop().create_task(self._flush())
        await done

    async def _flush(self) -> None:
        while self._waiting:
            try:
                async with locked(self.path, _LOCK_S):
                    self._swap()
            except DriverError as error:
                waiting, self._waiting = self._waiting, []
                _fail(waiting, error)

    def _swap(self) -> None:
        waiting, self._waiting = self._waiting, []
        try:
            document, changed = self.read(), False
            for change, done in waiting:
                if done.done():
                    continue  # whoever wanted it has given up
                try:
                    changed = change(document) or changed
                except DriverError as error:
                    done.set_exception(error)
            if changed:
                self._known = None
                document["version_info"] = _next(document.get("version_info"))
                replace_file(self.path, json.dumps(document).encode())
                self._known = self._signature(), document
            for _, done in waiting:
                if not done.done():
                    done.set_result(None)
        except DriverError as error:
            _fail(waiting, error)
        finally:
            if any(not done.done() for _, done in waiting):
                self._known = None
            _fail(waiting, Broken(f"{self.path}: what is in it is no route configuration"))


def _fail(waiting: list[tuple[Change, asyncio.Future[None]]], error: DriverError) -> None:
    for _, done in waiting:
        if not done.done():
            done.set_exception(error)


def _next(version: object) -> str:
    return str(int(version) + 1) if isinstance(version, str) and version.isdecimal() else f"{version or 0}.1"
