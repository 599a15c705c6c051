import io
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

import cli.desk
from cli.main import main
from cli.options import Where
from controlplane.model.world import World
from controlplane.service.service import Service
from controlplane.service.wire.answers import Answers
from controlplane.store.memory import MemoryStore
from tests.unit.service.shop import NOON, StillDesk


@dataclass(frozen=True, slots=True)
class Ran:
    """What one command came to."""

    code: int
    out: str
    err: str


Leeward = Callable[..., Ran]


@pytest.fixture
def leeward(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Leeward:
    """Run the command in this process, as its entry point does. ``answer``: what the person types, where one is."""

    def run(*arguments: str, answer: str | None = None) -> Ran:
        monkeypatch.setattr(sys, "argv", ["leeward", *arguments])
        monkeypatch.setattr("cli.render.terminal.can_ask", lambda: answer is not None)
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"{answer}\n" if answer is not None else ""))
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return Ran(int(end.value.code or 0), out, err)

    return run


@pytest.fixture(autouse=True)
def _same_everywhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Neither who runs the tests nor their environment shows."""
    for name in (
        "LEEWARD_DAEMON",
        "LEEWARD_POLICIES",
        "LEEWARD_STORE",
        "LEEWARD_TOKEN_FILE",
        "NO_COLOR",
        "FORCE_COLOR",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LEEWARD_BY", "ana")
    hook = sys.excepthook
    yield
    sys.excepthook = hook


class Standing:
    """A daemon that stands still, instead of one that is asked over HTTP."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.desk = StillDesk(self.store.journal, World(at=NOON))
        self.asked: list[Where] = []

    @asynccontextmanager
    async def open(self, place: Where) -> AsyncIterator[Answers]:
        """In place of ``cli.desk.open_desk``."""
        self.asked.append(place)
        yield Answers(Service(self.desk, self.store.journal))


@pytest.fixture
def standing(monkeypatch: pytest.MonkeyPatch) -> Standing:
    """The desk that every command of this test asks."""
    found = Standing()
    monkeypatch.setattr(cli.desk, "open_desk", found.open)
    return found
