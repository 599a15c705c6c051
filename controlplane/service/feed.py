"""A live feed of what happens: journal entries as they are written, and the status whenever it has changed."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime

from controlplane.model.desk import Status
from controlplane.model.errors import StoreLost
from controlplane.model.journal import Entry
from controlplane.ports.store import Journal
from controlplane.service.desk import Desk

_CHUNK = 500
_POLL_S = 1.0
_NO_TIME = datetime.min.replace(tzinfo=UTC)


async def feed(desk: Desk, journal: Journal, after: int | None) -> AsyncGenerator[Entry | Status, None]:
    """The status now, then entries after a place (None: from now on) and each change of the status, without end.

    The journal is read rather than listened to, because most of it is written by whoever leads, which may be another
    replica. While the store is lost there are no entries, only what is so.
    """
    woken = asyncio.Event()
    stop = desk.listen(lambda _: woken.set())
    try:
        cursor, shown = after, None
        while True:
            woken.clear()
            cursor, entries = await _after(journal, cursor)
            for entry in entries:
                yield entry
            status = desk.snapshot()
            if shown is None or steady(status) != steady(shown):
                shown = status
                yield status
            if len(entries) < _CHUNK:
                await _either(woken)
    finally:
        stop()


def steady(status: Status) -> Status:
    """The status without what moves on although nothing has changed: the clock and what hangs on it."""
    plan = replace(status.plan, at=_NO_TIME, wake_at=None) if status.plan else None
    return replace(
        status,
        at=_NO_TIME,
        lease_expires_at=None,
        plan=plan,
        world=replace(status.world, at=_NO_TIME),
        watch=replace(status.watch, lag_s=0.0, vantages=dict.fromkeys(status.watch.vantages)),
    )


async def _after(journal: Journal, cursor: int | None) -> tuple[int | None, tuple[Entry, ...]]:
    try:
        if cursor is None:
            newest = await journal.last(1)
            return (newest[-1].seq if newest else 0), ()
        entries = await journal.read(after=cursor, limit=_CHUNK)
    except StoreLost:
        return cursor, ()
    return (entries[-1].seq if entries else cursor), entries


async def _either(woken: asyncio.Event) -> None:
    """Until something happened here, or may have happened elsewhere."""
    try:
        async with asyncio.timeout(_POLL_S):
            await woken.wait()
    except TimeoutError:
        return
