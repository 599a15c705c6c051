"""HTTP as a probe speaks it: one request, and how much of the answer has to be read before it can be judged."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import httptools

from controlplane.model.evidence import Reading
from controlplane.probes.faults import Finding

MAX_BODY = 1_000_000
_NOT_HTTP = (Reading.FAILED, "the answer is not HTTP")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked over HTTP and which answer is right: ``status`` has the codes, ``contains`` a piece of it."""

    host: str
    path: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    status: frozenset[int] = frozenset(range(200, 400))
    contains: bytes = b""
    keep: bool = False
    max_body: int = MAX_BODY

    @property
    def request(self) -> bytes:
        """The request as bytes."""
        fields = {
            "Host": self.host,
            "User-Agent": "leeward",
            "Accept": "*/*",
            "Connection": "keep-alive" if self.keep else "close",
            **self.headers,
        }
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Reply:
    """The script of an HTTP line. Without ``contains`` a fresh connection is judged by the head of the answer."""

    __slots__ = ("_complete", "_head", "_parser", "_question", "_whole", "body", "request", "reusable")

    def __init__(self, question: Question) -> None:
        self.request = question.request
        self.reusable = False
        self._question = question
        self._whole = question.keep or bool(question.contains)
        self.body = bytearray()
        self._head = self._complete = False
        self._parser: httptools.HttpResponseParser | None = None

    def begin(self, *, fresh: bool) -> Finding | None:
        """Start to read a new answer."""
        if fresh or self._parser is None:
            self._parser = httptools.HttpResponseParser(self)
        self._head = self._complete = self.reusable = False
        self.body = bytearray()
        return None

    def feed(self, data: bytes) -> Finding | None:
        """Read on; no data: the other side has ended."""
        parser = self._parser
        if parser is None:
            return _NOT_HTTP
        if not data:
            return self._ended()
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._complete = True
        except httptools.HttpParserError:
            if not self._complete:
                return _NOT_HTTP
        if self._complete:
            return self._judge(parser.get_status_code())
        if self._head and (not self._whole or self._question.method == "HEAD"):
            return self._judge(parser.get_status_code())
        if len(self.body) > self._question.max_body:
            return Reading.FAILED, f"the answer is longer than {self._question.max_body} bytes"
        return None

    def on_headers_complete(self) -> None:
        """Called by the parser; an interim 1xx answer is not the answer."""
        if self._parser is not None and self._parser.get_status_code() >= 200:
            self._head = True

    def on_body(self, body: bytes) -> None:
        """Called by the parser."""
        if self._whole:
            self.body.extend(body)

    def on_message_complete(self) -> None:
        """Called by the parser, which knows only now whether the connection may be kept."""
        self._complete = self._head
        if self._complete and self._question.keep and self._parser is not None:
            self.reusable = self._parser.should_keep_alive()

    def _ended(self) -> Finding:
        if self._head and self._parser is not None:
            return self._judge(self._parser.get_status_code())
        return Reading.FAILED, "the connection was closed before an answer came"

    def _judge(self, code: int) -> Finding:
        if code not in self._question.status:
            return Reading.FAILED, f"answered {code}"
        if self._question.contains and self._question.contains not in self.body:
            return Reading.FAILED, "the answer does not contain what was expected"
        return Reading.OK, ""
