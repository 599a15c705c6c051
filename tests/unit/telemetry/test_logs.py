"""What goes to the log."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from controlplane.model.desk import Tick
from controlplane.model.journal import Entry, EntryKind
from controlplane.model.world import World
from controlplane.store.memory import MemoryStore
from controlplane.telemetry.logs import JournalLog, write_logs
from tests.unit.service.shop import NOON, StillDesk


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    stream = io.StringIO()
    write_logs(stream)
    yield stream
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_entry_is_one_line_of_json_with_what_it_is_about(log: io.StringIO) -> None:
    JournalLog()(Entry(EntryKind.HOLD, NOON, "dublin", "machine", "no news\nat all", ("R1",), 3, "a1", {"n": 1}, 9))
    (line,) = lines(log)
    assert line["event"] == "no news\nat all"
    assert (line["level"], line["kind"], line["subject"], line["rules"]) == ("warning", "hold", "dublin", ["R1"])
    assert (line["seq"], line["epoch"], line["facts"]) == (9, 3, {"n": 1})
    assert str(line["timestamp"]).endswith("Z")


def test_a_failed_act_is_an_error_and_a_done_one_is_not(log: io.StringIO) -> None:
    for ending in ("done", "failed"):
        JournalLog()(Entry(EntryKind.OUTCOME, NOON, "checkout", "machine", facts={"ending": ending}))
    assert [line["level"] for line in lines(log)] == ["info", "error"]


def test_a_tick_is_not_written(log: io.StringIO) -> None:
    JournalLog()(Tick(StillDesk(MemoryStore().journal, World(at=NOON)).snapshot(), 0.1))
    assert lines(log) == []


def test_libraries_are_written_as_json_too_from_warnings_on(log: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").info("started")
    logging.getLogger("uvicorn.error").warning("invalid request")
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        logging.getLogger("uvicorn.error").exception("it failed")
    told = lines(log)
    assert [(line["event"], line["level"]) for line in told] == [("invalid request", "warning"), ("it failed", "error")]
    assert "RuntimeError: broken" in str(told[1]["exception"])
