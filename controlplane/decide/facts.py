"""What stands: verdicts that have lasted, faults that are everywhere, datastores without a writer, dead regions."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controlplane.decide.dependencies import broken_by, in_order
from controlplane.model.estate import Estate
from controlplane.model.verdict import ENTRY, EVERY_SERVICE, Health, Verdict
from controlplane.model.world import World

DEAD_BELOW = 0.10
"""Users' success under which leaving cannot hurt them (R8)."""
_AILING = (Health.DOWN, Health.DEGRADED)
SUCCEEDS_FROM = 0.90
"""Users' success from which a region is never down (R1)."""
_DEFAULT_DWELL = timedelta(seconds=5)

Place = tuple[str, str]
"""(service, region)."""


@dataclass(slots=True)
class Facts:
    """``state`` of every deployed (service, region) pair, ``raw`` before any dwell. ``pending``: unhealthy, but not for
    long enough yet (R7), and since when; ``fresh``: healthy, but for a moment only; ``crowded``: ailing for want of
    room. ``everywhere``: fails in every region that is not down itself, alike and unexplained (R2); ``explained``:
    the same, but for a cause of its own. ``lost``: datastores whose primary is gone, ``idle``: whose primary does
    not write. ``down``: region → whether it is dead (True) or grey (False). ``entries``: origins whose users fail
    before they reach a region. ``wakes``: instants at which a dwell ends.
    """

    state: dict[Place, Health] = field(default_factory=dict)
    raw: dict[Place, Health] = field(default_factory=dict)
    success: dict[Place, float | None] = field(default_factory=dict)
    since: dict[Place, datetime | None] = field(default_factory=dict)
    pending: dict[Place, datetime] = field(default_factory=dict)
    fresh: set[Place] = field(default_factory=set)
    crowded: set[Place] = field(default_factory=set)
    entries: frozenset[str] = frozenset()
    everywhere: frozenset[str] = frozenset()
    explained: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()
    lost_pending: frozenset[str] = frozenset()
    idle: frozenset[str] = frozenset()
    down: dict[str, bool] = field(default_factory=dict)
    wakes: list[datetime] = field(default_factory=list)

    def dead(self, place: Place) -> bool:
        """Whether the users of a pair that is down fare so badly that it is left at once."""
        success = self.success.get(place)
        return success is None or success < DEAD_BELOW


def find_facts(estate: Estate, world: World) -> Facts:
    """Read the world's verdicts into facts; nothing is decided yet."""
    facts = Facts()
    for name in estate.services:
        dwell = estate.policy(name).unhealthy_for
        for region in estate.deployed(name):
            _enter(facts, (name, region), world.verdict(region, name), dwell, world.at)
    facts.entries = frozenset(
        origin
        for (region, origin), verdict in world.verdicts.items()
        if region == ENTRY and verdict.state in (Health.DOWN, Health.DEGRADED)
    )
    _find_lost(estate, world, facts)
    _find_down(estate, world, facts)
    return facts


def _enter(facts: Facts, place: Place, verdict: Verdict, dwell: timedelta, now: datetime) -> None:
    state, since = verdict.state, verdict.since
    if any(why.code == "overloaded" for why in verdict.reasons):
        facts.crowded.add(place)
        since = None
    facts.raw[place] = state
    facts.success[place] = verdict.success
    facts.since[place] = verdict.since
    if state is not Health.UNKNOWN and since is not None and now - since < dwell:
        facts.wakes.append(since + dwell)
        if state is Health.HEALTHY:
            facts.fresh.add(place)
        else:
            facts.pending[place] = since
            state = Health.UNKNOWN
    facts.state[place] = state


def primary_of(estate: Estate, world: World, datastore: str) -> str:
    """Where a datastore's primary is: as the world says, else as declared."""
    return world.primaries.get(datastore, estate.datastores[datastore].spec.primary)


def _find_lost(estate: Estate, world: World, facts: Facts) -> None:
    """A primary is gone once a verdict on it, or on its whole region, has stood as long as its users ask.

    Where there is no verdict on the datastore itself, a region counts only if nobody there is served: a database
    behind ailing services may be in the best of health. Where every region is down it says nothing either (R2).
    """
    lost: set[str] = set()
    pending: set[str] = set()
    all_down = all(
        (star := world.verdicts.get((region, EVERY_SERVICE))) is not None and star.state is Health.DOWN
        for region in estate.regions
    )
    for name in estate.datastores:
        region = primary_of(estate, world, name)
        own = world.verdicts.get((region, name))
        verdict = own if own is not None else world.verdicts.get((region, EVERY_SERVICE))
        if verdict is None or verdict.state is not Health.DOWN:
            continue
        if own is None and (all_down or (verdict.success is not None and verdict.success >= DEAD_BELOW)):
            continue
        dwell = store_dwell(estate, name)
        if verdict.since is not None and world.at - verdict.since < dwell:
            facts.wakes.append(verdict.since + dwell)
            pending.add(name)
        else:
            lost.add(name)
    facts.lost, facts.lost_pending = frozenset(lost), frozenset(pending)
    facts.idle = frozenset(n for n in estate.datastores if (n, primary_of(estate, world, n)) in world.idle) - lost


def store_dwell(estate: Estate, datastore: str) -> timedelta:
    """How long a primary must have been gone: the longest dwell of those who use it."""
    users = [estate.policy(n).unhealthy_for for n, s in estate.services.items() if s.spec.datastore == datastore]
    return max(users, default=_DEFAULT_DWELL)


def _find_down(estate: Estate, world: World, facts: Facts) -> None:
    """Regions by ``regionDownWhen``, faults that are everywhere, and what explains the latter.

    A fault in every region must not make each of them look dead, so it counts against none, and neither does what
    users suffer for want of a primary; a primary that is gone counts in its own region only. What fails in every
    region that is *not* down is then R2's, unless its dependencies explain it.
    """
    wanting = _wanting(estate, facts)
    suspects = {n for n in estate.services if _fails_in(facts, n, estate.deployed(n))}
    blameless = wanting | {(n, region) for n in suspects for region in estate.deployed(n)}
    _count_down(estate, world, facts, blameless)
    back = {
        (name, primary_of(estate, world, store))
        for name, service in estate.services.items()
        if (store := service.spec.datastore) is not None and store in facts.lost
    }
    _count_down(estate, world, facts, blameless - back)
    everywhere = frozenset(
        n for n in estate.services if _fails_in(facts, n, (r for r in estate.deployed(n) if r not in facts.down))
    )
    ailing = frozenset(name for name, region in wanting if region not in facts.down)
    facts.explained = _explained(estate, facts, everywhere) | ailing
    facts.everywhere = everywhere - facts.explained


def _wanting(estate: Estate, facts: Facts) -> set[Place]:
    """Pairs whose users fail for want of a primary, their own or that of a strong dependency. Probes that fail are
    another matter."""
    gone = facts.lost | facts.lost_pending | facts.idle
    found: set[Place] = set()
    for name in in_order(estate):
        wants = estate.services[name].spec.datastore in gone
        for region in estate.deployed(name):
            place = (name, region)
            if facts.raw[place] not in _AILING or facts.success[place] is None:
                continue
            if wants or any((dependency, region) in found for dependency in estate.strong[name]):
                found.add(place)
    return found


def _fails_in(facts: Facts, name: str, regions: Iterable[str]) -> bool:
    """Down in one region at least and for long enough, and known to be soundly well in none of two or more.

    A fault that reaches the regions, or leaves them, a moment apart is everywhere all the same: what is down counts
    from its first moment, what is well only once it has been so for a while.
    """
    places = [(name, region) for region in regions]
    stands = any(facts.state[place] is Health.DOWN for place in places)
    down = sum(facts.raw[place] is Health.DOWN for place in places)
    freed = sum(place in facts.fresh for place in places)
    unknown = sum(facts.raw[place] is Health.UNKNOWN for place in places)
    return stands and down + freed >= 2 and down + freed + unknown == len(places)


def _count_down(
    estate: Estate,
    world: World,
    facts: Facts,
    blameless: AbstractSet[Place],
) -> None:
    facts.down = {}
    for region in estate.regions:
        star = world.verdicts.get((region, EVERY_SERVICE))
        if star is not None and star.success is not None and star.success >= SUCCEEDS_FROM:
            continue
        known = down = 0.0
        for name in estate.spread:
            state = facts.state.get((name, region), Health.UNKNOWN)
            if state is Health.UNKNOWN:
                continue
            weight = 4 - estate.services[name].spec.tier
            known += weight
            if state is Health.DOWN and (name, region) not in blameless:
                down += weight
        if known and down / known >= _threshold(estate, region) - 1e-9:
            facts.down[region] = _is_dead(estate, facts, star, region)


def _threshold(estate: Estate, region: str) -> float:
    """The policy for ``*`` speaks for regions; without one, the most cautious policy of those deployed there."""
    for policy in estate.failover:
        if policy.spec.services == "*":
            return policy.spec.region_down_when.services_down
    return max(estate.policy(n).region_down_when.services_down for n in estate.spread if region in estate.deployed(n))


def _is_dead(estate: Estate, facts: Facts, star: Verdict | None, region: str) -> bool:
    if star is not None and star.success is not None:
        return star.success < DEAD_BELOW
    down = [(n, region) for n in estate.spread if facts.state.get((n, region)) is Health.DOWN]
    return all(facts.dead(place) for place in down)


def _explained(estate: Estate, facts: Facts, everywhere: frozenset[str]) -> frozenset[str]:
    """Services whose failure a lost datastore, or a strong dependency that fails too, accounts for everywhere."""
    gone = facts.lost | facts.lost_pending | facts.idle
    roots = {n for n in everywhere if estate.services[n].spec.datastore in gone}
    failing = frozenset(place for place, state in facts.raw.items() if state is Health.DOWN)
    for name in everywhere - roots:
        regions = [r for r in estate.deployed(name) if (name, r) in failing]
        if regions and all(any((d, r) in failing for d in estate.strong[name]) for r in regions):
            roots.add(name)
    return frozenset(roots)


def curable(estate: Estate, facts: Facts, unwritable: frozenset[str]) -> frozenset[str]:
    """Services that fail everywhere for want of a primary that this plan brings back, and those that fail with them."""
    cured = {
        name
        for name in facts.explained
        if (store := estate.services[name].spec.datastore) is not None
        and store in facts.lost | facts.idle
        and store not in unwritable | facts.lost_pending
    }
    for name in in_order(estate):
        failing = [d for d in estate.strong[name] if d in facts.explained or d in facts.everywhere]
        if name in facts.explained and failing and all(d in cured for d in failing):
            store = estate.services[name].spec.datastore
            if store is None or store not in unwritable | facts.lost_pending:
                cured.add(name)
    return frozenset(cured)


def cannot_serve(estate: Estate, world: World, facts: Facts, lost: frozenset[str]) -> Mapping[Place, str]:
    """Pairs that a dependency or datastore stops (R14) → what stops them. Pairs that are down themselves are not
    named; ``lost`` are the datastores that will have no primary. A primary that cannot be reached from a region is
    none to those there, unless its users say otherwise."""
    cured = curable(estate, facts, lost)
    failing = {
        p for p, state in facts.state.items() if state is Health.DOWN and (p[0] not in cured or p[1] in facts.down)
    }
    stopped: dict[Place, str] = {}
    for name, service in estate.services.items():
        datastore = service.spec.datastore
        if datastore is None:
            continue
        primary = primary_of(estate, world, datastore)
        for region in estate.deployed(name):
            success = facts.success.get((name, region))
            cut = apart(world, region, primary) and (success is None or success < SUCCEEDS_FROM)
            if (datastore in lost or cut) and (name, region) not in failing:
                stopped[name, region] = datastore
    stopped.update(broken_by(estate, frozenset(failing | set(stopped))))
    return stopped


def apart(world: World, one: str, other: str) -> bool:
    """Whether two regions are known not to reach each other."""
    return (one, other) in world.unreachable or (other, one) in world.unreachable
