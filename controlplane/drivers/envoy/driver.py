"""The Envoy driver."""

import asyncio
import copy
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from controlplane.drivers import NUMBER, URL, WORD, left_s, mistakes_in, number
from controlplane.drivers.envoy.admin import Admin, Dump
from controlplane.drivers.envoy.route_file import RouteFile
from controlplane.drivers.envoy.routes import (
    Naming,
    Stamp,
    clusters,
    configuration,
    highest_epoch,
    put,
    put_stamp,
    routes_of,
    same,
    stamp_of,
    wanted_clusters,
    weights,
)
from controlplane.model.act import Act, Capability, Confirmation, Desired, Weights
from controlplane.model.errors import Conflict, Refused, Retry
from controlplane.model.resources.kind import Setting

_KNOWN = {
    "file": WORD,
    "admin": URL,
    "routes": WORD,
    "cluster": WORD,
    "shed": WORD,
    "refused": WORD,
    "drain": NUMBER,
    "timeout": NUMBER,
}
_DRAIN_S = 5.0
_TIMEOUT_S = 2.0
_TAKEN_WITHIN_S = 1.0
_REMEMBERED = 256


@dataclass(slots=True)
class _Before:
    """What was so when an act was applied: the clusters that had traffic; and when it was first seen in force."""

    used: frozenset[str] = frozenset()
    in_force_at: float | None = None


class EnvoyDriver:
    """Shares of services at one edge.

    Established connections outlive a change of weights. ``confirm`` says done once no request goes to a region that
    was left, or after ``drain`` seconds, and then tells how many still did; the routes' own time-outs end those.
    """

    def __init__(self, file: RouteFile, admin: Admin, naming: Naming, settings: Mapping[str, Setting]) -> None:
        self._file, self._admin, self._naming = file, admin, naming
        self._routes = str(settings["routes"]) if "routes" in settings else None
        self._drain_s = number(settings, "drain", _DRAIN_S)
        self._before: dict[str, _Before] = {}

    async def read(self, subject: str, like: Desired) -> Desired | None:
        """The shares that Envoy runs; those in its file if its admin address does not answer."""
        _weights_of(like)
        config = configuration(self._file.read(), self._routes)
        with suppress(Retry):
            config = (await self._admin.dump(config["name"])).config
        return weights(config, subject, self._naming)

    async def apply(self, act: Act) -> None:
        """Write the weights. Whether Envoy has taken them is for ``confirm`` to see."""
        left_s(act)
        wanted = wanted_clusters(act.subject, _weights_of(act.desired), self._naming)
        await self._refuse_unknown(act.subject, wanted)

        def change(document: dict[str, Any]) -> bool:
            config = self._guarded(document, act)
            stamp = Stamp(act.epoch, act.once_key)
            found = routes_of(config, act.subject)
            if same(config, act.subject, wanted) and all(stamp_of(found[origin]) == stamp for origin in wanted):
                return False
            self._remember(act.once_key, {name for route in found.values() for name in clusters(route)})
            put(config, act.subject, wanted, stamp)
            return True

        await self._file.change(change)

    async def confirm(self, act: Act) -> Confirmation:
        """Read back from the file and from Envoy, then watch the requests in flight to what was left."""
        wanted = wanted_clusters(act.subject, _weights_of(act.desired), self._naming)
        config = self._guarded(self._file.read(), act)
        if not same(config, act.subject, wanted):
            return Confirmation(done=False, detail="the route file has other weights")
        dump = await self._admin.dump(config["name"])
        if not same(dump.config, act.subject, wanted):
            if self._file.age_s() > _TAKEN_WITHIN_S:
                await self._put_back_if_refused(act, dump)
            return Confirmation(done=False, detail=f"Envoy still runs version {dump.version}")
        effect = act.previous is None or not _alike(act, self._naming)
        left = self._left(act, wanted)
        stragglers = await self._admin.in_flight(left) if left else 0
        if stragglers and not self._drained(act.once_key):
            return Confirmation(
                done=False,
                effect=effect,
                stragglers=stragglers,
                detail="requests are still in flight",
                in_force=True,
            )
        return Confirmation(done=True, effect=effect, stragglers=stragglers, in_force=True)

    async def undo(self, act: Act) -> None:
        """Put ``previous`` back, unless what is there now is not this act's."""
        previous = act.previous
        if previous is None:
            return
        wanted = wanted_clusters(act.subject, _weights_of(previous), self._naming)

        def change(document: dict[str, Any]) -> bool:
            config = self._guarded(document, act)
            found = routes_of(config, act.subject)
            if not any(stamp_of(route).key == act.once_key for route in found.values()):
                return False
            put(config, act.subject, wanted, Stamp(act.epoch, f"{act.once_key}/undo"))
            return True

        await self._file.change(change)

    def _guarded(self, document: dict[str, Any], act: Act) -> dict[str, Any]:
        config = configuration(document, self._routes)
        highest = highest_epoch(config)
        if highest > act.epoch:
            raise Conflict(f"epoch {highest} has written the routes, {act.epoch} is older")
        return config

    async def _refuse_unknown(self, service: str, wanted: Mapping[str, Mapping[str, int]]) -> None:
        """A route to a cluster that is not there answers 503 to everybody: Envoy does not refuse it, so this does."""
        config = configuration(self._file.read(), self._routes)
        running = {name for route in routes_of(config, service).values() for name in clusters(route)}
        fresh = {name for given in wanted.values() for name in given} - running
        if not fresh:
            return
        try:
            missing = await self._admin.missing(fresh)
        except Retry:
            return  # leaving a dead region must not wait for an admin address
        if missing:
            raise Refused(f"the edge has no cluster {', '.join(missing)}")

    async def _put_back_if_refused(self, act: Act, dump: Dump) -> None:
        """Envoy keeps the old routes when it refuses a file, until it restarts: then it would have none. So the whole
        file becomes again what Envoy runs, in the name of this epoch."""
        if not await self._admin.rejected():
            return

        def change(document: dict[str, Any]) -> bool:
            config = self._guarded(document, act)
            if all(stamp_of(route).key != act.once_key for route in routes_of(config, act.subject).values()):
                return False
            config.clear()
            config.update(copy.deepcopy(dump.config))
            for route in routes_of(config, act.subject).values():
                put_stamp(route, Stamp(act.epoch, f"{act.once_key}/refused"))
            return True

        await self._file.change(change)
        raise Refused(f"Envoy refuses the route file with {act.subject} in it; the routes it runs are back in place")

    def _remember(self, key: str, used: set[str]) -> None:
        self._before[key] = _Before(frozenset(used))
        while len(self._before) > _REMEMBERED:
            del self._before[next(iter(self._before))]

    def _left(self, act: Act, wanted: Mapping[str, Mapping[str, int]]) -> set[str]:
        """Clusters that had traffic before and have none now; those that answer at the edge itself do not count."""
        before = self._before.get(act.once_key)
        used = set(before.used) if before is not None else set()
        if isinstance(act.previous, Weights):
            used |= {
                self._naming.of(act.subject, region)
                for by_region in act.previous.shares.values()
                for region, share in by_region.items()
                if share > 0
            }
        return used - {name for given in wanted.values() for name in given} - {self._naming.shed, self._naming.refused}

    def _drained(self, key: str) -> bool:
        """Whether those who stayed have had their time since the change was first seen in force."""
        now = asyncio.get_running_loop().time()
        before = self._before.setdefault(key, _Before())
        if before.in_force_at is None:
            before.in_force_at = now
        return now - before.in_force_at >= self._drain_s


def _weights_of(desired: Desired) -> Weights:
    if not isinstance(desired, Weights):
        raise Refused(f"envoy moves shares of traffic, not {type(desired).__name__}")
    return desired


def _alike(act: Act, naming: Naming) -> bool:
    """Whether the act asked for what was so already."""
    try:
        before = wanted_clusters(act.subject, _weights_of(act.previous or act.desired), naming)
    except Refused:
        return False
    return before == wanted_clusters(act.subject, _weights_of(act.desired), naming)


class EnvoyDrivers:
    """Makes Envoy drivers.

    Settings: ``file`` (the route file), ``admin`` (its admin address), ``routes`` (the route configuration's name, if
    the file holds several), ``cluster`` (``{service}@{region}``), ``shed`` and ``refused`` (clusters that answer for
    nobody), ``drain`` (seconds that those in flight are waited for, 5), ``timeout`` (seconds for the admin address).
    All drivers of one file in one process and event loop share it.
    """

    capabilities = frozenset({Capability.WEIGHTS, Capability.SHED})

    def __init__(self) -> None:
        self._edges: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, tuple[RouteFile, Admin]]] = (
            WeakKeyDictionary()
        )

    def mistakes(self, settings: Mapping[str, Setting]) -> tuple[str, ...]:
        """What is wrong with the settings, a sentence each."""
        found = mistakes_in(settings, _KNOWN, needed=("file", "admin"))
        cluster = settings.get("cluster")
        if isinstance(cluster, str) and cluster.count("{region}") != 1:
            found = (*found, "setting 'cluster' must hold {region} once")
        return found

    def __call__(self, settings: Mapping[str, Setting]) -> EnvoyDriver:
        """A driver for one edge."""
        naming = Naming(**{name: str(settings[name]) for name in ("cluster", "shed", "refused") if name in settings})
        file, admin = self._edge(settings)
        return EnvoyDriver(file, admin, naming, settings)

    def _edge(self, settings: Mapping[str, Setting]) -> tuple[RouteFile, Admin]:
        path, url = Path(str(settings["file"])).resolve(), str(settings["admin"])
        timeout_s = number(settings, "timeout", _TIMEOUT_S)
        made = RouteFile(path), Admin(url, timeout_s)
        try:
            edges = self._edges.setdefault(asyncio.get_running_loop(), {})
        except RuntimeError:  # made before the loop runs: then it has the edge to itself, and the lock keeps it right
            return made
        return edges.setdefault(f"{path} {url} {timeout_s}", made)


envoy = EnvoyDrivers()
