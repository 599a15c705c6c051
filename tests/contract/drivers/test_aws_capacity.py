"""What capacity and knob values of AWS owe beyond the contract."""

from datetime import UTC, datetime, timedelta

import pytest

from controlplane.drivers.aws.autoscaling import autoscaling
from controlplane.drivers.aws.ssm import ssm
from controlplane.model.act import Act, KnobSetting, Units
from controlplane.model.errors import Broken, Refused
from tests.contract.drivers.targets.aws import capacity, group, parameters, sizes
from tests.servers.aws import cloud


def act(units: float) -> Act:
    deadline = datetime.now(UTC) + timedelta(seconds=10)
    return Act("once", "dublin", Units("dublin", units), 5, deadline, previous=Units("dublin", 100.0))


async def test_capacity_beyond_the_groups_own_limit_is_refused_and_nothing_is_changed() -> None:
    with group(most=3) as made:
        picture = sizes(made)
        with pytest.raises(Refused, match="would need 4 instances, and its group allows 3"):
            await capacity(made).apply(act(200.0))
        assert sizes(made) == picture


async def test_units_that_fill_no_instance_are_rounded_up() -> None:
    with group() as made:
        await capacity(made).apply(act(101.0))
        assert sizes(made)[:2] == (3, 3)


async def test_instances_that_are_unwell_are_no_capacity() -> None:
    with group() as made:
        driver = capacity(made)
        await driver.apply(act(200.0))
        assert (await driver.confirm(act(200.0))).done
        client = made.client("autoscaling")
        sick = client.describe_auto_scaling_instances()["AutoScalingInstances"][0]["InstanceId"]
        client.set_instance_health(InstanceId=sick, HealthStatus="Unhealthy")
        found = await driver.confirm(act(200.0))
        assert (found.done, found.detail) == (False, "3 of 4 instances are in service")


async def test_a_parameter_that_holds_no_number_is_broken_where_a_number_is_meant() -> None:
    with cloud() as made:
        made.client("ssm").put_parameter(Name="/shop/ranking", Value="fast", Type="String")
        with pytest.raises(Broken, match="float"):
            await parameters(made).read("ranking", KnobSetting(0.5))
        assert await parameters(made).read("ranking", KnobSetting("off")) == KnobSetting("fast")


def test_settings_are_checked_without_aws() -> None:
    assert ssm.mistakes({"parameter": "/x"}) == ("setting 'parameter' must hold {knob}: two knobs would be one",)
    assert autoscaling.mistakes({"groups": {"dublin": "web"}, "regions": {"london": "eu-west-2"}, "units": 5}) == (
        "setting 'regions' has none for dublin",
    )
