"""Explanations as JSON."""

from controlplane.decide.explain import Explanation
from controlplane.model.journal import Json
from controlplane.service.service import Explained
from controlplane.service.wire.entry import entry_json
from controlplane.service.wire.status import approval_json, judged_json


def explained_json(explained: Explained) -> dict[str, Json]:
    """All that is known of what was asked about."""
    return {
        "asked": explained.asked,
        "explanations": [explanation_json(found) for found in explained.explanations],
        "verdicts": [judged_json(verdict) for verdict in explained.verdicts],
        "approvals": [approval_json(approval) for approval in explained.approvals],
        "entries": [entry_json(entry) for entry in explained.entries],
    }


def explanation_json(found: Explanation) -> dict[str, Json]:
    """Of one action or hold: why, why not, and what would change it."""
    return {
        "subject": found.subject,
        "what": found.what,
        "why": list(found.why),
        "whyNot": list(found.why_not),
        "changes": list(found.changes),
    }
