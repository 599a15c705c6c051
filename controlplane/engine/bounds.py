"""Every wait has a deadline: the store's and a driver's verbs within bounded time."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from controlplane.model.errors import Retry, StoreLost

_Answer = TypeVar("_Answer")

STORE_TIMEOUT_S = 3.0


async def of_store(answer: Awaitable[_Answer], timeout_s: float = STORE_TIMEOUT_S) -> _Answer:
    """Wait for the store; StoreLost if it does not answer in time."""
    try:
        async with asyncio.timeout(timeout_s):
            return await answer
    except TimeoutError as error:
        raise StoreLost(f"the store did not answer within {timeout_s:g} s") from error


async def of_driver(answer: Awaitable[_Answer], timeout_s: float) -> _Answer:
    """Wait for a driver; Retry if it does not answer in time: the once-key makes a second try harmless."""
    try:
        async with asyncio.timeout(max(timeout_s, 0.0)):
            return await answer
    except TimeoutError as error:
        raise Retry(f"no answer within {timeout_s:.3g} s") from error
