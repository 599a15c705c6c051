"""The scheduler with http and tcp probes against real sockets on loopback."""

import asyncio
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import timedelta

import pytest
import uvloop

from controlplane.model.evidence import Observation, Reading
from controlplane.model.resources.kind import Setting
from controlplane.model.resources.service import ProbeSpec
from controlplane.probes.http import http
from controlplane.probes.scheduler import Scheduler
from controlplane.probes.tcp import tcp
from controlplane.probes.watch import Spot, Watch
from tests.servers.wall import WallClock, until

CLOCK = WallClock()
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(params=[asyncio.DefaultEventLoopPolicy, uvloop.EventLoopPolicy], ids=["asyncio", "uvloop"])
def event_loop_policy(request: pytest.FixtureRequest) -> asyncio.AbstractEventLoopPolicy:
    """The daemon runs on uvloop, the simulator and tests on asyncio's own loop."""
    policy: asyncio.AbstractEventLoopPolicy = request.param()
    return policy


class Seen(list[Observation]):
    """A sink that counts."""

    def readings(self, region: str = "dublin") -> Counter[Reading]:
        return Counter(seen.reading for seen in self if seen.region == region)

    def of(self, reading: Reading) -> list[Observation]:
        return [seen for seen in self if seen.reading is reading]


@asynccontextmanager
async def serving(talk: Talk, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """A server that talks as told on every connection; the port."""

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await talk(reader, writer)
        writer.close()

    server = await asyncio.start_server(guarded, host, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)


async def _silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


@asynccontextmanager
async def watching(*watches: Watch) -> AsyncIterator[tuple[Seen, Scheduler]]:
    """A running scheduler and what it has seen."""
    seen = Seen()
    scheduler = Scheduler(seen.append, CLOCK, {"http": http, "tcp": tcp}, vantage="observatory")
    scheduler.watch(watches)
    task = asyncio.create_task(scheduler.run())
    await asyncio.sleep(0)
    try:
        yield seen, scheduler
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def watch(
    target: str, *, region: str = "dublin", interval_s: float = 0.05, timeout_s: float = 1.0, **more: Setting
) -> Watch:
    spec = ProbeSpec(
        kind=target.partition(":")[0],
        target=target.removeprefix("tcp:"),
        interval=timedelta(seconds=interval_s),
        timeout=timedelta(seconds=timeout_s),
        with_=more,
    )
    return Watch(spec, Spot("observatory", region, "checkout", CLOCK))


@pytest.mark.parametrize("keep", [False, True])
async def test_a_server_that_answers_is_ok_at_every_look(keep: bool) -> None:
    connections = 0

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await _answer(reader, writer)

    async with serving(count) as port, watching(watch(f"http://127.0.0.1:{port}/", keep=keep)) as (seen, _):
        await until(lambda: len(seen) >= 4, "four looks")
    assert set(seen.readings()) == {Reading.OK}
    assert (connections == 1) is keep
    first = seen[0]
    assert (first.vantage, first.region, first.subject) == ("observatory", "dublin", "checkout")
    assert (first.fall, first.rise) == (3, 5)
    assert [one.observed_at for one in seen] == sorted(one.observed_at for one in seen)


async def test_a_refused_connection_is_a_failure_at_once() -> None:
    async with serving(_answer) as port:
        pass
    async with watching(watch(f"http://127.0.0.1:{port}/", interval_s=0.1, timeout_s=30.0)) as (seen, _):
        await until(lambda: len(seen) >= 2, "two looks")
    assert set(seen.readings()) == {Reading.FAILED}
    assert seen[0].detail == "Connection refused"


async def test_a_server_that_never_answers_times_out() -> None:
    async with serving(_silence) as port, watching(watch(f"http://127.0.0.1:{port}/", timeout_s=0.1)) as (seen, _):
        await until(lambda: len(seen) >= 2, "two looks")
    assert set(seen.readings()) == {Reading.FAILED}
    assert seen[0].detail == "timed out waiting for the answer"


async def test_a_slow_answer_is_waited_for_and_never_asked_for_twice_at_once() -> None:
    asked = answering = most = 0

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked, answering, most
        await reader.readuntil(b"\r\n\r\n")
        asked, answering = asked + 1, answering + 1
        most = max(most, answering)
        await asyncio.sleep(0.15)
        writer.write(OK)
        answering -= 1

    async with serving(slow) as port, watching(watch(f"http://127.0.0.1:{port}/")) as (seen, _):
        await until(lambda: len(seen) >= 3, "three looks")
    assert set(seen.readings()) == {Reading.OK}
    assert most == 1
    assert asked >= 3


async def test_an_answer_with_an_error_or_garbage_is_a_failure() -> None:
    async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"\x15\x03\x01 what?")

    async def unwell(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")

    async with serving(garbage) as one, serving(unwell) as two:
        watches = [watch(f"http://127.0.0.1:{port}/", region=f"r{port}") for port in (one, two)]
        async with watching(*watches) as (seen, _):
            await until(lambda: {"answered 503", "the answer is not HTTP"} <= {o.detail for o in seen}, "both failures")
    assert set(Counter(one.reading for one in seen)) == {Reading.FAILED}


async def test_a_kept_connection_that_the_server_closes_between_looks_is_replaced_without_a_failure() -> None:
    connections = 0

    async def one_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await asyncio.sleep(0.02)

    async with serving(one_answer) as port, watching(watch(f"http://127.0.0.1:{port}/", keep=True)) as (seen, _):
        await until(lambda: connections >= 3, "new connections")
    assert set(seen.readings()) == {Reading.OK}


async def test_a_prober_out_of_descriptors_has_seen_nothing() -> None:
    async with serving(_answer) as port, watching(watch(f"http://127.0.0.1:{port}/")) as (seen, _):
        await until(lambda: seen, "a look")
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
        try:
            await until(lambda: seen[-1].reading is Reading.UNKNOWN, "a look that could not be made")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert seen[-1].detail == "Too many open files"
        await until(lambda: seen[-1].reading is Reading.OK, "looks again")
    assert Reading.FAILED not in seen.readings()


async def test_a_time_out_while_the_prober_stood_still_is_unknown() -> None:
    asked = asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()

    async with (
        serving(mute) as port,
        watching(watch(f"http://127.0.0.1:{port}/", interval_s=0.2, timeout_s=0.3)) as (seen, _),
    ):
        await asked.wait()
        time.sleep(0.6)  # noqa: ASYNC251  the stall is the test
        await until(lambda: seen, "the end of the look")
        assert seen[0].reading is Reading.UNKNOWN
        assert "stood still" in seen[0].detail
        await until(lambda: seen[-1].reading is Reading.FAILED, "a time-out that counts")


async def test_silence_from_every_region_is_unknown_and_from_one_of_them_a_failure() -> None:
    mute = False

    async def maybe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if mute:
            await reader.read()
        writer.write(OK)

    async with serving(_silence) as one, serving(maybe) as two:
        watches = (
            watch(f"http://127.0.0.1:{one}/", region="dublin", timeout_s=0.05),
            watch(f"http://127.0.0.1:{two}/", region="london", timeout_s=0.05),
        )
        async with watching(*watches) as (seen, _):
            await until(lambda: seen.readings()[Reading.FAILED] > 2 and seen.readings("london")[Reading.OK] > 2, "both")
            assert Reading.UNKNOWN not in seen.readings()
            mute = True
            await until(
                lambda: seen.readings()[Reading.UNKNOWN] > 1 and seen.readings("london")[Reading.UNKNOWN] > 1, "doubt"
            )
    assert "nothing answers from here" in seen[-1].detail


SERVER = """
import http.server, sys
class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200); self.send_header("content-length", "0"); self.end_headers()
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
print(server.server_address[1], flush=True)
server.serve_forever()
"""


@contextmanager
def process(program: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A Python program in a process of its own that prints its port first."""
    server = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert server.stdout is not None
    try:
        yield server, int(server.stdout.readline())
    finally:
        server.kill()
        server.wait(timeout=10)
        server.stdout.close()


async def test_the_end_of_a_held_connection_is_evidence_at_once() -> None:
    """The next regular look is a minute away: only the held connection can have told."""
    with process(SERVER) as (server, port):
        async with watching(watch(f"http://127.0.0.1:{port}/", interval_s=60.0, hold=True)) as (seen, scheduler):
            next(iter(scheduler._targets.values())).look()
            await until(lambda: seen.readings()[Reading.OK], "a first look")
            await asyncio.sleep(0.1)
            server.send_signal(signal.SIGKILL)
            await until(lambda: seen.readings()[Reading.FAILED] >= 3, "the end and two confirming looks")
            await asyncio.sleep(0.05)
    failures = seen.of(Reading.FAILED)
    assert failures[0].detail == "the connection held open ended"
    # A process that is being killed may still accept what it then resets.
    assert {one.detail for one in failures[1:]} <= {"Connection refused", "Connection reset by peer"}
    assert len(failures) == 3
    assert failures[0].observed_at <= failures[1].observed_at


async def test_a_held_connection_that_a_healthy_server_closes_is_confirmed_well_and_held_again() -> None:
    held: list[asyncio.StreamWriter] = []

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)
        await _answer(reader, writer)

    async with (
        serving(hold) as port,
        watching(watch(f"http://127.0.0.1:{port}/", interval_s=60.0, hold=True)) as (seen, scheduler),
    ):
        next(iter(scheduler._targets.values())).look()
        await until(lambda: len(held) == 2, "a look and a held connection")
        held[-1].close()
        await until(lambda: len(seen) == 2 and len(held) == 4, "a confirming look and another held connection")
    assert set(seen.readings()) == {Reading.OK}


async def test_watches_that_stay_are_not_disturbed_by_a_reload_and_those_that_go_fall_silent() -> None:
    async with serving(_answer) as port:
        stays = watch(f"http://127.0.0.1:{port}/stays", region="dublin")
        goes = watch(f"http://127.0.0.1:{port}/goes", region="london")
        comes = watch(f"http://127.0.0.1:{port}/comes", region="paris")
        async with watching(stays, goes) as (seen, scheduler):
            await until(lambda: seen.readings("dublin") and seen.readings("london"), "both")
            before = scheduler._targets[stays.key]
            scheduler.watch([stays, comes])
            gone = seen.readings("london")
            await until(lambda: seen.readings("paris"), "the new one")
            assert scheduler._targets[stays.key] is before
            assert seen.readings("london") == gone
            assert scheduler.watched == 2


async def test_tcp_connects_and_may_wait_for_a_greeting() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail")
        await writer.drain()
        await reader.read()

    async with serving(greet) as port:
        plain = watch(f"tcp:127.0.0.1:{port}", region="plain")
        right = watch(f"tcp:127.0.0.1:{port}", region="right", expect="220 ")
        wrong = watch(f"tcp:127.0.0.1:{port}", region="wrong", expect="PONG", send="PING", timeout_s=0.1)
        async with watching(plain, right, wrong) as (seen, _):
            await until(lambda: all(seen.readings(region) for region in ("plain", "right", "wrong")), "all three")
    assert set(seen.readings("plain")) == set(seen.readings("right")) == {Reading.OK}
    assert set(seen.readings("wrong")) == {Reading.FAILED}


async def test_a_name_is_resolved_and_a_name_that_does_not_exist_is_never_ok() -> None:
    async with serving(_answer) as port:
        known = watch(f"http://localhost:{port}/", region="known")
        unknown = watch(f"http://nowhere.invalid:{port}/", region="unknown")
        async with watching(known, unknown) as (seen, _):
            await until(lambda: seen.readings("known")[Reading.OK] > 1 and seen.readings("unknown"), "both")
    assert Reading.OK not in seen.readings("unknown")
    assert set(seen.readings("known")) == {Reading.OK}


async def test_one_look_works_without_a_scheduler() -> None:
    async with serving(_answer) as port:
        one = watch(f"http://127.0.0.1:{port}/")
        (seen,) = await http(one.spec, one.spot).look()
    assert seen.reading is Reading.OK
