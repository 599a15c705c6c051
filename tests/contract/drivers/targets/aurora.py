"""An Aurora global database of two clusters behind AWS's own models of RDS and CloudWatch."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from controlplane.drivers.aws.aurora import AuroraDriver, aurora
from controlplane.model.act import Primary
from controlplane.model.resources.kind import Setting
from tests.contract.drivers.cases import Bench, case
from tests.servers.aws import planted, refusal
from tests.servers.aws_double import Double

CLUSTERS = {
    "dublin": "arn:aws:rds:eu-west-1:111122223333:cluster:orders-dublin",
    "frankfurt": "arn:aws:rds:eu-central-1:111122223333:cluster:orders-frankfurt",
}
GLOBAL = "arn:aws:rds::111122223333:global-cluster:orders"


class GlobalDatabase:
    """``dead``: regions that answer nobody. ``lag_ms``: of the secondary; None: no datapoint."""

    def __init__(self) -> None:
        self.writer = CLUSTERS["dublin"]
        self.tags: dict[str, str] = {}
        self.lag_ms: float | None = 200.0
        self.under_way: dict[str, Any] | None = None
        self.slow = False
        operations = {
            "DescribeGlobalClusters": lambda _: {"GlobalClusters": [self._shown()]},
            "DescribeDBClusters": lambda p: {
                "DBClusters": [{"DBClusterArn": p["DBClusterIdentifier"], "Status": "available"}]
            },
            "AddTagsToResource": self._tag,
            "SwitchoverGlobalCluster": self._move,
            "FailoverGlobalCluster": self._move,
        }
        self.regions = {region: Double(operations) for region in CLUSTERS}
        self.metrics = Double({"GetMetricData": self._lag})

    def driver(self) -> AuroraDriver:
        """A driver of it."""
        settings: dict[str, Setting] = {"global": "orders", "clusters": dict(CLUSTERS)}
        assert aurora.mistakes(settings) == ()
        made = aurora(settings)
        for region, place in made._places.items():
            place.rds._made, place.metrics._made = self.regions[region], self.metrics
        return made

    def picture(self) -> tuple[object, ...]:
        """Who writes, and who has acted."""
        return self.writer, dict(self.tags)

    def moves(self) -> list[str]:
        """Changes of roles that were asked for."""
        names = [name for double in self.regions.values() for name in double.names()]
        return [name for name in names if name in {"SwitchoverGlobalCluster", "FailoverGlobalCluster"}]

    def _shown(self) -> dict[str, Any]:
        members = [{"DBClusterArn": arn, "IsWriter": arn == self.writer, "Readers": []} for arn in CLUSTERS.values()]
        tags = [{"Key": key, "Value": value} for key, value in self.tags.items()]
        shown: dict[str, Any] = {
            "GlobalClusterIdentifier": "orders",
            "GlobalClusterArn": GLOBAL,
            "Status": "available",
            "GlobalClusterMembers": members,
            "TagList": tags,
        }
        return shown if self.under_way is None else {**shown, "FailoverState": self.under_way}

    def _tag(self, params: dict[str, Any]) -> dict[str, Any]:
        assert params["ResourceName"] == GLOBAL
        self.tags |= {tag["Key"]: tag["Value"] for tag in params["Tags"]}
        return {}

    def _move(self, params: dict[str, Any]) -> dict[str, Any]:
        target = params["TargetDbClusterIdentifier"]
        if target == self.writer:
            raise refusal("SwitchoverGlobalCluster", "InvalidDBClusterStateFault", "it is the primary already")
        if self.slow:
            self.under_way = {"Status": "pending", "FromDbClusterArn": self.writer, "ToDbClusterArn": target}
        else:
            self.writer = target
        return {"GlobalCluster": self._shown()}

    def _lag(self, params: dict[str, Any]) -> dict[str, Any]:
        values = [] if self.lag_ms is None else [self.lag_ms]
        series = {"Id": params["MetricDataQueries"][0]["Id"], "Values": values}
        return {"MetricDataResults": [{**series, "Timestamps": [datetime.now(UTC)] * len(values)}]}


@case("aurora primary")
@asynccontextmanager
async def primary(_: Path) -> AsyncIterator[Bench]:
    """A switchover between two regions that are well."""
    with planted():
        made = GlobalDatabase()
        before, after = Primary("dublin", 0.0), Primary("frankfurt", 0.0)
        yield Bench(made.driver(), "orders-db", before, after, made.picture, undoable=False)
