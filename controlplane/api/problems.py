"""Errors on the wire, after RFC 9457: one row an error, read one way by the server and the other by the client."""

from collections.abc import Mapping
from dataclasses import dataclass

from controlplane.model.errors import (
    LeaseLost,
    LeewardError,
    NeedsApproval,
    RefusedByRule,
    StoreLost,
    Unreachable,
    WriteRaced,
    WrongUse,
)
from controlplane.model.journal import Json

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Row:
    """How one kind of error is written."""

    kind: type[LeewardError]
    type: str
    status: int
    title: str


TABLE = (
    Row(RefusedByRule, "urn:leeward:refused-by-rule", 409, "A rule forbids it"),
    Row(NeedsApproval, "urn:leeward:needs-approval", 409, "A person must approve it first"),
    Row(WriteRaced, "urn:leeward:write-raced", 409, "Somebody else was faster"),
    Row(LeaseLost, "urn:leeward:not-leading", 421, "This replica does not lead"),
    Row(StoreLost, "urn:leeward:store-lost", 503, "The store cannot be reached"),
    Row(Unreachable, "urn:leeward:unreachable", 503, "It cannot be reached"),
    Row(WrongUse, "urn:leeward:wrong-use", 400, "The request makes no sense"),
    Row(LeewardError, "urn:leeward:failed", 500, "It failed"),
)


def written(error: LeewardError, more: Mapping[str, Json] | None = None) -> dict[str, Json]:
    """An error as its document; ``more`` are further members."""
    row = next(row for row in TABLE if isinstance(error, row.kind))
    document = problem(row.status, row.title, str(error), type_=row.type)
    if isinstance(error, RefusedByRule):
        document["rules"] = list(error.rules)
    if isinstance(error, NeedsApproval):
        document["approval"] = error.approval
    return {**document, **(more or {})}


def problem(status: int, title: str, detail: str, type_: str = "about:blank") -> dict[str, Json]:
    """A document for what is wrong with a request before any rule is asked."""
    return {"type": type_, "title": title, "status": status, "detail": detail}


def read(document: Mapping[str, Json], status: int) -> LeewardError:
    """The error that a document tells of; what we did not write ourselves is WrongUse if it blames the caller."""
    detail = str(document.get("detail") or document.get("title") or f"HTTP {status}")
    row = next((row for row in TABLE if row.type == document.get("type")), None)
    if row is None:
        return WrongUse(detail) if 400 <= status < 500 else Unreachable(detail)
    if row.kind is RefusedByRule:
        rules = document.get("rules")
        return RefusedByRule(detail, tuple(map(str, rules)) if isinstance(rules, list) else ())
    if row.kind is NeedsApproval:
        return NeedsApproval(detail, str(document.get("approval") or ""))
    return row.kind(detail)
