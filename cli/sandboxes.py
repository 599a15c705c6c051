"""What the sandbox's commands and the demo share: its errors as ours, parameters of faults, staying until the end."""

import asyncio
import json
import signal
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from controlplane.model.errors import LeewardError, WrongUse
from controlplane.model.journal import Json

T = TypeVar("T")


@contextmanager
def as_our_errors(directory: Path) -> Iterator[None]:
    """What the sandbox raises, told as a command's errors are."""
    from controlplane.sandbox.census import NoCensus
    from controlplane.sandbox.fault_kinds import BadFault
    from controlplane.sandbox.postgres import ServerFailed
    from controlplane.sandbox.sandbox import AlreadyUp
    from controlplane.sandbox.servers import NotReady

    try:
        yield
    except BadFault as error:
        raise WrongUse(str(error)) from error
    except (AlreadyUp, NotReady, ServerFailed, NoCensus) as error:
        raise LeewardError(str(error)) from error
    except FileNotFoundError as error:
        if error.filename is None or Path(str(error.filename)).name != "plan.json":
            raise
        raise LeewardError(f"there is no sandbox in {directory}: leeward sandbox up --dir {directory}") from error
    except ModuleNotFoundError as error:
        raise LeewardError(f"{error.name} is not installed: pip install 'leeward[sandbox]'") from error


def read_parameters(given: Sequence[str]) -> dict[str, Json]:
    """``rate=0.3 service=checkout`` as names and values; numbers as numbers."""
    found: dict[str, Json] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not (name.isidentifier() and equals and value):
            raise WrongUse(f"{text!r} is not NAME=VALUE: write it like rate=0.3")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


async def until_told_to_end() -> None:
    """Wait for Ctrl-C or SIGTERM."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    await told.wait()


async def ending_on_signal(work: Coroutine[Any, Any, T]) -> T:
    """Run it; SIGTERM ends it as Ctrl-C does, with everything it must put away."""
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await task
    finally:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
