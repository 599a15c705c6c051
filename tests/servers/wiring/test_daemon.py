import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from controlplane.api.client import Client
from controlplane.service.verbs import Degrade, Said
from tests.servers.wiring.process import Daemon, Estate, estate_in, until

SAID = Said("ana", "a test")


async def leading(estate: Estate, name: str = "one") -> Daemon:
    daemon = await estate.daemon(name)
    await daemon.mode("leading")
    return daemon


async def flag(daemon: Daemon, key: str = "recommendations") -> Any:
    return (await daemon.get("/v1/status"))["knobs"].get(key)


async def test_it_leads_activates_the_job_once_and_goes_without_a_trace_on_sigterm(tmp_path: Path) -> None:
    async with estate_in(tmp_path) as estate:
        daemon = await leading(estate)
        sites = estate.sites

        async def active() -> bool:
            return sites["dublin"].active

        await until(active, "the job that ran nowhere runs where it belongs")
        assert not sites["frankfurt"].active
        assert await daemon.end() == 0
        assert not (daemon.state / "daemon.json").exists()
        assert "Traceback" not in daemon.log()
        kinds = [json.loads(line).get("kind") for line in daemon.log().splitlines() if line.startswith("{")]
        assert kinds[0] == "leader"
        assert kinds[-1] == "leader"
        assert kinds.index("intent") < kinds.index("outcome")


async def test_a_job_moves_when_its_region_fails_and_never_runs_twice(tmp_path: Path) -> None:
    async with estate_in(tmp_path) as estate:
        await leading(estate)
        sites = estate.sites

        async def here() -> bool:
            return sites["dublin"].active

        async def there() -> bool:
            assert not (sites["dublin"].active and sites["frankfurt"].active), "two holders"
            return sites["frankfurt"].active

        await until(here, "the job runs in dublin")
        sites["dublin"].well = False
        sites["dublin"].active = False
        await until(there, "the job runs in frankfurt")
        assert sites["frankfurt"].epoch >= 1


async def test_a_knob_turned_by_a_person_reaches_the_flag_file_and_the_applications(tmp_path: Path) -> None:
    async with estate_in(tmp_path) as estate:
        daemon = await leading(estate)
        async with Client(daemon.url) as client:
            await client.do(Degrade("recommendations", "off"), SAID)

        async def turned() -> bool:
            return bool(await flag(daemon) == "off")

        await until(turned, "the knob is in force")
        file = json.loads((daemon.state / "leeward-flags.json").read_text(encoding="utf-8"))
        assert "recommendations" in file["flags"]
        entries = await daemon.get("/v1/journal?limit=200")
        order = [entry["kind"] for entry in entries if entry["subject"] == "recommendations"]
        assert order.index("person") < order.index("intent") < order.index("outcome")


async def test_a_broken_edit_is_refused_and_a_good_one_is_followed(tmp_path: Path) -> None:
    async with estate_in(tmp_path) as estate:
        daemon = await leading(estate)
        before = (await daemon.status())["policies"]["version"]
        estate.write(more="\n---\nkind: Nonsense\n")

        async def told() -> bool:
            return bool((await daemon.status())["policies"]["problem"])

        await until(told, "the broken edit is told")
        assert (await daemon.status())["policies"]["version"] == before
        assert (await daemon.status())["mode"] == "leading"
        estate.write(knobs=("recommendations", "coupons"))

        async def followed() -> bool:
            return "coupons" in (await daemon.status())["knobs"]

        await until(followed, "the good edit is followed")
        assert not (await daemon.status())["policies"]["problem"]


async def test_of_two_daemons_on_one_store_the_other_goes_on_when_the_leader_is_killed(tmp_path: Path) -> None:
    async with estate_in(tmp_path) as estate:
        first = await leading(estate)
        second = await estate.daemon("two")
        await second.mode("following")
        assert (await second.status())["leader"] == "one"
        async with Client(second.url) as client:
            await client.do(Degrade("recommendations", "off"), SAID)

        async def turned() -> bool:
            return bool(await flag(first) == "off")

        await until(turned, "a follower sends a change to whoever leads")
        epoch = (await first.status())["epoch"]
        await first.end(signal.SIGKILL)
        await second.mode("leading")
        status = await second.status()
        assert status["epoch"] > epoch
        assert status["knobs"]["recommendations"] == "off", "what was in force still is"


async def test_a_daemon_killed_and_started_again_takes_its_own_lease_up_at_once(tmp_path: Path) -> None:
    async with estate_in(tmp_path) as estate:
        daemon = await leading(estate)
        await daemon.end(signal.SIGKILL)
        again = Daemon(estate, "one")
        estate.daemons.append(again)
        (again.state / "daemon.json").unlink()
        await again.start("--lease", "60")
        await again.mode("leading")


@pytest.mark.parametrize(
    ("spoil", "code", "says"),
    [
        (lambda e: (e.home / "store.db").mkdir(), 5, "store"),
        (lambda e: e.write(more="\n---\nkind: Nonsense\n"), 1, "Nonsense"),
    ],
    ids=["store", "policies"],
)
async def test_what_keeps_it_from_starting_is_told_in_one_block(
    tmp_path: Path, spoil: Any, code: int, says: str
) -> None:
    async with estate_in(tmp_path) as estate:
        spoil(estate)
        command = Daemon(estate, "one").command()
        process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
        async with asyncio.timeout(30):
            _, told = await process.communicate()
        assert process.returncode == code
        assert says in told.decode()
        assert "Traceback" not in told.decode()


async def test_with_no_daemon_left_a_person_can_still_turn_a_knob(tmp_path: Path) -> None:
    async with estate_in(tmp_path) as estate:
        daemon = await leading(estate)
        await daemon.end(signal.SIGKILL)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cli.main", "degrade", "recommendations=off", "--direct", "--yes", "--json"),
            *("--policies", str(estate.policies), "--store", str(tmp_path / "store.db"), "--by", "ana", "-r", "alone"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={"LEEWARD_STATE_DIR": str(daemon.state), "PATH": ""},
        )
        async with asyncio.timeout(60):
            said, told = await process.communicate()
        assert process.returncode == 0, told.decode()
        assert json.loads(said)["accepted"] is True
        file = json.loads((daemon.state / "leeward-flags.json").read_text(encoding="utf-8"))
        assert file["flags"]["recommendations"]["defaultVariant"] == "off"
