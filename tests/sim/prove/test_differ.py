"""Two sets of policies under the same trouble."""

from dataclasses import replace

from controlplane.model.resources.failover_policy import FailoverPolicy
from controlplane.sim.prove.differ import compare, tally
from controlplane.wiring import sim_parts
from tests.sim.small import estate, scenario

LOST = scenario("5m", {"at": "60s", "until": "4m", "kind": "region-down", "region": "dublin"})


def test_the_same_policies_decide_and_fare_the_same() -> None:
    (same,) = compare(estate(), estate(), [LOST], sim_parts)
    assert (same.gained, same.lost, same.regressions) == ((), (), ())
    assert set(tally([same]).values()) == {(0, 0)}


def test_policies_that_only_watch_are_a_regression_and_the_reverse_is_none() -> None:
    watching = FailoverPolicy.model_validate({"metadata": {"name": "all"}, "spec": {"autonomy": "observe"}})
    idle = replace(estate(), failover=(watching,))
    (worse,) = compare(idle, estate(), [LOST], sim_parts)
    assert any(sentence.startswith("failedFraction is") for sentence in worse.regressions)
    assert any(made.kind == "intent" and made.subject == "checkout" for made in worse.lost)
    (better,) = compare(estate(), idle, [LOST], sim_parts)
    assert {sentence.split()[0] for sentence in better.regressions} <= {"lostWrites", "moves"}
    assert tally([better])["failedRequests"] == (1, 0)
