"""Traces: one span an act, from its intent to its outcome. Needs ``leeward[telemetry]``, imported only here."""

from collections import OrderedDict
from typing import TYPE_CHECKING

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Status, StatusCode

from controlplane.model.desk import Tick
from controlplane.model.journal import Entry, EntryKind

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_OPEN_AT_MOST = 1000
_STANDS = frozenset({"done", "no-effect"})


class ActTraces:
    """A listener that makes a span of each act. Acts whose end is never heard of are forgotten after 1,000 others."""

    def __init__(self, exporter: SpanExporter, replica: str) -> None:
        resource = Resource.create({"service.name": "leeward", "service.instance.id": replica})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("leeward")
        self._open: OrderedDict[int, Span] = OrderedDict()

    def __call__(self, event: Entry | Tick) -> None:
        """Begin a span at an intent, end it at the outcome that names the intent's place."""
        if isinstance(event, Tick):
            return
        at_ns = int(event.at.timestamp() * 1e9)
        if event.kind is EntryKind.INTENT:
            span = self._tracer.start_span(f"{event.facts.get('kind')} {event.subject}", start_time=at_ns)
            span.set_attributes({f"leeward.{name}": value for name, value in _attributes(event).items()})
            self._open[event.seq] = span
            while len(self._open) > _OPEN_AT_MOST:
                self._open.popitem(last=False)
            return
        intent = event.facts.get("intent")
        if not isinstance(intent, int) or intent not in self._open:
            return
        if event.kind is EntryKind.UNDO:
            self._open[intent].add_event("undo", timestamp=at_ns)
        elif event.kind is EntryKind.OUTCOME:
            self._end(self._open.pop(intent), event, at_ns)

    def close(self) -> None:
        """Send what has not been sent."""
        self._provider.shutdown()

    def _end(self, span: "Span", event: Entry, at_ns: int) -> None:
        ending = str(event.facts.get("ending", ""))
        span.set_attribute("leeward.ending", ending)
        if ending not in _STANDS:
            span.set_status(Status(StatusCode.ERROR, str(event.facts.get("detail", ending))))
        span.end(at_ns)


def trace_to(endpoint: str, replica: str) -> ActTraces:
    """Traces to an OTLP collector over HTTP, such as ``http://127.0.0.1:4318``."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return ActTraces(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=5), replica)


def _attributes(entry: Entry) -> dict[str, str | int | list[str]]:
    known: dict[str, str | int | list[str]] = {
        "action": entry.action,
        "subject": entry.subject,
        "epoch": entry.epoch,
        "rules": list(entry.rules),
        "why": entry.why,
    }
    for name in ("kind", "cause", "from", "to", "region"):
        value = entry.facts.get(name)
        if isinstance(value, str):
            known[name] = value
    return known
