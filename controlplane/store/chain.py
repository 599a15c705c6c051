"""The hash chain: each entry carries a digest of itself and of the one before, so that an edit of history shows."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

from controlplane.model.errors import WrongUse
from controlplane.model.journal import Entry, EntryKind, Json

GENESIS = ""
"""What stands as the previous hash of the first entry."""


def canonical(value: Json) -> str:
    """One text for one value: sorted keys, no blanks, ASCII only, no NaN or infinity.

    ASCII keeps NUL and lone surrogates out of a database's text columns. Raises WrongUse for what JSON has not.
    """
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise WrongUse(f"not plain JSON, so it cannot be stored: {error}") from error


def body(entry: Entry, seq: int) -> str:
    """The canonical text of an entry in its place; what is hashed and what is stored."""
    if entry.at.tzinfo is None:
        raise WrongUse(f"the time of a {entry.kind} entry has no zone")
    return canonical(
        {
            "action": entry.action,
            "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "by": entry.by,
            "epoch": entry.epoch,
            "facts": dict(entry.facts),
            "kind": entry.kind.value,
            "rules": list(entry.rules),
            "seq": seq,
            "subject": entry.subject,
            "why": entry.why,
        }
    )


def digest(previous: str, text: str) -> str:
    """SHA-256, in hexadecimal, over the previous hash and an entry's canonical text."""
    return sha256(f"{previous}\n{text}".encode()).hexdigest()


def seal(entry: Entry, seq: int, previous: str) -> tuple[Entry, str]:
    """The entry with its place in the chain, and the text to store."""
    text = body(entry, seq)
    return replace(entry, seq=seq, previous=previous, hash=digest(previous, text)), text


def opened(text: str, previous: str, hash_: str) -> Entry:
    """The inverse of ``seal``; trusts the hash, ``Journal.verify`` does not."""
    fields = json.loads(text)
    return Entry(
        kind=EntryKind(fields["kind"]),
        at=datetime.fromisoformat(fields["at"]),
        subject=fields["subject"],
        by=fields["by"],
        why=fields["why"],
        rules=tuple(fields["rules"]),
        epoch=fields["epoch"],
        action=fields["action"],
        facts=fields["facts"],
        seq=fields["seq"],
        previous=previous,
        hash=hash_,
    )


def holds(seq: int, text: str, previous: str, hash_: str) -> bool:
    """Whether one stored line is whole and stands in the place it claims."""
    if digest(previous, text) != hash_:
        return False
    try:
        claimed = json.loads(text)["seq"]
    except (ValueError, KeyError, TypeError):
        return False
    return bool(claimed == seq)
