import pytest

from tests.servers.api.conftest import Daemon, start
from tests.servers.cli.conftest import Terminals


async def test_on_a_terminal_there_are_colours(daemon: Daemon, terminals: Terminals) -> None:
    coloured = await terminals.run("status", "--daemon", daemon.url)
    await coloured.end()
    assert b"\x1b[" in coloured.shown


async def test_no_color_is_honoured_on_a_terminal(daemon: Daemon, terminals: Terminals) -> None:
    plain = await terminals.run("status", "--daemon", daemon.url, NO_COLOR="1")
    await plain.end()
    assert "All is well" in plain.plain
    assert b"\x1b[3" not in plain.shown  # bold may stay, colours may not
    assert b"\x1b[9" not in plain.shown


@pytest.mark.parametrize("width", [60, 80, 120])
async def test_no_line_is_wider_than_the_terminal(daemon: Daemon, terminals: Terminals, width: int) -> None:
    drain = ("drain", "dublin", "--preview", "--daemon", daemon.url)
    for command in (("status", "--daemon", daemon.url), ("plan", "--daemon", daemon.url), drain):
        shown = await terminals.run(*command, size=(40, width))
        assert await shown.end() == 0
        assert [line for line in shown.plain.splitlines() if len(line) > width] == []


async def test_a_person_at_a_terminal_is_asked_and_answers(daemon: Daemon, terminals: Terminals) -> None:
    asked = await terminals.run("drain", "dublin", "--reason", "storm", "--daemon", daemon.url)
    await asked.until("Do it? [y/N]")
    assert "What will happen, in this order" in asked.plain
    assert daemon.desk.given == []
    asked.type("y\n")
    assert await asked.end() == 0
    assert len(daemon.desk.given) == 1


async def test_ctrl_c_at_the_question_changes_nothing_and_leaves_no_traceback(
    daemon: Daemon, terminals: Terminals
) -> None:
    asked = await terminals.run("drain", "dublin", "--daemon", daemon.url)
    await asked.until("Do it? [y/N]")
    asked.interrupt()
    assert await asked.end() == 130
    assert "Traceback" not in asked.plain
    assert daemon.desk.given == []


async def test_watching_draws_until_ctrl_c(daemon: Daemon, terminals: Terminals) -> None:
    watched = await terminals.run("watch", "--daemon", daemon.url)
    await watched.until("Ctrl-C ends.")
    await watched.until("frankfurt")
    watched.interrupt()
    assert await watched.end() == 0
    assert "Traceback" not in watched.plain
    assert watched.shown.endswith(b"\x1b[?25h") or b"\x1b[?25h" in watched.shown  # the cursor is back


async def test_watching_outlives_the_daemon_and_finds_it_again(terminals: Terminals) -> None:
    async with start() as first:
        watched = await terminals.run("watch", "--daemon", first.url)
        await watched.until("frankfurt")
        address = first.address
    await watched.until("Trying again")
    async with start(at=address):
        await watched.until("All is well", after="Trying again")
        watched.interrupt()
        assert await watched.end() == 0
