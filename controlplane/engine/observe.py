"""From samples to belief: fall and rise, what was last believed, and since when something fails."""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from controlplane.model.evidence import Evidence, Key, Observation, Reading, Signal

_LAG_MEMORY = 240
_FORGOTTEN_AFTER = timedelta(hours=1)
_ALIVE_S = 1.5
_SUCCESS_EDGES = (0.1, 0.9, 0.99)
_BY_VALUE = frozenset({Signal.DEMAND, Signal.LAG, Signal.CAPACITY, Signal.FACILITY, Signal.SURCHARGE, Signal.LOAD})


@dataclass(slots=True, eq=False)
class Track:
    """What is known of one key. ``failing_since``: the first of the unbroken row of raw failures that goes on now;
    ``gap_s``: seconds between its two newest samples."""

    key: Key
    believed: Observation | None = None
    last_at: datetime | None = None
    streak: int = 0
    failing_since: datetime | None = None
    gap_s: float = 0.0
    local: bool = True
    history: deque[Observation] | None = None


@dataclass(slots=True)
class EvidenceBook:
    """A Sink: takes thousands of samples a second and keeps one believed sample a key.

    ``on_flip`` is called, at once and from within ``add``, when something is believed that was not before: it may
    only raise a flag. ``revision`` grows whenever a reading or a value is another than before; ``rows`` counts the keys
    whose change is being counted. Replication lag keeps a short history, for R9 asks what it was before the primary
    failed.
    """

    vantages: tuple[str, ...] = ()
    on_flip: Callable[[], None] | None = None
    revision: int = 0
    rows: int = 0
    _fresh: OrderedDict[Track, None] = field(default_factory=OrderedDict)
    _shortest_s: float = float("inf")
    _tracks: dict[tuple[str | None, ...], Track] = field(default_factory=dict)
    _by_signal: dict[Signal, list[Track]] = field(default_factory=dict)
    _by_region: dict[str, list[Track]] = field(default_factory=dict)

    def add(self, seen: Observation) -> None:
        """Take one sample of this replica's own probes. Nearly all say what the last one said: those take a short way,
        for there are thousands a second."""
        track = self._tracks.get((seen.signal, seen.vantage, seen.region, seen.subject, seen.origin))
        if track is None or not _says_the_same(track, seen):
            self.take(seen, local=True)
            return
        track.last_at, track.believed = seen.observed_at, seen
        self._fresh[track] = None
        self._fresh.move_to_end(track)

    def take(self, seen: Observation, *, local: bool, failing_since: datetime | None = None) -> None:
        """Take one sample. Samples older than the last one of their key are late post and are dropped."""
        name = (seen.signal, seen.vantage, seen.region, seen.subject, seen.origin)
        track = self._tracks.get(name)
        if track is None:
            track = self._open(name, seen)
        elif track.last_at is not None and seen.observed_at < track.last_at:
            return
        if track.last_at is not None:
            track.gap_s = (seen.observed_at - track.last_at).total_seconds()
        track.last_at, track.local = seen.observed_at, local
        if track.history is not None:
            track.history.append(seen)
        self._date_failure(track, seen, failing_since)
        before, counted = track.believed, track.streak
        believed = _weigh(track, seen)
        self.rows += (track.streak > 0) - (counted > 0)
        if believed is None or believed is before:
            return
        track.believed = believed
        self._refresh(track, believed)
        if before is None or before.reading is not believed.reading or before.value != believed.value:
            self.revision += 1
        if self.on_flip is not None and _flipped(before, believed):
            self.on_flip()

    def _date_failure(self, track: Track, seen: Observation, failing_since: datetime | None) -> None:
        if seen.reading is Reading.FAILED:
            if track.failing_since is None:
                track.failing_since = failing_since or seen.observed_at
                self.revision += 1
        elif seen.reading is Reading.OK and track.failing_since is not None:
            track.failing_since = None
            self.revision += 1

    def _refresh(self, track: Track, believed: Observation) -> None:
        """The keys in the order in which they were last believed anew: the first is the first to grow stale."""
        self._fresh[track] = None
        self._fresh.move_to_end(track)
        self._shortest_s = min(self._shortest_s, believed.valid_s)

    def snapshot(self, now: datetime) -> Evidence:
        """All that is believed, stale samples too: whoever weighs them counts them as silence."""
        samples = {track.key: track.believed for track in self._tracks.values() if track.believed is not None}
        failing = {
            track.key: track.failing_since
            for track in self._by_signal.get(Signal.LIVENESS, ())
            if track.failing_since is not None
        }
        return Evidence(now, self.vantages, samples, failing)

    def values(self, signal: Signal) -> Iterable[Observation]:
        """The believed samples of one signal that carries a value (demand, lag, capacity, facility, load)."""
        return (track.believed for track in self._by_signal.get(signal, ()) if track.believed is not None)

    def tracks(self, signal: Signal | None = None, *, region: str | None = None) -> Iterable[Track]:
        """Tracks by signal and region, in the order they were first seen."""
        if signal is not None:
            of_signal = self._by_signal.get(signal, ())
            return of_signal if region is None else (track for track in of_signal if track.key.region == region)
        return self._tracks.values() if region is None else self._by_region.get(region, ())

    def forget(self, now: datetime, *, unless: Callable[[Key], bool] = lambda _: True) -> None:
        """Drop keys that are no longer watched, and those not heard of for an hour."""
        gone = [
            name
            for name, track in self._tracks.items()
            if not unless(track.key) or (track.last_at is not None and now - track.last_at > _FORGOTTEN_AFTER)
        ]
        for name in gone:
            track = self._tracks.pop(name)
            key = track.key
            self._fresh.pop(track, None)
            self.rows -= track.streak > 0
            self.revision += 1
            self._by_signal[key.signal].remove(track)
            self._by_region[key.region].remove(track)

    def stale_ones(self, now: datetime) -> bool:
        """Whether a belief has grown stale since this was last asked. Cheap as long as everything keeps coming."""
        found = False
        while self._fresh:
            track = next(iter(self._fresh))
            believed = track.believed
            age_s = 0.0 if believed is None else (now - believed.observed_at).total_seconds()
            if age_s <= self._shortest_s:
                break
            if believed is not None and age_s <= believed.valid_s:
                return True  # others behind it may be due before it: whoever asks had better look at everything
            del self._fresh[track]
            found = True
        return found

    def settled(self, now: datetime) -> bool:
        """Whether the same samples again would change no belief: no row is being counted, and what no longer comes is
        stale already."""
        if self.rows or self.stale_ones(now):
            return False
        oldest = next(iter(self._fresh)).believed if self._fresh else None
        return oldest is None or (now - oldest.observed_at).total_seconds() <= _ALIVE_S

    def leap(self, by: timedelta) -> None:
        """Date everything later, as if the same samples had kept coming for so long (the simulator's leap)."""
        for track in self._tracks.values():
            if track.last_at is not None:
                track.last_at += by
            if track.believed is not None:
                track.believed = replace(track.believed, observed_at=track.believed.observed_at + by)
            if track.history:
                track.history[-1] = replace(track.history[-1], observed_at=track.history[-1].observed_at + by)

    def _open(self, name: tuple[str | None, ...], seen: Observation) -> Track:
        key = Key(seen.signal, seen.vantage, seen.region, seen.subject, seen.origin)
        history: deque[Observation] | None = deque(maxlen=_LAG_MEMORY) if seen.signal is Signal.LAG else None
        self._tracks[name] = track = Track(key, history=history)
        self._by_signal.setdefault(seen.signal, []).append(track)
        self._by_region.setdefault(seen.region, []).append(track)
        return track


def _says_the_same(track: Track, seen: Observation) -> bool:
    """Whether a sample only confirms what is believed, and leaves nothing to keep beside its date."""
    believed, last_at = track.believed, track.last_at
    return (
        believed is not None
        and seen.reading is believed.reading
        and seen.value == believed.value
        and track.streak == 0
        and track.history is None
        and last_at is not None
        and seen.observed_at >= last_at
        and seen.valid_s == believed.valid_s
        and (seen.reading is Reading.FAILED) is (track.failing_since is not None)
        and seen.reading is not Reading.UNKNOWN
        and track.local
    )


def _weigh(track: Track, seen: Observation) -> Observation | None:
    """What is believed after one more sample; None: still nothing.

    A look that could not be made has seen nothing: it neither makes nor breaks a row, and the old belief grows stale
    by itself. While a change is not yet believed the old belief is dated anew: it has been looked at and still stands.
    """
    before = track.believed
    if seen.reading is Reading.UNKNOWN:
        return seen if seen.signal in _BY_VALUE else before
    if before is not None and before.reading is seen.reading:
        track.streak = 0
        return seen
    track.streak += 1
    needed = seen.fall if seen.reading is Reading.FAILED else (1 if before is None else seen.rise)
    if track.streak >= needed:
        track.streak = 0
        return seen
    return None if before is None else replace(before, observed_at=seen.observed_at)


def _flipped(before: Observation | None, now: Observation) -> bool:
    """Whether the new belief is worth an early look by the loop."""
    if before is None or before.reading is not now.reading:
        return True
    if now.value is None or before.value is None:
        return now.value is not before.value
    match now.signal:
        case Signal.SUCCESS:
            return _band(before.value) != _band(now.value)
        case Signal.FACILITY | Signal.HOLDER | Signal.PRIMARY:
            return before.value != now.value
        case Signal.CAPACITY:
            return abs(now.value - before.value) > 0.02 * before.value
        case _:
            return False


def _band(success: float) -> int:
    return sum(success >= edge for edge in _SUCCESS_EDGES)
