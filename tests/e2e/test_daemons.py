"""The control plane itself in trouble: killed in mid-shift, two of them, no store, policies broken by an edit."""

import resource
import signal
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from controlplane.sandbox import census
from tests.e2e.stage import Daemon, Stage, carried, drained, load, risen, small_at_pace, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(200),
    pytest.mark.xdist_group("e2e"),
    pytest.mark.asyncio(loop_scope="module"),
]
LEFT = "frankfurt"
Trouble = Callable[[Daemon, Path], AbstractContextManager[None]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """A small estate under load. Each test runs daemons of its own, over a store of its own."""
    async with risen(tmp_path_factory.mktemp("daemons"), small_at_pace(), rate=40.0) as stage:
        stage.sandbox.start_users(load())
        yield stage


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def alone(stage: Stage) -> AsyncIterator[None]:
    """No daemon and no fault outlives its test, and the edge is as it was."""
    routes = stage.sandbox.plan.routes.read_bytes()
    yield
    for daemon in stage.daemons:
        daemon.stop()
    for fault in stage.sandbox.faults.active():
        await stage.sandbox.end(fault.id)
    fresh = stage.sandbox.plan.routes.with_suffix(".fresh")
    fresh.write_bytes(routes)
    fresh.replace(stage.sandbox.plan.routes)


async def _bring_back(stage: Stage, daemon: Daemon) -> None:
    """Undo a drain, so that the next test finds the region in use."""
    said = await stage.leeward(*_to(daemon, "failback", LEFT))
    assert said.code == 0, said.err

    async def back() -> bool:
        status = await daemon.status()
        return carried(status, LEFT) > 0 and not drained(status, LEFT) and not status["inFlight"]

    await until(back, f"{LEFT} in use again")


def _to(daemon: Daemon, *words: str) -> tuple[str, ...]:
    return (*words, "--yes", "--reason", "a test", "--by", "ana", "--daemon", str(daemon.address))


async def test_killed_in_mid_shift_it_goes_on_and_finishes_when_it_is_started_again(stage: Stage) -> None:
    store = "killed.db"
    daemon = stage.start(store=store)
    await daemon.leads()
    before = carried(await daemon.status(), LEFT)
    said = await stage.leeward(*_to(daemon, "drain", LEFT))
    assert said.code == 0, said.err

    async def half_way() -> bool:
        return 0 < carried(await daemon.status(), LEFT) < before

    await until(half_way, "a ramp that has begun")
    daemon.kill()
    await stage.users_succeed()
    again = stage.start(store=store)

    async def finished() -> bool:
        status = await again.status()
        return drained(status, LEFT) and not status["inFlight"]

    await until(finished, f"{LEFT} drained by the daemon that was started again")
    await stage.users_succeed()
    assert await _every_intent_has_its_outcome(again)
    assert census.double_active_s(stage.sandbox.plan) == 0.0
    await _bring_back(stage, again)


async def _every_intent_has_its_outcome(daemon: Daemon) -> bool:
    intents = {entry["seq"] for entry in await daemon.journal("intent")}
    return intents <= {entry["facts"]["intent"] for entry in await daemon.journal("outcome")}


async def test_of_two_daemons_one_leads_and_the_other_takes_over_with_a_higher_epoch(stage: Stage) -> None:
    store = "pair.db"
    first = stage.start("one", store=store)
    await first.leads()
    second = stage.start("two", store=store)

    async def follows() -> bool:
        status = await second.status()
        return bool(status.get("mode") == "following" and status["leader"] == "one")

    await until(follows, "a second daemon that follows the first")
    epoch = (await first.status())["epoch"]
    first.kill()
    await second.leads()
    status = await second.status()
    assert status["leader"] == "two"
    assert status["epoch"] > epoch
    said = await stage.leeward(*_to(second, "drain", LEFT))
    assert said.code == 0, said.err

    async def left() -> bool:
        return drained(await second.status(), LEFT)

    await until(left, f"{LEFT} drained by the one that took over")
    back = stage.start("one", store=store)

    async def obeys() -> bool:
        now = await back.status()
        return bool(now.get("mode") == "following" and now["leader"] == "two")

    await until(obeys, "the old leader follows when it is back")
    acts = [entry for entry in await second.journal() if entry["kind"] == "intent"]
    assert acts
    assert {entry["epoch"] for entry in acts} == {status["epoch"]}
    await _bring_back(stage, second)


async def _fall_asleep(daemon: Daemon, store: Path) -> None:
    """Freeze a daemon at a moment at which it does not hold the lock of the store: a file cannot be freed from that."""

    async def asleep() -> bool:
        daemon.process.send_signal(signal.SIGSTOP)
        try:
            with sqlite3.connect(store, isolation_level=None, timeout=0.1) as free:
                free.execute("BEGIN IMMEDIATE")
                free.execute("ROLLBACK")
        except sqlite3.OperationalError:
            daemon.process.send_signal(signal.SIGCONT)
            return False
        return True

    await until(asleep, "a daemon frozen between two writings")


async def test_a_leader_that_slept_through_its_lease_acts_on_nothing(stage: Stage) -> None:
    store = "asleep.db"
    first = stage.start("one", store=store)
    await first.leads()
    second = stage.start("two", store=store)
    await _fall_asleep(first, stage.home / store)
    try:
        await second.leads()
    finally:
        first.process.send_signal(signal.SIGCONT)
    epoch = (await second.status())["epoch"]
    fault = await stage.sandbox.fault("kill", "london")

    async def left() -> bool:
        return drained(await second.status(), "london")

    await until(left, "london drained by the one that leads")

    async def obeys() -> bool:
        return bool((await first.status()).get("leader") == "two")

    await until(obeys, "the one that slept knows who leads")
    entries = await second.journal("intent")
    assert entries
    assert {entry["epoch"] for entry in entries} == {epoch}
    await stage.sandbox.end(fault)

    async def back() -> bool:
        status = await second.status()
        return carried(status, "london") > 0 and not drained(status, "london")

    await until(back, "london in use again")


@contextmanager
def _locked(_: Daemon, store: Path) -> Iterator[None]:
    """Nobody else can write the store."""
    lock = sqlite3.connect(store, isolation_level=None, timeout=10)
    lock.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        lock.execute("ROLLBACK")
        lock.close()


@contextmanager
def _full(daemon: Daemon, store: Path) -> Iterator[None]:
    """The disk takes no more of it: no file of the daemon's may grow beyond what the store's log has now."""
    size = store.with_name(f"{store.name}-wal").stat().st_size
    before = resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("trouble", [_locked, _full])
async def test_without_its_store_it_holds_says_so_and_traffic_stays_as_it_was(stage: Stage, trouble: Trouble) -> None:
    store = f"lost{trouble.__name__}.db"
    daemon = stage.start(store=store)
    await daemon.leads()
    with trouble(daemon, stage.home / store):
        routes = stage.sandbox.plan.routes.read_bytes()
        fault = await stage.sandbox.fault("kill", "london")

        async def holds() -> bool:
            status = await daemon.status()
            return bool(status.get("mode") == "holding" and not status["store"]["ok"] and status["store"]["problem"])

        await until(holds, "a daemon that holds for want of its store (R16)")
        assert stage.sandbox.plan.routes.read_bytes() == routes

    async def left() -> bool:
        return drained(await daemon.status(), "london")

    await until(left, "london drained once the store is back")
    assert any("R16" in entry["rules"] for entry in await daemon.journal("hold"))
    await stage.sandbox.end(fault)

    async def back() -> bool:
        status = await daemon.status()
        return carried(status, "london") > 0 and not drained(status, "london")

    await until(back, "london in use again")


async def test_a_store_that_cannot_be_written_is_a_clear_error_at_the_start(stage: Stage) -> None:
    routes = stage.sandbox.plan.routes.read_bytes()
    daemon = stage.start(store="no-such-folder.db/leeward.db")
    (stage.home / "no-such-folder.db").write_text("a file stands where a folder should be")
    assert daemon.process.wait(timeout=60) != 0
    said = daemon.log.read_text(errors="replace")
    assert "Traceback" not in said.rpartition("{")[2]
    assert "leeward.db" in said
    assert stage.sandbox.plan.routes.read_bytes() == routes


async def test_policies_broken_by_an_edit_are_refused_and_the_last_good_ones_stay(stage: Stage) -> None:
    daemon = stage.start(store="edited.db")
    await daemon.leads()
    file = stage.policies / "sandbox.yaml"
    good = file.read_text()
    version = (await daemon.status())["policies"]["version"]
    try:
        file.write_text(good.replace("kind: Region", "kind: Regoin", 1))

        async def refused() -> bool:
            return bool((await daemon.status())["policies"]["problem"])

        await until(refused, "a problem with the policies")
        status = await daemon.status()
        assert status["policies"]["version"] == version
        assert "Regoin" in status["policies"]["problem"]
        assert len(status["regions"]) == len(stage.estate.regions)
        fault = await stage.sandbox.fault("kill", "london")

        async def left() -> bool:
            return drained(await daemon.status(), "london")

        await until(left, "london drained under the last good policies")
        await stage.sandbox.end(fault)
    finally:
        file.write_text(good)

    async def mended() -> bool:
        return not (await daemon.status())["policies"]["problem"]

    await until(mended, "good policies again")

    async def back() -> bool:
        status = await daemon.status()
        return carried(status, "london") > 0 and not drained(status, "london")

    await until(back, "london in use again")
