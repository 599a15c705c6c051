"""The probes that speak more than bytes, each against the real server: gRPC, PostgreSQL, Envoy, TLS."""

import asyncio
import http.server
import signal
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import grpc.aio
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from controlplane.model.evidence import Observation, Reading, Signal
from controlplane.model.resources.kind import Setting
from controlplane.model.resources.service import ProbeSpec
from controlplane.ports.eyes import Probe, ProbeFactory
from controlplane.probes.envoy import envoy
from controlplane.probes.grpc import grpc_health
from controlplane.probes.http import http as https
from controlplane.probes.sql import sql
from controlplane.probes.target import Closes
from controlplane.probes.watch import Spot
from tests.servers.edge import Edge, running_edge
from tests.servers.pair import Pair, running_pair
from tests.servers.wall import WallClock, until

CLOCK = WallClock()


def make(
    factory: ProbeFactory, target: str, subject: str = "checkout", region: str = "dublin", **settings: Setting
) -> Probe:
    spec = ProbeSpec(kind="any", target=target, timeout=timedelta(seconds=1), with_=settings)
    assert factory.mistakes(spec) == ()
    return factory(spec, Spot("observatory", region, subject, CLOCK))


def close(probe: Probe) -> None:
    assert isinstance(probe, Closes)
    probe.close()


async def look(probe: Probe) -> Observation:
    (seen,) = await probe.look()
    return seen


async def look_until(probe: Probe, holds: Callable[[tuple[Observation, ...]], bool]) -> tuple[Observation, ...]:
    """Look again and again until it shows."""
    async with asyncio.timeout(20):
        while not holds(seen := await probe.look()):  # noqa: ASYNC110  what is waited for is outside this process
            await asyncio.sleep(0.02)
    return seen


# gRPC


class Health(grpc.GenericRpcHandler):
    """The health service, by hand."""

    def __init__(self) -> None:
        self.status = b"\x08\x01"
        self.asked: list[bytes] = []

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:  # type: ignore[type-arg]
        if handler_call_details.method != "/grpc.health.v1.Health/Check":
            return None
        return grpc.unary_unary_rpc_method_handler(self._check, bytes, bytes)

    async def _check(self, message: bytes, _: object) -> bytes:
        self.asked.append(message)
        return self.status


@pytest.fixture
async def health() -> AsyncIterator[tuple[Health, int, grpc.aio.Server]]:
    server = grpc.aio.server()
    handler = Health()
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield handler, port, server
    await server.stop(None)


async def test_grpc_health_is_read_from_the_status(health: tuple[Health, int, grpc.aio.Server]) -> None:
    handler, port, server = health
    probe = make(grpc_health, f"127.0.0.1:{port}", service="checkout")
    assert (await look(probe)).reading is Reading.OK
    assert handler.asked == [b"\x0a\x08checkout"]
    handler.status = b"\x08\x02"
    seen = await look(probe)
    assert (seen.reading, seen.detail) == (Reading.FAILED, "not serving")
    handler.status = b"\x08\x01"
    assert (await look(probe)).reading is Reading.OK
    await server.stop(None)
    assert (await look(probe)).reading is Reading.FAILED
    close(probe)


# PostgreSQL


@pytest.fixture
def pair() -> Iterator[Pair]:
    with running_pair() as servers:
        yield servers


async def test_sql_tells_the_primary_from_its_standby_and_the_lag_between_them(pair: Pair) -> None:
    primary = make(sql, pair.servers["dublin"].url, datastore="orders-db")
    standby = make(sql, pair.servers["frankfurt"].url, subject="orders-db", region="frankfurt")
    role, alive = await primary.look()
    assert (role.signal, role.subject, role.region, role.value) == (Signal.PRIMARY, "orders-db", "dublin", 1.0)
    assert (alive.signal, alive.reading, alive.subject) == (Signal.LIVENESS, Reading.OK, "orders-db")

    lag = (await look_until(standby, lambda seen: seen[0].value == 0.0))[0]
    assert (lag.signal, lag.region, lag.subject) == (Signal.LAG, "frankfurt", "orders-db")
    assert (await standby.look())[1].value == 0.0
    pair.servers["frankfurt"].query("SELECT pg_wal_replay_pause()")
    pair.servers["dublin"].query("INSERT INTO ledger VALUES (1)")
    await until(lambda: pair.servers["frankfurt"].query(_BEHIND), "WAL that is received and not replayed")
    first = (await standby.look())[0].value
    await asyncio.sleep(0.2)
    second = (await standby.look())[0].value
    assert first is not None
    assert second is not None
    assert second >= first + 0.15
    pair.servers["frankfurt"].query("SELECT pg_wal_replay_resume()")
    await look_until(standby, lambda seen: seen[0].value == 0.0)
    close(primary)
    close(standby)


_BEHIND = "SELECT pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn()"


async def test_a_standby_cut_off_from_its_primary_does_not_claim_to_have_everything(pair: Pair) -> None:
    standby = make(sql, pair.servers["frankfurt"].url, subject="orders-db", region="frankfurt")
    await standby.look()
    pair.servers["dublin"].kill()
    lag = (await look_until(standby, lambda seen: seen[0].reading is Reading.UNKNOWN))[0]
    assert lag.signal is Signal.LAG
    assert lag.value is None
    close(standby)


async def test_a_dead_and_a_frozen_server_fail_within_the_time_out(pair: Pair) -> None:
    server = pair.servers["dublin"]
    probe = make(sql, server.url, datastore="orders-db")
    await probe.look()
    server.signal(signal.SIGSTOP)
    async with asyncio.timeout(3):
        *values, alive = await probe.look()
    assert (alive.reading, alive.detail) == (Reading.FAILED, "timed out waiting for the answer")
    assert {seen.reading for seen in values} == {Reading.UNKNOWN}
    server.signal(signal.SIGCONT)
    await look_until(probe, lambda seen: seen[-1].reading is Reading.OK)
    server.kill()
    assert (await probe.look())[-1].reading is Reading.FAILED
    close(probe)


async def test_an_account_that_is_refused_is_the_probers_own_fault(pair: Pair) -> None:
    url = pair.servers["dublin"].url
    probe = make(sql, url.replace("leeward@", "stranger@"), datastore="orders-db")
    assert {seen.reading for seen in await probe.look()} == {Reading.UNKNOWN}
    close(probe)


# Envoy


class Shop(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self) -> None:
        self.send_response(500 if self.path.endswith("/bad") else 200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    shop = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    thread = threading.Thread(target=shop.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    port = int(shop.server_address[1])
    clusters = {"checkout@dublin": port, "checkout@london": port, "shed": port, "refused": port}
    with running_edge(tmp_path, clusters, {"checkout@IE": {"checkout@dublin": 1_000_000}}) as running:
        yield running
    shop.shutdown()
    shop.server_close()


def _only(seen: tuple[Observation, ...], what: Signal) -> list[Observation]:
    return [one for one in seen if one.signal is what]


async def test_the_edge_counts_success_and_demand_and_silence_is_no_success(edge: Edge) -> None:
    probe = make(envoy, edge.admin_url)
    assert await probe.look() == ()
    for number in range(10):
        edge.ask("/checkout/bad" if number < 3 else "/checkout", "IE")
    await asyncio.sleep(0.6)
    seen = await probe.look()
    (success,) = _only(seen, Signal.SUCCESS)
    assert (success.region, success.subject, success.weight) == ("dublin", "checkout", 10.0)
    assert success.value == pytest.approx(0.7)
    (demand,) = _only(seen, Signal.DEMAND)
    assert (demand.origin, demand.region, demand.subject) == ("IE", "*", "checkout")
    assert demand.value is not None
    assert 0 < demand.value <= 10 / 0.6
    await asyncio.sleep(0.6)
    quiet = await probe.look()
    assert _only(quiet, Signal.SUCCESS) == []
    assert _only(quiet, Signal.DEMAND)[0].value == 0.0
    close(probe)


async def test_probes_of_one_edge_share_its_counters_and_each_keeps_to_its_own(edge: Edge) -> None:
    here, there = make(envoy, edge.admin_url), make(envoy, edge.admin_url, region="london")
    whole = make(envoy, edge.admin_url, subject="*", region="*")
    for probe in (here, there, whole):
        await probe.look()
    edge.ask("/checkout", "IE")
    await asyncio.sleep(0.6)
    found = await asyncio.gather(here.look(), there.look(), whole.look())
    regions = [[one.region for one in _only(seen, Signal.SUCCESS)] for seen in found]
    assert regions == [["dublin"], [], ["dublin"]]
    for probe in (here, there, whole):
        close(probe)


async def test_a_restarted_edge_is_a_new_beginning_and_a_dead_one_is_unknown(edge: Edge, tmp_path: Path) -> None:
    probe = make(envoy, edge.admin_url)
    edge.ask("/checkout/bad", "IE")
    await probe.look()
    assert edge.restart().stat("cluster.checkout@dublin.upstream_rq_total") == 0
    edge.ask("/checkout", "IE")
    await asyncio.sleep(0.6)
    assert await probe.look() == ()
    edge.ask("/checkout", "IE")
    await asyncio.sleep(0.6)
    assert [one.value for one in _only(await probe.look(), Signal.SUCCESS)] == [1.0]
    edge.stop()
    await asyncio.sleep(0.6)
    seen = await look(probe)
    assert (seen.signal, seen.reading) == (Signal.SUCCESS, Reading.UNKNOWN)
    close(probe)


# TLS


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    cert, secret = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert, secret


@pytest.mark.parametrize("keep", [False, True])
async def test_https_trusts_whom_it_is_told_to(tmp_path: Path, keep: bool) -> None:
    cert, secret = certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, secret)
    connections: list[asyncio.StreamWriter] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    url = f"https://localhost:{server.sockets[0].getsockname()[1]}/"
    trusting, doubting, careless = (
        make(https, url, keep=keep, ca=str(cert)),
        make(https, url),
        make(https, url, verify=False),
    )
    assert [(await look(trusting)).reading for _ in range(3)] == [Reading.OK] * 3
    assert len(connections) == (1 if keep else 3)
    seen = await look(doubting)
    assert seen.reading is Reading.FAILED
    assert seen.detail.startswith("TLS: ")
    assert (await look(careless)).reading is Reading.OK
    for probe in (trusting, doubting, careless):
        close(probe)
    server.close()
    for writer in connections:
        writer.close()
    await asyncio.sleep(0.05)
    assert (await look(trusting)).reading is Reading.FAILED
