"""The schedule: which faults stand in which second of a scenario, and when that changes next."""

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from controlplane.model.estate import Estate
from controlplane.model.resources import scenario as kinds
from controlplane.model.resources.scenario import Fault, Scenario
from controlplane.sim.conditions import Conditions, build, chosen

NEVER = 1 << 60
"""A second that no scenario reaches."""


@dataclass(frozen=True, slots=True)
class Crash:
    """A replica's process dies at this microsecond."""

    at_us: int
    replica: str


class Schedule:
    """Faults begin and end on the world's whole seconds; crashes are exact, for their worst moments lie between."""

    def __init__(self, estate: Estate, scenario: Scenario) -> None:
        self._estate = estate
        self._faults = scenario.spec.faults
        self.duration = whole(scenario.spec.duration)
        self._changes = sorted({second for fault in self._faults for second in _changes(fault, self.duration)})

    @property
    def crashes(self) -> tuple[Crash, ...]:
        """Crashes in the order in which they happen."""
        found = [
            Crash(fault.at // timedelta(microseconds=1), fault.replica)
            for fault in self._faults
            if isinstance(fault, kinds.DaemonCrash)
        ]
        return tuple(sorted(found, key=lambda crash: crash.at_us))

    def conditions(self, second: int) -> Conditions:
        """What is wrong in this second."""
        standing = [fault for fault in self._faults if _stands(fault, second)]
        return build(self._estate, standing, self._dead(standing, second))

    def changes_at(self, second: int) -> bool:
        """Whether this second's conditions are not the last one's."""
        spot = bisect_right(self._changes, second)
        return spot > 0 and self._changes[spot - 1] == second

    def next_change(self, second: int) -> int:
        """The first later second at which conditions change; NEVER if they do not."""
        spot = bisect_right(self._changes, second)
        return self._changes[spot] if spot < len(self._changes) else NEVER

    def _dead(self, standing: Iterable[Fault], second: int) -> set[str]:
        """Regions in the down turn of a flap, and those whose facility has failed after its alarm."""
        dead: set[str] = set()
        for fault in standing:
            if isinstance(fault, kinds.Flap | kinds.FacilityAlarm) and _is_down(fault, second):
                dead.update(chosen(fault.region, self._estate.regions))
        return dead


def whole(duration: timedelta) -> int:
    """Seconds, rounded up: nothing begins before its time."""
    return math.ceil(duration / timedelta(seconds=1))


def _stands(fault: Fault, second: int) -> bool:
    return whole(fault.at) <= second and (fault.until is None or second < whole(fault.until))


def _is_down(fault: kinds.Flap | kinds.FacilityAlarm, second: int) -> bool:
    if isinstance(fault, kinds.Flap):
        return (second - whole(fault.at)) // max(1, whole(fault.period)) % 2 == 0
    return fault.fails_after is not None and second >= whole(fault.at + fault.fails_after)


def _changes(fault: Fault, duration: int) -> list[int]:
    if isinstance(fault, kinds.DaemonCrash):
        return []
    begin = whole(fault.at)
    end = duration if fault.until is None else whole(fault.until)
    found = [begin, end]
    if isinstance(fault, kinds.Flap):
        found += range(begin, min(end, duration), max(1, whole(fault.period)))
    elif isinstance(fault, kinds.FacilityAlarm) and fault.fails_after is not None:
        dies = whole(fault.at + fault.fails_after)
        found += [dies] if dies < end else []
    return found
