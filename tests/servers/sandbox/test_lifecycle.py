import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from controlplane.sandbox import servers
from controlplane.sandbox.plan import Address, SandboxPlan, load_plan
from controlplane.sandbox.planning import Options
from controlplane.sandbox.processes import Processes
from controlplane.sandbox.rise import Step
from controlplane.sandbox.sandbox import AlreadyUp, Sandbox
from tests.servers.sandbox.conftest import NOBODY, until
from tests.servers.sandbox.small_estate import small_estate
from tests.servers.sandbox.users import buy

ROOT = Path(__file__).resolve().parents[3]


def _addresses(plan: SandboxPlan) -> set[Address]:
    own = {plan.control, plan.edge.listener, plan.edge.admin, plan.edge.shed, plan.edge.refused}
    for region in plan.regions.values():
        own |= {region.ingress, region.shop, region.redis, *region.peers.values()}
    for store in plan.datastores.values():
        own |= {*store.server.values(), *store.ingress.values()}
    return own


def _listening(address: Address) -> bool:
    with socket.socket() as knock:
        knock.settimeout(1)
        return knock.connect_ex(address) == 0


def _traces(directory: Path) -> list[str]:
    """Every process that has the directory in its command line or works in it, the caller's own aside."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                here = str((entry / "cwd").readlink())
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if state not in {"Z", "X"} and (str(directory) in line or here.startswith(str(directory))):
                found.append(f"{entry.name} {line}")
    return found


def _nothing_is_left(plan: SandboxPlan) -> None:
    assert _traces(plan.home) == []
    assert [str(address) for address in _addresses(plan) if _listening(address)] == []


@contextmanager
def _owner(directory: Path, how: str) -> Iterator["subprocess.Popen[str]"]:
    """A process of its own that brings a sandbox up; yields once it is up."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.servers.sandbox.owner", str(directory), how],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        assert "up\n" in iter(child.stdout.readline, "")
        yield child
    finally:
        if child.poll() is None:
            child.kill()
        child.wait()
        if child.stdout is not None:
            child.stdout.close()


async def test_two_sandboxes_live_side_by_side_and_down_of_one_leaves_the_other(tmp_path: Path) -> None:
    one = Sandbox.create(small_estate(), tmp_path / "one", Options(rate=50, ofrep=NOBODY))
    two = Sandbox.create(small_estate(), tmp_path / "two", Options(rate=50, ofrep=NOBODY))
    assert _addresses(one.plan).isdisjoint(_addresses(two.plan))
    steps: list[Step] = []
    try:
        await asyncio.gather(one.up(steps.append), two.up())
        assert [step.done for step in steps] == list(range(1, steps[0].of + 1))
        assert (await buy(one.plan)).status == (await buy(two.plan)).status == 200
        one.down()
        _nothing_is_left(one.plan)
        assert (await buy(two.plan)).status == 200
        one.down()
    finally:
        one.down()
        two.down()
    _nothing_is_left(two.plan)


async def test_down_also_ends_what_is_frozen_and_the_same_directory_can_be_used_again(state: Path) -> None:
    sandbox = Sandbox.create(small_estate(), state, Options(rate=50, ofrep=NOBODY))
    try:
        await sandbox.up()
        await sandbox.fault("freeze", "dublin")
        with pytest.raises(AlreadyUp):
            Sandbox.create(small_estate(), state)
        Sandbox.open(state).down()
        _nothing_is_left(sandbox.plan)
        again = Sandbox.create(small_estate(), state, Options(rate=50, ofrep=NOBODY))
        await again.up()
        assert (await buy(again.plan, identity="anew")).status == 201
        assert again.faults.active() == ()
    finally:
        Sandbox.open(state).down()


async def test_an_attached_sandbox_dies_with_its_owner_even_if_that_is_killed(state: Path) -> None:
    with _owner(state, "attached") as owner:
        plan = load_plan(state)
        assert (await buy(plan)).status == 200
        owner.kill()
        owner.wait()

        async def gone() -> bool:
            return not _traces(state)

        await until(gone)
    Sandbox.open(state).down()
    _nothing_is_left(plan)


async def test_a_detached_sandbox_outlives_its_owner_and_down_works_from_the_state_it_left(state: Path) -> None:
    with _owner(state, "detached") as owner:
        owner.kill()
        owner.wait()
    sandbox = Sandbox.open(state)
    try:
        assert (await buy(sandbox.plan)).status == 200
        status = await sandbox.status()
        assert status["up"]
        assert status["datastores"] == {"orders-db": "dublin"}
        assert all(process["alive"] for process in status["processes"])
    finally:
        sandbox.down()
    _nothing_is_left(sandbox.plan)
    assert not (await sandbox.status())["up"]


async def test_ctrl_c_takes_everything_down(state: Path) -> None:
    with _owner(state, "attached") as owner:
        owner.send_signal(signal.SIGINT)
        owner.wait(timeout=20)
    _nothing_is_left(load_plan(state))


async def test_ctrl_c_while_it_starts_leaves_nothing_either(state: Path) -> None:
    sandbox = Sandbox.create(small_estate(), state, Options(rate=50, ofrep=NOBODY))
    begun = asyncio.Event()
    rising = asyncio.create_task(sandbox.up(lambda _step: begun.set()))
    async with asyncio.timeout(20):
        await begun.wait()
    rising.cancel()
    with pytest.raises(asyncio.CancelledError):
        await rising
    _nothing_is_left(sandbox.plan)


async def test_a_part_that_cannot_start_is_named_with_its_last_words_and_the_rest_is_ended(state: Path) -> None:
    sandbox = Sandbox.create(small_estate(), state, Options(rate=50, ofrep=NOBODY))
    with socket.socket() as taken:
        taken.bind(sandbox.plan.regions["london"].redis)
        taken.listen()
        with pytest.raises((servers.NotReady, OSError), match=r"redis-london"):
            await sandbox.up()
    _nothing_is_left(sandbox.plan)


def test_a_record_whose_number_was_given_to_a_stranger_kills_nobody(state: Path) -> None:
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        Sandbox.create(small_estate(), state, Options(rate=50, ofrep=NOBODY))
        records = state / "processes"
        records.mkdir(exist_ok=True)
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        (records / "shop-dublin.json").write_text(
            f'{{"name": "shop-dublin", "kind": "shop", "region": "dublin", "pid": {stranger.pid}, "started": 1,'
            f' "boot": "{boot}", "cwd": "{state}"}}'
        )
        Sandbox.open(state).down()
        assert stranger.poll() is None
        assert Processes(records, state / "logs").all() == ()
    finally:
        stranger.kill()
        stranger.wait()
