"""What each route answers, and how it refuses."""

import asyncio
import json
from collections.abc import Mapping

import httpx
import pytest

from controlplane.api.app import Manner
from controlplane.api.bounds import Limits
from controlplane.api.callers import Callers
from controlplane.model.journal import Entry, EntryKind
from controlplane.service.verbs import Drain, Said
from controlplane.service.wire.verbs import verb_json
from tests.servers.api.conftest import Daemon, start
from tests.unit.service.shop import NOON

DRAIN = {"verb": "drain", "region": "dublin", "by": "ana", "reason": "storm"}


async def test_the_probes_say_whether_the_loop_turns_and_does_its_part(daemon: Daemon, http: httpx.AsyncClient) -> None:
    assert (await http.get("/healthz")).json() == {"ok": True, "silentS": 0.0, "quiet": []}
    assert (await http.get("/readyz")).json() == {"ready": True, "mode": "leading", "problems": []}
    daemon.desk.leads = False
    assert (await http.get("/readyz")).status_code == 200
    daemon.desk.lost = True
    answer = await http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["problems"] == ["the store is lost: gone"]


async def test_a_loop_that_has_stopped_turning_is_not_healthy() -> None:
    from datetime import timedelta

    manner = Manner(now=lambda: NOON + timedelta(seconds=31))
    async with start(manner) as daemon, httpx.AsyncClient(base_url=daemon.url, trust_env=False) as http:
        assert (await http.get("/healthz")).status_code == 503


async def test_a_loop_that_its_watchdog_has_not_heard_of_is_not_healthy(
    daemon: Daemon, http: httpx.AsyncClient
) -> None:
    daemon.desk.quiet = ("probe checkout",)
    assert (await http.get("/healthz")).status_code == 200
    daemon.desk.quiet = ("tick",)
    answer = await http.get("/healthz")
    assert (answer.status_code, answer.json()["quiet"]) == (503, ["tick"])


async def test_status_plan_and_world_are_what_the_command_line_prints(http: httpx.AsyncClient) -> None:
    status = (await http.get("/v1/status")).json()
    assert (status["mode"], status["leader"], status["epoch"]) == ("leading", "dublin-1", 7)
    plan = (await http.get("/v1/plan")).json()
    assert list(plan)[:3] == ["feasible", "target", "next"]
    assert plan == status["plan"]
    assert (await http.get("/v1/world")).json()["at"] == "2026-11-24T12:00:00Z"


async def test_what_is_not_there_yet_is_an_honest_empty_list(http: httpx.AsyncClient) -> None:
    for part in ("runbooks", "drills", "overrides", "wishes", "approvals"):
        answer = await http.get(f"/v1/{part}")
        assert (answer.status_code, answer.json()) == (200, [])


async def test_a_command_changes_something_and_is_listed_and_recorded(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/commands", json=DRAIN)
    assert answer.status_code == 200
    assert answer.json()["accepted"]
    assert answer.json()["plan"]["actions"]
    (override,) = (await http.get("/v1/overrides")).json()
    assert (override["region"], override["by"], override["reason"]) == ("dublin", "ana", "storm")
    (entry,) = (await http.get("/v1/journal")).json()
    assert (entry["kind"], entry["by"], entry["seq"]) == ("person", "ana", answer.json()["seq"])
    assert (await http.get("/v1/journal/verify")).json() == {"whole": True, "brokenAt": None}


async def test_a_preview_changes_nothing(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/commands", json={**DRAIN, "preview": True})
    assert answer.status_code == 200
    assert answer.json()["commands"][0]["ask"] == "addOverride"
    assert (await http.get("/v1/overrides")).json() == []


async def test_a_second_drain_waits_for_a_second_person(http: httpx.AsyncClient) -> None:
    await http.post("/v1/commands", json=DRAIN)
    answer = await http.post("/v1/commands", json={**DRAIN, "region": "london"})
    assert answer.status_code == 202
    (approval,) = (await http.get("/v1/approvals")).json()
    assert approval["id"] == answer.json()["waiting"]
    yes = {"verb": "answer", "approval": approval["id"]}
    refused = await http.post("/v1/commands", json={**yes, "by": "ana"})
    assert (refused.status_code, refused.json()["rules"]) == (409, ["R11"])
    assert (await http.post("/v1/commands", json={**yes, "by": "bo"})).status_code == 200


async def test_a_refusal_is_a_problem_document_with_its_rules(http: httpx.AsyncClient) -> None:
    answer = await http.post(
        "/v1/commands", json={"verb": "failover", "subject": "orders-db", "to": "frankfurt", "by": "ana"}
    )
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["type"] == "urn:leeward:refused-by-rule"
    assert "R9" in document["rules"]
    assert "lag" in document["detail"]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({**DRAIN, "regoin": "x"}, "drain.regoin"),
        ({"verb": "drian", "region": "dublin"}, "body"),
        ({"verb": "drain"}, "drain.region"),
        ({**DRAIN, "preview": "yes"}, "drain.preview"),
        ({**DRAIN, "for": "30"}, "drain.for"),
        ({**DRAIN, "for": "9" * 400 + "d"}, "drain.for"),
        ({**DRAIN, "for": "-1s"}, "drain.for"),
        ({"verb": "degrade", "knob": "x", "value": {"a": 1}}, "degrade.value"),
    ],
    ids=str,
)
async def test_a_request_that_is_not_well_formed_is_refused_with_its_place(
    http: httpx.AsyncClient, body: Mapping[str, object], where: str
) -> None:
    answer = await http.post("/v1/commands", json=body)
    assert answer.status_code == 422
    assert any(error["where"].startswith(where) for error in answer.json()["errors"])


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"drain"', "\x00", "[" * 100_000, "{" * 30_000, "NaN"])
async def test_a_body_that_is_no_command_is_refused_and_nothing_breaks(http: httpx.AsyncClient, text: str) -> None:
    answer = await http.post("/v1/commands", content=text, headers={"content-type": "application/json"})
    assert answer.status_code in {413, 422}
    assert (await http.get("/healthz")).status_code == 200


async def test_a_body_past_the_limit_is_not_read(http: httpx.AsyncClient) -> None:
    for path in ("/v1/commands", "/ofrep/v1/evaluate/flags"):
        answer = await http.post(path, content=b" " * 70_000, headers={"content-type": "application/json"})
        assert answer.status_code == 413


async def test_changes_are_sent_as_json_and_by_the_right_method(http: httpx.AsyncClient) -> None:
    assert (await http.post("/v1/commands", data=DRAIN)).status_code == 415
    assert (await http.get("/v1/commands")).status_code == 405
    assert (await http.post("/v1/status", json={})).status_code == 405
    assert (await http.get("/v2/status")).status_code == 404


async def test_an_unknown_name_is_refused_with_the_nearest(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/commands", json={**DRAIN, "region": "dublim"})
    assert answer.status_code == 400
    assert "did you mean 'dublin'" in answer.json()["detail"]


async def test_the_journal_is_read_from_a_place_and_narrowed(daemon: Daemon, http: httpx.AsyncClient) -> None:
    kinds = (EntryKind.HOLD, EntryKind.PLAN)
    await daemon.store.journal.append([Entry(kinds[n % 2], NOON, f"s{n}", "a") for n in range(10)])
    answer = await http.get("/v1/journal", params={"after": 4, "limit": 2})
    assert [entry["seq"] for entry in answer.json()] == [5, 6]
    answer = await http.get("/v1/journal", params={"kind": "plan", "subject": "s3"})
    assert [entry["seq"] for entry in answer.json()] == [4]
    for bad in ({"limit": "0"}, {"limit": "x"}, {"kind": "gossip"}, {"afer": "1"}, {"after": "-1"}):
        assert (await http.get("/v1/journal", params=bad)).status_code == 422


async def test_an_explanation_is_found_for_what_is_known_and_for_nothing_else(http: httpx.AsyncClient) -> None:
    answer = await http.get("/v1/explain", params={"about": "dublin"})
    assert answer.json()["asked"] == "dublin"
    assert (await http.get("/v1/explain", params={"about": "atlantis"})).status_code == 400
    assert (await http.get("/v1/explain")).status_code == 422


async def test_a_follower_says_who_leads_and_where(daemon: Daemon, http: httpx.AsyncClient) -> None:
    daemon.desk.leads = False
    answer = await http.post("/v1/commands", json=DRAIN)
    assert answer.status_code == 421
    assert answer.json()["leader"] == "frankfurt-1"
    assert answer.json()["leaderAddress"] == "http://127.0.0.1:1"


async def test_without_a_store_looking_goes_on_and_changing_is_refused(daemon: Daemon, http: httpx.AsyncClient) -> None:
    daemon.desk.lost = True
    daemon.store.lose()
    assert (await http.get("/v1/status")).json()["store"]["ok"] is False
    assert (await http.get("/v1/journal")).status_code == 503
    answer = await http.post("/v1/commands", json=DRAIN)
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:leeward:store-lost")


async def test_events_are_told_as_they_happen_and_a_reader_goes_on_where_it_was(
    daemon: Daemon, http: httpx.AsyncClient
) -> None:
    await daemon.store.journal.append([Entry(EntryKind.HOLD, NOON, f"s{n}", "a") for n in range(3)])
    async with asyncio.timeout(20), http.stream("GET", "/v1/events", headers={"last-event-id": "1"}) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.aiter_lines()
        first = [await anext(lines) for _ in range(8)]
        assert first[:2] == ["id: 2", "event: entry"]
        assert first[4:6] == ["id: 3", "event: entry"]
        await http.post("/v1/commands", json=DRAIN)
        async for line in lines:
            if line.startswith("data: ") and json.loads(line[6:]).get("by") == "ana":
                break
    await asyncio.sleep(0.1)
    assert daemon.desk.heard_by == 0


@pytest.mark.parametrize("place", ["x", "-1", "1.5", "9" * 30, "²"])
async def test_a_place_that_is_none_is_refused(http: httpx.AsyncClient, place: str) -> None:
    assert (await http.get("/v1/events", params={"after": place})).status_code == 400


async def test_listeners_are_bounded() -> None:
    manner = Manner(limits=Limits(listeners=1), now=lambda: NOON)
    async with start(manner) as daemon, httpx.AsyncClient(base_url=daemon.url, trust_env=False) as http:
        async with http.stream("GET", "/v1/events") as first:
            await anext(first.aiter_lines())
            assert (await http.get("/v1/events")).status_code == 503
        async with asyncio.timeout(10):
            while True:
                async with http.stream("GET", "/v1/events") as next_:
                    if next_.status_code == 200:
                        break


async def test_an_answer_that_takes_too_long_is_given_up(daemon: Daemon) -> None:
    manner = Manner(limits=Limits(timeout_s=0.1), now=lambda: NOON)
    async with start(manner) as slow, httpx.AsyncClient(base_url=slow.url, trust_env=False) as http:

        async def forever() -> None:
            await asyncio.sleep(60)

        slow.store.journal.verify = forever  # type: ignore[method-assign]
        answer = await http.get("/v1/journal/verify")
        assert (answer.status_code, answer.json()["title"]) == (504, "Too slow")
        assert (await http.get("/healthz")).status_code == 200


async def test_a_fault_of_ours_is_a_problem_without_a_trace(daemon: Daemon, http: httpx.AsyncClient) -> None:
    def broken() -> None:
        raise RuntimeError("secret detail")

    daemon.desk.snapshot = broken  # type: ignore[method-assign,assignment]
    answer = await http.get("/v1/status")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


async def test_metrics_are_whatever_is_handed_in() -> None:
    manner = Manner(metrics=lambda: (b"leeward_up 1\n", "text/plain; version=0.0.4"), now=lambda: NOON)
    async with start(manner) as daemon, httpx.AsyncClient(base_url=daemon.url, trust_env=False) as http:
        answer = await http.get("/metrics")
        assert answer.text == "leeward_up 1\n"
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")


async def test_the_front_page_leads_to_everything_and_runs_nothing(http: httpx.AsyncClient) -> None:
    answer = await http.get("/")
    assert "openapi.json" in answer.text
    assert answer.headers["content-security-policy"] == "default-src 'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_what_a_client_writes_is_what_the_server_reads(daemon: Daemon, http: httpx.AsyncClient) -> None:
    body = verb_json(Drain("dublin"), Said("ana", "storm"))
    assert (await http.post("/v1/commands", json=body)).status_code == 200
    assert daemon.desk.state.overrides[0].until.isoformat() == "2026-11-24T16:00:00+00:00"


async def test_a_web_page_can_neither_change_nor_look(http: httpx.AsyncClient) -> None:
    page = {"origin": "https://evil.example"}
    assert (await http.post("/v1/commands", json=DRAIN, headers=page)).status_code == 403
    rebound = {"host": "evil.example:8470"}
    assert (await http.get("/v1/status", headers=rebound)).status_code == 403
    assert (await http.post("/v1/commands", json=DRAIN, headers=rebound)).status_code == 403
    for host in ("localhost:8470", "[::1]:8470", "10.0.0.7", ""):
        assert (await http.get("/healthz", headers={"host": host})).status_code == 200


async def test_a_host_that_is_said_to_be_ours_is() -> None:
    manner = Manner(Callers({}, frozenset({"leeward.internal"})), now=lambda: NOON)
    async with start(manner) as daemon, httpx.AsyncClient(base_url=daemon.url, trust_env=False) as http:
        assert (await http.get("/healthz", headers={"host": "leeward.internal"})).status_code == 200
