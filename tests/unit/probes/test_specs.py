from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.model.resources.kind import Setting
from controlplane.model.resources.service import ProbeSpec
from controlplane.ports.eyes import ProbeFactory
from controlplane.probes.envoy import envoy
from controlplane.probes.grpc import grpc_health, request, status
from controlplane.probes.http import http
from controlplane.probes.sql import Standing, lag_s, sql
from controlplane.probes.tcp import tcp
from controlplane.probes.watch import Spot, Watch


class Still:
    def now(self) -> datetime:
        return datetime(2026, 11, 24, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        return None


CLOCK = Still()


def _watch(number: int) -> Watch:
    return Watch(ProbeSpec(kind="http", target=f"http://10.0.0.{number}/"), Spot("v", "dublin", "checkout", CLOCK))


@pytest.mark.parametrize(
    ("factory", "target", "settings"),
    [
        (http, "http://127.0.0.1:8080/healthz", {"keep": True, "status": ["2xx", 404], "hold": True}),
        (http, "https://shop.example/", {"verify": False, "contains": "ok", "headers": {"x-a": "b"}}),
        (tcp, "[::1]:443", {"expect": "220"}),
        (grpc_health, "shop:50051", {"service": "checkout"}),
        (sql, "postgresql://leeward@db:5432/shop", {"datastore": "orders-db", "silence": 10}),
        (envoy, "http://127.0.0.1:9901", {"window": 5, "enough": 20}),
    ],
)
def test_a_right_spec_has_no_mistakes(factory: ProbeFactory, target: str, settings: dict[str, Setting]) -> None:
    spec = ProbeSpec(kind="any", target=target, with_=settings)
    assert factory.mistakes(spec) == ()
    assert callable(factory(spec, Spot("v", "dublin", "checkout", CLOCK)).look)


@pytest.mark.parametrize(
    ("factory", "target", "settings", "words"),
    [
        (http, "ftp://shop/", {}, "not an http or https URL"),
        (http, "http://shop:99999/", {}, "range"),
        (http, "http://shop/", {"stauts": 200}, "did you mean 'status'"),
        (http, "http://shop/", {"status": 99}, "status code"),
        (http, "http://shop/", {"keep": "yes"}, "true or false"),
        (http, "http://shop/", {"verify": False}, "https targets"),
        (http, "http://shop/", {"headers": {"x": "a\r\nevil: b"}}, "line breaks"),
        (tcp, "shop", {}, "not host:port"),
        (grpc_health, "shop:http", {}, "not host:port"),
        (sql, "mysql://db/", {}, "not a PostgreSQL URL"),
        (envoy, "127.0.0.1:9901", {}, "admin address"),
        (envoy, "http://127.0.0.1:9901", {"window": 0}, "above 0"),
    ],
)
def test_a_wrong_spec_is_told_in_words(
    factory: ProbeFactory, target: str, settings: dict[str, Setting], words: str
) -> None:
    found = factory.mistakes(ProbeSpec(kind="any", target=target, with_=settings))
    assert any(words in sentence for sentence in found), found


def test_phases_are_spread_and_the_same_on_every_start() -> None:
    phases = [_watch(number).phase_s for number in range(1, 255)]
    assert phases == [_watch(number).phase_s for number in range(1, 255)]
    assert all(0 <= phase < 1 for phase in phases)
    tenths = [sum(index / 10 <= phase < (index + 1) / 10 for phase in phases) for index in range(10)]
    assert min(tenths) >= 10


def test_placeholders_in_a_target_are_filled_in() -> None:
    spec = ProbeSpec(kind="http", target="http://{region}.shop/{service}/healthz")
    assert Watch(spec, Spot("v", "dublin", "cart", CLOCK)).filled.target == "http://dublin.shop/cart/healthz"


@given(st.text(max_size=300))
def test_a_health_request_is_protobuf(name: str) -> None:
    message = request(name)
    if not name:
        assert message == b""
        return
    assert message[0] == 0x0A
    length = shift = 0
    name_at = 1
    while message[name_at] > 0x7F:
        length |= (message[name_at] & 0x7F) << shift
        shift += 7
        name_at += 1
    length |= message[name_at] << shift
    assert message[name_at + 1 :].decode() == name
    assert length == len(name.encode())


def test_a_health_response_is_read() -> None:
    assert (status(b""), status(b"\x08\x01"), status(b"\x08\x02")) == (0, 1, 2)
    with pytest.raises(ValueError, match="HealthCheckResponse"):
        status(b"HTTP/1.1")


def test_a_standby_that_is_not_streaming_has_an_unknown_lag() -> None:
    assert lag_s(Standing(True, True, False, 0.1, None), 0.0, 35)[0] is None


def test_a_standby_that_has_everything_lags_by_nothing() -> None:
    assert lag_s(Standing(True, True, True, 3600.0, 1.0), None, 35) == (0.0, "")


def test_a_standby_that_has_heard_nothing_for_long_has_an_unknown_lag() -> None:
    assert lag_s(Standing(True, True, True, 40.0, 36.0), 1.0, 35)[0] is None


def test_the_first_commit_after_an_idle_hour_is_no_lag_of_an_hour() -> None:
    assert lag_s(Standing(True, False, True, 3600.0, 0.1), 0.5, 35) == (0.5, "")
    assert lag_s(Standing(True, False, True, 7.0, 0.1), 100.0, 35) == (7.0, "")
    assert lag_s(Standing(True, False, True, None, 0.1), None, 35)[0] is None
