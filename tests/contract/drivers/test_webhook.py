"""The webhook notifier against a real receiver."""

import asyncio
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from controlplane.drivers.webhook import WebhookNotifier, mistakes, verify
from controlplane.model.errors import Broken, Conflict, Refused, Retry
from controlplane.model.notice import Notice, Severity
from controlplane.model.resources.kind import Setting
from tests.contract.drivers.faulty import Trouble, troubled

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
NOTICE = Notice(Severity.PAGE, NOW, "dublin", "dublin is held: nobody sees it — R1", ("R1",))


@dataclass
class Receiver:
    """Keeps what it is told; ``answers`` are its status codes, in turn, then 204."""

    answers: list[int] = field(default_factory=list)
    told: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""


@contextmanager
def receiving(*answers: int) -> Iterator[Receiver]:
    receiver = Receiver(list(answers))

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.told.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


async def test_a_notice_arrives_signed_and_can_be_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", "a secret")
    with receiving() as receiver:
        settings: dict[str, Setting] = {"url": receiver.url, "secretEnv": "HOOK_SECRET"}
        assert mistakes(settings) == ()
        await WebhookNotifier(settings, now=lambda: NOW).send(NOTICE)
    (headers, body) = receiver.told[0]
    assert json.loads(body) == {
        "severity": "page",
        "at": "2026-11-24T10:00:00+00:00",
        "subject": "dublin",
        "text": "dublin is held: nobody sees it — R1",
        "rules": ["R1"],
    }
    signature = headers["leeward-signature"]
    assert verify(b"a secret", body, signature, NOW + timedelta(minutes=4))
    assert not verify(b"a secret", body, signature, NOW + timedelta(minutes=6))
    assert not verify(b"another", body, signature, NOW)
    assert not verify(b"a secret", body + b" ", signature, NOW)
    assert not verify(b"a secret", body, "t=x,v1=y", NOW)


async def test_what_is_tried_again_has_the_same_key_and_another_notice_another() -> None:
    with receiving(503, 429) as receiver:
        notifier = WebhookNotifier({"url": receiver.url})
        await notifier.send(NOTICE)
        await notifier.send(Notice(Severity.INFO, NOW, "dublin", "released"))
    keys = [headers["idempotency-key"] for headers, _ in receiver.told]
    assert len(keys) == 4
    assert keys[0] == keys[1] == keys[2] != keys[3]
    assert "leeward-signature" not in receiver.told[0][0]


@pytest.mark.parametrize(("code", "kind"), [(400, Refused), (404, Refused), (409, Conflict), (500, Broken)])
async def test_what_will_not_work_later_is_not_tried_again(code: int, kind: type[Exception]) -> None:
    with receiving(code) as receiver, pytest.raises(kind):
        await WebhookNotifier({"url": receiver.url}).send(NOTICE)
    assert len(receiver.told) == 1


@pytest.mark.parametrize("trouble", [Trouble.HANGS, Trouble.DROPS, Trouble.TOO_MANY, Trouble.GARBAGE])
async def test_telling_ends_in_time_whatever_the_receiver_does(trouble: Trouble) -> None:
    async with troubled(trouble) as port:
        notifier = WebhookNotifier({"url": f"http://127.0.0.1:{port}/", "timeout": 0.2})
        async with asyncio.timeout(6):
            with pytest.raises(Retry):
                await notifier.send(NOTICE)


async def test_a_secret_that_is_not_there_is_told_and_nothing_is_sent_unsigned() -> None:
    with receiving() as receiver:
        with pytest.raises(Refused, match="NO_SUCH_SECRET"):
            await WebhookNotifier({"url": receiver.url, "secretEnv": "NO_SUCH_SECRET"}).send(NOTICE)
        assert receiver.told == []
    assert mistakes({"secret": "x"}) == ("setting 'url' is missing: it must be an http or https URL",
                                         "unknown setting 'secret', did you mean 'secretEnv'?")  # fmt: skip
