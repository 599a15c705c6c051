"""What switches owe beyond the contract: no control plane, endpoints in turn, never all off."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from controlplane.drivers.aws.arc import arc
from controlplane.drivers.aws.switchboard import Board
from controlplane.model.act import Act, Weights
from controlplane.model.errors import Conflict, Refused, Retry
from controlplane.model.resources.kind import Setting
from tests.contract.drivers.targets.switches import (
    AFTER,
    BEFORE,
    ENDPOINTS,
    STANDING,
    Cluster,
    bucket,
    objects,
    switch_driver,
)
from tests.servers.aws import Cloud, cloud, planted


def act(key: str = "once", epoch: int = 5) -> Act:
    return Act(key, "checkout", AFTER, epoch, datetime.now(UTC) + timedelta(seconds=10), previous=BEFORE)


@pytest.fixture(name="made")
def _made() -> Iterator[Cloud]:
    with cloud() as made:
        bucket(made)
        yield made


@pytest.fixture(name="cluster")
def _cluster() -> Iterator[Cluster]:
    with planted():
        yield Cluster()


async def test_a_region_that_is_off_has_its_object_which_an_inverted_check_finds(made: Cloud) -> None:
    driver = switch_driver(made)
    await driver.apply(act())
    assert [key for key, _ in objects(made)] == ["leeward/checkout/dublin.off", "leeward/checkout/stamp"]
    await driver.undo(act())
    assert [key for key, _ in objects(made)] == ["leeward/checkout/stamp"]


async def test_a_switch_is_not_done_before_health_checks_have_seen_it(made: Cloud) -> None:
    driver = switch_driver(made, settle=60)
    await driver.apply(act())
    found = await driver.confirm(act())
    assert not found.done
    assert found.detail.startswith("health checks have seen it in")


async def test_of_two_leaders_who_switch_at_once_one_is_told(made: Cloud) -> None:
    driver = switch_driver(made)
    await driver.apply(act(epoch=4))
    seen = await driver._look("checkout")
    await switch_driver(made).apply(act("other", epoch=6))
    with pytest.raises(Conflict):
        await driver._object("put_object", "checkout", "stamp", Body=b"", IfMatch=seen.etag)


async def test_endpoints_that_are_down_are_passed_over_and_the_last_one_serves(cluster: Cluster) -> None:
    for region in ENDPOINTS[:4]:
        cluster.endpoints[region].down = True
    driver = cluster.driver()
    await driver.apply(act())
    assert (await driver.confirm(act())).done
    assert "UpdateRoutingControlStates" in cluster.endpoints[ENDPOINTS[4]].names()
    cluster.endpoints[ENDPOINTS[4]].down = True
    with pytest.raises(Retry, match="none of 5 endpoints") as error:
        await driver.apply(act("again"))
    assert error.value.__cause__ is not None


async def test_all_endpoints_take_their_turns_when_all_are_well(cluster: Cluster) -> None:
    driver = cluster.driver()
    for _ in range(3):
        await driver.confirm(act())
    assert all(endpoint.asked for endpoint in cluster.endpoints.values())


async def test_all_controls_of_an_act_change_in_one_call(cluster: Cluster) -> None:
    cluster.states = dict.fromkeys(cluster.states, "On") | {next(iter(cluster.states)): "Off"}
    driver = cluster.driver()
    only_dublin = replace(act(), desired=Weights({"DE": {"dublin": 1.0}, "IE": {"dublin": 1.0}}))
    await driver.apply(only_dublin)
    updates = [params for double in cluster.endpoints.values() for name, params in double.asked if name[0] == "U"]
    assert [len(params["UpdateRoutingControlStateEntries"]) for params in updates] == [2]
    assert (await driver.confirm(only_dublin)).done


async def test_a_cluster_that_says_yes_and_does_nothing_is_not_believed(cluster: Cluster) -> None:
    cluster.lies = True
    driver = cluster.driver()
    await driver.apply(act())
    assert not (await driver.confirm(act())).done


@pytest.mark.parametrize(
    "shares",
    [
        {"IE": {"dublin": 0.5, "frankfurt": 0.5}},
        {"IE": {}},
        {"DE": {"dublin": 0.6, "frankfurt": 0.4}},
        {"GB": {"dublin": 1.0}},
    ],
)
def test_shares_that_no_switches_give_are_refused(shares: dict[str, dict[str, float]]) -> None:
    with pytest.raises(Refused):
        Board.of(STANDING).off_for(Weights(shares))


def test_no_more_is_switched_off_than_is_needed() -> None:
    board = Board.of({"DE": ["frankfurt", "dublin", "london"]})
    assert board.off_for(Weights({"DE": {"frankfurt": 1.0}})) == frozenset()
    assert board.off_for(Weights({"DE": {"dublin": 1.0}})) == {"frankfurt"}


def test_a_region_without_a_control_is_a_mistake() -> None:
    settings: dict[str, Setting] = {"endpoints": {"eu-west-1": "https://x"}, "controls": {"dublin": "arn"}}
    settings["shares"] = {"IE": ["london"]}
    assert arc.mistakes(settings) == ("setting 'controls' has none for london",)
