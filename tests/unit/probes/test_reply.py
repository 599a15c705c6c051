import pytest

from controlplane.model.evidence import Reading
from controlplane.probes.reply import Question, Reply

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def _read(reply: Reply, *pieces: bytes) -> tuple[Reading, str] | None:
    reply.begin(fresh=True)
    finding = None
    for piece in pieces:
        finding = reply.feed(piece)
        if finding is not None:
            break
    return finding


def test_the_status_is_known_before_the_body_has_come() -> None:
    reply = Reply(Question("shop", "/healthz"))
    assert _read(reply, b"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n") == (Reading.OK, "")


def test_a_kept_connection_waits_for_the_end_of_the_body() -> None:
    reply = Reply(Question("shop", "/", keep=True))
    assert _read(reply, GOOD[:-1]) is None
    assert reply.feed(GOOD[-1:]) == (Reading.OK, "")
    assert reply.reusable
    reply.begin(fresh=False)
    assert reply.feed(GOOD) == (Reading.OK, "")


def test_a_server_that_says_close_is_not_asked_again_on_the_same_connection() -> None:
    reply = Reply(Question("shop", "/", keep=True))
    assert _read(reply, b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n") == (Reading.OK, "")
    assert not reply.reusable


def test_an_answer_in_single_bytes_is_the_same_answer() -> None:
    reply = Reply(Question("shop", "/", contains=b"hello"))
    assert _read(reply, *(GOOD[i : i + 1] for i in range(len(GOOD)))) == (Reading.OK, "")


@pytest.mark.parametrize("code", [199 + 200, 200, 204, 302])
def test_success_and_redirection_are_right_by_default(code: int) -> None:
    assert _read(Reply(Question("shop", "/")), f"HTTP/1.1 {code} X\r\n\r\n".encode()) == (Reading.OK, "")


@pytest.mark.parametrize("code", [400, 404, 429, 500, 503])
def test_errors_are_failures_that_name_the_status(code: int) -> None:
    reply = Reply(Question("shop", "/"))
    assert _read(reply, f"HTTP/1.1 {code} X\r\nContent-Length: 0\r\n\r\n".encode()) == (
        Reading.FAILED,
        f"answered {code}",
    )


def test_an_interim_answer_is_not_the_answer() -> None:
    reply = Reply(Question("shop", "/"))
    assert _read(reply, b"HTTP/1.1 103 Early Hints\r\n\r\n") is None
    assert reply.feed(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n") == (Reading.FAILED, "answered 503")


def test_a_body_without_what_is_expected_is_a_failure() -> None:
    reply = Reply(Question("shop", "/", contains=b"welcome"))
    finding = _read(reply, GOOD)
    assert finding is not None
    assert finding[0] is Reading.FAILED


@pytest.mark.parametrize("garbage", [b"SSH-2.0-OpenSSH\r\n", b"\x16\x03\x01\x00\x00", b"\x00" * 100])
def test_what_is_not_http_is_a_failure(garbage: bytes) -> None:
    assert _read(Reply(Question("shop", "/")), garbage) == (Reading.FAILED, "the answer is not HTTP")


def test_a_connection_closed_before_an_answer_is_a_failure() -> None:
    finding = _read(Reply(Question("shop", "/")), b"HTTP/1.1 200", b"")
    assert finding is not None
    assert finding[0] is Reading.FAILED


def test_an_endless_body_ends_the_look() -> None:
    reply = Reply(Question("shop", "/", contains=b"never", max_body=1000))
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n"
    finding = _read(reply, head, *([b"x" * 600] * 2))
    assert finding == (Reading.FAILED, "the answer is longer than 1000 bytes")


def test_a_head_request_needs_no_body() -> None:
    reply = Reply(Question("shop", "/", method="HEAD", keep=True))
    assert reply.request.startswith(b"HEAD / HTTP/1.1\r\nHost: shop\r\n")
    assert _read(reply, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n") == (Reading.OK, "")
