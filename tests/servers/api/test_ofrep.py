"""Knobs over OpenFeature's protocol: by hand as its specification has it, and by the official provider."""

import asyncio
import json
from collections.abc import Iterator

import httpx
import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason

from controlplane.model.world import Knobs
from tests.servers.api.conftest import Daemon

FLAGS = "/ofrep/v1/evaluate/flags"
TURNED: Knobs = {"recommendations": "cached", "comments": {"dublin": False}}


def region(name: str) -> dict[str, object]:
    return {"context": {"targetingKey": f"shop-{name}", "region": name}}


@pytest.fixture
def turned(daemon: Daemon) -> Daemon:
    daemon.desk.turn(TURNED)
    return daemon


async def test_all_flags_come_at_once_each_with_value_variant_and_reason(
    turned: Daemon, http: httpx.AsyncClient
) -> None:
    answer = await http.post(FLAGS, json=region("dublin"))
    assert answer.status_code == 200
    assert [flag.pop("metadata") for flag in answer.json()["flags"]] == [{"depth": 1}, {"depth": 0}, {"depth": 1}]
    told = [(flag["key"], flag["value"], flag["reason"], flag["variant"]) for flag in answer.json()["flags"]]
    assert told == [
        ("comments", False, "TARGETING_MATCH", "false"),
        ("page-size", 3.0, "DEFAULT", "3.0"),
        ("recommendations", "cached", "STATIC", "cached"),
    ]


async def test_a_whole_float_stays_a_float_on_the_wire(turned: Daemon, http: httpx.AsyncClient) -> None:
    answer = await http.post(f"{FLAGS}/page-size", json={})
    assert '"value":3.0' in answer.text
    assert isinstance(json.loads(answer.text)["value"], float)


async def test_nothing_is_sent_again_until_something_changes(turned: Daemon, http: httpx.AsyncClient) -> None:
    etag = (await http.post(FLAGS, json=region("london"))).headers["etag"]
    for given in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = await http.post(FLAGS, json=region("london"), headers={"if-none-match": given})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    other = await http.post(FLAGS, json=region("dublin"), headers={"if-none-match": etag})
    assert other.status_code == 200
    turned.desk.turn({"recommendations": "off"})
    changed = await http.post(FLAGS, json=region("london"), headers={"if-none-match": etag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != etag


async def test_a_flag_that_is_not_there_is_404_with_the_protocols_code(http: httpx.AsyncClient) -> None:
    answer = await http.post(f"{FLAGS}/ghost", json={})
    assert answer.status_code == 404
    assert answer.json() == {"key": "ghost", "errorCode": "FLAG_NOT_FOUND", "errorDetails": "there is no knob ghost"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("{", "PARSE_ERROR"),
        ("[]", "PARSE_ERROR"),
        ("[" * 50_000, "PARSE_ERROR"),
        ("\xff", "PARSE_ERROR"),
        ('{"context": 1}', "INVALID_CONTEXT"),
        ('{"context": {"region": ["dublin"]}}', "INVALID_CONTEXT"),
    ],
)
async def test_a_request_that_is_none_is_400_with_the_protocols_code(
    http: httpx.AsyncClient, body: str, code: str
) -> None:
    for path in (FLAGS, f"{FLAGS}/comments"):
        answer = await http.post(path, content=body.encode("latin-1"), headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["errorCode"]) == (400, code)
        assert answer.json()["errorDetails"]


@pytest.mark.parametrize("body", [b"", b"{}", b'{"context": null}', b'{"context": {"plan": "gold"}, "future": 1}'])
async def test_a_context_that_says_no_region_is_fine(turned: Daemon, http: httpx.AsyncClient, body: bytes) -> None:
    answer = await http.post(FLAGS, content=body)
    assert answer.status_code == 200
    assert answer.json()["flags"][0]["value"] is False


async def test_flags_are_served_without_a_store_and_by_followers(turned: Daemon, http: httpx.AsyncClient) -> None:
    turned.desk.lost, turned.desk.leads = True, False
    turned.store.lose()
    assert (await http.post(f"{FLAGS}/recommendations", json={})).json()["value"] == "cached"


@pytest.fixture
def official(turned: Daemon) -> Iterator[OpenFeatureClient]:
    """The official provider; it blocks, so it is asked from threads."""
    provider = OFREPProvider(turned.url)
    api.set_provider(provider)
    yield api.get_client()
    api.shutdown()
    provider.session.close()


async def test_the_official_provider_reads_every_kind_of_value(official: OpenFeatureClient) -> None:
    dublin = EvaluationContext("shop", {"region": "dublin"})
    text = await asyncio.to_thread(official.get_string_details, "recommendations", "full", dublin)
    assert (text.value, text.variant, text.reason, text.error_code) == ("cached", "cached", Reason.STATIC, None)
    truth = await asyncio.to_thread(official.get_boolean_details, "comments", True, dublin)
    assert (truth.value, truth.variant, truth.reason) == (False, "false", Reason.TARGETING_MATCH)
    number = await asyncio.to_thread(official.get_float_details, "page-size", 1.0, dublin)
    assert (number.value, number.reason, number.error_code) == (3.0, Reason.DEFAULT, None)


async def test_the_official_provider_is_told_of_what_is_not_there(official: OpenFeatureClient) -> None:
    found = await asyncio.to_thread(official.get_string_details, "ghost", "mine")
    assert (found.value, found.error_code) == ("mine", ErrorCode.FLAG_NOT_FOUND)
    wrong = await asyncio.to_thread(official.get_integer_details, "recommendations", 7)
    assert (wrong.value, wrong.error_code) == (7, ErrorCode.TYPE_MISMATCH)
