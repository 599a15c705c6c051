"""What the Envoy driver owes beyond the contract, on a real Envoy."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.drivers.envoy.driver import envoy
from controlplane.drivers.envoy.routes import WHOLE, Naming, whole_numbers
from controlplane.model.act import Act, Weights
from controlplane.model.errors import Conflict, Refused
from tests.contract.drivers.cases import until_done
from tests.contract.drivers.targets.envoy import BEFORE, Shop, driver, running
from tests.servers.edge import Edge


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    with running(tmp_path) as made:
        yield made


def act(desired: Weights, *, key: str = "one", subject: str = "checkout", epoch: int = 5) -> Act:
    return Act(key, subject, desired, epoch, datetime.now(UTC) + timedelta(seconds=10))


def away(origin: str = "IE") -> Weights:
    return Weights({origin: {"frankfurt": 1.0}})


def routes(edge: Edge) -> dict[str, dict[str, Any]]:
    document = json.loads(edge.routes.read_text())
    return {route["name"]: route for route in document["resources"][0]["virtual_hosts"][0]["routes"]}


def edit(edge: Edge, change: Any) -> None:
    """Somebody else edits the file."""
    document = json.loads(edge.routes.read_text())
    change(document["resources"][0]["virtual_hosts"][0]["routes"])
    fresh = edge.routes.with_suffix(".other")
    fresh.write_text(json.dumps(document))
    fresh.replace(edge.routes)


async def test_traffic_goes_where_the_weights_say(edge: Edge) -> None:
    hands = driver(edge)
    asked = act(Weights({"IE": {"dublin": 0.25, "frankfurt": 0.75}}))
    await hands.apply(asked)
    await until_done(lambda: hands.confirm(asked))
    got = Counter(await asyncio.to_thread(lambda: [edge.ask("/checkout", "IE")[1] for _ in range(400)]))
    assert len(got) == 2
    assert 60 <= min(got.values()) <= 140


async def test_what_a_route_says_otherwise_and_other_services_are_kept(edge: Edge) -> None:
    def retries(listed: list[dict[str, Any]]) -> None:
        listed[1]["route"]["retry_policy"] = {"retry_on": "5xx", "num_retries": 1}
        listed.append({"name": "health", "match": {"path": "/healthz"}, "direct_response": {"status": 200}})

    edit(edge, retries)
    before = routes(edge)
    hands = driver(edge)
    asked = act(away())
    await hands.apply(asked)
    await until_done(lambda: hands.confirm(asked))
    after = routes(edge)
    assert after["checkout@IE"]["route"]["retry_policy"] == {"retry_on": "5xx", "num_retries": 1}
    assert after["checkout@IE"]["route"]["timeout"] == "1.9s"
    for name in ("checkout@DE", "search@IE", "health"):
        assert after[name] == before[name]


async def test_many_acts_on_one_file_at_once_lose_nothing(edge: Edge) -> None:
    hands = [driver(edge) for _ in range(3)]
    acts = [
        act(away("DE"), key="a"),
        act(Weights({"IE": {"dublin": 1.0}}), key="b"),
        act(Weights({"IE": {"frankfurt": 0.4, "dublin": 0.6}}), key="c", subject="search"),
    ]
    # Another process, with no part in this one's queue: only the lock keeps the two apart.
    other = envoy({"file": str(edge.routes), "admin": edge.admin_url})
    more = [act(Weights({"IE": {"dublin": share, "frankfurt": 1 - share}}), key=f"x{share}") for share in (0.1, 0.2)]
    await asyncio.gather(*(hand.apply(one) for hand, one in zip(hands, acts, strict=True)))
    await asyncio.gather(other.apply(more[0]), hands[2].apply(acts[2]), hands[0].apply(acts[0]))
    for hand, one in ((hands[0], acts[0]), (hands[2], acts[2]), (other, more[0])):
        assert (await until_done(lambda hand=hand, one=one: hand.confirm(one))).done  # type: ignore[misc]


async def test_a_cluster_that_the_edge_does_not_have_is_refused_before_it_answers_503_to_everybody(edge: Edge) -> None:
    before = edge.routes.read_bytes()
    with pytest.raises(Refused, match="no cluster checkout@atlantis"):
        await driver(edge).apply(act(Weights({"IE": {"atlantis": 1.0}})))
    assert edge.routes.read_bytes() == before


@pytest.mark.parametrize("shares", [{"IE": {"dublin": 0.5}}, {"IE": {"dublin": 1.5, "frankfurt": -0.5}}])
async def test_shares_that_do_not_add_up_are_refused(edge: Edge, shares: dict[str, dict[str, float]]) -> None:
    with pytest.raises(Refused, match="add up"):
        await driver(edge).apply(act(Weights(shares)))


async def test_an_origin_without_a_route_gets_one_like_its_siblings(edge: Edge) -> None:
    hands = driver(edge)
    asked = act(Weights({"GB": {"dublin": 1.0}}))
    await hands.apply(asked)
    await until_done(lambda: hands.confirm(asked))
    assert (await asyncio.to_thread(edge.ask, "/checkout", "GB"))[0] == 200
    assert routes(edge)["checkout@GB"]["stat_prefix"] == "checkout@GB"
    edit(edge, lambda listed: listed[-1]["match"].pop("headers"))
    with pytest.raises(Refused, match="no route search@GB"):
        await hands.apply(act(Weights({"GB": {"dublin": 1.0}}), subject="search"))


async def test_requests_in_flight_to_what_was_left_are_waited_for_and_counted(edge: Edge) -> None:
    hands = driver(edge, drain=30)
    slow = asyncio.create_task(asyncio.to_thread(edge.ask, "/search/slow", "IE"))
    while not await asyncio.to_thread(edge.stat, "cluster.search@dublin.upstream_rq_active"):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    asked = act(away(), subject="search")
    await hands.apply(asked)
    await asyncio.sleep(0.2)
    found = await hands.confirm(asked)
    assert (found.done, found.in_force, found.stragglers) == (False, True, 1)
    impatient = driver(edge, drain=0)
    found = await impatient.confirm(replace(asked, previous=Weights({"IE": {"dublin": 1.0}})))
    assert (found.done, found.stragglers) == (True, 1)
    Shop.gate.set()
    await slow
    found = await until_done(lambda: hands.confirm(asked))
    assert found.stragglers == 0


async def test_a_file_that_envoy_refuses_is_found_out_and_becomes_again_what_it_runs(edge: Edge) -> None:
    good = await driver(edge).read("checkout", BEFORE)

    def spoil(listed: list[dict[str, Any]]) -> None:
        listed[2]["match"] = {"safe_regex": {"regex": "(((("}}

    edit(edge, spoil)
    hands = driver(edge)
    asked = act(away())
    await hands.apply(asked)
    with pytest.raises(Refused, match="Envoy refuses"):
        await until_done(lambda: hands.confirm(asked))
    edge.restart()
    assert await driver(edge).read("checkout", BEFORE) == good
    assert (await asyncio.to_thread(edge.ask, "/search", "IE"))[0] == 200
    with pytest.raises(Conflict, match="older"):
        await hands.apply(act(away(), key="two", epoch=4))


async def test_undo_leaves_alone_what_a_later_act_has_written(edge: Edge) -> None:
    hands = driver(edge)
    first = replace(act(away()), previous=BEFORE)
    await hands.apply(first)
    later = act(Weights({"IE": {"dublin": 1.0}}), key="two")
    await hands.apply(later)
    await hands.undo(first)
    assert (await until_done(lambda: hands.confirm(later))).done


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0, 1), min_size=1).filter(lambda d: sum(d.values()) > 0))
def test_whole_weights_add_up_to_a_million_and_are_off_by_less_than_one(parts: dict[str, float]) -> None:
    total = sum(parts.values())
    shares = {name: part / total for name, part in parts.items()}
    weights = whole_numbers(shares)
    assert sum(weights.values()) == WHOLE
    assert all(abs(weights.get(name, 0) - share * WHOLE) <= 1 for name, share in shares.items())
    assert all(weight > 0 for weight in weights.values())


@given(st.from_regex(r"[a-z][a-z.-]{0,8}", fullmatch=True), st.from_regex(r"[a-z][a-z.-]{0,8}", fullmatch=True))
def test_a_clusters_region_is_read_back_from_its_name(service: str, region: str) -> None:
    for naming in (Naming(), Naming(cluster="{region}"), Naming(cluster="eu/{service}/{region}/v1")):
        assert naming.region(service, naming.of(service, region)) == region
    assert Naming().region(service, f"{service}x@{region}") is None
