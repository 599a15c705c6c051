"""What users say of a time that a death lies in: only what they say of the time after it counts."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controlplane.model.evidence import Key, Observation, Reading, Signal
from controlplane.model.verdict import Health
from tests.unit.decide.estates import NOW
from tests.unit.decide.test_judge import VANTAGES, probe, users, verdicts

DIED = NOW - timedelta(seconds=1.5)
SINCE = {Key(Signal.LIVENESS, vantage, "dublin", "checkout"): DIED for vantage in VANTAGES}
PROBES_FAIL = tuple(probe(vantage, Reading.FAILED) for vantage in VANTAGES)


def said(success: float, over_s: float, newest: tuple[float, float, float] | None = None) -> Observation:
    return replace(users(success, requests=50.0), over_s=over_s, newest=newest)


@pytest.mark.parametrize(
    ("sample", "success"),
    [
        (said(0.9, 10.0), None),
        (said(0.9, 10.0, (2.0, 10.0, 0.6)), None),
        (said(0.9, 10.0, (1.0, 5.0, 0.0)), 0.0),
        (said(0.0, 1.0, (1.0, 50.0, 0.0)), 0.0),
    ],
)
def test_success_from_before_a_death_does_not_soften_it(sample: Observation, success: float | None) -> None:
    verdict = verdicts(*PROBES_FAIL, sample, failing_since=SINCE)["dublin", "checkout"]
    assert verdict.state is Health.DOWN
    assert verdict.success == success


def test_users_who_succeed_since_the_probes_fail_outweigh_them() -> None:
    sample = said(1.0, 10.0, (1.0, 5.0, 1.0))
    verdict = verdicts(*PROBES_FAIL, sample, failing_since=SINCE)["dublin", "checkout"]
    assert (verdict.state, verdict.success) == (Health.HEALTHY, 1.0)


def test_while_probes_pass_the_whole_time_counts() -> None:
    probes_pass = tuple(probe(vantage, Reading.OK) for vantage in VANTAGES)
    verdict = verdicts(*probes_pass, said(0.8, 10.0, (1.0, 5.0, 1.0)))["dublin", "checkout"]
    assert (verdict.state, verdict.success) == (Health.DOWN, 0.8)
