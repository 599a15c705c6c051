"""Cases: what one number of a seed stands for, and what running it came to."""

from collections.abc import Callable
from dataclasses import dataclass

from controlplane.model.estate import Estate
from controlplane.model.resources.scenario import Scenario
from controlplane.sim.chance import seeded
from controlplane.sim.daemon import Parts
from controlplane.sim.outcome import Result
from controlplane.sim.prove.estates import random_estate
from controlplane.sim.prove.moments import strikes
from controlplane.sim.prove.trouble import extended, random_faults, scenario_of
from controlplane.sim.simulate import simulate

OWN_EVERY = 10
"""One case in so many is of the estate that was given, the others are of estates from the seed."""
_HOUR_S = 3600
_OWN_HOURS = (6, 16)
_HOURS = (1, 6)
_MOST_FAULTS = 4

PartsMaker = Callable[[], Parts]
"""Something of a module's top, so that another process can call it as well."""


@dataclass(frozen=True, slots=True)
class Case:
    """One trouble: ``duration_s`` without, and as long again with, the faults that are aimed at its worst moments."""

    seed: int
    number: int
    own: bool
    duration_s: int

    @property
    def hours(self) -> float:
        """Simulated hours of both runs."""
        return 2 * self.duration_s / _HOUR_S


@dataclass(frozen=True, slots=True)
class Found:
    """A run in which a rule was broken, and where it can be seen again. ``breaches``: every sentence about it."""

    case: Case
    estate: Estate
    scenario: Scenario
    breaches: tuple[str, ...]

    @property
    def rule(self) -> str:
        """What was broken first, by the name of its rule."""
        return rule_of(self.breaches[0])


@dataclass(frozen=True, slots=True)
class Lived:
    """What a case came to. ``runs``: how many were lived through; ``stepped_s``: seconds that were not leapt over."""

    case: Case
    runs: int
    lived_s: int
    stepped_s: int
    acts: int
    found: Found | None = None


def case_of(seed: int, number: int, *, own: bool) -> Case:
    """The case of a number. ``own``: whether there is an estate that was given."""
    mine = own and number % OWN_EVERY == 0
    hours = seeded(seed, number, "hours").uniform(*(_OWN_HOURS if mine else _HOURS))
    return Case(seed, number, mine, round(hours * _HOUR_S / 60) * 60)


def cases(seed: int, hours: float, *, own: bool) -> list[Case]:
    """As many cases as it takes to live through so many hours."""
    found: list[Case] = []
    total = 0.0
    while total < hours:
        found.append(case_of(seed, len(found), own=own))
        total += found[-1].hours
    return found


def live_through(case: Case, given: Estate | None, parts: Parts) -> Lived:
    """Run a case: first its trouble alone, then struck where something was under way."""
    chance = seeded(case.seed, case.number, "case")
    estate = given if case.own and given is not None else random_estate(chance)
    faults = random_faults(chance, estate, _MOST_FAULTS)
    scenario = scenario_of(f"seed-{case.seed}-case-{case.number}", chance.randrange(1 << 16), case.duration_s, faults)
    results = [run(estate, scenario, parts)]
    if not breaches(results[0]):
        struck = strikes(chance, estate, results[0])
        if struck:
            scenario = extended(scenario, struck)
            results.append(run(estate, scenario, parts))
    wrong = breaches(results[-1])
    return Lived(
        case,
        runs=len(results),
        lived_s=sum(result.duration_s for result in results),
        stepped_s=sum(result.duration_s - result.leapt_s for result in results),
        acts=sum(int(result.metrics["moves"] or 0) for result in results),
        found=Found(case, estate, scenario, wrong) if wrong else None,
    )


def run(estate: Estate, scenario: Scenario, parts: Parts) -> Result:
    """One scenario of one estate."""
    return simulate(estate, [scenario], parts=parts)[0]


def breaches(result: Result) -> tuple[str, ...]:
    """All that went wrong: rules that were broken, and a daemon that died of itself."""
    return (*result.violations, *(f"daemon: {sentence}" for sentence in result.failed))


def rule_of(breach: str) -> str:
    """``R9`` of ``R9 at 120 s: …``."""
    return breach.split(maxsplit=1)[0].rstrip(":")
