"""The world: one scenario, second by second, with leaps over what provably brings nothing new."""

import asyncio
from dataclasses import dataclass, field
from datetime import MAXYEAR, datetime, timedelta

from controlplane.sim.clock import Timeline
from controlplane.sim.eyes import Eyes
from controlplane.sim.fluid import Flow, Inputs, Stock, empty, flow_on
from controlplane.sim.ledger import Ledger
from controlplane.sim.loop import MICROSECONDS
from controlplane.sim.replicas import MOST_OWN_DEATHS, Replica
from controlplane.sim.schedule import NEVER, Schedule
from controlplane.sim.stage import Stage
from controlplane.sim.truth import inputs_of, step_seats
from controlplane.sim.watch.post import Post
from controlplane.sim.watch.scene import REMEMBERED_S

LEAP_BY = 30
"""A leap is a whole number of these, and every period in the control plane divides it: so phases are kept."""
MARGIN_S = 3
"""Seconds lived through before anything is due."""
AUDITED_S = 33
"""What changes without the control plane's doing is found when drivers are read back, which they are each 30 s."""
SETTLED_S = REMEMBERED_S + 1
"""Seconds that must have been alike before a leap, beyond what the slowest probe needs to believe a change: what
watchers remember is then alike, too."""


@dataclass(slots=True)
class World:
    """``leaps`` False steps through everything; the result is the same. ``leapt_s``: seconds leapt over."""

    stage: Stage
    schedule: Schedule
    ledger: Ledger
    post: Post
    replicas: tuple[Replica, ...]
    eyes: Eyes
    leaps: bool = True
    leapt_s: int = 0
    _stock: Stock = field(default_factory=lambda: empty(0, ()))
    _inputs: Inputs | None = None
    _flow: Flow = field(default_factory=Flow)
    _state: tuple[object, ...] = ()
    _alike: int = 0
    _built: tuple[object, ...] = ()
    _claims: tuple[object, ...] = ()
    _lapsed_at: int = 0

    async def run(self) -> None:
        """Live through the scenario."""
        timeline = self.stage.timeline
        while True:
            second = timeline.elapsed_us // MICROSECONDS
            if second >= self.schedule.duration:
                break
            self._step(second)
            self._leap(second)
            await asyncio.sleep(1.0)
        for replica in self.replicas:
            replica.kill(restart=False)

    def _set_crashes(self, second: int) -> None:
        """Crashes of this second happen at their own microsecond."""
        begin = second * MICROSECONDS
        for crash in self.schedule.crashes:
            if begin <= crash.at_us < begin + MICROSECONDS:
                self.stage.timeline.loop.call_later((crash.at_us - begin) / MICROSECONDS, self._crash, crash.replica)

    def _crash(self, name: str) -> None:
        """Kill whom the scenario means, if it lives."""
        for replica in self.replicas:
            leads = replica.process is not None and replica.crew.leader.process is replica.process
            if replica.process is not None and (name in ("*", replica.name) or (name == "leader" and leads)):
                replica.kill(restart=True)

    def _step(self, second: int) -> None:
        truth, stage = self.stage.truth, self.stage
        truth.second = second
        fresh = second == 0 or self.schedule.changes_at(second)
        if fresh:
            truth.now = self.schedule.conditions(second)
            self._tend()
        acted = stage.effects.settle(stage.timeline.elapsed_us)
        self._raise_dead()
        self._set_crashes(second)
        step_seats(truth)
        inputs = self._look(second, fresh or acted)
        if self._inputs is not inputs or self._alike == 0:
            self._flow = flow_on(inputs, self._stock, second)
            self._write_rates(inputs)
        self._inputs = inputs
        self._compare(second, changed=fresh or acted)
        self.ledger.step(truth, inputs, self._flow)
        self.post.step(inputs, self._flow)
        look = self.eyes.see_again if self._alike > 1 else self.eyes.see
        seen = look(truth, inputs, self._flow, stage.timeline.now())
        for replica in self.replicas:
            replica.take(seen)

    def _tend(self) -> None:
        """A region takes the replica that lives in it along, and gives it back."""
        for replica in self.replicas:
            if replica.name in self.stage.truth.now.dead:
                if replica.process is not None or replica.starts_us is not None:
                    replica.kill(restart=False)
            elif replica.process is None and replica.starts_us is None and replica.own_deaths < MOST_OWN_DEATHS:
                replica.kill(restart=True)

    def _raise_dead(self) -> None:
        for replica in self.replicas:
            if replica.starts_us is not None and self.stage.timeline.elapsed_us >= replica.starts_us:
                replica.start()

    def _look(self, second: int, changed: bool) -> Inputs:
        """What requests meet, worked out again only where something that goes into it has changed."""
        truth = self.stage.truth
        holders = tuple((name, truth.active(name)) for name in truth.seats)
        straggling = bool(truth.stragglers.old)
        truth.stragglers.settle(second)
        built = (truth.version, holders)
        if self._inputs is None or changed or straggling or built != self._built:
            self._built = built
            inputs = inputs_of(truth)
            if self._inputs is None:
                self._stock = empty(len(inputs.streams), list(truth.estate.regions))
            return inputs
        return self._inputs

    def _write_rates(self, inputs: Inputs) -> None:
        """What each datastore's primary takes now: the requests served by those who use it."""
        truth = self.stage.truth
        for name, copies in truth.copies.items():
            if not truth.active(name):
                continue
            copies.rate = sum(
                rate * self._flow.success[place]
                for place, rate in self._flow.rate.items()
                if truth.estate.services[place[0]].spec.datastore == name
            )

    def _compare(self, second: int, *, changed: bool) -> None:
        """Count the seconds that were all alike: with the same state and the same inputs the next is like the last."""
        truth = self.stage.truth
        state = (
            self._stock.state(),
            tuple(seat.state(second) for seat in truth.seats.values()),
            tuple(copies.state() for copies in truth.copies.values()),
            bool(truth.stragglers.old),
            tuple(replica.lives if replica.process else 0 for replica in self.replicas),
            id(self._inputs),
        )
        claims = tuple(tuple(sorted(seat.claims)) for seat in truth.seats.values())
        if claims != self._claims:
            self._claims, self._lapsed_at = claims, second
        self.stage.unread = {key: at for key, at in self.stage.unread.items() if second - at < AUDITED_S}
        alike = not changed and state == self._state and not truth.stragglers.old
        self._alike = self._alike + 1 if alike else 0
        self._state = state

    def _leap(self, second: int) -> None:
        if not self.leaps or self._alike < SETTLED_S + self.eyes.slowest_s or self.stage.calls:
            return
        if self.stage.unread or second - self._lapsed_at < AUDITED_S:
            return
        until = self._quiet_until(second)
        by = (until - MARGIN_S - second - 1) // LEAP_BY * LEAP_BY
        if by <= 0:
            return
        truth, timeline = self.stage.truth, self.stage.timeline
        self.ledger.repeat(by)
        for seat in truth.seats.values():
            seat.leap(by, second)
        self.post.leap(by)
        timeline.leap(by)
        self.leapt_s += by
        for replica in self.replicas:
            replica.leap(timedelta(seconds=by))

    def _quiet_until(self, second: int) -> int:
        """The first second that could be unlike this one, for whatever reason."""
        truth, timeline = self.stage.truth, self.stage.timeline
        bounds = [
            self.schedule.duration,
            self.schedule.next_change(second),
            self.stage.effects.next_second(NEVER),
            self.post.next_change(second),
            *(seat.next_change(second) for seat in truth.seats.values()),
            *(copies.next_change(second) for copies in truth.copies.values()),
            *(crash.at_us // MICROSECONDS for crash in self.schedule.crashes if crash.at_us >= second * MICROSECONDS),
        ]
        for replica in self.replicas:
            quiet = replica.quiet_until()
            if quiet is None:
                return second
            bounds.append(_second_of(timeline, quiet))
        return min(bounds)


def _second_of(timeline: Timeline, moment: datetime) -> int:
    if moment.year >= MAXYEAR:
        return NEVER
    return int((moment - timeline.start) // timedelta(seconds=1))
