"""Cases: a driver, its target, and what an act on it looks like."""

import importlib
import pkgutil
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from controlplane.model.act import Act, Confirmation, Desired, Weights
from controlplane.ports.driver import Driver


@dataclass
class Bench:
    """One driver on its target.

    ``before`` is so at the start (None: not so, or never heard of), ``after`` is what acts make so. ``picture`` shows
    the target as far as an act could change it: equal pictures, nothing changed. ``unknown`` is a subject that the
    target has never heard of. ``undoable`` False: ``undo`` leaves what is done (fences, promotions). ``fencing`` False:
    the target cannot remember an epoch.
    """

    driver: Driver
    subject: str
    before: Desired | None
    after: Desired
    picture: Callable[[], object]
    unknown: str | None = None
    undoable: bool = True
    fencing: bool = True
    epoch: int = 5
    made: int = field(default=0, init=False)

    def act(self, desired: Desired | None = None, *, epoch: int | None = None, previous: Desired | None = None) -> Act:
        """An act with a key of its own and ten seconds of time."""
        self.made += 1
        return Act(
            once_key=f"act-{self.made}",
            subject=self.subject,
            desired=self.after if desired is None else desired,
            epoch=self.epoch if epoch is None else epoch,
            deadline=datetime.now(UTC) + timedelta(seconds=10),
            previous=previous,
        )


Case = Callable[[Path], AbstractAsyncContextManager[Bench]]
CASES: dict[str, Case] = {}


def case(name: str) -> Callable[[Case], Case]:
    """Register a case under a name."""

    def register(made: Case) -> Case:
        CASES[name] = made
        return made

    return register


def every_case() -> dict[str, Case]:
    """All that are registered, sorted by name."""
    package = importlib.import_module("tests.contract.drivers.targets")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    return dict(sorted(CASES.items()))


def alike(one: Desired | None, other: Desired | None) -> bool:
    """Equal, but for the rounding of shares."""
    if not (isinstance(one, Weights) and isinstance(other, Weights)):
        return one == other
    return _flat(one) == _flat(other)


def _flat(weights: Weights) -> dict[tuple[str, str], float]:
    parts = {(origin, region): share for origin, by in weights.shares.items() for region, share in by.items()}
    parts |= {(origin, "/shed"): share for origin, share in weights.shed.items()}
    parts |= {(origin, "/refused"): share for origin, share in weights.refused.items()}
    return {key: round(share, 5) for key, share in parts.items() if share > 0}


async def until_done(confirm: Callable[[], Awaitable[Confirmation]], within_s: float = 10.0) -> Confirmation:
    """Ask until it is done."""
    import asyncio

    async with asyncio.timeout(within_s):
        while not (found := await confirm()).done:  # noqa: ASYNC110  what is waited for is outside this process
            await asyncio.sleep(0.02)
    return found
