"""A demo as it might have been seen: dublin dies at second 10 of the load and is back at second 40."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from controlplane.sandbox.demo.outcome import Outcome
from controlplane.sandbox.demo.record import Deed, Mark, Moment, Record, Second
from controlplane.sandbox.plan import SandboxPlan
from controlplane.sandbox.planning import Options, make_plan
from tests.servers.sandbox.small_estate import small_estate

BEGAN = 1_800_000_000.0
KILLED = BEGAN + 10
NOTHING: Mapping[str, Any] = MappingProxyType({})
DONE = {"ending": "done"}
SHIFT = {"kind": "shift", "from": "dublin"}


def deed(at: float, kind: str, subject: str, why: str = "", facts: Mapping[str, Any] = NOTHING) -> Deed:
    """A journal entry ``at`` seconds after the kill."""
    rules = ("R6",) if kind in {"outcome", "drained"} else ()
    return Deed(KILLED + at, int(at * 10) + 1000, kind, subject, why, rules, "machine", facts)


def moment(second: int) -> Moment:
    """The status at a second of the load."""
    lost, back = 11 <= second < 40, second >= 50
    return Moment(
        at=BEGAN + second,
        health={"dublin": "down" if lost else "healthy", "frankfurt": "healthy", "london": "healthy"},
        share={"dublin": 0.4 if second <= 11 or back else 0.0, "frankfurt": 0.4, "london": 0.2},
        knobs={"recommendations": "cached" if second < 30 else "off"} if 11 <= second < 50 else {},
        seats={"settlement": "dublin" if second < 22 else "frankfurt", "orders-db": "frankfurt"},
        drained=frozenset({"dublin"}) if 12 <= second < 50 else frozenset(),
    )


def second(number: int) -> Second:
    """What users got in a second of the load; 30 of 100 requests fail for two seconds."""
    failed = {"503": 20, "timeout": 10} if number in {10, 11} else {}
    ok = 100 - sum(failed.values())
    served = {"dublin": 40, "frankfurt": ok - 60, "london": 20} if number < 10 else {"frankfurt": ok - 20, "london": 20}
    return Second(BEGAN + number, 100, ok, failed, served, 20.0, 80.0 if number != 12 else None)


def record() -> Record:
    """The whole of it."""
    return Record(
        region="dublin",
        moments=[moment(number) for number in range(60)],
        seconds=[second(number) for number in range(60)],
        deeds=[
            deed(-9, "leader", "estate", "takes the lead"),
            deed(0.5, "verdict", "dublin", "1 vantage sees it fail", {"states": {"*": "down", "checkout": "down"}}),
            deed(0.7, "verdict", "dublin", "and one more", {"states": {"payment": "down"}}),
            deed(1.0, "outcome", "recommendations", "room (R3)", {**DONE, "kind": "degrade", "to": "cached"}),
            deed(1.1, "outcome", "comments", "room too (R3)", {**DONE, "kind": "degrade", "to": "off"}),
            deed(1.2, "outcome", "payment", "dublin is dead", {**DONE, **SHIFT, "to": "frankfurt"}),
            deed(1.3, "outcome", "checkout", "dublin is dead", {**SHIFT, "to": "london", "ending": "failed"}),
            deed(1.4, "restored", "frankfurt", "carries its share again", {"service": "search"}),
            deed(12.0, "drained", "dublin", "nothing is left in dublin"),
            deed(12.1, "outcome", "settlement", "<fenced> & safe", {**DONE, "kind": "activate", "to": "frankfurt"}),
            deed(40.0, "restored", "dublin", "dublin carries its share again", {"service": "*"}),
        ],
        marks={
            Mark.LOADED: BEGAN,
            Mark.KILLED: KILLED,
            Mark.DETECTED: KILLED + 0.5,
            Mark.DRAINED: KILLED + 12,
            Mark.REVIVED: KILLED + 28,
            Mark.RESTORED: KILLED + 40,
            Mark.ENDED: KILLED + 49,
        },
    )


def plan(directory: Path) -> SandboxPlan:
    """Of the small estate."""
    return make_plan(small_estate(), directory, Options())


def outcome(**changed: Any) -> Outcome:
    """A good one, unless told otherwise."""
    figures: dict[str, Any] = {
        "region": "dublin",
        "detection_s": 0.5,
        "traffic_left_s": 2.0,
        "drained_s": 12.0,
        "last_failed_s": 1.9,
        "restored_s": 40.0,
        "failed": 60,
        "total": 6000,
        "failed_on_the_way_back": 0,
        "acknowledged_writes": 500,
        "lost_writes": 0,
        "double_active_s": 0.0,
        "residency_violations": 0,
        "knobs": {"recommendations": "off"},
        "holders": {"settlement": "frankfurt", "orders-db": None},
        "reasons": {"503": 40, "timeout": 20},
        "p99_ms": 80.0,
    }
    return Outcome(**{**figures, **changed})
