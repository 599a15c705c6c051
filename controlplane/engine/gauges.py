"""From believed samples to the figures a decision is made from: capacity, lag, alarms, cold caches."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from controlplane.engine.observe import EvidenceBook
from controlplane.model.estate import Estate
from controlplane.model.evidence import Observation, Reading, Signal
from controlplane.model.verdict import EVERY_SERVICE, Health, Verdict
from controlplane.model.world import Lag

_LAG_KNOWN_WITHIN = timedelta(seconds=10)
_SAME_FAILURE = timedelta(seconds=30)


def capacities(estate: Estate, book: EvidenceBook, confirmed: Mapping[str, float]) -> dict[str, float]:
    """Cost units a second by region where that is not the declared figure.

    What was seen counts before what a scale-up confirmed; the last figure stays until a newer one comes.
    """
    seen = _newest_by_region(book.values(Signal.CAPACITY))
    found = {region: units for region, units in confirmed.items() if region in estate.regions}
    found |= {region: sample.value for region, sample in seen.items() if sample.value is not None}
    return {
        region: units
        for region, units in sorted(found.items())
        if region in estate.regions and units != estate.regions[region].spec.capacity
    }


def surcharges(book: EvidenceBook, now: datetime) -> dict[str, float]:
    """Factor on the cost of load that a region gains, where its caches are cold."""
    return {
        region: seen.value
        for region, seen in sorted(_newest_by_region(book.values(Signal.SURCHARGE)).items())
        if seen.value is not None and seen.value > 1.0 and now - seen.observed_at <= timedelta(seconds=seen.valid_s)
    }


def alarms(book: EvidenceBook, before: Mapping[str, datetime]) -> dict[str, datetime]:
    """Regions with a standing facility alarm and since when. An alarm stands until it is seen cleared."""
    found: dict[str, datetime] = dict(before)
    for region, seen in _newest_by_region(book.values(Signal.FACILITY)).items():
        if seen.value:
            found.setdefault(region, seen.observed_at)
        elif seen.reading is not Reading.UNKNOWN:
            found.pop(region, None)
    return dict(sorted(found.items()))


def _newest_by_region(samples: Iterable[Observation]) -> dict[str, Observation]:
    newest: dict[str, Observation] = {}
    for seen in samples:
        known = newest.get(seen.region)
        if seen.subject == EVERY_SERVICE and (
            known is None or (known.observed_at, known.vantage) < (seen.observed_at, seen.vantage)
        ):
            newest[seen.region] = seen
    return newest


@dataclass(frozen=True, slots=True)
class LagGauge:
    """Replication lag where it is known (R9), for one set of policies."""

    estate: Estate
    book: EvidenceBook
    quorum: int

    def read(
        self, primaries: Mapping[str, str], verdicts: Mapping[tuple[str, str], Verdict], now: datetime
    ) -> dict[str, dict[str, Lag]]:
        """Known lag by datastore and replica's region.

        While the primary is well that is the newest sample, if it is still valid. Once evidence against the primary
        has begun it is the last sample before that, if it was under 10 s old then: whatever a replica says later of
        its own lag knows nothing of the tail that was lost. Such a lag carries no date: it was known when it had to be.
        """
        found: dict[tuple[str, str], Observation] = {}
        proven: dict[tuple[str, str], bool] = {}
        for name, store in self.estate.datastores.items():
            primary = primaries.get(name, store.spec.primary)
            failed_at = self._first_failure(name, primary, _down_since(verdicts, primary, name))
            for track in self.book.tracks(Signal.LAG):
                sample = _known(track.history or (), failed_at, now) if track.key.subject == name else None
                before = found.get((name, track.key.region))
                if sample is not None and (before is None or before.observed_at <= sample.observed_at):
                    found[name, track.key.region] = sample
                    proven[name, track.key.region] = failed_at is not None
        lags: dict[str, dict[str, Lag]] = {}
        for (name, region), sample in sorted(found.items()):
            at = None if proven[name, region] else sample.observed_at
            lags.setdefault(name, {})[region] = Lag(timedelta(seconds=sample.value or 0.0), at)
        return lags

    def _first_failure(self, name: str, primary: str, down_since: datetime | None) -> datetime | None:
        """When evidence against the primary began; None while there is none that counts.

        Evidence of the datastore itself counts if anybody looks at it, else that of its region, else that of the
        services that use it there.
        """
        users = {service for service, what in self.estate.services.items() if what.spec.datastore == name}
        for subjects in ({name}, {EVERY_SERVICE}, users):
            starts: dict[str, datetime] = {}
            looked = False
            for track in self.book.tracks(region=primary):
                if track.key.signal not in (Signal.LIVENESS, Signal.PRIMARY) or track.key.subject not in subjects:
                    continue
                looked = True
                if track.failing_since is not None:
                    vantage = track.key.vantage
                    starts[vantage] = min(starts.get(vantage, track.failing_since), track.failing_since)
            if looked:
                return _agreed_start(sorted(starts.values()), self.quorum, down_since)
        return down_since


def _down_since(verdicts: Mapping[tuple[str, str], Verdict], region: str, datastore: str) -> datetime | None:
    down = [
        verdict.since
        for subject in (datastore, EVERY_SERVICE)
        if (verdict := verdicts.get((region, subject))) is not None and verdict.state is Health.DOWN
    ]
    return min((since for since in down if since is not None), default=None)


def _agreed_start(starts: list[datetime], quorum: int, down_since: datetime | None) -> datetime | None:
    """A prober that was cut off long before the others does not date the failure."""
    agreed = starts[quorum - 1] if len(starts) >= quorum else down_since
    if agreed is None:
        return None
    return min([agreed, *(start for start in starts if start >= agreed - _SAME_FAILURE)])


def _known(history: Iterable[Observation], failed_at: datetime | None, now: datetime) -> Observation | None:
    """The sample that counts. A look that found no figure is none: once the primary fails its replicas have nothing
    to tell, and often say so a moment before its own probes notice."""
    last: Observation | None = None
    for sample in history:
        if failed_at is not None and sample.observed_at >= failed_at:
            break
        if failed_at is None or (sample.value is not None and sample.reading is Reading.OK):
            last = sample
    if last is None or last.value is None or last.reading is not Reading.OK:
        return None
    limit = _LAG_KNOWN_WITHIN if failed_at is not None else timedelta(seconds=last.valid_s)
    if (failed_at or now) - last.observed_at >= limit:
        return None
    return last
