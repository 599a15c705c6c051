"""Switches in moto's S3, and an ARC cluster of five endpoints with one state."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from controlplane.drivers.aws.arc import ArcDriver, arc
from controlplane.drivers.aws.switches import SwitchDriver, route53_switch
from controlplane.model.act import Weights
from controlplane.model.resources.kind import Setting
from tests.contract.drivers.cases import Bench, case
from tests.servers.aws import Cloud, cloud, planted, refusal
from tests.servers.aws_double import Double

STANDING: dict[str, Setting] = {"DE": ["frankfurt", "dublin"], "IE": {"dublin": 70, "frankfurt": 30}}
BEFORE = Weights({"DE": {"frankfurt": 1.0}, "IE": {"dublin": 0.7, "frankfurt": 0.3}})
AFTER = Weights({"DE": {"frankfurt": 1.0}, "IE": {"frankfurt": 1.0}})
ARN = "arn:aws:route53-recovery-control::111122223333:controlpanel/c/routingcontrol/{}"
ENDPOINTS = ("ap-northeast-1", "ap-southeast-2", "eu-west-1", "us-east-1", "us-west-2")


def bucket(made: Cloud) -> None:
    """A bucket for the switches."""
    made.client("s3").create_bucket(Bucket="switches", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})


def switch_driver(made: Cloud, **more: Setting) -> SwitchDriver:
    """A driver of the bucket."""
    settings: dict[str, Setting] = {"bucket": "switches", "shares": dict(STANDING), "endpoint": made.url, "settle": 0}
    settings |= more
    assert route53_switch.mistakes(settings) == ()
    return route53_switch(settings)


def objects(made: Cloud) -> list[tuple[str, str]]:
    """What lies in the bucket."""
    listed = made.client("s3").list_objects_v2(Bucket="switches").get("Contents", [])
    return sorted((item["Key"], item["ETag"]) for item in listed)


@case("route53 switch")
@asynccontextmanager
async def switch(_: Path) -> AsyncIterator[Bench]:
    """A region to be switched off."""
    with cloud() as made:
        bucket(made)
        yield Bench(switch_driver(made), "checkout", BEFORE, AFTER, lambda: objects(made))


class Cluster:
    """Routing controls behind five endpoints, and one safety rule: one of them stays on."""

    def __init__(self) -> None:
        self.states = {ARN.format(region): "On" for region in ("dublin", "frankfurt")}
        operations = {"GetRoutingControlState": self._get, "UpdateRoutingControlStates": self._update}
        self.endpoints = {region: Double(operations) for region in ENDPOINTS}
        self.lies = False

    def driver(self, **more: Setting) -> ArcDriver:
        """A driver of it."""
        settings: dict[str, Setting] = {
            "endpoints": {region: f"https://{region}.cluster.invalid/v1" for region in ENDPOINTS},
            "controls": {region: ARN.format(region) for region in ("dublin", "frankfurt")},
            "shares": dict(STANDING),
            **more,
        }
        assert arc.mistakes(settings) == ()
        made = arc(settings)
        for calls in made._cluster.endpoints:
            calls._made = self.endpoints[str(calls.where.region)]
        return made

    def _get(self, params: dict[str, Any]) -> dict[str, Any]:
        arn = params["RoutingControlArn"]
        if arn not in self.states:
            raise refusal("GetRoutingControlState", "ResourceNotFoundException", "no such control", 404)
        return {"RoutingControlArn": arn, "RoutingControlState": self.states[arn]}

    def _update(self, params: dict[str, Any]) -> dict[str, Any]:
        entries = params["UpdateRoutingControlStateEntries"]
        fresh = self.states | {entry["RoutingControlArn"]: entry["RoutingControlState"] for entry in entries}
        if "On" not in fresh.values():
            raise refusal("UpdateRoutingControlStates", "ConflictException", "safety rule at-least-one", 409)
        if not self.lies:
            self.states = fresh
        return {}


@case("arc routing controls")
@asynccontextmanager
async def controls(_: Path) -> AsyncIterator[Bench]:
    """A region to be switched off."""
    with planted():
        cluster = Cluster()
        picture = lambda: dict(cluster.states)  # noqa: E731
        yield Bench(cluster.driver(), "checkout", BEFORE, AFTER, picture, fencing=False)
