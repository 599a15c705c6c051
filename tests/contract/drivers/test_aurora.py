"""What the aurora driver owes beyond the contract: lag first, no loss while the old primary answers."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from controlplane.drivers.aws.aurora import aurora
from controlplane.model.act import Act, Primary
from controlplane.model.errors import Conflict, Refused
from tests.contract.drivers.targets.aurora import GlobalDatabase
from tests.servers.aws import planted


@pytest.fixture(name="made")
def _made() -> Iterator[GlobalDatabase]:
    with planted():
        yield GlobalDatabase()


def act(max_loss_s: float = 1.0, key: str = "once") -> Act:
    return Act(key, "orders-db", Primary("frankfurt", max_loss_s), 5, datetime.now(UTC) + timedelta(seconds=10))


async def test_while_the_old_primary_answers_roles_change_without_loss(made: GlobalDatabase) -> None:
    await made.driver().apply(act(0.0))
    assert made.moves() == ["SwitchoverGlobalCluster"]


async def test_a_dead_primary_is_left_by_a_failover_if_the_lag_may_be_lost(made: GlobalDatabase) -> None:
    made.regions["dublin"].down = True
    driver = made.driver()
    await driver.apply(act(1.0))
    assert made.moves() == ["FailoverGlobalCluster"]
    assert (await driver.confirm(act(1.0))).done


@pytest.mark.parametrize("lag_ms", [None, 1500.0])
async def test_a_lag_that_is_unknown_or_too_long_is_refused_before_anything_is_written(
    made: GlobalDatabase, lag_ms: float | None
) -> None:
    made.regions["dublin"].down, made.lag_ms = True, lag_ms
    picture = made.picture()
    with pytest.raises(Refused, match="lacks"):
        await made.driver().apply(act(1.0))
    assert (made.moves(), made.picture()) == ([], picture)


async def test_a_change_of_roles_under_way_is_waited_for_and_not_asked_for_twice(made: GlobalDatabase) -> None:
    made.slow = True
    driver = made.driver()
    await driver.apply(act())
    await driver.apply(act())
    assert len(made.moves()) == 1
    assert (await driver.confirm(act())).detail == "orders is pending"
    with pytest.raises(Conflict, match="somebody else"):
        await driver.apply(act(key="another"))


def test_settings_are_checked_without_aws() -> None:
    assert aurora.mistakes({"global": "orders", "clusters": {"dublin": "orders-dublin"}}) == (
        "setting 'clusters' must be a map from region to the ARN of a cluster",
    )
