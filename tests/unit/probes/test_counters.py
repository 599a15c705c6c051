import json

import pytest

from controlplane.probes.counters import Counts, parse, slowest_s


def _stats(**values: int) -> bytes:
    return json.dumps({"stats": [{"name": name, "value": value} for name, value in values.items()]}).encode()


def test_counters_are_read_by_cluster_and_by_route() -> None:
    counts = parse(
        _stats(
            **{
                "cluster.checkout@dublin.upstream_rq_2xx": 10,
                "cluster.checkout@dublin.upstream_rq_4xx": 2,
                "cluster.checkout@dublin.upstream_rq_5xx": 3,
                "cluster.checkout@dublin.external.upstream_rq_5xx": 3,
                "vhost.shop.route.checkout@IE.upstream_rq_total": 15,
                "server.uptime": 5,
            }
        )
    )
    assert counts == Counts({"checkout@dublin": 15}, {"checkout@dublin": 3}, {}, {"checkout@IE": 15})


def test_a_dot_in_a_name_may_read_as_an_underscore() -> None:
    counts = parse(_stats(**{"cluster.a_b@dublin.upstream_rq_2xx": 1, "vhost.shop.route.a.b@IE.upstream_rq_total": 1}))
    assert list(counts.clusters("a.b", "dublin")) == [("a_b@dublin", "a.b", "dublin")]
    assert list(counts.routes("a.b")) == [("a.b@IE", "a.b", "IE")]


def test_the_star_stands_for_every_service_and_region() -> None:
    counts = Counts({"cart@dublin": 1, "checkout@london": 1})
    assert list(counts.clusters("*", "*")) == [
        ("cart@dublin", "cart", "dublin"),
        ("checkout@london", "checkout", "london"),
    ]
    assert [name for name, _, _ in counts.clusters("*", "london")] == ["checkout@london"]


def test_counters_that_went_back_mean_a_restart() -> None:
    before = Counts({"a@x": 10}, {"a@x": 1}, {}, {"a@IE": 10})
    assert Counts({"a@x": 9}, {"a@x": 1}, {}, {"a@IE": 10}).restarted_since(before)
    assert Counts({}, {}, {}, {}).restarted_since(before)
    assert not Counts({"a@x": 10, "b@x": 1}, {"a@x": 1}, {}, {"a@IE": 11}).restarted_since(before)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"stats": [{"value": 1}]}', b'{"nothing": 1}', b"\xff\xfe"])
def test_what_is_not_an_envoys_statistics_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(body)


def test_latency_is_that_of_the_requests_since_the_last_look() -> None:
    before = {5.0: 100, 10.0: 0}
    assert slowest_s({5.0: 100, 10.0: 50, 200.0: 50}, before) == (0.2, 100)
    assert slowest_s({5.0: 200, 10.0: 4}, before) == (0.005, 104)
    assert slowest_s(before, before) is None
