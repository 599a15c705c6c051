"""A way back while R8's budget is used up."""

from datetime import timedelta

from controlplane.decide.plan import plan
from controlplane.model.world import Drain, Shift
from tests.unit.decide.estates import LONG_AGO, NOW, estate, policy, region, service, world

SPREAD = {"dublin": 0.85, "frankfurt": 0.15}


def test_a_recovered_region_waits_where_nothing_may_leave_the_others_in_this_window() -> None:
    far, near = {"SE": "25ms"}, {"SE": "5ms"}
    shop = estate(
        service("a", demand={"SE": 500.0}),
        regions=(
            region("dublin", latency=far),
            region("frankfurt", latency={"SE": "20ms"}),
            region("stockholm", latency=near),
        ),
        policies=(policy(unhealthyFor="0s", failback={"mode": "auto", "stableFor": "1s", "ramp": {"step": 0.5}}),),
        safety={"maxShift": {"fraction": 0.5, "per": "5m"}},
    )
    today = world(
        shares={"a": {"SE": SPREAD}},
        drains=(Drain("stockholm", "*", LONG_AGO, "failover"),),
        shifts=(Shift(NOW - timedelta(minutes=1), 0.5),),
    )
    decided = plan(shop, today)
    assert decided.next["a"]["SE"] == SPREAD
    assert any("R8" in [rule.value for rule in hold.rules] for hold in decided.holds)
