"""The command line's end of the line."""

import asyncio
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send

from controlplane.api.address import Address, parse_address
from controlplane.api.callers import Callers
from controlplane.api.client import Client
from controlplane.api.server import serving
from controlplane.model.errors import LeaseLost, RefusedByRule, StoreLost, Unreachable, WrongUse
from controlplane.model.journal import Entry, EntryKind
from controlplane.service.service import Service
from controlplane.service.verbs import Answer, Drain, Failover, Said
from controlplane.service.wire.answers import Answers
from tests.servers.api.conftest import Daemon, start
from tests.unit.service.shop import NOON

ANA = Said("ana", "storm")


async def test_it_answers_what_the_service_answers(daemon: Daemon) -> None:
    await daemon.store.journal.append([Entry(EntryKind.HOLD, NOON, "dublin", "a")])
    direct = Answers(Service(daemon.desk, daemon.store.journal))
    async with Client(daemon.url) as client:
        assert await client.status() == await direct.status()
        assert await client.plan() == await direct.plan()
        assert await client.world() == await direct.world()
        assert await client.explain("dublin") == await direct.explain("dublin")
        assert await client.history(subject="dublin", kind="hold") == await direct.history(subject="dublin")
        assert await client.verify() == await direct.verify()
        assert await client.preview(Drain("dublin"), ANA) == await direct.preview(Drain("dublin"), ANA)


async def test_errors_come_back_as_the_errors_they_were(daemon: Daemon) -> None:
    async with Client(daemon.url) as client:
        with pytest.raises(RefusedByRule, match="lag") as refused:
            await client.do(Failover("orders-db", "frankfurt"), ANA)
        assert "R9" in refused.value.rules
        with pytest.raises(WrongUse, match="did you mean 'dublin'"):
            await client.do(Drain("dublim"), ANA)
        with pytest.raises(WrongUse, match="limit"):
            await client.history(limit=0)
        with pytest.raises(WrongUse, match="there is no approval"):
            await client.do(Answer("../../healthz"), ANA)
        daemon.store.lose()
        daemon.desk.lost = True
        with pytest.raises(StoreLost):
            await client.do(Drain("dublin"), ANA)


@pytest.mark.parametrize("asked", ["a/b", "..", "x?y=1", "é", "%2f", "a b"])
async def test_any_name_can_be_asked_about(daemon: Daemon, asked: str) -> None:
    await daemon.store.journal.append([Entry(EntryKind.HOLD, NOON, asked, "a")])
    async with Client(daemon.url) as client:
        found = await client.explain(asked)
    assert isinstance(found, dict)
    assert found["asked"] == asked


async def test_a_change_asked_of_a_follower_goes_to_the_leader(daemon: Daemon) -> None:
    async with start() as follower, Client(follower.url) as client:
        follower.desk.leads = False
        follower.desk.leader_address = daemon.url
        receipt = await client.do(Drain("dublin"), ANA)
    assert isinstance(receipt, dict)
    assert receipt["accepted"]
    assert [override.region for override in daemon.desk.state.overrides] == ["dublin"]


async def test_two_followers_that_point_at_each_other_are_not_asked_for_ever() -> None:
    async with start() as one, start() as other, Client(one.url) as client:
        for mine, theirs in ((one, other), (other, one)):
            mine.desk.leads = False
            mine.desk.leader_address = theirs.url
        with pytest.raises(LeaseLost):
            await client.do(Drain("dublin"), ANA)


async def test_events_come_as_documents(daemon: Daemon) -> None:
    await daemon.store.journal.append([Entry(EntryKind.HOLD, NOON, "a line\nand another", "a")])
    async with asyncio.timeout(20), Client(daemon.url) as client:
        events = client.events(after=0)
        kind, entry = await anext(events)
        assert kind == "entry"
        assert isinstance(entry, dict)
        assert entry["subject"] == "a line\nand another"
        kind, status = await anext(events)
        assert kind == "status"
        assert isinstance(status, dict)
        assert status["replica"] == "dublin-1"
        await events.aclose()


async def test_a_daemon_that_goes_away_ends_the_events() -> None:
    async with asyncio.timeout(30):
        async with start() as daemon:
            client = Client(daemon.url)
            events = client.events()
            await anext(events)
        with pytest.raises(Unreachable):
            await read_on(events)
        await client.__aexit__(None, None, None)


async def read_on(events: AsyncIterator[object]) -> None:
    async for _ in events:
        continue


async def test_nobody_there_is_said_plainly() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        async with Client(address) as client:
            with pytest.raises(Unreachable, match=f"no daemon answers at http://{address}"):
                await client.status()


async def test_somebody_who_listens_and_says_nothing_is_said_plainly() -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        async with Client(f"127.0.0.1:{mute.getsockname()[1]}", timeout_s=0.2) as client:
            with pytest.raises(Unreachable, match="does not answer in time"):
                await client.status()


@pytest.mark.parametrize("said", [b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", b"hello\r\n\r\n", b""])
async def test_somebody_who_is_no_daemon_is_said_plainly(said: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(said)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server, Client(f"127.0.0.1:{server.sockets[0].getsockname()[1]}") as client:
        with pytest.raises(Unreachable):
            await client.status()


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_a_unix_socket_is_its_owners_alone_and_is_taken_away_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "leeward.sock"
    async with start(at=Address(path=str(path))) as daemon, Client(f"unix:{path}") as client:
        assert mode_of(path) == 0o600
        status = await client.status()
        assert isinstance(status, dict)
        assert status["replica"] == "dublin-1"
        with pytest.raises(WrongUse, match="taken"):
            await start(at=daemon.address).__aenter__()
    assert not path.exists()


async def test_a_socket_that_a_dead_daemon_left_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "leeward.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    async with start(at=Address(path=str(path))), Client(f"unix:{path}") as client:
        assert await client.plan()


async def test_a_port_that_is_taken_is_said_plainly(daemon: Daemon) -> None:
    with pytest.raises(WrongUse, match="cannot answer at"):
        await start(at=daemon.address).__aenter__()


async def test_serving_takes_no_signal_handler() -> None:
    import signal

    before = signal.getsignal(signal.SIGTERM)

    async def app(scope: Scope, receive: Receive, send: Send) -> None: ...

    async with serving(app, Address("127.0.0.1", 0), Callers({})):
        assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8470", Address("127.0.0.1", 8470)),
        ("localhost", Address("localhost", 8470)),
        ("http://[::1]:9/", Address("::1", 9)),
        ("https://leeward.internal", Address("leeward.internal", 8470, scheme="https")),
        ("unix:/run/leeward.sock", Address(path="/run/leeward.sock")),
    ],
)
def test_an_address_is_read(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "unix:", "ftp://x", "http://x/path", "x:99999", "http://[", "x:y"])
def test_what_is_no_address_is_wrong_use(text: str) -> None:
    with pytest.raises(WrongUse):
        parse_address(text)
