"""What-ifs as JSON."""

from controlplane.model.journal import Json
from controlplane.service.what_if import Difference, Imagined
from controlplane.service.wire.explained import explained_json, explanation_json
from controlplane.service.wire.plan import plan_json


def imagined_json(imagined: Imagined) -> dict[str, Json]:
    """What is known, as ever; under ``whatIf`` how it would be, where that was asked."""
    written = explained_json(imagined.now)
    if imagined.difference is not None:
        written["whatIf"] = {
            **difference_json(imagined.difference),
            "explanations": [explanation_json(found) for found in imagined.then],
        }
    return written


def difference_json(difference: Difference) -> dict[str, Json]:
    """Both decisions, and what differs in sentences."""
    return {
        "changes": list(difference.changes),
        "differs": list(difference.differs),
        "before": plan_json(difference.before),
        "after": plan_json(difference.after),
    }
