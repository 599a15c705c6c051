"""One scheduler for all probes of a process: spread start, gathered wake-ups, a time-out for every look."""

import asyncio
import math
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace

from controlplane.model.evidence import Observation, Reading
from controlplane.ports.clock import Clock
from controlplane.ports.eyes import Probe, ProbeFactory, Sink
from controlplane.probes.faults import is_silence
from controlplane.probes.reactor import TICK_S, Reactor
from controlplane.probes.selfwatch import Isolation
from controlplane.probes.target import Target
from controlplane.probes.watch import Watch
from controlplane.probes.wheel import Wheel


class Scheduler:
    """Looks at every watch once an interval and hands what was seen to ``sink``.

    ``run`` needs to be running; ``watch`` may be called before and meanwhile. ``lateness`` keeps how many seconds
    after its time each of the last looks began.
    """

    def __init__(
        self,
        sink: Sink,
        clock: Clock,
        factories: Mapping[str, ProbeFactory],
        *,
        vantage: str = "",
        tick_s: float = TICK_S,
    ) -> None:
        self.lateness: deque[float] = deque(maxlen=20_000)
        self._sink = sink
        self._clock = clock
        self._factories = factories
        self._reactor = Reactor(clock, tick_s=tick_s)
        self._reactor.on_tick = self._tick
        self._due: Wheel[Target] = Wheel(tick_s)
        self._targets: dict[str, Target] = {}
        self._isolation = Isolation(vantage)
        self._last_tick_at = clock.monotonic()
        self._running = False

    def watch(self, watches: Iterable[Watch]) -> None:
        """Watch exactly these from now on; those that were watched already go on undisturbed."""
        wanted = {watch.key: watch for watch in watches}
        for key in sorted(self._targets.keys() - wanted.keys()):
            self._isolation.forget(key)
            self._targets.pop(key).close()
        for key in sorted(wanted.keys() - self._targets.keys()):
            target = Target(wanted[key], self._make(wanted[key]), self._reactor, self._seen)
            self._targets[key] = target
            if self._running:
                self._start(target)

    async def run(self) -> None:
        """Look until cancelled; then every connection and every look under way is let go."""
        self._reactor.open()
        self._running = True
        try:
            for _, target in sorted(self._targets.items()):
                self._start(target)
            await asyncio.get_running_loop().create_future()
        finally:
            self._running = False
            for target in self._targets.values():
                target.close()
            self._due.clear()
            self._reactor.close()

    @property
    def watched(self) -> int:
        """How many watches there are."""
        return len(self._targets)

    def quiet_s(self) -> float:
        """How long ago the scheduler last did what was due; for whoever watches the watchers."""
        next_at = self._due.next_at
        now = self._clock.monotonic()
        return max(0.0, now - max(self._last_tick_at, next_at or now)) if self._running else 0.0

    def _make(self, watch: Watch) -> Probe:
        return self._factories[watch.spec.kind](watch.filled, watch.spot)

    def _start(self, target: Target) -> None:
        target.due_at = self._clock.monotonic() + target.watch.phase_s
        self._due.put(target.due_at, target)
        self._reactor.wake(target.due_at)

    def _tick(self, now: float) -> float | None:
        self._last_tick_at = now
        due = [target for target in self._due.take(now) if not target.closed]
        begun = [(target, target.due_at) for target in due]
        for target in due:  # all are due again before any looks: one that breaks takes nobody with it
            interval_s = target.interval_s
            target.due_at += interval_s * max(1, math.floor((now - target.due_at) / interval_s) + 1)
            self._due.put(target.due_at, target)
        for target, due_at in begun:
            self.lateness.append(now - due_at)
            target.look()
        return self._due.next_at

    def _seen(self, target: Target, observations: tuple[Observation, ...]) -> None:
        for seen in observations:
            self._sink(self._doubt(target, seen))

    def _doubt(self, target: Target, seen: Observation) -> Observation:
        """Silence from everywhere is our own deafness."""
        if seen.reading is Reading.UNKNOWN:
            return seen
        silent = is_silence(seen)
        self._isolation.note(target.key, seen.region, answered=not silent)
        if silent and self._isolation.cut_off(seen.region):
            detail = f"nothing answers from here, in any region: {seen.detail}"
            return replace(seen, reading=Reading.UNKNOWN, detail=detail)
        return seen
