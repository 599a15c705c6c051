"""Who may change things, and under which name."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from controlplane.api.address import Address
from controlplane.api.app import Manner
from controlplane.api.callers import Callers, read_callers
from controlplane.api.client import Client
from controlplane.api.server import serving
from controlplane.model.errors import WrongUse
from controlplane.service.verbs import Drain, Said
from tests.servers.api.conftest import Daemon, start
from tests.unit.service.shop import NOON

ANA, ANYBODY = "ana-0123456789abcdef", "any-0123456789abcdef"
DRAIN = {"verb": "drain", "region": "dublin"}


def token_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    file = folder / "tokens"
    file.write_text(text)
    file.chmod(mode)
    return file


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[Daemon]:
    callers = read_callers(token_file(tmp_path, f"# who may change things\nana {ANA}\n\n{ANYBODY}\n"))
    async with start(Manner(callers, now=lambda: NOON)) as daemon:
        yield daemon


@pytest.fixture
async def http(guarded: Daemon) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=guarded.url, trust_env=False) as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def test_looking_needs_no_token_and_changing_does(http: httpx.AsyncClient) -> None:
    assert (await http.get("/v1/status")).status_code == 200
    answer = await http.post("/v1/commands", json=DRAIN)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("given", ["Bearer wrong-0123456789abcdef", "Bearer", f"Basic {ANA}", f"Bearer {ANA}x"])
async def test_a_token_that_nobody_has_changes_nothing(http: httpx.AsyncClient, given: str) -> None:
    answer = await http.post("/v1/commands", json=DRAIN, headers={"authorization": given})
    assert answer.status_code == 401


async def test_a_change_is_recorded_under_the_name_of_the_token(guarded: Daemon, http: httpx.AsyncClient) -> None:
    assert (await http.post("/v1/commands", json=DRAIN, headers=bearer(ANA))).status_code == 200
    assert guarded.desk.state.overrides[0].by == "ana"


async def test_a_token_does_not_speak_for_another(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/commands", json={**DRAIN, "by": "bo"}, headers=bearer(ANA))
    assert answer.status_code == 403


async def test_a_token_without_a_name_speaks_for_whoever_is_named(guarded: Daemon, http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/commands", json={**DRAIN, "by": "bo"}, headers=bearer(ANYBODY))
    assert answer.status_code == 200
    assert guarded.desk.state.overrides[0].by == "bo"


async def test_the_client_shows_its_token(guarded: Daemon, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text(f"{ANA}\n")
    async with Client(guarded.url, token_file=str(tmp_path / "mine")) as client:
        receipt = await client.do(Drain("dublin"), Said("ana", "storm"))
    assert isinstance(receipt, dict)
    assert receipt["accepted"]


@pytest.mark.parametrize(
    ("text", "mode", "why"),
    [
        (f"ana {ANA}", 0o644, "chmod 600"),
        ("ana short", 0o600, "tokens:1"),
        (f"one two {ANA}", 0o600, "tokens:1"),
        ("# nothing\n", 0o600, "no token"),
    ],
)
async def test_a_token_file_that_protects_nothing_is_refused(tmp_path: Path, text: str, mode: int, why: str) -> None:
    with pytest.raises(WrongUse, match=why) as refused:
        read_callers(token_file(tmp_path, text, mode))
    assert ANA not in str(refused.value)


async def test_a_token_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="cannot be read"):
        read_callers(tmp_path / "none")


async def test_an_address_that_others_can_reach_needs_tokens() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None: ...

    with pytest.raises(WrongUse, match="can be reached by others"):
        await serving(app, Address("0.0.0.0", 0), Callers({})).__aenter__()
