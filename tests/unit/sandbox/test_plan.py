import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from controlplane.load.estate import load_estate
from controlplane.model.resources.safety_policy import SafetySpec
from controlplane.sandbox.binding import Watching, documents, write_policies
from controlplane.sandbox.census import Span, double_active_s, overlap_s, spans
from controlplane.sandbox.edge import SCALE, healthy_shares, routes, weights, write_edge
from controlplane.sandbox.network import Fault, Link, Weather, links
from controlplane.sandbox.plan import Address, load_plan
from controlplane.sandbox.planning import Options, make_plan
from controlplane.sandbox.rise import holder_at_start
from tests.servers.sandbox.small_estate import small_estate


def test_a_plan_reads_back_from_its_directory_as_it_was_written(tmp_path: Path) -> None:
    plan = make_plan(small_estate(), tmp_path, Options(rate=250))
    plan.save()
    assert load_plan(tmp_path) == plan


def test_demand_and_capacity_are_scaled_alike_and_the_price_of_a_request_is_not(tmp_path: Path) -> None:
    plan = make_plan(small_estate(), tmp_path, Options(rate=60))
    assert plan.factor == pytest.approx(0.1)
    assert plan.regions["dublin"].capacity == pytest.approx(100)
    assert sum(sum(service.demand.values()) for service in plan.services.values()) == pytest.approx(60)
    assert plan.services["checkout"].cost == 1.0
    assert plan.services["settlement"].cost == pytest.approx(0.1)


def test_two_plans_of_one_estate_share_no_address(tmp_path: Path) -> None:
    one, other = (make_plan(small_estate(), tmp_path, Options()) for _ in range(2))
    assert one.edge.listener.host != other.edge.listener.host
    assert one.name != other.name


def test_jobs_are_no_routes_and_keep_their_lease_in_their_datastore(tmp_path: Path) -> None:
    plan = make_plan(small_estate(), tmp_path, Options())
    assert plan.services["checkout"].strong == ("payment",)
    assert plan.services["checkout"].weak == ("recommendation",)
    lease = plan.lease_store("settlement")
    assert lease is not None
    assert lease.name == "orders-db"
    assert holder_at_start(plan, "settlement") == "dublin"


def test_weights_are_whole_and_add_up_with_what_is_missing_shed() -> None:
    assert weights({"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}) == {"a": 333333, "b": 333333, "c": 333334}
    assert weights({"a": 0.7, "b": 0.2}) == {"a": 700000, "b": 200000, "shed": 100000}
    assert weights({"a": 1.0, "b": 0.0}) == {"a": SCALE}
    assert weights({}) == {"shed": SCALE}


def test_healthy_shares_stay_within_residency(tmp_path: Path) -> None:
    shares = healthy_shares(make_plan(small_estate(), tmp_path, Options()))
    assert shares["checkout"]["IE"] == {"dublin": 0.5, "frankfurt": 0.5}
    assert sorted(shares["checkout"]["GB"]) == ["dublin", "frankfurt", "london"]
    assert "settlement" not in shares


def test_routes_are_as_the_edge_says_they_are_written(tmp_path: Path) -> None:
    plan = make_plan(small_estate(), tmp_path, Options())
    write_edge(plan, healthy_shares(plan))
    document: dict[str, Any] = json.loads(plan.routes.read_text())
    assert document == routes(healthy_shares(plan), version="1")
    listed = document["resources"][0]["virtual_hosts"][0]["routes"]
    assert [route["name"] for route in listed] == sorted(route["name"] for route in listed)
    for route in listed:
        clusters = route["route"]["weighted_clusters"]["clusters"]
        assert sum(cluster["weight"] for cluster in clusters) == SCALE
    bootstrap = json.loads((plan.routes.parent / "bootstrap.json").read_text())
    known = {cluster["name"] for cluster in bootstrap["static_resources"]["clusters"]}
    assert {"checkout@dublin", "dublin", "shed", "refused"} <= known
    assert "settlement@dublin" not in known


def test_every_way_into_a_region_and_between_regions_is_a_link_of_the_network(tmp_path: Path) -> None:
    plan = make_plan(small_estate(), tmp_path, Options())
    found = list(links(plan))
    assert len({link.listen for link in found}) == len(found)
    assert {(link.source, link.target) for link in found if link.to == plan.regions["dublin"].shop} == {
        (None, "dublin"),
        ("frankfurt", "dublin"),
        ("london", "dublin"),
    }
    server = plan.datastores["orders-db"].server["frankfurt"]
    assert {link.source for link in found if link.to == server} == {None, "dublin", "london"}


def test_a_link_suffers_what_either_of_its_ends_suffers() -> None:
    between = Link("dublin", "frankfurt", Address("a", 1), Address("b", 2))
    outside = replace(between, source=None)
    weather = Weather({"dublin": Fault(blackhole=True, add_s=0.1), "frankfurt": Fault(add_s=0.2)})
    assert weather.over(between).blackhole
    assert weather.over(between).add_s == pytest.approx(0.3)
    assert weather.over(outside) == Fault(add_s=0.2)
    cut = Weather(cut={frozenset({"dublin", "frankfurt"})})
    assert cut.over(between).blackhole
    assert not cut.over(outside).blackhole


def test_bound_policies_are_valid_and_mean_the_same_at_another_scale(tmp_path: Path) -> None:
    estate = small_estate()
    plan = make_plan(estate, tmp_path, Options(rate=60))
    bound = load_estate([write_policies(estate, plan)])
    assert bound.regions["dublin"].spec.capacity == pytest.approx(100)
    assert bound.services["checkout"].spec.demand == pytest.approx({"IE": 20, "GB": 10})
    assert bound.services["checkout"].spec.residency == estate.services["checkout"].spec.residency
    assert bound.knobs["recommendations"].levels == estate.knobs["recommendations"].levels
    assert bound.safety == estate.safety.model_copy(update={"vantage_quorum": 1})
    for name, service in bound.services.items():
        kinds = {probe.kind for probe in service.spec.probes}
        assert kinds >= ({"http"} if name == "settlement" else {"http", "envoy"})
        assert service.spec.traffic is not None


def test_no_more_vantages_are_asked_to_agree_than_there_are(tmp_path: Path) -> None:
    estate = replace(small_estate(), safety=SafetySpec(vantage_quorum=2, min_serving_regions=2))
    plan = make_plan(estate, tmp_path, Options())
    specs = [documents(estate, plan, Watching(vantages=count))[-1]["spec"] for count in (1, 2, 4)]
    assert [spec["vantageQuorum"] for spec in specs] == [1, 2, 2]
    assert specs[0]["minServingRegions"] == 2


def test_each_server_of_a_datastore_is_watched_once(tmp_path: Path) -> None:
    estate = small_estate()
    plan = make_plan(estate, tmp_path, Options())
    watched = [
        probe["target"]
        for document in documents(estate, plan, Watching(hold=False))
        if document["kind"] == "Service"
        for probe in document["spec"]["probes"]
        if probe["kind"] == "sql"
    ]
    store = plan.datastores["orders-db"]
    assert sorted(watched) == sorted(f"postgresql://leeward@{store.ingress[r]}/shop" for r in store.regions)


def test_spans_of_a_job_end_where_its_trace_pauses(tmp_path: Path) -> None:
    plan = make_plan(small_estate(), tmp_path, Options())
    (tmp_path / "jobs").mkdir()
    for region, beats in (("dublin", [1.0, 1.2, 1.4, 5.0, 5.2]), ("frankfurt", [2.0, 2.2, 5.1, 5.3])):
        lines = "".join(json.dumps({"at": at}) + "\n" for at in beats)
        (tmp_path / "jobs" / f"settlement@{region}.jsonl").write_text(lines)
    assert spans(plan, "settlement") == (
        Span("dublin", 1.0, 1.4),
        Span("frankfurt", 2.0, 2.2),
        Span("dublin", 5.0, 5.2),
        Span("frankfurt", 5.1, 5.3),
    )
    assert double_active_s(plan) == pytest.approx(0.1)


def test_a_job_in_one_region_is_never_twice_active() -> None:
    assert overlap_s([Span("dublin", 0, 10), Span("dublin", 5, 15)]) == 0
