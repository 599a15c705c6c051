"""The daemon's event loop is uvloop's, whose transports are no subclass of asyncio's."""

import http.server
import threading
from collections.abc import Iterator

import pytest
import uvloop

from controlplane.model.evidence import Reading
from controlplane.probes.conversation import Conversation
from controlplane.probes.endpoint import Endpoint
from controlplane.probes.reply import Question


class _Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "4")
        self.end_headers()
        self.wfile.write(b"well")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join(timeout=5)


@pytest.mark.parametrize("keep", [False, True])
def test_an_answer_is_read_again_and_again(port: int, keep: bool) -> None:
    async def twice() -> list[tuple[Reading, bytes]]:
        conversation = Conversation(Endpoint("127.0.0.1", port), Question("x", "/", contains=b"well", keep=keep))
        answers = [await conversation.ask(5.0) for _ in range(2)]
        conversation.close()
        return [(finding[0], body) for finding, body in answers]

    assert uvloop.run(twice()) == [(Reading.OK, b"well")] * 2
