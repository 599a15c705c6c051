"""Previews as JSON: shaped like a receipt, so that a face prints both alike."""

from controlplane.model.journal import Json
from controlplane.service.preview import Preview
from controlplane.service.wire.person import command_json
from controlplane.service.wire.plain import rule_ids
from controlplane.service.wire.plan import plan_json


def preview_json(preview: Preview) -> dict[str, Json]:
    """What would happen. ``secondPerson``: somebody else must approve it first; ``accepted`` False otherwise means
    that nobody can have it now."""
    return {
        "accepted": not preview.against,
        "why": preview.why,
        "rules": rule_ids(preview.rules),
        "secondPerson": preview.second,
        "warnings": list(preview.warnings),
        "commands": [command_json(command) for command in preview.commands],
        "before": plan_json(preview.before),
        "plan": plan_json(preview.plan),
    }
