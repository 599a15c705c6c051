"""moto's Parameter Store and Auto Scaling."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from controlplane.drivers.aws.autoscaling import AutoscalingDriver, autoscaling
from controlplane.drivers.aws.ssm import SsmDriver, ssm
from controlplane.model.act import Act, KnobSetting, Units
from controlplane.model.resources.kind import Setting
from tests.contract.drivers.cases import Bench, case
from tests.servers.aws import Cloud, cloud


def parameters(made: Cloud) -> SsmDriver:
    """A driver of the account's parameters."""
    settings: dict[str, Setting] = {"parameter": "/shop/{knob}", "regional": "/shop/{region}/{knob}"}
    settings |= {"endpoint": made.url, "awsRegion": "eu-west-1"}
    assert ssm.mistakes(settings) == ()
    return ssm(settings)


def values(made: Cloud) -> list[tuple[str, str, int]]:
    """What the parameters hold, and how often each was written."""
    found = made.client("ssm").get_parameters_by_path(Path="/shop", Recursive=True)["Parameters"]
    return sorted((item["Name"], item["Value"], item["Version"]) for item in found)


async def _knob(made: Cloud, before: KnobSetting, after: KnobSetting) -> Bench:
    driver = parameters(made)
    await driver.apply(Act("laid", "recommendations", before, 1, datetime.now(UTC) + timedelta(seconds=10)))
    return Bench(driver, "recommendations", before, after, lambda: values(made), unknown="nothing")


@case("ssm")
@asynccontextmanager
async def everywhere(_: Path) -> AsyncIterator[Bench]:
    """A knob with one value for all."""
    with cloud() as made:
        yield await _knob(made, KnobSetting("full"), KnobSetting("cached"))


@case("ssm in one region")
@asynccontextmanager
async def in_one_region(_: Path) -> AsyncIterator[Bench]:
    """A knob with a value of its own in one region."""
    with cloud() as made:
        yield await _knob(made, KnobSetting(True, "dublin"), KnobSetting(False, "dublin"))


@contextmanager
def group(most: int = 6) -> Iterator[Cloud]:
    """A group of two instances."""
    with cloud() as made:
        client = made.client("autoscaling")
        client.create_launch_configuration(
            LaunchConfigurationName="web", ImageId="ami-12c6146b", InstanceType="t3.micro"
        )
        client.create_auto_scaling_group(
            AutoScalingGroupName="web-dublin",
            LaunchConfigurationName="web",
            MinSize=2,
            MaxSize=most,
            DesiredCapacity=2,
            AvailabilityZones=["eu-west-1a"],
        )
        yield made


def sizes(made: Cloud) -> tuple[object, ...]:
    """What the group is and holds."""
    found = made.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"][0]
    tags = sorted((tag["Key"], tag["Value"]) for tag in found["Tags"])
    return found["MinSize"], found["DesiredCapacity"], len(found["Instances"]), tags


def capacity(made: Cloud) -> AutoscalingDriver:
    """A driver of the group: an instance carries 50 units."""
    settings: dict[str, Setting] = {
        "groups": {"dublin": "web-dublin"},
        "regions": {"dublin": "eu-west-1"},
        "units": 50,
        "endpoint": made.url,
    }
    assert autoscaling.mistakes(settings) == ()
    return autoscaling(settings)


@case("autoscaling")
@asynccontextmanager
async def instances(_: Path) -> AsyncIterator[Bench]:
    """A region that grows from two instances to four."""
    with group() as made:
        yield Bench(capacity(made), "dublin", Units("dublin", 100.0), Units("dublin", 200.0), lambda: sizes(made))
