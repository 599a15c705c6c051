import asyncio
import os
import pty
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.servers.api.conftest import Daemon, start

LEEWARD = str(Path(sys.executable).with_name("leeward"))
PATIENCE_S = 30
_COLOURS = re.compile(rb"\x1b\[[0-9;]*m")


@pytest.fixture
async def daemon() -> AsyncIterator[Daemon]:
    async with start() as started:
        yield started


def environment(**more: str) -> dict[str, str]:
    """As the caller's, without what would change how things look."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LEEWARD_", "NO_COLOR"))}
    return {**kept, "TERM": "xterm-256color", "LEEWARD_BY": "ana", **more}


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str


async def leeward(*arguments: str, **more: str) -> Ran:
    """Run it with no terminal at all."""
    process = await asyncio.create_subprocess_exec(
        LEEWARD,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(**more),
    )
    async with asyncio.timeout(PATIENCE_S):
        out, err = await process.communicate()
    return Ran(process.returncode or 0, out.decode(), err.decode())


@dataclass
class Terminal:
    """The command on a terminal of its own; ``shown`` is everything it has written there."""

    process: asyncio.subprocess.Process
    master: int
    shown: bytes = b""
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def plain(self) -> str:
        """What is shown, without colours."""
        return _COLOURS.sub(b"", self.shown).decode(errors="replace")

    async def until(self, text: str, after: str = "") -> None:
        """Wait until it shows a text, further down than another."""
        async with asyncio.timeout(PATIENCE_S):
            while text not in self.plain.rpartition(after)[2] if after else text not in self.plain:
                self._more.clear()
                await self._more.wait()

    def type(self, text: str) -> None:
        """As a person would."""
        os.write(self.master, text.encode())

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.type("\x03")

    async def end(self) -> int:
        """Its exit code."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.process.wait()

    def read(self) -> None:
        """More has come."""
        with suppress(OSError):
            self.shown += os.read(self.master, 65536)
        self._more.set()


class Terminals:
    """Starts commands on terminals, and ends what is left of them."""

    def __init__(self) -> None:
        self._open: list[Terminal] = []

    async def run(self, *arguments: str, size: tuple[int, int] = (30, 100), **more: str) -> Terminal:
        """Start a command; ``size`` in lines and columns."""
        master, slave = pty.openpty()
        lines, columns = size
        os.set_blocking(master, False)
        process = await asyncio.create_subprocess_exec(
            LEEWARD,
            *arguments,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment(LINES=str(lines), COLUMNS=str(columns), **more),
            preexec_fn=_own_terminal,
        )
        os.close(slave)
        terminal = Terminal(process, master)
        asyncio.get_running_loop().add_reader(master, terminal.read)
        self._open.append(terminal)
        return terminal

    async def close(self) -> None:
        """Kill what still runs."""
        for terminal in self._open:
            asyncio.get_running_loop().remove_reader(terminal.master)
            if terminal.process.returncode is None:
                terminal.process.send_signal(signal.SIGKILL)
                await terminal.process.wait()
            os.close(terminal.master)


def _own_terminal() -> None:
    """Its own session, with the pty as the terminal from which Ctrl-C comes."""
    import fcntl
    import termios

    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.fixture
async def terminals() -> AsyncIterator[Terminals]:
    found = Terminals()
    yield found
    await found.close()
