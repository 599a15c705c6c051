"""A world's file into a World, its names checked against the estate."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path as File

from controlplane.load.checks.referring import Teller
from controlplane.load.compose import compose
from controlplane.load.files import read_sources
from controlplane.load.findings import Findings, did_you_mean
from controlplane.load.tree import Mark, Path
from controlplane.load.validation import validate
from controlplane.load.world_file import LagSample, WorldFile
from controlplane.model.errors import PoliciesInvalid
from controlplane.model.estate import Estate
from controlplane.model.resources.degradation_policy import Knob, KnobScope
from controlplane.model.resources.kind import KnobValue
from controlplane.model.verdict import ENTRY, EVERY_SERVICE, Verdict
from controlplane.model.world import Drain, Lag, Override, Shift, Transition, Wish, World

_ROUNDING = 2e-5
"""Shares are written with six decimals, one for each of some dozens of regions."""


def load_world(path: File, estate: Estate) -> World:
    """The world that a file describes. Raises PoliciesInvalid with every mistake: of form, of fields, and names that
    the estate does not have."""
    findings = Findings()
    documents = [document for source in read_sources([path], findings) for document in compose(source, findings)]
    for document in documents[1:]:
        findings.mistake(document.mark(), "a second document", "a file describes one world", "put it in another file")
    if not documents and findings.count == 0:
        findings.mistake(Mark(str(path)), "an empty file", "a world has at least a time", "write `at:` in it")
    world = validate(WorldFile, documents[0], "world", findings) if documents else None
    if world is not None:
        _WorldCheck(estate, Teller(findings, documents[0], "world")).check(world)
    if world is None or findings.count:
        raise PoliciesInvalid(findings.mistakes)
    return _world(world, estate)


class _WorldCheck:
    """Every name in a world's file against the estate, and every sum against 1."""

    def __init__(self, estate: Estate, tell: Teller) -> None:
        self.estate, self.tell = estate, tell
        self.known: Mapping[str, Iterable[str]] = {
            "region": estate.regions,
            "service": estate.services,
            "datastore": estate.datastores,
            "knob": estate.knobs,
            "origin": {origin for service in estate.services.values() for origin in service.spec.demand},
            "service or datastore": (*estate.services, *estate.datastores),
            "knob or datastore": (*estate.knobs, *estate.datastores),
        }

    def check(self, world: WorldFile) -> None:
        """Tell all that is wrong."""
        self._verdicts(world)
        self._lists(world)
        self._wishes(world)
        self._shares(world)
        self._by_name(world)
        for name, value in world.knobs.items():
            self._knob(name, value)
        for datastore, lags in world.lag.items():
            self._key("datastore", datastore, ("lag", datastore))
            for region in lags:
                self._key("region", region, ("lag", datastore, region))

    def _verdicts(self, world: WorldFile) -> None:
        seen: set[tuple[str, str]] = set()
        for index, verdict in enumerate(world.verdicts):
            path: Path = ("verdicts", index)
            if verdict.region == ENTRY:
                self._name("origin", verdict.service, (*path, "service"))
                continue
            self._name("region", verdict.region, (*path, "region"))
            if verdict.service != EVERY_SERVICE:
                self._name("service or datastore", verdict.service, (*path, "service"))
            if (verdict.region, verdict.service) in seen:
                what = f"a second verdict on `{verdict.service}` in `{verdict.region}`"
                self.tell.mistake(path, what, "only one of them could count", "take one of the two out")
            seen.add((verdict.region, verdict.service))

    def _lists(self, world: WorldFile) -> None:
        for index, drain in enumerate(world.drains or ()):
            self._name("region", drain.region, ("drains", index, "region"))
            if drain.service != EVERY_SERVICE:
                self._name("service", drain.service, ("drains", index, "service"))
        for field in ("overrides", "transitions"):
            for index, entry in enumerate(getattr(world, field)):
                self._name("region", entry.region, (field, index, "region"))
        for index, (one, other) in enumerate(world.unreachable):
            self._name("region", one, ("unreachable", index, 0))
            self._name("region", other, ("unreachable", index, 1))
        for index, (subject, region) in enumerate(world.fenced):
            self._name("service or datastore", subject, ("fenced", index, 0))
            self._name("region", region, ("fenced", index, 1))
        for index, (datastore, region) in enumerate(world.idle):
            self._name("datastore", datastore, ("idle", index, 0))
            self._name("region", region, ("idle", index, 1))
        for index, name in enumerate(world.stuck):
            self._name("knob or datastore", name, ("stuck", index))

    def _wishes(self, world: WorldFile) -> None:
        for index, wish in enumerate(world.wishes):
            self._name(wish.kind, wish.subject, ("wishes", index, "subject"))
            if wish.kind != "knob":
                self._name("region", str(wish.to), ("wishes", index, "to"))
            elif wish.subject in self.estate.knobs:
                self._level(self.estate.knobs[wish.subject], wish.to, ("wishes", index, "to"))

    def _shares(self, world: WorldFile) -> None:
        for service, by_origin in world.shares.items():
            self._key("service", service, ("shares", service))
            for origin, shares in by_origin.items():
                path: Path = ("shares", service, origin)
                for region in shares:
                    self._key("region", region, (*path, region))
                total = math.fsum(shares.values())
                if total > 1 + _ROUNDING:
                    what = f"the shares of `{service}` from `{origin}` add up to {total:g}"
                    self.tell.mistake(path, what, "an origin has no more than all of its requests", "make it 1 at most")
        for service in world.demand:
            self._key("service", service, ("demand", service))

    def _by_name(self, world: WorldFile) -> None:
        for field, keys, values in (
            ("holders", "service", "region"),
            ("primaries", "datastore", "region"),
            ("capacity", "region", None),
            ("surcharge", "region", None),
            ("alarms", "region", None),
            ("management", "region", None),
            ("accepted_loss", "datastore", None),
            ("last_step", "service", None),
            ("knob_room_since", "knob", None),
        ):
            written = _camel(field)
            for name, value in (getattr(world, field) or {}).items():
                self._key(keys, name, (written, name))
                if values is not None and value is not None:
                    self._name(values, value, (written, name))
        for name in world.holders:
            if name in self.estate.spread:
                why, mend = "it is placed by shares", "write its placement under `shares`"
                self.tell.mistake(self.tell.key(("holders", name)), f"the service `{name}` has no holder", why, mend)

    def _knob(self, name: str, value: KnobValue | Mapping[str, KnobValue]) -> None:
        path: Path = ("knobs", name)
        self._key("knob", name, path)
        knob = self.estate.knobs.get(name)
        if knob is None:
            return
        if not isinstance(value, Mapping):
            self._level(knob, value, path)
        elif knob.scope is KnobScope.ESTATE:
            why = "it has one value for the whole estate"
            self.tell.mistake(path, f"the knob `{name}` is not set by region", why, "write its value alone")
        else:
            for region, level in value.items():
                self._key("region", region, (*path, region))
                self._level(knob, level, (*path, region))

    def _level(self, knob: Knob, value: KnobValue, path: Path) -> None:
        try:
            knob.depth(value)
        except ValueError:
            levels = [str(knob.value_at(depth)) for depth in range(len(knob.levels) + 1)]
            mend = did_you_mean(str(value), levels, "write one of them")
            self.tell.mistake(
                path, f"the knob `{knob.name}` has no level `{value}`", f"it has {', '.join(levels)}", mend
            )

    def _key(self, noun: str, name: str, path: Path) -> None:
        if name not in self.known[noun]:
            self.tell.dangling(self.tell.key(path), noun, name, self.known[noun])

    def _name(self, noun: str, name: str, path: Path) -> None:
        if name not in self.known[noun]:
            self.tell.dangling(path, noun, name, self.known[noun])


def _camel(field: str) -> str:
    first, *rest = field.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _world(file: WorldFile, estate: Estate) -> World:
    """The noun, once everything is known to be right."""
    return World(
        at=file.at,
        verdicts={
            (v.region, v.service): Verdict(v.region, v.service, v.state, v.since, v.success) for v in file.verdicts
        },
        shares=file.shares,
        demand=file.demand,
        knobs={name: _by_scope(estate.knobs[name], value, estate) for name, value in sorted(file.knobs.items())},
        lag=_lags(file),
        holders=file.holders,
        primaries=file.primaries,
        overrides=tuple(Override(o.region, o.state, o.by, o.reason, o.until, o.approved_by) for o in file.overrides),
        wishes=tuple(Wish(w.kind, w.subject, w.to, w.by, w.reason, w.until, w.region) for w in file.wishes),
        capacity=file.capacity,
        surcharge=file.surcharge,
        alarms=file.alarms,
        drains=None
        if file.drains is None
        else tuple(Drain(d.region, d.service, d.since, d.cause) for d in file.drains),
        transitions=tuple(Transition(t.region, t.at, t.to) for t in file.transitions),
        shifts=tuple(Shift(s.at, s.fraction) for s in file.shifts),
        fenced=frozenset(file.fenced),
        idle=frozenset(file.idle),
        unreachable=frozenset(file.unreachable),
        accepted_loss=file.accepted_loss,
        last_step=file.last_step,
        knob_room_since=file.knob_room_since,
        management=file.management,
        stuck=frozenset(file.stuck),
    )


def _by_scope(
    knob: Knob, value: KnobValue | Mapping[str, KnobValue], estate: Estate
) -> KnobValue | Mapping[str, KnobValue]:
    """A region's knob written as one value has that value in every region."""
    if knob.scope is KnobScope.REGION and not isinstance(value, Mapping):
        return dict.fromkeys(estate.regions, value)
    return value


def _lags(file: WorldFile) -> Mapping[str, Mapping[str, Lag]]:
    """Lags that are known; null is unknown, as an absent one is."""
    found: dict[str, dict[str, Lag]] = {}
    for datastore, by_region in file.lag.items():
        for region, lag in by_region.items():
            if isinstance(lag, LagSample):
                found.setdefault(datastore, {})[region] = Lag(lag.value, lag.sampled_at)
            elif lag is not None:
                found.setdefault(datastore, {})[region] = Lag(lag)
    return found
