"""Journal entries as JSON."""

from controlplane.model.journal import Entry, Json
from controlplane.service.wire.plain import time


def entry_json(entry: Entry) -> dict[str, Json]:
    """One line of the journal, with its place in the hash chain."""
    return {
        "seq": entry.seq,
        "at": time(entry.at),
        "kind": entry.kind.value,
        "subject": entry.subject,
        "by": entry.by,
        "why": entry.why,
        "rules": list(entry.rules),
        "epoch": entry.epoch,
        "action": entry.action,
        "facts": dict(entry.facts),
        "previous": entry.previous,
        "hash": entry.hash,
    }
