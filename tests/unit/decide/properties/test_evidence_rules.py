"""R1, R2, R7, R14 and R15: what may be believed, and what it may move."""

from dataclasses import replace
from datetime import timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.decide.dependencies import possible
from controlplane.decide.judge import judge
from controlplane.decide.plan import plan
from controlplane.model.evidence import Evidence, Key, Observation, Reading, Signal
from controlplane.model.plan import ActionKind
from controlplane.model.resources.service import Strength
from controlplane.model.verdict import EVERY_SERVICE, Health, Verdict
from controlplane.model.world import Drain, Transition, World
from tests.unit.decide.estates import LONG_AGO, NOW, estate, service
from tests.unit.decide.properties.worlds import EPSILON, Case, calm_case, rules_of, seeds, share, today

FEW = settings(max_examples=20)
PROBE = {"kind": "http", "target": "http://shop.example/healthz"}
WATCHED = estate(*(service(f"s{n}", tier=n, demand={"IE": 100.0}, probes=[PROBE]) for n in range(3)))
VANTAGES = ("dublin", "frankfurt", "stockholm", "london")


def evidence(rng: Random, *, oldest_s: float, users: bool = True) -> Evidence:
    """Samples by some vantages, of up to some age; five seconds is how long they count."""
    seen = []
    for vantage in VANTAGES:
        for where in WATCHED.regions:
            for what in (*WATCHED.services, EVERY_SERVICE):
                at = NOW - timedelta(seconds=rng.uniform(0, oldest_s))
                if rng.random() < 0.8:
                    reading = rng.choice(list(Reading))
                    seen.append(Observation(Signal.LIVENESS, vantage, where, what, reading, at))
    if users:
        for where in WATCHED.regions:
            for what in WATCHED.services:
                if rng.random() < 0.5:
                    success = rng.choice([0.0, 0.05, 0.5, 0.9, 0.97, 0.999, 1.0])
                    seen.append(Observation(Signal.SUCCESS, "edge", where, what, Reading.OK, NOW, success, 200.0, "IE"))
    return Evidence(NOW, VANTAGES, {Key(o.signal, o.vantage, o.region, o.subject, o.origin): o for o in seen})


@settings(max_examples=50)
@given(seeds)
def test_r1_evidence_too_old_to_be_believed_says_nothing(seed: int) -> None:
    seen = evidence(Random(seed), oldest_s=0, users=False)
    verdicts = judge(WATCHED, seen, {}, now=NOW + timedelta(seconds=6))
    assert {verdict.state for verdict in verdicts.values()} == {Health.UNKNOWN}


@settings(max_examples=50)
@given(seeds)
def test_r1_no_verdict_stands_on_fewer_vantages_than_a_quorum(seed: int) -> None:
    seen = evidence(Random(seed), oldest_s=10, users=False)
    for (where, what), verdict in judge(WATCHED, seen, {}, now=NOW).items():
        if what not in WATCHED.services:
            continue
        fresh = [
            o.reading
            for o in seen.samples.values()
            if (o.region, o.subject) == (where, what) and NOW - o.observed_at <= timedelta(seconds=5)
        ]
        failed, passed = fresh.count(Reading.FAILED), fresh.count(Reading.OK)
        assert verdict.state is not Health.DOWN or (failed >= 2 and failed > passed)
        assert verdict.state is not Health.HEALTHY or (passed >= 2 and passed > failed)


@settings(max_examples=50)
@given(seeds)
def test_r1_where_users_succeed_nothing_is_down_and_where_they_fail_nothing_is_healthy(seed: int) -> None:
    seen = evidence(Random(seed), oldest_s=10)
    for verdict in judge(WATCHED, seen, {}, now=NOW).values():
        if verdict.success is not None and verdict.success > 0.9:
            assert verdict.state is not Health.DOWN
        if verdict.success is not None and verdict.success <= 0.9:
            assert verdict.state is Health.DOWN


@settings(max_examples=50)
@given(seeds)
def test_r1_the_order_in_which_evidence_came_does_not_matter(seed: int) -> None:
    seen = evidence(Random(seed), oldest_s=10)
    backwards = Evidence(seen.at, seen.vantages, dict(reversed(list(seen.samples.items()))))
    assert judge(WATCHED, seen, {}, now=NOW) == judge(WATCHED, backwards, {}, now=NOW)


@FEW
@given(seeds)
def test_r1_what_is_unknown_neither_loses_traffic_nor_gains_any(seed: int) -> None:
    rng, case = calm_case(seed)
    blind, dead = rng.sample(tuple(case.estate.regions), 2)
    verdicts = {(blind, EVERY_SERVICE): Verdict(blind, EVERY_SERVICE, Health.UNKNOWN)}
    if rng.random() < 0.6:
        verdicts[dead, EVERY_SERVICE] = Verdict(dead, EVERY_SERVICE, Health.DOWN, LONG_AGO, 0.0)
    case = Case(case.estate, replace(case.world, verdicts=verdicts))
    before, made = today(case), case.plan
    for name in case.estate.spread:
        for origin in before[name]:
            for shares in (made.next, made.target):
                assert abs(share(shares, name, origin, blind) - share(before, name, origin, blind)) < EPSILON
    assert "R1" in rules_of(made) or not any(blind in where for where in possible(case.estate).values())


@FEW
@given(seeds)
def test_r2_what_fails_everywhere_at_once_moves_nothing(seed: int) -> None:
    rng, case = calm_case(seed)
    roots = [
        name
        for name in case.estate.spread
        if not case.estate.strong[name]
        and case.estate.services[name].spec.datastore is None
        and len(case.estate.deployed(name)) > 1
    ]
    if not roots:
        return
    bad = rng.choice(roots)
    verdicts = {(r, bad): Verdict(r, bad, Health.DOWN, LONG_AGO, 0.2) for r in case.estate.deployed(bad)}
    case = Case(case.estate, replace(case.world, verdicts=verdicts))
    made = case.plan
    assert "R2" in rules_of(made)
    assert not made.drained
    assert [a for a in made.actions if a.kind is ActionKind.SHIFT and a.subject == bad] == []


@FEW
@given(seeds)
def test_r7_a_verdict_that_has_not_stood_long_enough_moves_nothing(seed: int) -> None:
    rng, case = calm_case(seed)
    where = rng.choice(tuple(case.estate.regions))
    since = NOW - timedelta(seconds=rng.uniform(0, 4.9))
    verdicts = {(where, EVERY_SERVICE): Verdict(where, EVERY_SERVICE, Health.DOWN, since, 0.0)}
    made = plan(case.estate, replace(case.world, verdicts=verdicts))
    assert [a for a in made.actions if a.kind in (ActionKind.SHIFT, ActionKind.ACTIVATE, ActionKind.PROMOTE)] == []
    assert made.wake_at is not None
    assert made.wake_at <= since + timedelta(seconds=5)


def after_drain(case: Case, where: str) -> World:
    """A world in which a region was drained an hour ago and is well again."""
    lost = {(where, EVERY_SERVICE): Verdict(where, EVERY_SERVICE, Health.DOWN, LONG_AGO, 0.0)}
    made = plan(case.estate, replace(case.world, verdicts=lost))
    return replace(
        case.world,
        verdicts={(where, EVERY_SERVICE): Verdict(where, EVERY_SERVICE, Health.HEALTHY, LONG_AGO)},
        shares=made.target,
        knobs=made.knobs,
        holders=made.holders,
        drains=(Drain(where, EVERY_SERVICE, LONG_AGO),) if where in made.drained else (),
    )


@FEW
@given(seeds)
def test_r7_a_region_past_its_transitions_stays_drained(seed: int) -> None:
    rng, case = calm_case(seed)
    where = rng.choice(tuple(case.estate.regions))
    world = after_drain(case, where)
    if not world.drains:
        return
    flapped = tuple(Transition(where, NOW - timedelta(minutes=m), "drained") for m in (1, 5, 9))
    made = plan(case.estate, replace(world, transitions=flapped))
    for name in case.estate.spread:
        for origin in made.next.get(name, {}):
            assert share(made.next, name, origin, where) <= share(world.shares, name, origin, where) + EPSILON
    assert any(hold.subject == where and "R7" in {r.value for r in hold.rules} for hold in made.holds)


@FEW
@given(seeds)
def test_r14_nothing_is_sent_where_a_strong_dependency_is_not_deployed_or_down(seed: int) -> None:
    rng, case = calm_case(seed)
    needed = [d for name in case.estate.spread for d in case.estate.strong[name] if d in case.estate.spread]
    verdicts = {}
    if needed:
        bad, where = rng.choice(needed), rng.choice(tuple(case.estate.regions))
        verdicts[where, bad] = Verdict(where, bad, Health.DOWN, LONG_AGO, 0.0)
    case = Case(case.estate, replace(case.world, verdicts=verdicts))
    before, made = today(case), case.plan
    for name in case.estate.spread:
        for origin in before[name]:
            for region in case.estate.regions:
                gain = share(made.next, name, origin, region) - share(before, name, origin, region)
                broken = any((region, d) in verdicts for d in case.estate.strong[name])
                if broken or region not in possible(case.estate)[name]:
                    assert gain <= EPSILON


@FEW
@given(seeds)
def test_r14_a_weak_dependency_that_is_down_takes_no_traffic_away(seed: int) -> None:
    rng, case = calm_case(seed)
    weak = [
        (name, d.service)
        for name in case.estate.spread
        for d in case.estate.services[name].spec.depends_on
        if d.strength is Strength.WEAK and d.service not in case.estate.strong[name]
    ]
    if not weak:
        return
    name, dependency = rng.choice(weak)
    where = rng.choice(tuple(case.estate.regions))
    if any(dependency in case.estate.strong[d] for d in case.estate.strong[name]) or case.estate.strong[name]:
        return
    verdicts = {(where, dependency): Verdict(where, dependency, Health.DOWN, LONG_AGO, 0.0)}
    case = Case(case.estate, replace(case.world, verdicts=verdicts))
    made = case.plan
    if where in made.drained or made.shed:
        return
    before = today(case)
    for origin in before[name]:
        assert share(made.next, name, origin, where) >= share(before, name, origin, where) - EPSILON


@FEW
@given(seeds, st.booleans())
def test_r15_a_management_plane_alone_moves_nothing(seed: int, also_blind: bool) -> None:
    rng, case = calm_case(seed)
    where = rng.choice(tuple(case.estate.regions))
    world = case.world
    if also_blind:
        world = replace(world, verdicts={(where, EVERY_SERVICE): Verdict(where, EVERY_SERVICE, Health.UNKNOWN)})
    without = plan(case.estate, world)
    made = plan(case.estate, replace(world, management={where: LONG_AGO}))
    assert (made.actions, made.next) == (without.actions, without.next)
    assert "R15" in rules_of(made)
