"""Open-loop users: a request every so many milliseconds, whatever has become of the earlier ones. No retries."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field

from controlplane.sandbox.plan import Address
from controlplane.sandbox.wire import Exchange, Pool, Reply, request
from tests.benchmarks.failover.edge import ORIGIN, SERVICE

_TICK_S = 0.001
_PATIENCE_S = 2.0


@dataclass(slots=True)
class Users:
    """``seen``: for each ended request when it was due (Unix time) and whether it succeeded."""

    port: int
    rate: float
    seen: list[tuple[float, bool]] = field(default_factory=list)
    latest_s: float = 0.0
    _stopped: bool = False

    def stop(self) -> None:
        self._stopped = True

    async def run(self) -> None:
        address = Address("127.0.0.1", self.port)
        pool = Pool(address)
        asked = request("GET", address, f"/{SERVICE}", {"x-origin": ORIGIN})
        waiting: deque[tuple[float, Exchange]] = deque()
        due = time.time()
        while not self._stopped:
            now = time.time()
            while due <= now:
                self.latest_s = max(self.latest_s, now - due)
                waiting.append((due, pool.ask(asked, _Ended(self, due))))
                due += 1 / self.rate
            self._expire(waiting, now)
            await asyncio.sleep(_TICK_S)
        until = time.time() + _PATIENCE_S
        while waiting and time.time() < until + 0.1:
            self._expire(waiting, time.time())
            await asyncio.sleep(_TICK_S)
        pool.close()

    def _expire(self, waiting: deque[tuple[float, Exchange]], now: float) -> None:
        while waiting and (waiting[0][1].done is None or waiting[0][0] + _PATIENCE_S <= now):
            due, exchange = waiting.popleft()
            if exchange.done is not None:
                exchange.give_up()
                self.seen.append((due, False))


@dataclass(frozen=True, slots=True)
class _Ended:
    users: Users
    due: float

    def __call__(self, reply: Reply | None) -> None:
        self.users.seen.append((self.due, reply is not None and reply.status < 400))
