"""The route53 driver: weighted record sets and failover pairs of one hosted zone."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from controlplane.drivers import WORD, WORD_LIST, Kind, is_word_map, left_s, mistakes_in, word_map
from controlplane.drivers.aws.calls import PLACE, Calls, Where
from controlplane.drivers.aws.records import Naming, absolute, alike, changed, holds, shares_in, wanted
from controlplane.drivers.aws.stamp import Stamp
from controlplane.model.act import Act, Capability, Confirmation, Desired, Weights
from controlplane.model.errors import Refused
from controlplane.model.resources.kind import Setting

_PAGE = "300"
_STAMP_TTL_S = 60
_INSYNC_S = 60.0
_REMEMBERED = 256

_Sets = dict[tuple[str, str], list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What stands in the zone: sets by (name, type), and the TXT set of the stamp."""

    sets: _Sets
    stamp_set: dict[str, Any] | None
    stamp_name: str

    @property
    def stamp(self) -> Stamp:
        """Who changed the service's sets last."""
        return Stamp.read(str(self.stamp_set["ResourceRecords"])) if self.stamp_set is not None else Stamp()


class Route53Driver:
    """Shares of services as weights of record sets, by origin.

    Only weights (or the roles of a failover pair) are written; sets by geolocation or latency that lead to these names
    are left as they are. All sets of an act change in one batch, together with a TXT set ``_leeward.<service>`` that
    carries the epoch: it is deleted with its exact value and made anew, so of two who write at once one is told so.
    """

    def __init__(self, calls: Calls, zone: str, naming: Naming, types: tuple[str, ...] = ("A",)) -> None:
        self._calls, self._zone, self._naming, self._types = calls, zone, naming, types
        self._zone_name: str | None = None
        self._changes: dict[str, str] = {}

    async def read(self, subject: str, like: Desired) -> Desired | None:
        """The shares with which the zone answers while every region is well. None: no such names."""
        origins = self._origins(_weights_of(like))
        names = {origin: self._naming.of(subject, origin) for origin in origins}
        sets = await self._sets(sorted(set(names.values())))
        shares: dict[str, dict[str, float]] = {}
        shed: dict[str, float] = {}
        refused: dict[str, float] = {}
        for origin, name in names.items():
            by_label = self._shares_at(name, sets)
            if by_label is None:
                continue
            shares[origin] = {}
            for label, share in sorted(by_label.items()):
                region = self._naming.region_of(label)
                if region is not None:
                    shares[origin][region] = share
                elif label == self._naming.shed:
                    shed[origin] = share
                elif label == self._naming.refused:
                    refused[origin] = share
        return Weights(shares, shed, refused) if shares else None

    async def apply(self, act: Act) -> None:
        """Submit one batch. Whether the name servers have it is for ``confirm`` to see."""
        left_s(act)
        shares = wanted(_weights_of(act.desired), self._naming, act.subject)
        seen = await self._look(act.subject, shares)
        seen.stamp.guard(act)
        changes = self._changes_to(shares, seen)
        if changes or not seen.stamp.is_of(act):
            left_s(act)
            await self._submit(act, seen, changes, Stamp.of(act))

    async def confirm(self, act: Act) -> Confirmation:
        """Read the sets back, then ask until the change is INSYNC: every name server of Route 53 answers with it.
        Resolvers keep what they were told before for as long as its TTL says."""
        shares = wanted(_weights_of(act.desired), self._naming, act.subject)
        seen = await self._look(act.subject, shares)
        seen.stamp.guard(act)
        effect = act.previous is None or not _same(act.previous, shares, self._naming, act.subject)
        for (name, type_), sets in seen.sets.items():
            if not holds(sets, shares[name], name):
                return Confirmation(done=False, detail=f"{name} {type_} has other weights")
        return await self._insync(act, seen, effect=effect)

    async def undo(self, act: Act) -> None:
        """Put ``previous`` back, unless what is there now is not this act's."""
        if act.previous is None:
            return
        shares = wanted(_weights_of(act.previous), self._naming, act.subject)
        seen = await self._look(act.subject, shares)
        if seen.stamp.is_of(act):
            await self._submit(act, seen, self._changes_to(shares, seen), Stamp.of(act, undone=True))
        else:
            seen.stamp.guard(act)

    async def _insync(self, act: Act, seen: _Seen, *, effect: bool) -> Confirmation:
        change = self._changes.get(act.once_key)
        if change is None:  # submitted by a process that is gone, or nothing had to be submitted
            if seen.stamp.is_of(act) and seen.stamp.age_s < _INSYNC_S:
                return Confirmation(done=False, detail="too young to be everywhere for sure")
            return Confirmation(done=True, effect=effect, in_force=True)
        status = (await self._calls.ask("get_change", Id=change))["ChangeInfo"]["Status"]
        if status != "INSYNC":
            return Confirmation(done=False, detail=f"the change is {status}")
        return Confirmation(done=True, effect=effect, in_force=True)

    async def _submit(self, act: Act, seen: _Seen, changes: list[dict[str, Any]], stamp: Stamp) -> None:
        fresh = {
            "Name": seen.stamp_name,
            "Type": "TXT",
            "TTL": _STAMP_TTL_S,
            "ResourceRecords": [{"Value": f'"{stamp}"'}],
        }
        old = [] if seen.stamp_set is None else [_change("DELETE", seen.stamp_set)]
        batch = {"Comment": str(stamp), "Changes": [*old, _change("CREATE", fresh), *changes]}
        answer = await self._calls.ask("change_resource_record_sets", HostedZoneId=self._zone, ChangeBatch=batch)
        self._changes[act.once_key] = answer["ChangeInfo"]["Id"]
        while len(self._changes) > _REMEMBERED:
            del self._changes[next(iter(self._changes))]

    def _changes_to(self, shares: Mapping[str, Mapping[str, float]], seen: _Seen) -> list[dict[str, Any]]:
        """Weights are written over; the two of a failover pair change places, which takes both away for the moment in
        which no name server looks: a batch is done whole or not at all."""
        changes: list[dict[str, Any]] = []
        for (name, _), sets in seen.sets.items():
            fresh = changed(sets, shares[name], name)
            if any("Failover" in item for item in fresh):
                labels = {item["SetIdentifier"] for item in fresh}
                changes += [_change("DELETE", old) for old in sets if old["SetIdentifier"] in labels]
                changes += [_change("UPSERT", item) for item in fresh]
            else:
                changes += [_change("UPSERT", item) for item in fresh]
        return changes

    async def _look(self, service: str, names: Iterable[str]) -> _Seen:
        if self._zone_name is None:
            zone = await self._calls.ask("get_hosted_zone", Id=self._zone)
            self._zone_name = absolute(zone["HostedZone"]["Name"])
        stamp_name = absolute(f"_leeward.{service}.{self._zone_name}")
        sets, stamps = await asyncio.gather(self._sets(names), self._list(stamp_name, "TXT"))
        return _Seen(sets, stamps[0] if stamps else None, stamp_name)

    async def _sets(self, names: Iterable[str]) -> _Sets:
        """By name and type; a type that a name has none of is left out, unless it has none of any."""
        asked = [(name, type_) for name in names for type_ in self._types]
        found = dict(zip(asked, await asyncio.gather(*(self._list(*one) for one in asked)), strict=True))
        bare = {name for name, _ in asked} - {name for (name, _), sets in found.items() if sets}
        return {one: sets for one, sets in found.items() if sets or (one[0] in bare and one[1] == self._types[0])}

    async def _list(self, name: str, type_: str) -> list[dict[str, Any]]:
        answer = await self._calls.ask(
            "list_resource_record_sets",
            HostedZoneId=self._zone,
            StartRecordName=name,
            StartRecordType=type_,
            MaxItems=_PAGE,
        )
        return [
            item for item in answer["ResourceRecordSets"] if absolute(item["Name"]) == name and item["Type"] == type_
        ]

    def _shares_at(self, name: str, sets: _Sets) -> dict[str, float] | None:
        found: dict[str, float] | None = None
        for (asked, type_), some in sets.items():
            if asked != name or not some:
                continue
            shares = shares_in(some)
            if shares is None:
                raise Refused(f"{name} {type_} is neither weighted nor a failover pair")
            found = shares if found is None else found
        return found

    def _origins(self, like: Weights) -> list[str]:
        asked = {*like.shares, *like.shed, *like.refused} or set(self._naming.names) - {"*"}
        return sorted(asked)


def _same(previous: Desired, shares: Mapping[str, Mapping[str, float]], naming: Naming, service: str) -> bool:
    try:
        before = wanted(_weights_of(previous), naming, service)
    except Refused:
        return False
    return before.keys() == shares.keys() and all(alike(before[name], shares[name]) for name in shares)


def _change(action: str, item: Mapping[str, Any]) -> dict[str, Any]:
    return {"Action": action, "ResourceRecordSet": dict(item)}


def _weights_of(desired: Desired) -> Weights:
    if not isinstance(desired, Weights):
        raise Refused(f"route53 moves shares of traffic, not {type(desired).__name__}")
    return desired


class Route53Drivers:
    """Makes route53 drivers.

    Settings: ``zone`` (the hosted zone's id), ``names`` (one record name with ``{service}`` and ``{origin}``, or a map
    from origin to name, ``*`` for all others), ``set`` (SetIdentifier of a region's sets, ``{region}``), ``shed`` and
    ``refused`` (SetIdentifiers of sets that answer for nobody), ``types`` (``[A]``), and those of every AWS driver.
    """

    capabilities = frozenset({Capability.WEIGHTS, Capability.SHED})

    def mistakes(self, settings: Mapping[str, Setting]) -> tuple[str, ...]:
        """What is wrong with the settings, a sentence each."""
        known = {
            "zone": WORD,
            "names": Kind("a record name, or a map from origin to record name", _is_names),
            "set": Kind("a word with {region} in it once", lambda value: str(value).count("{region}") == 1),
            "shed": WORD,
            "refused": WORD,
            "types": WORD_LIST,
            **PLACE,
        }
        return mistakes_in(settings, known, needed=("zone", "names"))

    def __call__(self, settings: Mapping[str, Setting]) -> Route53Driver:
        """A driver for one hosted zone."""
        given, types = settings["names"], settings.get("types")
        names = word_map(settings, "names") if isinstance(given, dict) else {"*": str(given)}
        label = str(settings.get("set", "{region}"))
        away = {kind: str(settings[kind]) for kind in ("shed", "refused") if kind in settings}
        kinds = tuple(str(type_) for type_ in types) if isinstance(types, list) else ("A",)
        calls = Calls("route53", Where.of(settings, str(settings.get("awsRegion", "us-east-1"))))
        return Route53Driver(calls, str(settings["zone"]), Naming(names, label, **away), kinds)


def _is_names(value: Setting) -> bool:
    return is_word_map(value) or WORD.check(value)


route53 = Route53Drivers()
