"""Shrink: the smallest scenario, and the smallest estate, that still show a breach of the same rule."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

from controlplane.model.estate import Estate
from controlplane.model.resources.scenario import Fault, Scenario
from controlplane.sim.daemon import Parts
from controlplane.sim.outcome import Result
from controlplane.sim.prove.cases import Found, PartsMaker, breaches, rule_of, run
from controlplane.sim.prove.pruning import smaller_estates

MOST_RUNS = 150
"""Smaller is better, but whoever waits for the story wants it too."""
_AFTER_S = 5
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Shrunk:
    """``found`` made small, the run that shows it, and how many runs that took."""

    found: Found
    result: Result
    runs: int


@dataclass(slots=True)
class _Search:
    """The smallest that is known, and what may still be spent on a smaller one."""

    rule: str
    parts: Parts
    estate: Estate
    scenario: Scenario
    result: Result
    runs: int = field(default=1)

    def attempt(self, estate: Estate, scenario: Scenario) -> bool:
        """Take it if it still shows the breach."""
        if self.runs >= MOST_RUNS:
            return False
        self.runs += 1
        result = run(estate, scenario, self.parts)
        if self.rule not in {rule_of(breach) for breach in breaches(result)}:
            return False
        self.estate, self.scenario, self.result = estate, scenario, result
        return True

    def cut(self) -> None:
        """End soon after the breach: nothing later matters."""
        first = min(
            (when for breach in breaches(self.result) if (when := _second(breach)) is not None and self._is(breach)),
            default=None,
        )
        if first is not None and first + _AFTER_S < self.result.duration_s:
            spec = self.scenario.spec.model_copy(update={"duration": (first + _AFTER_S) * _SECOND})
            self.attempt(self.estate, self.scenario.model_copy(update={"spec": spec}))

    def _is(self, breach: str) -> bool:
        return rule_of(breach) == self.rule


def shrink(found: Found, maker: PartsMaker) -> Shrunk:
    """Drop what need not be there, again and again, until nothing more can go."""
    parts = maker()
    start = run(found.estate, found.scenario, parts)
    search = _Search(found.rule, parts, found.estate, found.scenario, start)
    search.cut()
    passes: list[Callable[[_Search], bool]] = [_fewer_faults, _shorter_faults]
    if not found.case.own:
        passes.append(_smaller_estate)
    smaller = True
    while smaller and search.runs < MOST_RUNS:
        smaller = False
        for step in passes:
            smaller |= step(search)
        search.cut()
    search.cut()
    small = replace(found, estate=search.estate, scenario=search.scenario, breaches=breaches(search.result))
    return Shrunk(small, search.result, search.runs)


def _fewer_faults(search: _Search) -> bool:
    """Halves first, then one by one."""
    done = False
    size = max(1, len(search.scenario.spec.faults) // 2)
    while size >= 1:
        spot = 0
        while spot < len(search.scenario.spec.faults):
            faults = search.scenario.spec.faults
            if search.attempt(search.estate, with_faults(search.scenario, (*faults[:spot], *faults[spot + size :]))):
                done = True
            else:
                spot += size
        size //= 2
    return done


def _shorter_faults(search: _Search) -> bool:
    done = False
    for spot in range(len(search.scenario.spec.faults)):
        for simpler in _simpler(search.scenario.spec.faults[spot]):
            faults = list(search.scenario.spec.faults)
            faults[spot] = simpler
            if search.attempt(search.estate, with_faults(search.scenario, tuple(faults))):
                done = True
                break
    return done


def _simpler(fault: Fault) -> Iterator[Fault]:
    """Without an end, or with an earlier one; at a whole second."""
    whole = (fault.at // _SECOND) * _SECOND
    if fault.at != whole:
        yield fault.model_copy(update={"at": whole + _SECOND / 2}) if fault.at != whole + _SECOND / 2 else fault
    if fault.until is not None:
        yield fault.model_copy(update={"until": None})
        half = fault.at + ((fault.until - fault.at) / 2 // _SECOND) * _SECOND
        if half > fault.at:
            yield fault.model_copy(update={"until": half})


def _smaller_estate(search: _Search) -> bool:
    done = False
    again = True
    while again and search.runs < MOST_RUNS:
        again = False
        for estate, keeps in smaller_estates(search.estate):
            faults = tuple(fault for fault in search.scenario.spec.faults if keeps(fault))
            if search.attempt(estate, with_faults(search.scenario, faults)):
                again = done = True
                break
    return done


def with_faults(scenario: Scenario, faults: tuple[Fault, ...]) -> Scenario:
    """The same scenario with other faults."""
    return scenario.model_copy(update={"spec": scenario.spec.model_copy(update={"faults": faults})})


def _second(breach: str) -> int | None:
    words = breach.split()
    spot = words.index("s:") if "s:" in words else -1
    return int(words[spot - 1]) if spot > 0 and words[spot - 1].isdigit() else None
