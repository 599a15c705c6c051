"""The world a decision is made from: the state, the verdicts and what the evidence measures."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from controlplane.engine.demand import DemandGauge
from controlplane.engine.gauges import LagGauge, alarms, capacities, surcharges
from controlplane.engine.observe import EvidenceBook
from controlplane.engine.state import EstateState
from controlplane.model.estate import Estate
from controlplane.model.evidence import Reading, Signal
from controlplane.model.rules import Reason, Rule
from controlplane.model.verdict import EVERY_SERVICE, Health, Verdict
from controlplane.model.world import World

Verdicts = Mapping[tuple[str, str], Verdict]

_DEAD_BELOW = 0.10
_SUCCEEDS_FROM = 0.90
PROMOTION_SEEN = timedelta(seconds=3)
_NO_TIME = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Surveyor:
    """Puts the world together, tick after tick. It remembers only what smooths demand."""

    estate: Estate
    book: EvidenceBook
    demand: DemandGauge = field(default_factory=DemandGauge)

    def survey(self, state: EstateState, verdicts: Verdicts, stuck: frozenset[str], now: datetime) -> World:
        """Everything known, as the decision takes it."""
        quorum = self.quorum()
        lag = LagGauge(self.estate, self.book, quorum).read(state.primaries, verdicts, now)
        accepted = {loss.datastore: loss.loss for loss in state.accepted if loss.until > now}
        return World(
            at=now,
            verdicts=verdicts,
            shares=state.shares,
            demand=self.demand.update(self.estate, self.book.tracks(Signal.DEMAND)),
            knobs=state.knobs,
            lag=lag,
            holders=state.holders,
            primaries=state.primaries,
            overrides=state.overrides,
            wishes=state.wishes,
            capacity=capacities(self.estate, self.book, state.units),
            surcharge=surcharges(self.book, now),
            alarms=state.alarms,
            drains=state.drains,
            transitions=state.transitions,
            shifts=state.shifts,
            fenced=frozenset(state.fenced),
            idle=self._idle(state, quorum, now),
            unreachable=_unreachable(self.estate, self.book, verdicts, now),
            accepted_loss=accepted,
            last_step=state.last_step,
            knob_room_since=state.knob_room_since,
            management=_management(self.book, verdicts, now),
            stuck=stuck,
        )

    def alarmed(self, state: EstateState, now: datetime) -> EstateState:
        """The state with the facility alarms that stand now; where one has ended, drains remember when."""
        standing = alarms(self.book, state.alarms)
        if standing == state.alarms:
            return state
        over = state.alarms.keys() - standing.keys()
        drains = tuple(replace(drain, alarmed_until=now) if drain.region in over else drain for drain in state.drains)
        return replace(state, alarms=standing, drains=drains)

    def _idle(self, state: EstateState, quorum: int, now: datetime) -> frozenset[tuple[str, str]]:
        """Primaries that a quorum sees not to write, and nobody sees to, since they were last promoted."""
        idle = set()
        for name, store in self.estate.datastores.items():
            region = state.primaries.get(name, store.spec.primary)
            after = state.primary_since.get(name)
            writes = [
                seen.reading is Reading.OK and seen.value != 0.0
                for track in self.book.tracks(Signal.PRIMARY, region=region)
                if track.key.subject == name
                and (seen := track.believed) is not None
                and seen.reading is not Reading.UNKNOWN
                and _fresh(seen.observed_at, seen.valid_s, now)
                and (after is None or seen.observed_at - after > PROMOTION_SEEN)
            ]
            if not any(writes) and len(writes) >= quorum:
                idle.add((name, region))
        return frozenset(idle)

    def quorum(self) -> int:
        """How many vantages must agree, as the judge counts them."""
        asked = self.estate.safety.vantage_quorum
        if asked is not None:
            return asked
        return 2 if len(self.book.vantages) >= 3 else 1


def _management(book: EvidenceBook, verdicts: Verdicts, now: datetime) -> dict[str, datetime]:
    """Regions whose management plane fails while their services are not down (R15), and since when."""
    found: dict[str, datetime] = {}
    for track in book.tracks(Signal.MANAGEMENT):
        seen, region = track.believed, track.key.region
        if seen is None or seen.reading is not Reading.FAILED or not _fresh(seen.observed_at, seen.valid_s, now):
            continue
        whole = verdicts.get((region, EVERY_SERVICE))
        if whole is not None and whole.state is not Health.DOWN:
            since = track.failing_since or seen.observed_at
            found[region] = min(found.get(region, since), since)
    return dict(sorted(found.items()))


def _unreachable(estate: Estate, book: EvidenceBook, verdicts: Verdicts, now: datetime) -> frozenset[tuple[str, str]]:
    """Pairs of regions that cannot reach each other: a vantage that stands in one sees nothing of the other answer,
    which is not down by the others' word. Only vantages named after their region say where they stand."""
    ok: set[tuple[str, str]] = set()
    failed: set[tuple[str, str]] = set()
    for track in book.tracks(Signal.LIVENESS):
        key, seen = track.key, track.believed
        if key.vantage not in estate.regions or key.vantage == key.region or seen is None:
            continue
        if _fresh(seen.observed_at, seen.valid_s, now):
            (failed if seen.reading is Reading.FAILED else ok).add((key.vantage, key.region))
    cut = set()
    for vantage, region in failed - ok:
        whole = verdicts.get((region, EVERY_SERVICE))
        if whole is not None and whole.state is not Health.DOWN:
            cut.add((vantage, region))
    return frozenset(cut)


def _fresh(observed_at: datetime, valid_s: float, now: datetime) -> bool:
    return now - observed_at <= timedelta(seconds=valid_s)


def decisive(world: World) -> World:
    """The world without what no decision depends on: two worlds that are equal so get the same plan, as long as no
    dwell, ramp or freeze ends between them."""
    verdicts = {
        key: Verdict(v.region, v.service, v.state, v.since, _band(v.success), {}, _dependencies(v))
        for key, v in world.verdicts.items()
    }
    lag = {
        name: {region: replace(known, sampled_at=None) for region, known in by.items()}
        for name, by in world.lag.items()
    }
    return replace(world, at=_NO_TIME, verdicts=verdicts, lag=lag)


def _band(success: float | None) -> float | None:
    if success is None:
        return None
    return 0.0 if success < _DEAD_BELOW else (_DEAD_BELOW if success < _SUCCEEDS_FROM else 1.0)


def _dependencies(verdict: Verdict) -> tuple[Reason, ...]:
    """The reasons that a plan looks at: weak dependencies, and want of room, whose figures it does not ask for."""
    found = [why for why in verdict.reasons if why.rule is Rule.DEPENDENCY]
    found += [replace(why, facts=()) for why in verdict.reasons if why.code == "overloaded"]
    return tuple(found)
