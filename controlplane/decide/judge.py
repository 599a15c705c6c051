"""Weigh evidence into verdicts (R1, R14's weak side, R15)."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from controlplane.decide.entries import Counts, failing_entries
from controlplane.model.estate import Estate
from controlplane.model.evidence import Evidence, Observation, Reading, Signal
from controlplane.model.resources.service import Strength
from controlplane.model.rules import Reason, Rule, reason
from controlplane.model.verdict import ENTRY, EVERY_SERVICE, Health, Verdict

DOWN_FROM = 0.10
DEGRADED_FROM = 0.01
FEWEST_FAILURES = 1.0
"""Failed requests that it takes to call users' errors errors: a fraction of nearly no traffic says nothing."""
FULL_FROM = 0.97
"""Load over capacity from which a region is full."""
_ROUNDING = 1e-9

Memory = Mapping[tuple[str, str], Verdict]


@dataclass(slots=True)
class _Tally:
    """What was seen of one subject in one region: each vantage's vote and since when it sees failures, and samples of
    users' success."""

    votes: dict[str, Reading] = field(default_factory=dict)
    failing: dict[str, datetime] = field(default_factory=dict)
    users: list[Observation] = field(default_factory=list)

    def vote(self, vantage: str, reading: Reading, since: datetime) -> None:
        """Of several probes by one vantage a failed one counts before a passed one, and that before none."""
        known = self.votes.get(vantage, Reading.UNKNOWN)
        if Reading.FAILED not in (known, reading):
            self.votes[vantage] = Reading.OK if Reading.OK in (known, reading) else Reading.UNKNOWN
            return
        self.votes[vantage] = Reading.FAILED
        if reading is Reading.FAILED:
            self.failing[vantage] = min(self.failing.get(vantage, since), since)

    def count(self, quorum: int) -> Counts:
        """Users' requests and successes. Once a quorum sees failures, what users said before that says nothing: they
        were served by something that is no longer there."""
        agreed_at = None
        if len(self.failing) >= quorum and len(self.failing) > self.passing:
            agreed_at = sorted(self.failing.values())[quorum - 1]
        total = Counts()
        for seen in self.users:
            found = _said_since(seen, agreed_at)
            if found is not None:
                total.add(*found)
        return total

    @property
    def passing(self) -> int:
        """Vantages that see it well."""
        return sum(vote is Reading.OK for vote in self.votes.values())


def _said_since(seen: Observation, since: datetime | None) -> tuple[float, float] | None:
    """Requests and success of a sample, or of its newest part alone, whichever speaks wholly of the time after
    ``since``; None if neither does."""
    value = seen.value or 0.0
    if since is None or seen.observed_at - timedelta(seconds=seen.over_s) >= since:
        return seen.weight, value
    if seen.newest is not None and seen.observed_at - timedelta(seconds=seen.newest[0]) >= since:
        return seen.newest[1], seen.newest[2]
    return None


def judge(estate: Estate, evidence: Evidence, memory: Memory, *, now: datetime) -> dict[tuple[str, str], Verdict]:
    """Weigh everything that is believed into a verdict for each (region, service), (region, datastore), as ``*``
    each region, and each entry that fails by itself.

    Stale evidence counts as silence, and silence is unknown: a prober cut off from a healthy region sees exactly
    what a prober of a dead region sees (R1). What users experience outweighs probes both ways. ``memory`` holds
    the verdicts before this one, so that ``since`` stays while the state does.
    """
    entries = failing_entries(evidence, now)
    tallies = _tally(evidence, now, frozenset(entries))
    quorum = _quorum(estate, evidence)
    crowded = _crowded(estate, evidence, now)
    watched = {(key.region, key.subject) for key in evidence.samples if key.signal in (Signal.LIVENESS, Signal.SUCCESS)}
    silent = _Tally()
    found: dict[tuple[str, str], Verdict] = {}
    for region in estate.regions:
        whole = Counts()
        for name in estate.services:
            if region not in estate.deployed(name):
                continue
            tally = tallies.get((region, name), silent)
            users = tally.count(quorum)
            whole.requests += users.requests
            whole.succeeded += users.succeeded
            verdict = _weigh(region, name, tally, quorum)
            found[region, name] = _lay_at_crowding(verdict, crowded[region]) if region in crowded else verdict
        for name, store in estate.datastores.items():
            if (region, name) in tallies and region in (store.spec.primary, *store.spec.replicas):
                found[region, name] = _weigh(region, name, tallies[region, name], quorum)
        star = _whole_region(estate, region, whole, tallies.get((region, EVERY_SERVICE), silent), found)
        found[region, EVERY_SERVICE] = star
        _follow_region(estate, star, watched, found)
    _weaken(estate, found)
    for origin, counts in entries.items():
        success = counts.succeeded / counts.requests
        why = reason(Rule.GLOBAL, "entry-fails", origin=origin, success=round(success, 6))
        found[ENTRY, origin] = Verdict(ENTRY, origin, _by_users(success, counts.requests), None, success, {}, (why,))
    return {key: _remember(verdict, memory.get(key), now) for key, verdict in found.items()}


def _tally(evidence: Evidence, now: datetime, entries: frozenset[str]) -> dict[tuple[str, str], _Tally]:
    """Everything fresh, less what users say who come by a failing entry: it speaks of that, not of the regions."""
    tallies: dict[tuple[str, str], _Tally] = {}
    for key, seen in evidence.samples.items():
        if key.signal not in (Signal.LIVENESS, Signal.SUCCESS) or not _fresh(seen, now):
            continue
        if key.signal is Signal.SUCCESS and key.origin in entries:
            continue
        tally = tallies.setdefault((key.region, key.subject), _Tally())
        if key.signal is Signal.LIVENESS:
            tally.vote(key.vantage, seen.reading, evidence.failing_since.get(key, seen.observed_at))
        elif seen.value is not None and seen.reading is not Reading.UNKNOWN:
            tally.users.append(seen)
    return tallies


def _crowded(estate: Estate, evidence: Evidence, now: datetime) -> dict[str, float]:
    """Regions that carry about all they can, and how much of it (1: all)."""
    figures: dict[tuple[Signal, str], tuple[datetime, float]] = {}
    for key, seen in evidence.samples.items():
        if key.signal in (Signal.LOAD, Signal.CAPACITY) and seen.value is not None and _fresh(seen, now):
            known = figures.get((key.signal, key.region))
            if known is None or known < (seen.observed_at, seen.value):
                figures[key.signal, key.region] = (seen.observed_at, seen.value)
    full: dict[str, float] = {}
    for region, one in estate.regions.items():
        load = figures.get((Signal.LOAD, region))
        capacity = figures.get((Signal.CAPACITY, region), (now, one.spec.capacity))[1]
        if load is not None and load[1] >= capacity * FULL_FROM:
            full[region] = load[1] / capacity if capacity > 0 else 1.0
    return full


def _lay_at_crowding(verdict: Verdict, full: float) -> Verdict:
    """Where a region carries all it can, what its users suffer comes of want of room, as long as probes do not say that
    it is dead: leaving it would only drown the next (R3)."""
    dead = verdict.votes.get("failed", 0) > verdict.votes.get("ok", 0)
    if dead or verdict.success is None or verdict.state not in (Health.DOWN, Health.DEGRADED):
        return verdict
    why = reason(Rule.CAPACITY, "overloaded", full=round(full, 3))
    return replace(verdict, state=Health.DEGRADED, reasons=(*verdict.reasons, why))


def _fresh(seen: Observation, now: datetime) -> bool:
    return now - seen.observed_at <= timedelta(seconds=seen.valid_s)


def _quorum(estate: Estate, evidence: Evidence) -> int:
    asked = estate.safety.vantage_quorum
    if asked is not None:
        return asked
    return 2 if len(evidence.vantages) >= 3 else 1


def _weigh(region: str, subject: str, tally: _Tally, quorum: int) -> Verdict:
    """Users' success decides where there is any; else the vantages' votes do, by quorum and majority."""
    counts = _count(tally.votes.values())
    users = tally.count(quorum)
    success = users.success
    if success is not None:
        state = _by_users(success, users.requests)
        disagrees = state is not Health.DOWN and counts["failed"] >= quorum and counts["failed"] > counts["ok"]
        code = "users-succeed" if disagrees else "users"
        why = reason(Rule.BLIND, code, success=round(success, 6), requests=round(users.requests, 3))
        return Verdict(region, subject, state, None, success, counts, (why,))
    state = _by_votes(counts, quorum)
    code = {Health.UNKNOWN: "no-quorum", Health.DOWN: "probes-fail", Health.HEALTHY: "probes-pass"}[state]
    why = reason(Rule.BLIND, code, ok=counts["ok"], failed=counts["failed"], quorum=quorum)
    return Verdict(region, subject, state, None, None, counts, (why,))


def _count(votes: Iterable[Reading]) -> dict[str, int]:
    counts = {"ok": 0, "failed": 0, "unknown": 0}
    for vote in votes:
        counts[vote.value] += 1
    return counts


def _by_users(success: float, requests: float) -> Health:
    errors = 1 - success
    if errors * requests < FEWEST_FAILURES - _ROUNDING:
        return Health.HEALTHY
    if errors >= DOWN_FROM - _ROUNDING:
        return Health.DOWN
    return Health.DEGRADED if errors >= DEGRADED_FROM - _ROUNDING else Health.HEALTHY


def _by_votes(counts: Mapping[str, int], quorum: int) -> Health:
    ok, failed = counts["ok"], counts["failed"]
    if failed >= quorum and failed > ok:
        return Health.DOWN
    if ok >= quorum and ok > failed:
        return Health.HEALTHY
    return Health.UNKNOWN


def _whole_region(
    estate: Estate, region: str, users: Counts, probes: _Tally, found: Mapping[tuple[str, str], Verdict]
) -> Verdict:
    """The region as such: by its users if it has any, else by the tier-weighted majority of known verdicts."""
    counts = _count(probes.votes.values())
    success = users.success
    if success is not None:
        state = _by_users(success, users.requests)
        return Verdict(region, EVERY_SERVICE, state, None, success, counts)
    weight = dict.fromkeys(Health, 0.0)
    for name in estate.spread or estate.services:
        if (verdict := found.get((region, name))) is not None:
            weight[verdict.state] += 4 - estate.services[name].spec.tier
    known = weight[Health.HEALTHY] + weight[Health.DEGRADED] + weight[Health.DOWN]
    if known == 0:
        return Verdict(region, EVERY_SERVICE, _by_votes(counts, 1), None, None, counts)
    state = Health.DOWN if weight[Health.DOWN] * 2 >= known else Health.HEALTHY
    return Verdict(region, EVERY_SERVICE, state, None, None, counts)


def _follow_region(
    estate: Estate,
    star: Verdict,
    watched: AbstractSet[tuple[str, str]],
    found: dict[tuple[str, str], Verdict],
) -> None:
    """A service that nobody is told to watch is as well as its region: pinning it for ever would help no one. One of
    which samples have come, and come no more, is not of these (R1)."""
    for name, service in estate.services.items():
        known = service.spec.probes or (star.region, name) in watched
        if (star.region, name) in found and not known:
            why = (reason(Rule.BLIND, "unwatched"),)
            found[star.region, name] = Verdict(star.region, name, star.state, None, None, {}, why)


def _weaken(estate: Estate, found: dict[tuple[str, str], Verdict]) -> None:
    """A weak dependency that is down degrades its dependents, and no more than that (R14)."""
    down = {key for key, verdict in found.items() if verdict.state is Health.DOWN}
    for (region, name), verdict in list(found.items()):
        if verdict.state is not Health.HEALTHY or name not in estate.services:
            continue
        for dependency in estate.services[name].spec.depends_on:
            if dependency.strength is Strength.WEAK and (region, dependency.service) in down:
                why: Reason = reason(Rule.DEPENDENCY, "weak-dependency-down", dependency=dependency.service)
                found[region, name] = replace(verdict, state=Health.DEGRADED, reasons=(*verdict.reasons, why))
                break


def _remember(verdict: Verdict, before: Verdict | None, now: datetime) -> Verdict:
    since = before.since if before is not None and before.state is verdict.state else now
    return replace(verdict, since=since)
