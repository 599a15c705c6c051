"""What is seen of a demo while it runs: the control plane's own words, and what users got, on one clock."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

KnobValue = str | bool | int | float


class Mark(StrEnum):
    """The instants that the story hangs on."""

    LOADED = "loaded"
    KILLED = "killed"
    DETECTED = "detected"
    DRAINED = "drained"
    REVIVED = "revived"
    RESTORED = "restored"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Moment:
    """The status at one instant (Unix time). ``health``/``share`` by region; ``knobs``: those that are turned, a
    region-scoped one as ``name in region``; ``seats``: where each exclusive service runs and each datastore is
    written; ``under_way``: acts begun and not ended."""

    at: float
    health: Mapping[str, str]
    share: Mapping[str, float]
    knobs: Mapping[str, KnobValue]
    seats: Mapping[str, str | None]
    drained: frozenset[str]
    under_way: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Second:
    """What users got of the requests due in one second. ``regions``: who answered; ``failed`` by kind."""

    at: float
    sent: int
    ok: int
    failed: Mapping[str, int]
    regions: Mapping[str, int]
    p50_ms: float | None
    p99_ms: float | None

    @property
    def failures(self) -> int:
        """Of all kinds."""
        return sum(self.failed.values())


@dataclass(frozen=True, slots=True)
class Deed:
    """One journal entry."""

    at: float
    seq: int
    kind: str
    subject: str
    why: str
    rules: tuple[str, ...]
    by: str
    facts: Mapping[str, Any]

    @property
    def verdict(self) -> str | None:
        """Of a verdict: the new state of the region itself; None if only services in it have changed."""
        states = self.facts.get("states")
        state = states.get("*") if self.kind == "verdict" and isinstance(states, Mapping) else None
        return state if isinstance(state, str) else None


@dataclass(slots=True)
class Record:
    """All of it so far. ``region``: the one that is killed."""

    region: str
    moments: list[Moment] = field(default_factory=list)
    seconds: list[Second] = field(default_factory=list)
    deeds: list[Deed] = field(default_factory=list)
    marks: dict[Mark, float] = field(default_factory=dict)

    @property
    def now(self) -> Moment | None:
        """The last status seen."""
        return self.moments[-1] if self.moments else None

    def since(self, mark: Mark, at: float) -> float | None:
        """Seconds from a mark to an instant; None before the mark is set."""
        return at - self.marks[mark] if mark in self.marks else None


class Users:
    """Reads the file that the load generator lets grow, as far as it has come."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._place = 0

    def read(self) -> list[Second]:
        """The seconds that have become complete since the last look."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._place)
            grown = file.read()
        whole = grown[: grown.rfind(b"\n") + 1]
        self._place += len(whole)
        return [_second(json.loads(line)) for line in whole.splitlines()]


def read_moment(status: Mapping[str, Any]) -> Moment:
    """The status document of the control plane, as far as the demo shows it."""
    regions = status.get("regions", ())
    return Moment(
        at=unix(status["at"]),
        health={region["region"]: region["state"] for region in regions},
        share={region["region"]: float(region.get("share") or 0.0) for region in regions},
        knobs=_flat(status.get("turned", {})),
        seats={**status.get("holders", {}), **status.get("primaries", {})},
        drained=frozenset(region["region"] for region in regions if region.get("drained")),
        under_way=tuple(act["action"]["id"] for act in status.get("inFlight", ())),
    )


def read_deed(entry: Mapping[str, Any]) -> Deed:
    """A journal entry's document."""
    return Deed(
        at=unix(entry["at"]),
        seq=entry["seq"],
        kind=entry["kind"],
        subject=entry["subject"],
        why=entry.get("why", ""),
        rules=tuple(entry.get("rules", ())),
        by=entry.get("by", ""),
        facts=entry.get("facts", {}),
    )


def unix(text: str) -> float:
    """Unix time of an RFC 3339 one."""
    return datetime.fromisoformat(text).timestamp()


def _flat(knobs: Mapping[str, Any]) -> dict[str, KnobValue]:
    found: dict[str, KnobValue] = {}
    for name, value in knobs.items():
        if isinstance(value, Mapping):
            found.update({f"{name} in {region}": level for region, level in value.items()})
        else:
            found[name] = value
    return found


def _second(line: Mapping[str, Any]) -> Second:
    return Second(
        at=line["at"],
        sent=line["sent"],
        ok=line["ok"],
        failed=line["failed"],
        regions=line["regions"],
        p50_ms=line["p50_ms"],
        p99_ms=line["p99_ms"],
    )
