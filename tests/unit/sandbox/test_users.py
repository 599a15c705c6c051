from collections import Counter
from pathlib import Path

import pytest

from controlplane.sandbox.load.__main__ import _read
from controlplane.sandbox.load.arrivals import Arrivals, Stream
from controlplane.sandbox.load.options import LoadOptions, launch
from controlplane.sandbox.load.tally import Seen, Tally
from controlplane.sandbox.planning import Options, make_plan
from tests.servers.sandbox.small_estate import small_estate

_STREAM = Stream("checkout", "IE", None, None, b"", (b"", b""))


def _plan(tmp_path: Path, rate: float = 100.0) -> Arrivals:
    return Arrivals(make_plan(small_estate(), tmp_path, Options(rate=rate)), LoadOptions(seed=3))


def test_users_come_at_the_rate_and_in_the_proportions_of_the_demand(tmp_path: Path) -> None:
    arrivals = _plan(tmp_path)
    assert arrivals.rate == pytest.approx(100.0)
    assert sum(arrivals.gap_s() for _ in range(10_000)) == pytest.approx(100.0, rel=0.05)
    picked = Counter((stream.service, stream.origin) for stream, _ in (arrivals.pick() for _ in range(12_000)))
    assert picked["checkout", "IE"] == pytest.approx(4000, rel=0.1)
    assert picked["payment", "IE"] == pytest.approx(2000, rel=0.1)
    assert ("payment", "GB") not in picked


def test_only_services_with_a_datastore_write_and_each_write_has_its_id_in_it(tmp_path: Path) -> None:
    arrivals = _plan(tmp_path)
    picked = [arrivals.pick() for _ in range(5000)]
    assert {stream.service for stream, writes in picked if writes} == {"checkout"}
    stream = next(stream for stream, writes in picked if writes)
    assert b"x-id: me-7\r\n" in stream.write("me-7")
    assert stream.write("me-7").startswith(b"POST /checkout HTTP/1.1\r\n")


def test_the_same_seed_brings_the_same_users(tmp_path: Path) -> None:
    one, other = _plan(tmp_path), _plan(tmp_path)
    assert [(one.gap_s(), one.pick()[1]) for _ in range(50)] == [(other.gap_s(), other.pick()[1]) for _ in range(50)]


def test_nobody_comes_to_services_that_have_no_demand(tmp_path: Path) -> None:
    plan = make_plan(small_estate(), tmp_path, Options())
    with pytest.raises(ValueError, match="no service with demand"):
        Arrivals(plan, LoadOptions(services=("settlement",)))


def test_options_survive_the_way_through_the_command_line(tmp_path: Path) -> None:
    plan = make_plan(small_estate(), tmp_path, Options())
    options = LoadOptions(rate=5.0, services=("checkout", "payment"), retries=2, writes=0.0, seed=9)
    argv = launch(plan, options).argv
    assert _read(list(argv[3:])) == (Path(plan.directory), options)


def test_a_second_is_told_once_all_of_its_requests_have_ended() -> None:
    tally = Tally(100.0, 1_000_000.0)
    tally.sent(100.2, 100.2)
    tally.sent(101.1, 101.1)
    tally.ended(101.1, _STREAM, Seen(0.01, region="dublin"))
    assert list(tally.finished(102.5)) == []
    tally.ended(100.2, _STREAM, Seen(2.0, "timeout"))
    lines = list(tally.finished(102.5))
    assert [(line["second"], line["ok"], line["failed"]) for line in lines] == [(0, 0, {"timeout": 1}), (1, 1, {})]
    assert lines[0]["services"] == {"checkout": [0, 1]}


def test_latency_counts_from_when_a_request_was_due_and_lateness_is_told() -> None:
    tally = Tally(0.0, 0.0)
    tally.sent(1.0, 1.25)
    tally.ended(1.0, _STREAM, Seen(0.3, region="dublin"))
    summary = tally.summary()
    assert summary["late_ms"] == 250.0
    assert summary["p50_ms"] == pytest.approx(300.0, abs=0.2)
    assert (summary["first_failed_s"], summary["last_failed_s"]) == (None, None)


def test_the_summary_adds_up_whatever_was_told_already() -> None:
    tally = Tally(0.0, 0.0)
    for number in range(40):
        due = number / 10
        tally.sent(due, due)
        failed = 10 <= number < 14
        tally.ended(due, _STREAM, Seen(0.01, "503" if failed else "", "saturated" if failed else "", "london"))
    assert len(list(tally.finished(2.05))) == 2
    summary = tally.summary()
    assert (summary["total"], summary["ok"], summary["failed"]) == (40, 36, 4)
    assert (summary["reasons"], summary["why"]) == ({"503": 4}, {"saturated": 4})
    assert (summary["first_failed_s"], summary["last_failed_s"]) == (1.0, 1.3)
    assert summary["services"] == {"checkout": [36, 4]}
