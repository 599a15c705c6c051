"""Today's placement in full: what is known, and the healthy plan where nobody has moved anything yet."""

from controlplane.decide.placement import demand_of, healthy_plan, today_shares
from controlplane.model.desk import Status
from controlplane.model.estate import Estate
from controlplane.model.world import Shares


def shares_today(estate: Estate, status: Status) -> Shares:
    """Service → origin → region → share.

    The healthy plan is asked for only beside a decision, which has asked for it already: it takes long to find anew.
    """
    world = status.world
    if status.plan is None or all(name in world.shares for name in estate.spread):
        return world.shares
    demand = demand_of(estate, world)
    return today_shares(estate, world, demand, healthy_plan(estate, demand).shares)
