"""A probe whose look is one exchange on a line: what http and tcp have in common."""

import asyncio
from collections.abc import Callable

from controlplane.model.evidence import Observation, Reading
from controlplane.model.resources.service import ProbeSpec
from controlplane.probes.endpoint import Endpoint
from controlplane.probes.faults import TIMED_OUT, Finding, blame_error
from controlplane.probes.line import Line, Script
from controlplane.probes.reactor import Reactor
from controlplane.probes.watch import Frame, Spot

Seen = Callable[[tuple[Observation, ...]], None]


class SocketProbe:
    """``begin`` is the way of the scheduler, without a task a look; ``look`` is the port's, for everybody else."""

    def __init__(self, spec: ProbeSpec, spot: Spot, endpoint: Endpoint, script: Script, *, keep: bool) -> None:
        self.endpoint = endpoint
        self.frame = Frame.of(spec, spot)
        self._clock = spot.clock
        self._timeout_s = spec.timeout.total_seconds()
        self._line = Line(script, keep=keep)
        self._task: asyncio.Task[None] | None = None

    def begin(self, reactor: Reactor, seen: Seen, *, prompt: bool) -> None:
        """Start a look; ``seen`` is called once, possibly before this returns."""

        def done(finding: Finding) -> None:
            seen((self.frame.observation(*finding),))

        if self.endpoint.known(self._clock.monotonic()):
            self._line.address, self._line.family = self.endpoint.address, self.endpoint.family
            self._line.begin(reactor, self._timeout_s, done, prompt=prompt)
        else:
            self._task = asyncio.get_running_loop().create_task(self._by_name(reactor, seen, prompt=prompt))

    async def look(self) -> tuple[Observation, ...]:
        """One look on a connection of its own."""
        reactor = Reactor(self._clock)
        future: asyncio.Future[tuple[Observation, ...]] = asyncio.get_running_loop().create_future()
        reactor.open()
        try:
            self.begin(reactor, future.set_result, prompt=True)
            return await future
        finally:
            self.close()
            reactor.close()

    def close(self) -> None:
        """Let go of the connection and of a look under way."""
        if self._task is not None:
            self._task.cancel()
        self._line.drop()

    async def _by_name(self, reactor: Reactor, seen: Seen, *, prompt: bool) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                await self.endpoint.resolve(self._clock.monotonic())
        except TimeoutError:
            seen((self.frame.observation(Reading.UNKNOWN, f"name: {TIMED_OUT}"),))
        except OSError as error:
            seen((self.frame.observation(*blame_error(error)),))
        else:
            line = self._line
            line.address, line.family = self.endpoint.address, self.endpoint.family
            line.begin(
                reactor,
                self._timeout_s,
                lambda finding: seen((self.frame.observation(*finding),)),
                prompt=prompt,
            )
