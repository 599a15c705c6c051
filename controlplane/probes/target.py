"""One watch as the scheduler runs it: a look at a time, and confirming looks when a held connection ends."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Protocol, runtime_checkable

from controlplane.model.evidence import Observation, Reading
from controlplane.ports.eyes import Probe
from controlplane.probes.faults import TIMED_OUT
from controlplane.probes.holding import Held
from controlplane.probes.reactor import Reactor
from controlplane.probes.socket_probe import SocketProbe
from controlplane.probes.tls import TlsProbe
from controlplane.probes.watch import Frame, Watch

Seen = Callable[["Target", tuple[Observation, ...]], None]

_GRACE_S = 1.0
_ENDED = "the connection held open ended"


@runtime_checkable
class Closes(Protocol):
    """A probe that keeps something open between looks."""

    def close(self) -> None:
        """Let go of it at once."""
        ...


class Target:
    """Never two looks at once. ``look`` while one is under way is skipped: the one under way is as good."""

    __slots__ = ("_busy", "_confirmed", "_ended_at", "_frame", "_held", "_probe", "_reactor", "_seen", "_task",
                 "closed", "due_at", "interval_s", "key", "watch")  # fmt: skip

    def __init__(self, watch: Watch, probe: Probe, reactor: Reactor, seen: Seen) -> None:
        self.watch, self.key = watch, watch.key
        self.interval_s = watch.interval_s
        self.due_at = 0.0
        self.closed = False
        self._probe, self._reactor, self._seen = probe, reactor, seen
        self._frame = Frame.of(watch.spec, watch.spot)
        self._busy = False
        self._ended_at: datetime | None = None
        self._confirmed = 0
        self._task: asyncio.Task[None] | None = None
        holds = watch.spec.with_.get("hold") is True and isinstance(probe, SocketProbe | TlsProbe)
        self._held = Held(reactor, self._held_ended) if holds else None

    def look(self, *, prompt: bool = False) -> None:
        """Begin a look, unless one is under way."""
        if self._busy or self.closed:
            return
        self._busy = True
        if isinstance(self._probe, SocketProbe):
            self._probe.begin(self._reactor, self._done, prompt=prompt)
        else:
            self._task = asyncio.get_running_loop().create_task(self._look())

    def close(self) -> None:
        """Stop at once and report nothing more."""
        self.closed = True
        if self._task is not None:
            self._task.cancel()
        if self._held is not None:
            self._held.close()
        if isinstance(self._probe, Closes):
            self._probe.close()

    async def _look(self) -> None:
        observations: tuple[Observation, ...] | None = None
        try:
            async with asyncio.timeout(self.watch.spec.timeout.total_seconds() + _GRACE_S):
                observations = await self._probe.look()
        except TimeoutError:
            pass
        finally:
            if not self.closed:
                late = (self._frame.observation(Reading.UNKNOWN, f"the probe itself {TIMED_OUT}"),)
                self._done(late if observations is None else observations)

    def _done(self, observations: tuple[Observation, ...]) -> None:
        self._busy = False
        if self.closed:
            return
        if self._ended_at is not None:
            observations = self._confirm(self._ended_at, observations)
        self._seen(self, observations)
        probe = self._probe
        if (
            self._held is not None
            and observations[-1].reading is Reading.OK
            and isinstance(probe, SocketProbe | TlsProbe)
        ):
            self._held.hold(probe.endpoint.address, probe.endpoint.family)

    def _held_ended(self) -> None:
        self._ended_at = self.watch.spot.clock.now()
        self._confirmed = 0
        if self._busy and isinstance(self._probe, SocketProbe):
            self._probe.close()  # what a look under way may have heard was said before the end
            self._busy = False
        self.look(prompt=True)

    def _confirm(self, ended_at: datetime, observations: tuple[Observation, ...]) -> tuple[Observation, ...]:
        """A look after the end of a held connection: two that fail make the end itself a failed sample.

        With the end that is three failed samples within a few milliseconds; a higher ``fall`` is looked for as well.
        """
        if any(seen.reading is not Reading.FAILED for seen in observations):
            self._ended_at = None
            return observations
        self._confirmed += 1
        if self._confirmed < max(2, self.watch.spec.fall - 1):
            asyncio.get_running_loop().call_soon(self._look_again)
        else:
            self._ended_at = None
        if self._confirmed > 1:
            return observations
        end = self._frame.observation(Reading.FAILED, _ENDED)
        return (dated(end, ended_at), *observations)

    def _look_again(self) -> None:
        self.look(prompt=True)


def dated(seen: Observation, at: datetime) -> Observation:
    """The same sample, as of another instant."""
    return Observation(
        signal=seen.signal,
        vantage=seen.vantage,
        region=seen.region,
        subject=seen.subject,
        reading=seen.reading,
        observed_at=at,
        fall=seen.fall,
        rise=seen.rise,
        valid_s=seen.valid_s,
        detail=seen.detail,
    )
