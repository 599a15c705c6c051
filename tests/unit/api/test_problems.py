"""Errors written and read again."""

import subprocess
import sys

import pytest

from controlplane.api.problems import problem, read, written
from controlplane.model.errors import (
    LeaseLost,
    LeewardError,
    NeedsApproval,
    RefusedByRule,
    StoreLost,
    Unreachable,
    WriteRaced,
    WrongUse,
)

ERRORS = [
    RefusedByRule("no", ("R8", "R11")),
    NeedsApproval("wait", "a1"),
    StoreLost("gone"),
    LeaseLost("b leads"),
    WriteRaced("again"),
    WrongUse("what?"),
    Unreachable("nobody"),
    LeewardError("oh"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_is_read_as_it_was_written(error: LeewardError) -> None:
    document = written(error)
    again = read(document, 500)
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.exit_code == error.exit_code
    if isinstance(again, RefusedByRule):
        assert again.rules == ("R8", "R11")
    if isinstance(again, NeedsApproval):
        assert again.approval == "a1"


def test_what_we_did_not_write_blames_the_caller_or_the_other_end() -> None:
    assert isinstance(read(problem(404, "none", "nothing here"), 404), WrongUse)
    assert isinstance(read({}, 502), Unreachable)
    assert str(read({}, 502)) == "HTTP 502"


def test_a_client_is_imported_without_a_server() -> None:
    heavy = "('starlette', 'uvicorn', 'httpx', 'pydantic', 'sqlalchemy')"
    code = f"import sys, controlplane.api.client; sys.exit(any(m in sys.modules for m in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], timeout=30, check=False).returncode == 0
