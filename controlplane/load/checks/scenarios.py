"""Scenarios against the estate they are to happen to."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from controlplane.load.checks.referring import Teller
from controlplane.load.findings import Findings, did_you_mean, listed
from controlplane.load.folder import Folder
from controlplane.load.tree import Path
from controlplane.model.estate import Estate
from controlplane.model.resources.kind import Part
from controlplane.model.resources.scenario import (
    EVERY,
    DaemonCrash,
    Drained,
    DriverError,
    HolderIs,
    KnobTurned,
    NotDrained,
    NotPromoted,
    Promoted,
    Restored,
    Scenario,
)

EDGE = "edge"
"""The vantage of the edges' own counters, beside one vantage a region."""
LEADER = "leader"


def check_scenarios(folder: Folder, estate: Estate, findings: Findings) -> None:
    """Names that the estate does not have are mistakes; faults that could do nothing are warnings."""
    names = _Names.of(estate)
    for document, scenario in folder.each(Scenario):
        tell = Teller.of(findings, document, scenario)
        for index, fault in enumerate(scenario.spec.faults):
            path: Path = ("spec", "faults", index)
            _fault(tell, names, fault, path)
            if fault.at >= scenario.spec.duration:
                why = "the scenario has ended by then"
                tell.warn(
                    (*path, "at"), "the fault never happens", why, "begin it sooner, or let the scenario last longer"
                )
        for index, expectation in enumerate(scenario.spec.expect):
            _expectation(tell, names, expectation, ("spec", "expect", index))


@dataclass(frozen=True, slots=True)
class _Names:
    """What an estate has names for."""

    estate: Estate
    origins: frozenset[str]
    drivers: frozenset[str]

    @classmethod
    def of(cls, estate: Estate) -> "_Names":
        origins = {origin for service in estate.services.values() for origin in service.spec.demand}
        bound = [service.spec.traffic for service in estate.services.values()]
        bound += [knob.driver for knob in estate.knobs.values()]
        drivers = {binding.driver for binding in bound if binding is not None}
        drivers |= {store.spec.driver for store in estate.datastores.values() if store.spec.driver is not None}
        drivers |= {region.spec.scale.driver for region in estate.regions.values() if region.spec.scale is not None}
        return cls(estate, frozenset(origins), frozenset(drivers | {"sim", "flags"}))

    def known(self, noun: str) -> Collection[str]:
        """All names of a noun."""
        match noun:
            case "region":
                return self.estate.regions
            case "service":
                return self.estate.services
            case "datastore":
                return self.estate.datastores
            case "vantage":
                return {*self.estate.regions, EDGE}
            case "replica":
                return {*self.estate.regions, LEADER}
            case "driver":
                return self.drivers
            case _:
                return self.origins


def _fault(tell: Teller, names: _Names, fault: Part, path: Path) -> None:
    """Every selector of a fault, by its field's name; what only chooses among the false world's parts is a warning."""
    for noun in ("region", "service", "datastore", "vantage"):
        _must_be(tell, names, noun, _words(getattr(fault, noun, None)), (*path, noun))
    _must_be(tell, names, "region", getattr(fault, "between", ()), (*path, "between"))
    strangers = [("origin", getattr(fault, "origin", None))]
    strangers += [("driver", fault.driver)] if isinstance(fault, DriverError) else []
    strangers += [("replica", fault.replica)] if isinstance(fault, DaemonCrash) else []
    for noun, name in strangers:
        if name is not None and name != EVERY and name not in names.known(noun):
            why = f"there are {listed(names.known(noun)) or 'none'}"
            mend = did_you_mean(name, names.known(noun), "the fault will do nothing")
            tell.warn((*path, noun), f"the {noun} `{name}` is not in the policies", why, mend)


def _expectation(tell: Teller, names: _Names, expectation: Part, path: Path) -> None:
    match expectation:
        case Drained():
            _must_be(tell, names, "region", expectation.drained, (*path, "drained"))
        case NotDrained():
            _must_be(tell, names, "region", expectation.not_drained, (*path, "notDrained"))
        case Restored():
            _must_be(tell, names, "region", expectation.restored, (*path, "restored"))
        case NotPromoted():
            _must_be(tell, names, "datastore", expectation.not_promoted, (*path, "notPromoted"))
        case Promoted():
            _must_be(tell, names, "datastore", (expectation.promoted,), (*path, "promoted"))
            _must_be(tell, names, "region", expectation.to or (), (*path, "to"))
        case HolderIs():
            _holder(tell, names, expectation, path)
        case KnobTurned():
            _knob(tell, names, expectation, path)
        case _:
            pass


def _holder(tell: Teller, names: _Names, expectation: HolderIs, path: Path) -> None:
    _must_be(tell, names, "region", expectation.is_, (*path, "is"))
    service = expectation.holder
    if service in names.estate.spread:
        why = "it is placed by shares, and has no holder"
        mend = f"name an exclusive one: {listed(names.estate.exclusive)}"
        tell.mistake((*path, "holder"), f"the service `{service}` is not exclusive", why, mend)
    else:
        _must_be(tell, names, "service", (service,), (*path, "holder"))


def _knob(tell: Teller, names: _Names, expectation: KnobTurned, path: Path) -> None:
    knob = names.estate.knobs.get(expectation.knob)
    if knob is None:
        tell.dangling((*path, "knob"), "knob", expectation.knob, names.estate.knobs)
        return
    if expectation.region is not None:
        _must_be(tell, names, "region", (expectation.region,), (*path, "region"))
    try:
        knob.depth(expectation.at_least)
    except ValueError:
        levels = [str(knob.value_at(depth)) for depth in range(len(knob.levels) + 1)]
        what = f"the knob `{knob.name}` has no level `{expectation.at_least}`"
        mend = did_you_mean(str(expectation.at_least), levels, "name one of them")
        tell.mistake((*path, "atLeast"), what, f"its levels are {', '.join(levels)}", mend)


def _must_be(tell: Teller, names: _Names, noun: str, given: Iterable[str], path: Path) -> None:
    for index, name in enumerate(given):
        if name != EVERY and name not in names.known(noun):
            tell.dangling((*path, index), noun, name, names.known(noun))


def _words(value: object) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else ()
