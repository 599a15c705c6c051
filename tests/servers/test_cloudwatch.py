"""CloudWatch's alarms and metrics as evidence, against moto's server."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controlplane.model.evidence import Observation, Reading, Signal
from controlplane.model.resources.kind import Setting
from controlplane.model.resources.service import ProbeSpec
from controlplane.probes.cloudwatch import cloudwatch
from controlplane.probes.watch import Spot
from tests.servers.aws import SECRETS, Cloud, cloud, planted


class Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        return None


@pytest.fixture(name="made")
def _made() -> Iterator[Cloud]:
    with cloud() as made:
        yield made


async def look(url: str, target: str, timeout_s: float = 5.0, **settings: Setting) -> Observation:
    given: dict[str, Setting] = {"awsRegions": {"dublin": "eu-west-1"}, "endpoint": url, **settings}
    spec = ProbeSpec.model_validate(
        {
            "kind": "cloudwatch",
            "target": target,
            "with": given,
            "timeout": f"{timeout_s * 1000:.0f}ms",
            "interval": "10s",
        }
    )
    assert cloudwatch.mistakes(spec) == ()
    (seen,) = await cloudwatch(spec, Spot("london", "dublin", "checkout", Clock())).look()
    assert (seen.region, seen.vantage) == ("dublin", "london")
    return seen


def put(made: Cloud, name: str, value: float, ago_s: float = 0, namespace: str = "Shop") -> None:
    datum: dict[str, Any] = {
        "MetricName": name,
        "Value": value,
        "Timestamp": datetime.now(UTC) - timedelta(seconds=ago_s),
    }
    made.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=[datum])


def alarm(made: Cloud, state: str) -> None:
    client = made.client("cloudwatch")
    client.put_metric_alarm(
        AlarmName="errors", ComparisonOperator="GreaterThanThreshold", EvaluationPeriods=1, MetricName="x",
        Namespace="Shop", Period=60, Statistic="Sum", Threshold=1.0,
    )  # fmt: skip
    client.set_alarm_state(AlarmName="errors", StateValue=state, StateReason="test")


@pytest.mark.parametrize(
    ("state", "reading"),
    [("OK", Reading.OK), ("ALARM", Reading.FAILED), ("INSUFFICIENT_DATA", Reading.UNKNOWN)],
)
async def test_an_alarm_is_liveness_and_too_little_data_is_unknown(made: Cloud, state: str, reading: Reading) -> None:
    alarm(made, state)
    seen = await look(made.url, "alarm:errors")
    assert (seen.signal, seen.reading, seen.subject) == (Signal.LIVENESS, reading, "checkout")


@pytest.mark.parametrize(("state", "value"), [("OK", 0.0), ("ALARM", 1.0), ("INSUFFICIENT_DATA", None)])
async def test_a_facility_alarm_stands_or_is_cleared(made: Cloud, state: str, value: float | None) -> None:
    alarm(made, state)
    assert (await look(made.url, "alarm:errors", signal="facility")).value == value


async def test_an_alarm_that_is_not_there_is_unknown(made: Cloud) -> None:
    assert (await look(made.url, "alarm:nothing")).reading is Reading.UNKNOWN


async def test_absent_data_is_unknown_and_old_data_too(made: Cloud) -> None:
    assert (await look(made.url, "Shop:Lag", signal="lag", datastore="orders-db")).reading is Reading.UNKNOWN
    put(made, "Lag", 800.0, ago_s=900)
    assert (await look(made.url, "Shop:Lag", signal="lag", datastore="orders-db")).reading is Reading.UNKNOWN


async def test_a_lag_in_milliseconds_is_told_in_seconds_of_its_datastore_and_dated_by_its_period(made: Cloud) -> None:
    put(made, "Lag", 800.0, ago_s=70)
    seen = await look(made.url, "Shop:Lag", signal="lag", datastore="orders-db", factor=0.001)
    assert (seen.reading, seen.subject) == (Reading.OK, "orders-db")
    assert seen.value == pytest.approx(0.8)
    assert seen.observed_at <= datetime.now(UTC)


async def test_success_is_what_failed_of_what_was_asked(made: Cloud) -> None:
    put(made, "Requests", 200.0, ago_s=70)
    put(made, "Errors", 50.0, ago_s=70)
    seen = await look(made.url, "Shop:Requests", signal="success", errors="Errors")
    assert seen.value == pytest.approx(0.75)
    assert seen.weight == 200.0


async def test_errors_that_nobody_counted_are_none_only_where_policies_say_so(made: Cloud) -> None:
    put(made, "Requests", 200.0, ago_s=70)
    assert (await look(made.url, "Shop:Requests", signal="success", errors="Errors")).reading is Reading.UNKNOWN
    seen = await look(made.url, "Shop:Requests", signal="success", errors="Errors", absentErrors="zero")
    assert seen.value == 1.0


async def test_a_cloudwatch_that_does_not_answer_is_unknown_and_tells_no_secret() -> None:
    with planted():
        seen = await look("http://127.0.0.1:9", "alarm:errors", timeout_s=2.0)
    assert seen.reading is Reading.UNKNOWN
    assert not any(secret in repr(seen) for secret in SECRETS.values())


@pytest.mark.parametrize(
    ("target", "settings", "words"),
    [
        ("errors", {}, "neither alarm:NAME"),
        ("alarm:x", {"signal": "lag"}, "'signal' must be one of facility, liveness, management"),
        ("Shop:Requests", {"signal": "success"}, "'errors' is missing"),
        ("Shop:Requests", {"signl": "success"}, "did you mean 'signal'"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_asked(target: str, settings: dict[str, str], words: str) -> None:
    spec = ProbeSpec.model_validate({"kind": "cloudwatch", "target": target, "with": settings})
    assert words in cloudwatch.mistakes(spec)[0]
