"""The autoscaling driver: capacity of a region as instances of an Auto Scaling group.

Least and desired size are raised together, so that a scaling policy that sees little load does not take away what was
raised ahead of a shift; undoing gives both the size from before. A tag of the group carries epoch and key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from controlplane.drivers import NUMBER, WORD_MAP, Kind, is_number, left_s, mistakes_in, number, word_map
from controlplane.drivers.aws.calls import PLACE, Calls, Where
from controlplane.drivers.aws.stamp import Stamp
from controlplane.model.act import Act, Capability, Confirmation, Desired, Units
from controlplane.model.errors import Refused
from controlplane.model.resources.kind import Setting

_TAG = "leeward"
_SLACK = 1e-6


@dataclass(frozen=True, slots=True)
class _Group:
    least: int
    most: int
    wanted: int
    serving: int
    stamp: Stamp


class AutoscalingDriver:
    """A group a region. Capacity is what is in service and healthy, never what was asked for."""

    def __init__(self, groups: Mapping[str, str], places: Mapping[str, Calls], units: float) -> None:
        self._groups, self._places, self._units = dict(groups), dict(places), units

    async def read(self, subject: str, like: Desired) -> Desired | None:
        """Cost units a second of the instances in service. None: there is no such group."""
        region = _units(like).region
        group = await self._look(region)
        return None if group is None else Units(region, group.serving * self._units)

    async def apply(self, act: Act) -> None:
        """Ask for as many instances as carry the units. Refused: more than the group's own limit."""
        left_s(act)
        desired = _units(act.desired)
        group = await self._there(desired.region)
        group.stamp.guard(act)
        count = self._count(desired)
        if not group.stamp.is_of(act) or (group.least, group.wanted) != (count, count):
            await self._size(desired.region, count, group, Stamp.of(act))

    async def confirm(self, act: Act) -> Confirmation:
        """Count the healthy instances in service."""
        desired = _units(act.desired)
        group = await self._there(desired.region)
        group.stamp.guard(act)
        count = self._count(desired)
        if group.serving < count or group.wanted < count:
            return Confirmation(done=False, detail=f"{group.serving} of {count} instances are in service")
        if group.wanted > count or group.serving > count:
            return Confirmation(done=False, detail=f"{group.serving} instances, {count} are asked for")
        return Confirmation(done=True, effect=act.previous != act.desired, in_force=True)

    async def undo(self, act: Act) -> None:
        """Ask for ``previous``, unless what is there now is not this act's."""
        if act.previous is None:
            return
        previous = _units(act.previous)
        group = await self._there(previous.region)
        group.stamp.guard(act)
        if group.stamp.is_of(act):
            await self._size(previous.region, self._count(previous), group, Stamp.of(act, undone=True))

    def _count(self, desired: Units) -> int:
        return ceil(desired.units / self._units - _SLACK)

    async def _size(self, region: str, count: int, group: _Group, stamp: Stamp) -> None:
        if count > group.most:
            raise Refused(f"{region} would need {count} instances, and its group allows {group.most}")
        name = self._groups[region]
        tag = {"ResourceId": name, "ResourceType": "auto-scaling-group", "Key": _TAG, "Value": str(stamp)}
        await self._places[region].ask("create_or_update_tags", Tags=[{**tag, "PropagateAtLaunch": False}])
        sizes = {"MinSize": count, "DesiredCapacity": count}
        await self._places[region].ask("update_auto_scaling_group", AutoScalingGroupName=name, **sizes)

    async def _there(self, region: str) -> _Group:
        group = await self._look(region)
        if group is None:
            raise Refused(f"there is no group {self._groups[region]}")
        return group

    async def _look(self, region: str) -> _Group | None:
        if region not in self._groups:
            raise Refused(f"no group is given for {region}")
        asked = {"AutoScalingGroupNames": [self._groups[region]]}
        answer = await self._places[region].ask("describe_auto_scaling_groups", **asked)
        if not answer["AutoScalingGroups"]:
            return None
        found: dict[str, Any] = answer["AutoScalingGroups"][0]
        serving = [
            one
            for one in found.get("Instances", [])
            if one["LifecycleState"] == "InService" and one["HealthStatus"].lower() == "healthy"
        ]
        tags = {tag["Key"]: tag.get("Value", "") for tag in found.get("Tags", [])}
        stamp = Stamp.read(tags.get(_TAG, ""))
        return _Group(found["MinSize"], found["MaxSize"], found["DesiredCapacity"], len(serving), stamp)


def _units(desired: Desired) -> Units:
    if not isinstance(desired, Units):
        raise Refused(f"autoscaling gives capacity, not {type(desired).__name__}")
    return desired


class AutoscalingDrivers:
    """Makes autoscaling drivers.

    Settings: ``groups`` (name of the group by region), ``regions`` (AWS region by region), ``units`` (cost units a
    second that one instance carries), and those of every AWS driver but ``awsRegion``.
    """

    capabilities = frozenset({Capability.CAPACITY})

    def mistakes(self, settings: Mapping[str, Setting]) -> tuple[str, ...]:
        """What is wrong with the settings, a sentence each."""
        units = Kind("a number above 0", lambda value: is_number(value) and value != 0)
        place = {name: kind for name, kind in PLACE.items() if name != "awsRegion"} | {"timeout": NUMBER}
        known = {"groups": WORD_MAP, "regions": WORD_MAP, "units": units, **place}
        found = mistakes_in(settings, known, needed=("groups", "regions", "units"))
        if not found and (bare := sorted(set(word_map(settings, "groups")) - set(word_map(settings, "regions")))):
            found = (f"setting 'regions' has none for {', '.join(bare)}",)
        return found

    def __call__(self, settings: Mapping[str, Setting]) -> AutoscalingDriver:
        """A driver for the groups of an estate."""
        regions = word_map(settings, "regions")
        places = {name: Calls("autoscaling", Where.of(settings, aws)) for name, aws in regions.items()}
        return AutoscalingDriver(word_map(settings, "groups"), places, number(settings, "units", 1.0))


autoscaling = AutoscalingDrivers()
