"""Entries that wait for the store, in a file beside the daemon (R16)."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from controlplane.model.journal import Entry, EntryKind

_MOST_BYTES = 32 * 1024 * 1024


class FileSpool:
    """See ``engine.scribe.Spool``. A line an entry; what a crash cut short at the end is left out. Where the disk
    refuses, entries are kept in memory: there is nobody else to tell."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unwritten: list[Entry] = []

    def put(self, entries: Sequence[Entry]) -> None:
        """Keep them after those already here."""
        lines = "".join(json.dumps(_row(entry), sort_keys=True) + "\n" for entry in entries)
        try:
            if self._path.exists() and self._path.stat().st_size + len(lines) > _MOST_BYTES:
                return
            with self._path.open("a", encoding="utf-8") as file:
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            self._unwritten.extend(entries)

    def held(self) -> tuple[Entry, ...]:
        """Everything that waits, oldest first."""
        try:
            lines = self._path.read_text(encoding="utf-8").splitlines()
        except OSError:
            lines = []
        found = [entry for line in lines if (entry := _entry(line)) is not None]
        return (*found, *self._unwritten)

    def clear(self) -> None:
        """It has been journalled."""
        self._unwritten.clear()
        self._path.unlink(missing_ok=True)


def _row(entry: Entry) -> dict[str, Any]:
    return {**asdict(entry), "kind": entry.kind.value, "at": entry.at.isoformat()}


def _entry(line: str) -> Entry | None:
    try:
        row = json.loads(line)
        return Entry(
            **{
                **row,
                "kind": EntryKind(row["kind"]),
                "at": datetime.fromisoformat(row["at"]),
                "rules": tuple(row["rules"]),
            }
        )
    except (ValueError, TypeError, KeyError):
        return None
