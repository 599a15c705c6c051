"""Moments: where a run is most easily hurt, and faults that strike exactly there."""

import math
from dataclasses import dataclass
from random import Random
from typing import Any

from controlplane.model.estate import Estate
from controlplane.model.journal import EntryKind
from controlplane.sim.outcome import Result
from controlplane.sim.prove.trouble import fault_of

_INTENT_TO_ACT_MS = (1, 70)
"""A call takes this long to reach its target: the intent is written, the world is as it was."""
_ACT_TO_CONFIRM_MS = (80, 1500)
_AROUND_MS = (-40, 40)
_MOST_STRIKES = 3


@dataclass(frozen=True, slots=True)
class Moment:
    """An entry of a journal that a fault can be aimed at."""

    second: float
    kind: EntryKind
    region: str | None


def moments(result: Result) -> list[Moment]:
    """Every intent and outcome of a run, with the region that its replica lives in."""
    told = (EntryKind.INTENT, EntryKind.OUTCOME, EntryKind.UNDO, EntryKind.LEADER)
    return [
        Moment(second, entry.kind, str(entry.facts.get("replica", "")) or None)
        for second, entry in result.journal
        if entry.kind in told
    ]


def strikes(chance: Random, estate: Estate, result: Result) -> list[dict[str, Any]]:
    """One to three faults at instants of a run in which something was under way; none if nothing ever was.

    They are aimed by the order in which they strike: all that lies before a fault is as it was without it.
    """
    found = moments(result)
    if not found:
        return []
    aimed = sorted(chance.sample(range(len(found)), min(len(found), chance.randint(1, _MOST_STRIKES))))
    return [_strike(chance, estate, found[spot]) for spot in aimed]


def _strike(chance: Random, estate: Estate, moment: Moment) -> dict[str, Any]:
    kind = chance.choice(("crash", "crash", "crash", "store-down", "driver-error", "partition", "region-down", "other"))
    if kind == "crash":
        return _crash(chance, moment)
    begins = math.floor(moment.second) + chance.choice((0, 0, 1, 1, 2))
    ends = begins + chance.choice((2, 5, 12, 40, 300))
    span = {"at": f"{begins}s", "until": f"{ends}s"}
    if kind == "partition" and moment.region is not None and len(estate.regions) > 1:
        other = chance.choice([name for name in sorted(estate.regions) if name != moment.region])
        return {**span, "kind": kind, "between": [moment.region, other]}
    if kind == "other":
        kind = chance.choice(("probe-blind", "replication-lag", "demand-surge", "capacity-loss", "error-rate"))
    return {**span, **fault_of(kind, chance, estate)}


def _crash(chance: Random, moment: Moment) -> dict[str, Any]:
    bounds = (
        _AROUND_MS if moment.kind is not EntryKind.INTENT else chance.choice((_INTENT_TO_ACT_MS, _ACT_TO_CONFIRM_MS))
    )
    at_ms = max(1, round(moment.second * 1000) + chance.randint(*bounds))
    return {"at": f"{at_ms}ms", "kind": "daemon-crash", "replica": chance.choice(("leader", "leader", "leader", "*"))}
