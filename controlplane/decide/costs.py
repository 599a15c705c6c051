"""What a decision costs the business: by acting, by waiting, by the next best plan."""

from dataclasses import replace

from controlplane.decide.allocation.problem import Allocation, Depths
from controlplane.decide.facts import Facts
from controlplane.decide.knobs import all_today, value_lost
from controlplane.decide.placement import Scene, find_target
from controlplane.decide.places import Stand
from controlplane.model.plan import Costs

_HOUR_S = 3600.0


def weigh_costs(scene: Scene, facts: Facts, target: Allocation, depths: Depths) -> Costs:
    """Business value an hour. Acting: what the target sheds and refuses, and its knobs. Waiting: what fails where
    the shares are today, and today's knobs. The next best plan leaves the knobs as they stand; None where no knob
    turns, since then there is no other plan but to wait."""
    acting = _turned_away(scene, target) + value_lost(scene.estate, depths)
    before = all_today(scene.estate, scene.world)
    waiting = _failing(scene, facts) + value_lost(scene.estate, before)
    next_best = None
    if depths != before:
        fixed = tuple(replace(k, at_least=before[k.name], at_most=before[k.name]) for k in scene.knobs)
        other, _ = find_target(replace(scene, knobs=fixed))
        next_best = _turned_away(scene, other) + value_lost(scene.estate, before)
    return Costs(round(acting, 3), round(waiting, 3), None if next_best is None else round(next_best, 3))


def _turned_away(scene: Scene, target: Allocation) -> float:
    lost = 0.0
    for parts in (target.shed, target.refused):
        for service, by_origin in parts.items():
            value = scene.estate.services[service].spec.value
            lost += sum(scene.demand[service].get(o, 0.0) * part * value * _HOUR_S for o, part in by_origin.items())
    return lost


def _failing(scene: Scene, facts: Facts) -> float:
    lost = 0.0
    for service, by_origin in scene.demand.items():
        value = scene.estate.services[service].spec.value
        for origin, rate in by_origin.items():
            for region, share in scene.today[service][origin].items():
                standing = scene.places.of.get((service, region))
                if standing is not None and standing.stand in (Stand.DEAD, Stand.LEAVING):
                    success = facts.success.get((service, region))
                    works = success if success is not None else float(standing.stand is Stand.LEAVING)
                    lost += rate * share * (1 - works) * value * _HOUR_S
    return lost
