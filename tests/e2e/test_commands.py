"""The operator's commands against a daemon that runs, and with none that does."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.e2e.stage import Daemon, Stage, carried, drained, load, risen, small_at_pace, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(200),
    pytest.mark.xdist_group("e2e"),
    pytest.mark.asyncio(loop_scope="module"),
]
LEFT = "frankfurt"
STORE = "commands.db"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with risen(tmp_path_factory.mktemp("commands"), small_at_pace(), rate=40.0) as stage:
        stage.sandbox.start_users(load())
        await stage.start(store=STORE).leads()
        yield stage


@pytest.fixture
def daemon(stage: Stage) -> Daemon:
    return stage.daemons[0]


def _say(daemon: Daemon, *words: str) -> tuple[str, ...]:
    return (*words, "--yes", "--reason", "a test", "--by", "ana", "--daemon", str(daemon.address))


@pytest.mark.parametrize("command", ["status", "plan", "history"])
async def test_a_look_answers_one_json_value_and_leaves_everything_as_it_is(
    stage: Stage, daemon: Daemon, command: str
) -> None:
    before = (await daemon.status())["shares"]
    said = await stage.leeward(command, "--json", "--daemon", str(daemon.address))
    assert said.code == 0, said.err
    assert said.json
    assert (await daemon.status())["shares"] == before


async def test_a_drain_moves_everything_out_and_a_failback_brings_it_back(stage: Stage, daemon: Daemon) -> None:
    said = await stage.leeward(*_say(daemon, "drain", LEFT))
    assert said.code == 0, said.err

    async def left() -> bool:
        return drained(await daemon.status(), LEFT)

    await until(left, f"{LEFT} drained")
    await stage.users_succeed()
    (override,) = (await daemon.status())["overrides"]
    assert (override["region"], override["by"], override["reason"]) == (LEFT, "ana", "a test")
    said = await stage.leeward(*_say(daemon, "failback", LEFT))
    assert said.code == 0, said.err

    async def back() -> bool:
        status = await daemon.status()
        return carried(status, LEFT) > 0 and not drained(status, LEFT)

    await until(back, f"{LEFT} in use again")
    await stage.users_succeed()


async def test_a_knob_is_turned_by_hand_and_restored(stage: Stage, daemon: Daemon) -> None:
    said = await stage.leeward(*_say(daemon, "degrade", "recommendations=off"))
    assert said.code == 0, said.err

    async def turned() -> bool:
        flag = await daemon.ask("/v1/status")
        return bool(flag and flag["knobs"]["recommendations"] == "off")

    await until(turned, "recommendations off")
    said = await stage.leeward(*_say(daemon, "restore", "recommendations"))
    assert said.code == 0, said.err

    async def restored() -> bool:
        return bool((await daemon.status())["knobs"]["recommendations"] == "full")

    await until(restored, "recommendations full")


async def test_a_paused_machine_watches_and_does_not_act_until_it_is_resumed(stage: Stage, daemon: Daemon) -> None:
    said = await stage.leeward(*_say(daemon, "pause"))
    assert said.code == 0, said.err
    before = carried(await daemon.status(), "london")
    fault = await stage.sandbox.fault("kill", "london")

    async def seen() -> bool:
        status = await daemon.status()
        states = {one["region"]: one["state"] for one in status.get("regions", [])}
        return states.get("london") == "down" and bool(status["plan"]["actions"])

    await until(seen, "london seen down, with a plan to leave it")
    assert carried(await daemon.status(), "london") == before
    said = await stage.leeward(*_say(daemon, "resume"))
    assert said.code == 0, said.err

    async def left() -> bool:
        return drained(await daemon.status(), "london")

    await until(left, "london drained once the machine may act again")
    await stage.sandbox.end(fault)

    async def back() -> bool:
        status = await daemon.status()
        return carried(status, "london") > 0 and not drained(status, "london")

    await until(back, "london in use again")


async def test_what_is_proposed_waits_for_a_persons_yes(stage: Stage, daemon: Daemon) -> None:
    file = stage.policies / "sandbox.yaml"
    acts = file.read_text()
    file.write_text(acts.replace("autonomy: act", "autonomy: propose"))
    version = (await daemon.status())["policies"]["version"]

    async def read() -> bool:
        return bool((await daemon.status())["policies"]["version"] != version)

    await until(read, "policies that only propose")
    fault = await stage.sandbox.fault("kill", "london")
    try:

        async def asked() -> bool:
            return bool((await daemon.status()).get("approvals"))

        await until(asked, "something that waits for a person")
        assert carried(await daemon.status(), "london") > 0

        async def approved() -> bool:
            status = await daemon.status()
            for waiting in status.get("approvals", []):
                await stage.leeward(*_say(daemon, "approve", waiting["id"]))
            return carried(status, "london") == 0.0

        await until(approved, "london left, by a person's word")
    finally:
        file.write_text(acts)
    await stage.sandbox.end(fault)

    async def back() -> bool:
        status = await daemon.status()
        return carried(status, "london") > 0 and not status["inFlight"]

    await until(back, "london in use again")


async def test_with_the_daemon_dead_the_policies_and_the_store_are_enough(stage: Stage, daemon: Daemon) -> None:
    daemon.kill()
    nobody = await stage.leeward("status", "--json", "--daemon", str(daemon.address))
    assert nobody.code == 5
    assert "Traceback" not in nobody.err
    direct = ("--direct", "--policies", str(stage.policies), "--store", str(stage.home / STORE))
    looked = await stage.leeward("status", "--json", *direct)
    assert looked.code == 0, looked.err
    assert looked.json["regions"]
    who = ("--yes", "--reason", "a test", "--by", "ana")
    said = await stage.leeward("drain", LEFT, *who, *direct)
    assert said.code == 0, said.err
    assert f"@{LEFT}" not in stage.sandbox.plan.routes.read_text()
    await stage.users_succeed()
    said = await stage.leeward("degrade", "recommendations=off", *who, *direct)
    assert said.code == 0, said.err
    again = stage.start(store=STORE)
    await again.leads()
    status = await again.status()
    assert drained(status, LEFT), "what was done without a daemon is known to the next"
    assert status["knobs"]["recommendations"] == "off"
