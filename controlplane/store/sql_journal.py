"""The journal on a database. Appends that are asked for at the same time are committed together."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Row, Select, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from controlplane.model.errors import LeewardError, StoreLost
from controlplane.model.journal import Entry
from controlplane.store.chain import GENESIS, holds, opened, seal
from controlplane.store.database import Database
from controlplane.store.fencing import forbid_stale
from controlplane.store.schema import head, journal

_CHUNK = 5000
_LARGEST_GROUP = 1000

_Row = dict[str, str | int]
_LINES = select(journal.c.body, journal.c.previous, journal.c.hash)


@dataclass(frozen=True, slots=True)
class Head:
    """Where the journal ends, and the highest epoch seen."""

    seq: int
    hash: str
    epoch: int


async def lock_head(connection: AsyncConnection) -> Head:
    """``locked_head`` for work that waits between its statements."""
    return await connection.run_sync(locked_head)


def locked_head(connection: Connection) -> Head:
    """The head, kept from all other writers until the transaction ends (SQLite: the transaction itself does that)."""
    found = connection.execute(select(head.c.seq, head.c.hash, head.c.epoch).with_for_update()).one_or_none()
    if found is None:
        raise StoreLost("the store has lost the head of its journal: restore it from a backup")
    return Head(*found)


async def raise_epoch(connection: AsyncConnection, epoch: int) -> None:
    """Remember an epoch higher than any before."""
    await connection.execute(update(head).values(epoch=epoch).where(head.c.epoch < epoch))


@dataclass(eq=False, slots=True)
class _Batch:
    """One caller's entries, all or none, and where it waits for them."""

    entries: tuple[Entry, ...]
    answer: "asyncio.Future[tuple[Entry, ...]]"


class SqlJournal:
    """See ``ports.store.Journal``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[_Batch] = []
        self._committing: asyncio.Task[None] | None = None

    async def append(self, entries: Sequence[Entry]) -> tuple[Entry, ...]:
        """Add entries to the end, all or none; they are on the disk when this answers.

        A caller that is cancelled stops waiting; its entries may still be written.
        """
        if not entries:
            return ()
        batch = _Batch(tuple(entries), asyncio.get_running_loop().create_future())
        self._waiting.append(batch)
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit_waiting(), name="journal-commit")
        return await batch.answer

    async def read(self, *, after: int = 0, limit: int = 1000) -> tuple[Entry, ...]:
        """Entries with a ``seq`` above ``after``, oldest first."""
        if limit <= 0:
            return ()
        return await self._lines(_LINES.where(journal.c.seq > max(after, 0)).order_by(journal.c.seq).limit(limit))

    async def last(self, limit: int = 100) -> tuple[Entry, ...]:
        """The newest entries, oldest first."""
        if limit <= 0:
            return ()
        return (await self._lines(_LINES.order_by(journal.c.seq.desc()).limit(limit)))[::-1]

    async def verify(self) -> int | None:
        """The ``seq`` of the first entry whose chain is broken or that is missing; None if history is whole."""

        async def chunk(connection: AsyncConnection) -> tuple[Row[int, str] | None, Sequence[Row[int, str, str, str]]]:
            end = (await connection.execute(select(head.c.seq, head.c.hash))).one_or_none()
            query = select(journal).where(journal.c.seq > seq).order_by(journal.c.seq).limit(_CHUNK)
            return end, (await connection.execute(query)).all()

        expected, seq = GENESIS, 0
        while True:
            end, lines = await self._database.read(chunk)
            for place, text, previous, hash_ in lines:
                seq += 1
                if place != seq or previous != expected or not holds(seq, text, previous, hash_):
                    return seq
                expected = hash_
            if len(lines) < _CHUNK:
                break
        return None if end is not None and (end.seq, end.hash) == (seq, expected) else seq + 1

    async def _lines(self, query: Select[str, str, str]) -> tuple[Entry, ...]:
        async def fetch(connection: AsyncConnection) -> Sequence[Row[str, str, str]]:
            return (await connection.execute(query)).all()

        return tuple(_open(*line) for line in await self._database.read(fetch))

    async def _commit_waiting(self) -> None:
        while self._waiting:
            group = self._take_group()
            try:
                answers = await self._commit(group)
            except LeewardError as error:
                answers = [error] * len(group)
            except asyncio.CancelledError:
                _answer(group, [StoreLost("the store was closed before the entries were written")] * len(group))
                raise
            _answer(group, answers)

    def _take_group(self) -> list[_Batch]:
        group: list[_Batch] = []
        size = 0
        while self._waiting and (not group or size + len(self._waiting[0].entries) <= _LARGEST_GROUP):
            batch = self._waiting.pop(0)
            size += len(batch.entries)
            if not batch.answer.done():
                group.append(batch)
        return group

    async def _commit(self, group: list[_Batch]) -> "list[tuple[Entry, ...] | LeewardError]":
        """One transaction for all batches; one that is stale or no JSON is answered with its own error alone."""

        def work(connection: Connection) -> list[tuple[Entry, ...] | LeewardError]:
            end = locked_head(connection)
            seq, previous, epoch = end.seq, end.hash, end.epoch
            answers: list[tuple[Entry, ...] | LeewardError] = []
            rows: list[_Row] = []
            for batch in group:
                try:
                    sealed, lines = _seal_all(batch.entries, seq, previous, epoch)
                except LeewardError as error:
                    answers.append(error)
                    continue
                seq, previous = sealed[-1].seq, sealed[-1].hash
                epoch = max(epoch, *(entry.epoch for entry in sealed))
                answers.append(sealed)
                rows += lines
            if rows:
                connection.execute(insert(journal), rows)
                connection.execute(update(head).values(seq=seq, hash=previous, epoch=epoch))
            return answers

        return await self._database.write_whole(work)


def _seal_all(
    entries: tuple[Entry, ...], seq: int, previous: str, highest: int
) -> tuple[tuple[Entry, ...], list[_Row]]:
    sealed: list[Entry] = []
    rows: list[_Row] = []
    for place, entry in enumerate(entries, start=seq + 1):
        forbid_stale(entry.epoch, highest)
        whole, text = seal(entry, place, previous)
        sealed.append(whole)
        rows.append({"seq": place, "body": text, "previous": previous, "hash": whole.hash})
        previous = whole.hash
    return tuple(sealed), rows


def _open(text: str, previous: str, hash_: str) -> Entry:
    try:
        return opened(text, previous, hash_)
    except (ValueError, KeyError, TypeError) as error:
        raise StoreLost("the journal holds a line that is no entry: it was changed by another hand") from error


def _answer(group: list[_Batch], answers: "Sequence[tuple[Entry, ...] | LeewardError]") -> None:
    for batch, answer in zip(group, answers, strict=True):
        if batch.answer.done():
            continue
        if isinstance(answer, LeewardError):
            batch.answer.set_exception(answer)
        else:
            batch.answer.set_result(answer)
