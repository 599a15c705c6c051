"""Logs: one JSON object a line, from the journal and from whatever library speaks through ``logging``."""

import logging
from typing import TextIO

import structlog

from controlplane.model.desk import Tick
from controlplane.model.journal import Entry, EntryKind

_LEVELS = {
    EntryKind.HOLD: logging.WARNING,
    EntryKind.REFUSED: logging.WARNING,
    EntryKind.UNDO: logging.WARNING,
    EntryKind.FREEZE: logging.WARNING,
    EntryKind.SUPERVISE: logging.ERROR,
}
_QUIETER = ("alembic", "aiosqlite", "httpx", "httpcore", "sqlalchemy", "sse_starlette", "uvicorn", "asyncio")
_BAD_ENDINGS = frozenset({"failed", "undone"})


def write_logs(stream: TextIO, level: str = "info") -> None:
    """From now on every log record of this process goes to ``stream`` as JSON. Libraries are heard from warnings on."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in _QUIETER:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


class JournalLog:
    """A listener that writes each journal entry as a log line."""

    def __init__(self) -> None:
        self._log: structlog.stdlib.BoundLogger = structlog.get_logger("leeward.journal")

    def __call__(self, event: Entry | Tick) -> None:
        """Write an entry; a tick is nothing to write home about."""
        if isinstance(event, Tick):
            return
        self._log.log(
            _level(event),
            event.why or event.kind.value,
            kind=event.kind.value,
            subject=event.subject,
            by=event.by,
            rules=list(event.rules),
            epoch=event.epoch,
            action=event.action,
            seq=event.seq,
            facts=dict(event.facts),
        )


def _level(entry: Entry) -> int:
    if entry.kind is EntryKind.OUTCOME and entry.facts.get("ending") in _BAD_ENDINGS:
        return logging.ERROR
    return _LEVELS.get(entry.kind, logging.INFO)
