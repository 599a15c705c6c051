"""How much of an estate's demand fits, by a small linear program of its own that shares no line with the planner."""

from collections.abc import Iterable

import highspy

from controlplane.model.estate import Estate


def least_shed(estate: Estate, *, lost: Iterable[str] = (), deepest: bool = False) -> dict[int, float]:
    """Requests a second that must be turned away at peak, by tier, when they are spread as well as can be.

    Headroom is kept in every region, residency in every share, and a service is served only where all its strong
    dependencies are deployed. ``deepest``: every knob at its last level. Holders of exclusive services sit in the first
    of their regions that is left. What no region may serve is not counted. Tier 0 is shed last.
    """
    gone = set(lost)
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)  # as the planner has it: HiGHS allows one number of threads in a process
    load = {
        region: [solver.addVariable(lb=units, ub=units)]
        for region, units in _held(estate, gone).items()
        if region not in gone
    }
    shed: dict[int, list[highspy.highs.highs_var]] = {0: [], 1: [], 2: [], 3: []}
    for name in estate.spread:
        service = estate.services[name]
        cost = service.spec.unit_cost * (1 - (_saved(estate, name) if deepest else 0.0))
        for origin, rate in service.spec.demand.items():
            legal = [
                region for region in estate.legal(name, origin) if region not in gone and _could(estate, name, region)
            ]
            if not legal:
                continue
            served = [solver.addVariable(lb=0, ub=rate) for _ in legal]
            away = solver.addVariable(lb=0, ub=rate, obj=10.0 ** (3 - service.spec.tier))
            solver.addConstr(sum(served) + away == rate)
            shed[service.spec.tier].append(away)
            for region, part in zip(legal, served, strict=True):
                load[region].append(cost * part)
    for region, parts in load.items():
        solver.addConstr(sum(parts) <= estate.regions[region].spec.usable)
    solver.minimize()
    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return {tier: sum(float(solver.val(away)) for away in some) for tier, some in shed.items()}


def _held(estate: Estate, gone: set[str]) -> dict[str, float]:
    """Units that exclusive services take of each region."""
    units = dict.fromkeys(estate.regions, 0.0)
    for name in estate.exclusive:
        home = next(region for region in estate.deployed(name) if region not in gone)
        units[home] += estate.services[name].spec.unit_cost
    return units


def _saved(estate: Estate, service: str) -> float:
    return min(1.0, sum(knob.levels[-1].saves.get(service, 0.0) for knob in estate.knobs.values()))


def _could(estate: Estate, service: str, region: str) -> bool:
    """Whether a service and all it strongly depends on are deployed there."""
    if region not in estate.deployed(service):
        return False
    spread = [other for other in estate.strong[service] if other in estate.spread]
    return all(_could(estate, other, region) for other in spread)
