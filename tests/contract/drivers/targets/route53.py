"""moto's Route 53, with a tree of names as a shop has it, and AWS's own strictness."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controlplane.drivers.aws.route53 import Route53Driver, route53
from controlplane.model.act import Weights
from controlplane.model.resources.kind import Setting
from tests.contract.drivers.cases import Bench, case
from tests.servers.aws import Cloud, StrictRoute53, cloud

BEFORE = Weights({"DE": {"frankfurt": 1.0}, "IE": {"dublin": 0.7, "frankfurt": 0.3}})
AFTER = Weights(
    {"DE": {"frankfurt": 0.9}, "IE": {"frankfurt": 0.85}}, shed={"DE": 0.1, "IE": 0.1}, refused={"IE": 0.05}
)
NAMES = "{service}-{origin}.shop.example."
WEIGHTS = {
    "de": {"dublin": 0, "frankfurt": 100, "busy": 0, "not-here": 0},
    "ie": {"dublin": 70, "frankfurt": 30, "busy": 0, "not-here": 0},
}
ADDRESSES = {"dublin": "192.0.2.1", "frankfurt": "192.0.2.2", "busy": "192.0.2.3", "not-here": "192.0.2.4"}


@dataclass
class Zone:
    """A hosted zone and who watches its batches."""

    cloud: Cloud
    id: str
    strict: StrictRoute53

    def sets(self) -> list[Any]:
        """All that stands in it, sorted."""
        listed = self.cloud.client("route53").list_resource_record_sets(HostedZoneId=self.id)["ResourceRecordSets"]
        return sorted(listed, key=lambda item: (item["Name"], item["Type"], item.get("SetIdentifier", "")))

    def tree(self) -> list[Any]:
        """What leads to the weighted names: nobody of ours may touch it."""
        return [item for item in self.sets() if "GeoLocation" in item or "Region" in item]

    def put(self, *items: dict[str, Any]) -> None:
        """Lay sets."""
        changes = [{"Action": "CREATE", "ResourceRecordSet": item} for item in items]
        batch = {"Changes": changes}
        self.cloud.client("route53").change_resource_record_sets(HostedZoneId=self.id, ChangeBatch=batch)

    def driver(self, **more: Setting) -> Route53Driver:
        """A driver of the zone."""
        settings: dict[str, Setting] = {"zone": self.id, "names": NAMES, "endpoint": self.cloud.url}
        settings |= {"shed": "busy", "refused": "not-here", **more}
        assert route53.mistakes(settings) == ()
        made = route53(settings)
        made._calls._made = self.strict
        return made


def weighted(origin: str, label: str, weight: int) -> dict[str, Any]:
    """One weighted set."""
    return {
        "Name": f"checkout-{origin}.shop.example.",
        "Type": "A",
        "SetIdentifier": label,
        "Weight": weight,
        "TTL": 30,
        "ResourceRecords": [{"Value": ADDRESSES[label]}],
    }


def alias(zone: str, name: str, label: str, to: str, **policy: object) -> dict[str, Any]:
    """A set that leads on to another name of the zone."""
    target = {"HostedZoneId": zone, "DNSName": to, "EvaluateTargetHealth": True}
    return {"Name": name, "Type": "A", "SetIdentifier": label, "AliasTarget": target, **policy}


@contextmanager
def zone() -> Iterator[Zone]:
    """checkout.shop.example: by geography to one weighted name an origin, and by latency to another."""
    with cloud() as made:
        answer = made.client("route53").create_hosted_zone(Name="shop.example.", CallerReference="laid")
        laid = Zone(made, answer["HostedZone"]["Id"].rpartition("/")[2], StrictRoute53(made))
        laid.put(*(weighted(origin, label, n) for origin, by in WEIGHTS.items() for label, n in by.items()))
        for origin in WEIGHTS:
            to = f"checkout-{origin}.shop.example."
            geo = {"GeoLocation": {"CountryCode": origin.upper()}}
            laid.put(alias(laid.id, "checkout.shop.example.", f"geo-{origin}", to, **geo))
            laid.put(alias(laid.id, "near.shop.example.", f"near-{origin}", to, Region=f"eu-{origin}-1"))
        yield laid


@case("route53 weights")
@asynccontextmanager
async def weights(_: Path) -> AsyncIterator[Bench]:
    """Shares of two origins, one of them over two regions."""
    with zone() as laid:
        yield Bench(laid.driver(), "checkout", BEFORE, AFTER, laid.sets, unknown="nothing")


@case("route53 failover pair")
@asynccontextmanager
async def failover(_: Path) -> AsyncIterator[Bench]:
    """One origin, whose pair changes places."""
    with zone() as laid:
        for label, role in (("dublin", "PRIMARY"), ("frankfurt", "SECONDARY")):
            item = weighted("gb", label, 0)
            del item["Weight"]
            laid.put({**item, "Failover": role, "HealthCheckId": f"check-{label}"})
        before, after = Weights({"GB": {"dublin": 1.0}}), Weights({"GB": {"frankfurt": 1.0}})
        yield Bench(laid.driver(), "checkout", before, after, laid.sets, unknown="nothing")
