"""The users themselves: send what is due, wait no longer than a user would, judge the answer as a user would."""

import asyncio
from collections import deque
from collections.abc import Callable

from controlplane.sandbox.load.arrivals import Arrivals, Stream
from controlplane.sandbox.load.options import LoadOptions
from controlplane.sandbox.load.tally import Seen, Tally
from controlplane.sandbox.plan import SandboxPlan
from controlplane.sandbox.wire import Exchange, Pool, Reply

TICK_S = 0.005
_AGAIN_AFTER_S = (0.5, 1.0)

Acknowledge = Callable[[str, str], None]
"""Told the id and the datastore of every write that was acknowledged."""


class _Request:
    """One user's request, through all its tries."""

    __slots__ = ("due", "exchange", "identity", "payload", "stream", "tries", "users")

    def __init__(self, users: "Users", due: float, stream: Stream, *, writes: bool) -> None:
        self.users = users
        self.due = due
        self.stream = stream
        self.identity = users.next_identity() if writes else ""
        self.payload = stream.write(self.identity) if writes else stream.get
        self.tries = 0
        self.exchange: Exchange | None = None

    def send(self, now: float) -> None:
        """Send it, for the first time or again."""
        self.tries += 1
        self.exchange = self.users.pool.ask(self.payload, self.answered)
        self.users.waiting.append((now + self.users.timeout_s, self.exchange, self))

    def answered(self, reply: Reply | None) -> None:
        """The edge has answered, or the connection to it was lost."""
        latency = self.users.now() - self.due
        if reply is None:
            self._end(Seen(latency, "lost"))
            return
        region = reply.headers.get(b"x-region", b"").decode()
        if reply.status < 400:
            allowed = self.stream.allowed
            wrong = allowed is not None and reply.headers.get(b"x-jurisdiction", b"") not in allowed
            written = b"x-written" in reply.headers
            if written and self.stream.datastore is not None:
                self.users.acknowledge(self.identity, self.stream.datastore)
            self._end(Seen(latency, region=region, wrong_region=wrong, written=written))
            return
        said = reply.headers.get(b"x-leeward")
        failure = said.decode() if said is not None else "timeout" if reply.status == 504 else str(reply.status)
        self._end(Seen(latency, failure, reply.headers.get(b"x-why", b"").decode(), region))

    def late(self, now: float) -> None:
        """The user has waited long enough."""
        self._end(Seen(now - self.due, "timeout"))

    def _end(self, seen: Seen) -> None:
        if seen.failure and self.tries <= self.users.retries:
            self.users.tally.again(self.due)
            pause = _AGAIN_AFTER_S[min(self.tries, len(_AGAIN_AFTER_S)) - 1]
            loop = asyncio.get_running_loop()
            loop.call_later(pause, lambda: self.send(loop.time()))
        else:
            self.users.tally.ended(self.due, self.stream, seen)


class Users:
    """All users of a sandbox. ``run`` sends until ``stop`` is set, then waits for what is under way."""

    def __init__(self, plan: SandboxPlan, options: LoadOptions, tally: Tally, acknowledge: Acknowledge) -> None:
        self.pool = Pool(plan.edge.listener)
        self.timeout_s = options.timeout_s
        self.retries = options.retries
        self.tally = tally
        self.acknowledge = acknowledge
        self.waiting: deque[tuple[float, Exchange, _Request]] = deque()
        self.now = asyncio.get_running_loop().time
        self._arrivals = Arrivals(plan, options)
        self._run = f"{plan.name}-{options.seed}"
        self._number = 0

    def next_identity(self) -> str:
        """An id that no other write has."""
        self._number += 1
        return f"{self._run}-{self._number}"

    async def run(self, stop: asyncio.Event) -> None:
        """Send what is due, tick by tick."""
        due = self.now() + self._arrivals.gap_s()
        while not stop.is_set():
            now = self.now()
            while due <= now:
                stream, writes = self._arrivals.pick()
                self.tally.sent(due, now)
                _Request(self, due, stream, writes=writes).send(now)
                due += self._arrivals.gap_s()
            self._expire(now)
            await asyncio.sleep(TICK_S)
        end = self.now() + self.timeout_s + 0.5
        while self.waiting and self.now() < end:
            self._expire(self.now())
            await asyncio.sleep(TICK_S)

    def _expire(self, now: float) -> None:
        """Those at the head have waited longest; what was answered long ago is dropped on the way."""
        waiting = self.waiting
        while waiting and (waiting[0][0] <= now or waiting[0][1].done is None):
            _, exchange, asked = waiting.popleft()
            if exchange.done is not None:
                exchange.give_up()
                asked.late(now)
