"""What goes to the tracing backend."""

from datetime import timedelta

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from controlplane.model.desk import Tick
from controlplane.model.journal import Entry, EntryKind, Json
from controlplane.model.world import World
from controlplane.store.memory import MemoryStore
from controlplane.telemetry.traces import ActTraces
from tests.unit.service.shop import NOON, StillDesk


def entry(is_: EntryKind, seq: int, after_s: float, **facts: Json) -> Entry:
    at = NOON + timedelta(seconds=after_s)
    return Entry(is_, at, "checkout", "machine", "dublin is dead", ("R6",), 3, "shift-checkout", facts, seq)


def traced(*entries: Entry) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    traces = ActTraces(exporter, "dublin-1")
    traces(Tick(StillDesk(MemoryStore().journal, World(at=NOON)).snapshot(), 0.1))
    for one in entries:
        traces(one)
    traces.close()
    return exporter


def test_an_act_is_a_span_from_its_intent_to_its_outcome() -> None:
    (span,) = traced(
        entry(EntryKind.INTENT, 4, 0, kind="shift", to="frankfurt"),
        entry(EntryKind.OUTCOME, 5, 2.5, intent=4, ending="done"),
    ).get_finished_spans()
    assert span.name == "shift checkout"
    assert span.end_time is not None
    assert span.start_time is not None
    assert (span.end_time - span.start_time) / 1e9 == 2.5
    assert span.attributes is not None
    assert span.attributes["leeward.to"] == "frankfurt"
    assert span.attributes["leeward.rules"] == ("R6",)
    assert span.status.status_code is StatusCode.UNSET


def test_an_act_that_failed_and_was_undone_is_an_error_with_the_undo_in_it() -> None:
    (span,) = traced(
        entry(EntryKind.INTENT, 4, 0, kind="shift"),
        entry(EntryKind.UNDO, 5, 1, intent=4),
        entry(EntryKind.OUTCOME, 6, 2, intent=4, ending="undone", detail="the edge said no"),
    ).get_finished_spans()
    assert [event.name for event in span.events] == ["undo"]
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "the edge said no"


def test_an_outcome_of_an_intent_that_was_never_heard_of_is_no_span() -> None:
    assert traced(entry(EntryKind.OUTCOME, 6, 2, intent=4, ending="done")).get_finished_spans() == ()


def test_acts_that_never_end_do_not_pile_up() -> None:
    intents = [entry(EntryKind.INTENT, seq, 0, kind="shift") for seq in range(1200)]
    ends = [entry(EntryKind.OUTCOME, 2000 + seq, 1, intent=seq, ending="done") for seq in range(1200)]
    assert len(traced(*intents, *ends).get_finished_spans()) == 1000
