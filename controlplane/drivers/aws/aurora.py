"""The aurora driver: the primary region of an Aurora global database, by switchover or by managed failover.

Lag is read first, in the region to be promoted. While the old primary is available, roles change by a switchover, which
loses nothing; when it cannot be reached, by a failover, which may lose what the lag says. The switch is its own fence:
Aurora ends writing in the old region before the new one begins, or takes the old one back as a secondary later.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from controlplane.drivers import NUMBER, URL, WORD, Kind, is_word_map, left_s, mistakes_in, word_map
from controlplane.drivers.aws.calls import Calls, Where
from controlplane.drivers.aws.stamp import Stamp
from controlplane.model.act import Act, Capability, Confirmation, Desired, Fence, Primary
from controlplane.model.errors import Broken, Conflict, Refused, Retry
from controlplane.model.resources.kind import Setting

_TAG = "leeward"
_LAG = "AuroraGlobalDBProgressLag"
_LAG_PERIOD_S = 60
_LAG_OLD = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Place:
    """One region's cluster, and what is asked there."""

    arn: str
    rds: Calls
    metrics: Calls


class AuroraDriver:
    """One global database, asked in the region that is to be promoted. A tag of it carries epoch and key."""

    def __init__(self, name: str, places: Mapping[str, Place]) -> None:
        self._name, self._places = name, dict(places)

    async def read(self, subject: str, like: Desired) -> Desired | None:
        """The region of the writer. A fence is never so by itself: the switch fences."""
        if isinstance(like, Fence):
            return None if self._writer(await self._anywhere()) == like.region else like
        desired = _primary(like)
        region = self._writer(await self._anywhere())
        return None if region is None else Primary(region, desired.max_loss_s)

    async def apply(self, act: Act) -> None:
        """Switch over, or fail over if the old primary cannot be reached and the lag may be lost."""
        left_s(act)
        if isinstance(act.desired, Fence):
            return
        desired = _primary(act.desired)
        place = self._place(desired.region)
        found = await self._look(place)
        stamp = _stamp(found)
        stamp.guard(act)
        writer = self._writer(found)
        if (under_way := found.get("FailoverState")) is not None:
            if under_way.get("ToDbClusterArn") == place.arn and stamp.is_of(act):
                return
            raise Conflict(f"{self._name} is {under_way.get('Status')} already, by somebody else")
        if writer == desired.region and stamp.is_of(act):
            return
        if writer == desired.region:
            await self._write(place, found, Stamp.of(act))
            return
        planned = writer is not None and await self._available(writer)
        if not planned:
            await self._bearable(desired, place)
        left_s(act)
        await self._write(place, found, Stamp.of(act))
        asked: dict[str, Any] = {"GlobalClusterIdentifier": self._name, "TargetDbClusterIdentifier": place.arn}
        if planned:
            await place.rds.ask("switchover_global_cluster", **asked)
        else:
            await place.rds.ask("failover_global_cluster", **asked, AllowDataLoss=True)

    async def confirm(self, act: Act) -> Confirmation:
        """Ask who writes, and whether a change of roles is still under way."""
        if isinstance(act.desired, Fence):
            return Confirmation(done=True, effect=False, detail="the switch of a global database is its own fence")
        desired = _primary(act.desired)
        found = await self._look(self._place(desired.region))
        _stamp(found).guard(act)
        if (under_way := found.get("FailoverState")) is not None:
            return Confirmation(done=False, detail=f"{self._name} is {under_way.get('Status')}")
        if (writer := self._writer(found)) != desired.region:
            return Confirmation(done=False, detail=f"{writer} writes")
        effect = act.previous is None or act.previous != act.desired
        return Confirmation(done=True, effect=effect, in_force=True)

    async def undo(self, act: Act) -> None:
        """A promotion that has begun is not undone: going back is a promotion of its own."""
        if isinstance(act.desired, Fence) or act.previous is None or act.previous == act.desired:
            return
        desired = _primary(act.desired)
        found = await self._look(self._place(desired.region))
        begun = found.get("FailoverState") is not None or self._writer(found) == desired.region
        if _stamp(found).is_of(act) and begun:
            raise Refused(f"{desired.region} has been promoted: going back is a promotion of its own")

    async def _available(self, region: str) -> bool:
        """Whether the old primary answers and is well: only then can roles change without loss."""
        place = self._place(region)
        with suppress(Retry, Broken):
            answer = await place.rds.ask("describe_db_clusters", DBClusterIdentifier=place.arn)
            return any(cluster.get("Status") == "available" for cluster in answer["DBClusters"])
        return False

    async def _bearable(self, desired: Primary, place: Place) -> None:
        lag_s = await self._lag_s(place)
        if lag_s is None:
            raise Refused(f"nobody can say what {desired.region} lacks: {_LAG} has no recent datapoint")
        if lag_s > desired.max_loss_s:
            raise Refused(
                f"{desired.region} lacks {lag_s:.1f} s, more than the {desired.max_loss_s:g} s that may be lost"
            )

    async def _lag_s(self, place: Place) -> float | None:
        now = datetime.now(UTC)
        identifier = place.arn.rpartition(":")[2]
        metric = {
            "Namespace": "AWS/RDS",
            "MetricName": _LAG,
            "Dimensions": [{"Name": "DBClusterIdentifier", "Value": identifier}],
        }
        query = {"Id": "lag", "MetricStat": {"Metric": metric, "Period": _LAG_PERIOD_S, "Stat": "Maximum"}}
        asked = {"StartTime": now - _LAG_OLD, "EndTime": now, "ScanBy": "TimestampDescending"}
        answer = await place.metrics.ask("get_metric_data", MetricDataQueries=[query], **asked)
        values = [value for series in answer["MetricDataResults"] for value in series.get("Values", [])]
        return float(values[0]) / 1000 if values else None

    async def _look(self, place: Place) -> dict[str, Any]:
        answer = await place.rds.ask("describe_global_clusters", GlobalClusterIdentifier=self._name)
        for found in answer["GlobalClusters"]:
            return dict(found)
        raise Refused(f"there is no global database {self._name}")

    async def _anywhere(self) -> dict[str, Any]:
        *first, last = self._places.values()
        for place in first:
            with suppress(Retry, Broken):
                return await self._look(place)
        return await self._look(last)

    async def _write(self, place: Place, found: Mapping[str, Any], stamp: Stamp) -> None:
        tag = {"Key": _TAG, "Value": str(stamp)}
        await place.rds.ask("add_tags_to_resource", ResourceName=found["GlobalClusterArn"], Tags=[tag])

    def _writer(self, found: Mapping[str, Any]) -> str | None:
        arns = {member["DBClusterArn"] for member in found.get("GlobalClusterMembers", []) if member.get("IsWriter")}
        return next((region for region, place in self._places.items() if place.arn in arns), None)

    def _place(self, region: str) -> Place:
        if region not in self._places:
            raise Refused(f"no cluster is given for {region}")
        return self._places[region]


def _primary(desired: Desired) -> Primary:
    if not isinstance(desired, Primary):
        raise Refused(f"aurora moves primaries, not {type(desired).__name__}")
    return desired


def _stamp(found: Mapping[str, Any]) -> Stamp:
    tags = {tag.get("Key"): str(tag.get("Value", "")) for tag in found.get("TagList", [])}
    return Stamp.read(tags.get(_TAG, ""))


def _aws_region(arn: str) -> str:
    return arn.split(":")[3]


def _is_clusters(value: Setting) -> bool:
    arns = value.values() if isinstance(value, dict) else ()
    return is_word_map(value) and all(str(arn).startswith("arn:") and str(arn).count(":") == 6 for arn in arns)


class AuroraDrivers:
    """Makes aurora drivers.

    Settings: ``global`` (the global database's identifier), ``clusters`` (ARN of the cluster by region), ``profile``,
    ``endpoint``, ``timeout``.
    """

    capabilities = frozenset({Capability.PRIMARY, Capability.FENCE})

    def mistakes(self, settings: Mapping[str, Setting]) -> tuple[str, ...]:
        """What is wrong with the settings, a sentence each."""
        clusters = Kind("a map from region to the ARN of a cluster", _is_clusters)
        known = {"global": WORD, "clusters": clusters, "profile": WORD, "endpoint": URL, "timeout": NUMBER}
        return mistakes_in(settings, known, needed=("global", "clusters"))

    def __call__(self, settings: Mapping[str, Setting]) -> AuroraDriver:
        """A driver for one global database."""
        places = {}
        for region, arn in word_map(settings, "clusters").items():
            where = Where.of(settings, _aws_region(arn))
            places[region] = Place(arn, Calls("rds", where), Calls("cloudwatch", where))
        return AuroraDriver(str(settings["global"]), places)


aurora = AuroraDrivers()
