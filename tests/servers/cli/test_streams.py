import asyncio
import json
import signal
import sys

import pytest

from tests.servers.api.conftest import Daemon
from tests.servers.cli.conftest import LEEWARD, PATIENCE_S, environment, leeward

NOWHERE = "127.0.0.1:1"


async def test_the_daemon_s_answers_reach_the_terminal_and_the_program(daemon: Daemon) -> None:
    for_people = await leeward("status", "--daemon", daemon.url)
    assert (for_people.code, for_people.err) == (0, "")
    assert for_people.out.startswith("All is well")
    for_programs = await leeward("status", "--json", LEEWARD_DAEMON=daemon.url)
    assert [region["region"] for region in json.loads(for_programs.out)["regions"]] == ["dublin", "frankfurt", "london"]


async def test_a_change_goes_through_the_daemon_with_name_and_reason(daemon: Daemon) -> None:
    ran = await leeward("drain", "dublin", "--yes", "--json", "--reason", "storm", "--daemon", daemon.url)
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out)["accepted"] is True
    (override,) = daemon.desk.state.overrides
    assert (override.region, override.by, override.reason) == ("dublin", "ana", "storm")
    shown = await leeward("history", "--daemon", daemon.url)
    assert "storm" in shown.out


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("status", "--daemon", NOWHERE), 5, "cannot be reached"),
        (("drain", "dublin", "--yes", "--daemon", NOWHERE), 5, "--direct"),
        (("drain", "dublin", "--daemon", NOWHERE), 2, "--yes"),
        (("drain", "dublin", "--direct", "--yes"), 2, "--policies"),
        (("status", "--daemon", "nonsense://x"), 2, "no address"),
        (("drian", "dublin"), 2, "drain"),
        (("drain",), 2, "REGION"),
        (("status", "--nonsense"), 2, "--nonsense"),
        (("plan", "--policies", "nowhere", "--world", "nowhere.yaml"), 1, "nowhere"),
    ],
)
async def test_every_failure_is_one_block_on_stderr_with_its_exit_code(
    arguments: tuple[str, ...], code: int, says: str
) -> None:
    ran = await leeward(*arguments)
    assert (ran.code, ran.out) == (code, "")
    assert says in ran.err
    assert "Traceback" not in ran.err


async def test_a_rule_that_refuses_is_named(daemon: Daemon) -> None:
    ran = await leeward("failover", "orders-db", "--to", "frankfurt", "--yes", "--daemon", daemon.url)
    assert (ran.code, ran.out) == (3, "")
    assert "refused by R9" in ran.err


async def test_what_waits_for_a_second_person_exits_with_4(daemon: Daemon) -> None:
    assert (await leeward("drain", "dublin", "--yes", "--daemon", daemon.url)).code == 0
    ran = await leeward("drain", "london", "--yes", "--daemon", daemon.url)
    assert ran.code == 4
    assert "leeward approve" in ran.out


async def test_a_reader_that_goes_away_is_no_error_worth_a_traceback(daemon: Daemon) -> None:
    process = await asyncio.create_subprocess_shell(
        f"{LEEWARD} status --daemon {daemon.url} | head -c 1",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(),
    )
    async with asyncio.timeout(PATIENCE_S):
        out, err = await process.communicate()
    assert out == b"A"
    assert b"Traceback" not in err


async def test_a_terminal_that_knows_no_unicode_gets_what_it_can_show(daemon: Daemon) -> None:
    ran = await leeward("status", "--daemon", daemon.url, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (ran.code, ran.err) == (0, "")


async def test_a_fault_of_our_own_is_told_without_a_traceback_unless_it_is_asked_for() -> None:
    program = (
        "import sys, cli.table, cli.main; sys.argv = ['leeward', 'boom']; from cli.table import Row;"
        "cli.main.COMMANDS = (Row('x', 'boom', 'tests.servers.cli.boom:boom', 'x.'),); cli.main.main()"
    )
    for wanted in ("", "1"):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            program,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment(LEEWARD_TRACEBACK=wanted),
        )
        async with asyncio.timeout(PATIENCE_S):
            out, err = await process.communicate()
        assert (process.returncode, out) == (1, b"")
        assert b"ZeroDivisionError" in err
        assert (b"Traceback" in err) is bool(wanted)


async def test_watching_into_a_pipe_gives_lines_and_ends_with_a_signal(daemon: Daemon) -> None:
    process = await asyncio.create_subprocess_exec(
        LEEWARD, "watch", "--daemon", daemon.url, stdout=asyncio.subprocess.PIPE, env=environment()
    )
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        assert b"All is well" in await process.stdout.readline()
        await leeward("drain", "dublin", "--yes", "--reason", "storm", "--daemon", daemon.url)
        lines = b""
        while b"storm" not in lines:
            lines += await process.stdout.readline()
        assert b"\x1b" not in lines
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0


async def test_watching_for_a_program_gives_one_json_value_a_line(daemon: Daemon) -> None:
    process = await asyncio.create_subprocess_exec(
        LEEWARD,
        "watch",
        "--json",
        "--daemon",
        daemon.url,
        stdout=asyncio.subprocess.PIPE,
        env=environment(),
        limit=2**20,
    )
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        first = json.loads(await process.stdout.readline())
        process.send_signal(signal.SIGINT)
        await process.wait()
    assert first["status"]["replica"] == "dublin-1"
