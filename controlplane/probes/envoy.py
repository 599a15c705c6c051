"""Envoy: what users experience, from the edge's own counters.

Success and latency by service and region, demand by service and origin, each over what was counted since an earlier
look. Counters that did not move are no evidence: nobody asked, so nobody succeeded or failed.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from controlplane.model.evidence import Observation, Reading, Signal
from controlplane.model.resources.service import ProbeSpec
from controlplane.ports.clock import Clock
from controlplane.ports.eyes import Place
from controlplane.probes.conversation import Conversation
from controlplane.probes.counters import STATS_PATH, Counts, parse, slowest_s
from controlplane.probes.endpoint import Endpoint
from controlplane.probes.reply import Question
from controlplane.probes.settings import POSITIVE, mistakes_in, number
from controlplane.probes.watch import Spot, valid_s

_KNOWN = {"window": POSITIVE, "enough": POSITIVE}
_WINDOW_S = 10.0
_ENOUGH = 50.0
_MAX_BODY = 50_000_000


@dataclass(frozen=True, slots=True)
class _Reading:
    at: float
    counts: Counts


class EdgeReader:
    """One edge's counters, fetched once for all probes that look in the same moment."""

    def __init__(self, admin: str, clock: Clock) -> None:
        url = urlsplit(admin)
        question = Question(
            host=url.netloc,
            path=STATS_PATH,
            status=frozenset({200}),
            contains=b'"stats"',
            keep=True,
            max_body=_MAX_BODY,
        )
        self._conversation = Conversation(Endpoint(url.hostname or "", url.port or 80), question)
        self._clock = clock
        self._fetching: asyncio.Task[_Reading] | None = None
        self._last: _Reading | None = None
        self.users = 0

    async def read(self, timeout_s: float, fresh_s: float) -> _Reading:
        """The counters, at most ``fresh_s`` old. Raises ValueError with a sentence if they cannot be read."""
        if self._last is not None and self._clock.monotonic() - self._last.at < fresh_s:
            return self._last
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.get_running_loop().create_task(self._fetch(timeout_s))
            self._fetching.add_done_callback(lambda task: task.cancelled() or task.exception())
        return await asyncio.shield(self._fetching)

    def close(self) -> None:
        """One user fewer; the last one closes the connection."""
        self.users -= 1
        if self.users <= 0:
            self._conversation.close()

    async def _fetch(self, timeout_s: float) -> _Reading:
        at = self._clock.monotonic()
        finding, body = await self._conversation.ask(timeout_s)
        if finding[0] is not Reading.OK:
            raise ValueError(f"the edge's counters cannot be read: {finding[1]}")
        self._last = _Reading(at, parse(body))
        return self._last


@dataclass(slots=True)
class EnvoyProbe:
    """Evidence about one service in one region (or ``*``), from one edge.

    Success goes back over as many looks as it takes to see ``enough`` requests, at most ``window_s``: one failed
    request of three is no outage, and a busy service is judged by its last second.
    """

    spec: ProbeSpec
    spot: Spot
    reader: EdgeReader
    window_s: float
    enough: float
    _past: deque[_Reading] = field(default_factory=deque)

    async def look(self) -> tuple[Observation, ...]:
        """What was counted since. The first look, and the first after the edge restarted, see nothing yet."""
        try:
            now = await self.reader.read(self.spec.timeout.total_seconds(), self.spec.interval.total_seconds() / 2)
        except ValueError as error:
            blind = self._seen(Signal.SUCCESS, self.spot.subject, self.spot.region)
            return (replace(blind, detail=str(error)),)
        past = self._past
        if past and now.counts.restarted_since(past[-1].counts):
            past.clear()
        while len(past) > 1 and now.at - past[1].at >= self.window_s:
            past.popleft()
        seen = [*self._success(now), *self._latency(now), *self._demand(now)] if past and now.at > past[-1].at else []
        if not past or now.at > past[-1].at:
            past.append(now)
        return tuple(seen)

    def close(self) -> None:
        """Let go of the edge."""
        self.reader.close()

    def _success(self, now: _Reading) -> Iterator[Observation]:
        for name, service, region in now.counts.clusters(self.spot.subject, self.spot.region):
            if now.counts.answered[name] == self._past[-1].counts.answered.get(name, 0):
                continue
            newest: tuple[float, float, float] | None = None
            over_s, answered, failed = 0.0, 0, 0
            for then in reversed(self._past):
                over_s = now.at - then.at
                answered = now.counts.answered[name] - then.counts.answered.get(name, 0)
                failed = now.counts.failed[name] - then.counts.failed.get(name, 0)
                newest = newest or (over_s, float(answered), 1 - failed / answered)
                if answered >= self.enough:
                    break
            seen = self._seen(Signal.SUCCESS, service, region, 1 - failed / answered, float(answered))
            yield replace(seen, over_s=over_s, newest=newest)

    def _latency(self, now: _Reading) -> Iterator[Observation]:
        for name, service, region in now.counts.clusters(self.spot.subject, self.spot.region):
            found = slowest_s(now.counts.times.get(name, {}), self._past[-1].counts.times.get(name, {}))
            if found is not None:
                yield self._seen(Signal.LATENCY, service, region, found[0], float(found[1]))

    def _demand(self, now: _Reading) -> Iterator[Observation]:
        before = self._past[-1]
        for name, service, origin in now.counts.routes(self.spot.subject):
            rate = (now.counts.asked[name] - before.counts.asked.get(name, 0)) / (now.at - before.at)
            yield replace(self._seen(Signal.DEMAND, service, "*", rate), origin=origin)

    def _seen(
        self, signal: Signal, subject: str, region: str, value: float | None = None, weight: float = 1.0
    ) -> Observation:
        return Observation(
            signal=signal,
            vantage=self.spot.vantage,
            region=region,
            subject=subject,
            reading=Reading.UNKNOWN if value is None else Reading.OK,
            observed_at=self.spot.clock.now(),
            value=value,
            weight=weight,
            valid_s=valid_s(self.spec),
        )


class EnvoyProbes:
    """Makes edge probes. ``target`` is the admin address (``http://host:port``).

    Settings: ``window`` (seconds to look back at most, default 10) and ``enough`` (requests to look back for, default
    50). All probes of one edge share one reader.
    """

    def __init__(self) -> None:
        self._readers: WeakValueDictionary[tuple[str, int], EdgeReader] = WeakValueDictionary()

    def mistakes(self, spec: ProbeSpec) -> tuple[str, ...]:
        """What is wrong with the spec, a sentence each."""
        url = urlsplit(spec.target)
        found = mistakes_in(spec.with_, _KNOWN)
        if url.scheme != "http" or not url.hostname or url.path not in {"", "/"}:
            found = (*found, f"target {spec.target!r} is not the admin address of an edge (http://host:port)")
        return found

    def __call__(self, spec: ProbeSpec, place: Place) -> EnvoyProbe:
        """A probe of one edge, about the place's service and region, ``*`` for all it counts."""
        key = (spec.target, id(place.clock))
        reader = self._readers.get(key)
        if reader is None:
            reader = self._readers[key] = EdgeReader(spec.target, place.clock)
        reader.users += 1
        window_s, enough = spec.with_.get("window", _WINDOW_S), spec.with_.get("enough", _ENOUGH)
        return EnvoyProbe(spec, Spot.at(place), reader, number(window_s), number(enough))


envoy = EnvoyProbes()
