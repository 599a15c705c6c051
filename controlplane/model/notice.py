"""Notice: what people are told."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Severity(StrEnum):
    """``page``: somebody must act. ``warn``: somebody should know now. ``info``: for the record."""

    PAGE = "page"
    WARN = "warn"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Notice:
    """One message about one subject."""

    severity: Severity
    at: datetime
    subject: str
    text: str
    rules: tuple[str, ...] = ()
