"""Evidence into verdicts: quorum, silence, users before probes, and whose fault a failure is."""

from dataclasses import replace
from datetime import datetime, timedelta

from controlplane.decide.judge import judge
from controlplane.decide.plan import plan
from controlplane.model.evidence import Evidence, Key, Observation, Reading, Signal
from controlplane.model.verdict import EVERY_SERVICE, Health, Verdict
from tests.unit.decide.estates import LONG_AGO, NOW, estate, service, world

PROBE = {"kind": "http", "target": "http://shop.example/healthz"}
SHOP = estate(
    service("checkout", tier=0, demand={"IE": 100.0}, probes=[PROBE]),
    service("search", demand={"IE": 100.0}, dependsOn=[{"service": "checkout", "strength": "weak"}], probes=[PROBE]),
)
VANTAGES = ("dublin", "frankfurt", "stockholm", "london")


def probe(vantage: str, reading: Reading, *, what: str = "checkout", age_s: float = 0.5) -> Observation:
    """What a vantage saw of a service in dublin."""
    return Observation(Signal.LIVENESS, vantage, "dublin", what, reading, NOW - timedelta(seconds=age_s))


def users(
    success: float, *, where: str = "dublin", what: str = "checkout", origin: str = "IE", requests: float = 100.0
) -> Observation:
    """What users of a service in a region experienced."""
    reading = Reading.OK if success > 0.5 else Reading.FAILED
    return Observation(Signal.SUCCESS, "edge", where, what, reading, NOW, success, requests, origin)


def verdicts(
    *seen: Observation,
    memory: dict[tuple[str, str], Verdict] | None = None,
    failing_since: dict[Key, datetime] | None = None,
) -> dict[tuple[str, str], Verdict]:
    """All verdicts on this evidence."""
    samples = {Key(o.signal, o.vantage, o.region, o.subject, o.origin): o for o in seen}
    return judge(SHOP, Evidence(NOW, VANTAGES, samples, failing_since or {}), memory or {}, now=NOW)


def state(*seen: Observation, failing_since: dict[Key, datetime] | None = None) -> Health:
    """The verdict on checkout in dublin."""
    return verdicts(*seen, failing_since=failing_since)["dublin", "checkout"].state


def test_silence_from_every_vantage_is_unknown_not_down() -> None:
    assert state() is Health.UNKNOWN


def test_stale_evidence_is_silence() -> None:
    assert state(*(probe(v, Reading.FAILED, age_s=6) for v in VANTAGES)) is Health.UNKNOWN


def test_one_vantage_alone_is_no_quorum() -> None:
    assert state(probe("frankfurt", Reading.FAILED)) is Health.UNKNOWN


def test_two_against_two_is_unknown() -> None:
    seen = [probe(v, Reading.FAILED) for v in VANTAGES[:2]] + [probe(v, Reading.OK) for v in VANTAGES[2:]]
    assert state(*seen) is Health.UNKNOWN


def test_three_against_one_is_down() -> None:
    seen = [probe(v, Reading.FAILED) for v in VANTAGES[1:]] + [probe("dublin", Reading.OK)]
    assert state(*seen) is Health.DOWN


def test_a_probe_that_could_not_run_votes_for_nothing() -> None:
    seen = [probe(v, Reading.UNKNOWN) for v in VANTAGES[:3]] + [probe("london", Reading.FAILED)]
    assert state(*seen) is Health.UNKNOWN


def test_users_who_succeed_outweigh_probes_that_fail() -> None:
    assert state(*(probe(v, Reading.FAILED) for v in VANTAGES), users(0.999)) is Health.HEALTHY


def test_what_users_said_before_the_probes_agreed_on_a_death_says_nothing() -> None:
    failing = [probe(v, Reading.FAILED) for v in VANTAGES]
    said_before = replace(users(1.0), observed_at=NOW - timedelta(seconds=2))
    assert state(*failing, said_before) is Health.DOWN
    since = {Key(o.signal, o.vantage, o.region, o.subject, o.origin): NOW - timedelta(seconds=9) for o in failing}
    assert state(*failing, said_before, failing_since=since) is Health.HEALTHY


def test_users_who_fail_outweigh_probes_that_pass() -> None:
    passing = [probe(v, Reading.OK) for v in VANTAGES]
    assert state(*passing, users(0.90)) is Health.DOWN
    assert state(*passing, users(0.95)) is Health.DEGRADED
    assert state(*passing, users(0.995)) is Health.HEALTHY


def test_a_fraction_of_nearly_no_traffic_says_nothing_bad() -> None:
    assert state(users(0.5, requests=1.0)) is Health.HEALTHY


def test_a_weak_dependency_that_is_down_only_degrades() -> None:
    passing = [probe(v, Reading.OK, what="search") for v in VANTAGES]
    failing = [probe(v, Reading.FAILED) for v in VANTAGES]
    assert verdicts(*passing, *failing)["dublin", "search"].state is Health.DEGRADED


def test_since_stays_while_the_state_does() -> None:
    down = [probe(v, Reading.FAILED) for v in VANTAGES]
    before = {("dublin", "checkout"): Verdict("dublin", "checkout", Health.DOWN, LONG_AGO)}
    assert verdicts(*down, memory=before)["dublin", "checkout"].since == LONG_AGO
    assert verdicts(memory=before)["dublin", "checkout"].since == NOW


def test_failures_that_follow_an_origin_are_the_entrys_and_no_regions() -> None:
    fine = [users(1.0, where=r, what=s, origin="DE") for r in ("dublin", "frankfurt") for s in ("checkout", "search")]
    ill = [users(0.5, where="dublin", what=s, origin="IE") for s in ("checkout", "search")]
    found = verdicts(*fine, *ill)
    assert found["dublin", "checkout"].state is Health.HEALTHY
    assert found["*", "IE"].state is Health.DOWN


def test_failures_of_everybody_in_one_region_are_the_regions() -> None:
    fine = [users(1.0, where="frankfurt", what=s, origin="DE") for s in ("checkout", "search")]
    ill = [users(0.5, where="dublin", what=s, origin=o) for s in ("checkout", "search") for o in ("IE", "DE")]
    found = verdicts(*fine, *ill)
    assert found["dublin", EVERY_SERVICE].state is Health.DOWN
    assert ("*", "IE") not in found


def test_one_service_that_fails_for_one_origin_is_the_services_fault() -> None:
    seen = [users(0.5, what="checkout"), users(1.0, what="search"), users(1.0, what="search", origin="DE")]
    found = verdicts(*seen)
    assert found["dublin", "checkout"].state is Health.DOWN
    assert ("*", "IE") not in found


def test_what_users_suffer_in_a_full_region_is_want_of_room_and_no_reason_to_leave_it() -> None:
    figures = [
        Observation(Signal.LOAD, "dublin", "dublin", EVERY_SERVICE, Reading.OK, NOW, 990.0),
        Observation(Signal.CAPACITY, "dublin", "dublin", EVERY_SERVICE, Reading.OK, NOW, 1000.0),
    ]
    found = verdicts(users(0.5), *figures)["dublin", "checkout"]
    assert found.state is Health.DEGRADED
    assert "overloaded" in {why.code for why in found.reasons}
    decided = plan(SHOP, world(verdicts={("dublin", "checkout"): found}))
    assert decided.actions == ()


def test_a_full_region_that_probes_see_dead_is_dead() -> None:
    full = Observation(Signal.LOAD, "dublin", "dublin", EVERY_SERVICE, Reading.OK, NOW, 1000.0)
    assert state(users(0.0), full, *(probe(v, Reading.FAILED) for v in VANTAGES)) is Health.DOWN
