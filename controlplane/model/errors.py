"""Errors, drawn as the tree they are.

LeewardError
├── PoliciesInvalid      every mistake of a set of documents            exit 1
├── WrongUse             a command or request that makes no sense       exit 2
├── RefusedByRule        a rule said no; its ids are in ``rules``       exit 3
├── NeedsApproval        a person must approve first                    exit 4
├── Unreachable          the daemon or its store cannot be reached      exit 5
├── StoreLost            the store cannot be read or written (R16)
├── LeaseLost            a higher epoch leads, or the lease ran out
├── WriteRaced           another writer changed the document since it was loaded
└── DriverError          what a driver says, always with its cause chained
    ├── Retry            transient: the same act may work in a moment
    ├── Refused          the target says no and will say no again
    ├── Conflict         somebody else changed the target, or a higher epoch has been there
    └── Broken           the target or the driver is not in working order
"""

from dataclasses import dataclass


class LeewardError(Exception):
    """Root of all errors that Leeward raises on purpose."""

    exit_code = 1


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One thing wrong in one document: where, what, why it matters and how to mend it. Lines count from 1."""

    file: str
    line: int
    column: int
    what: str
    why: str = ""
    mend: str = ""

    def __str__(self) -> str:
        tail = "".join(f"\n    {label}: {text}" for label, text in (("why", self.why), ("mend", self.mend)) if text)
        return f"{self.file}:{self.line}:{self.column}: {self.what}{tail}"


class PoliciesInvalid(LeewardError):
    """Carries every mistake found, sorted by place."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = mistakes


class WrongUse(LeewardError):
    """The caller asked for something that makes no sense."""

    exit_code = 2


class RefusedByRule(LeewardError):
    """A rule forbids it."""

    exit_code = 3

    def __init__(self, message: str, rules: tuple[str, ...]) -> None:
        super().__init__(message)
        self.rules = rules


class NeedsApproval(LeewardError):
    """Nothing happens until a person approves ``approval``."""

    exit_code = 4

    def __init__(self, message: str, approval: str) -> None:
        super().__init__(message)
        self.approval = approval


class Unreachable(LeewardError):
    """The daemon or its store cannot be reached."""

    exit_code = 5


class StoreLost(LeewardError):
    """The store cannot be read or written; every automatic act stops (R16)."""

    exit_code = 5


class LeaseLost(LeewardError):
    """Somebody else leads, or this lease has run out: act on nothing."""

    exit_code = 5


class WriteRaced(LeewardError):
    """The document's version is not the one expected: load it again."""


class DriverError(LeewardError):
    """What went wrong at a driver's target. Raise one of the four below, ``from`` the cause."""


class Retry(DriverError):
    """Transient: trying the same act again may work."""


class Refused(DriverError):
    """The target says no, and would say no again."""


class Conflict(DriverError):
    """The target was changed by somebody else, or has seen a higher epoch."""


class Broken(DriverError):
    """The target or the driver is out of order; a breaker counts these."""
