"""Which permitted actions begin now, and what is in the air."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from controlplane.engine.execute import Executor
from controlplane.engine.hands import Sort, Target, target_of
from controlplane.engine.outcome import Flight, Outcome, Stop
from controlplane.engine.supervise import Supervisor
from controlplane.model.desk import InFlight
from controlplane.model.journal import Entry
from controlplane.model.permit import Permit
from controlplane.model.plan import Action, ActionKind, Cause
from controlplane.model.world import Shares

_SAME_SHARE = 0.002


@dataclass(slots=True)
class Actor:
    """One act a target at a time. ``busy``: targets that something else (a renewal) has its hands on. ``looks_on``:
    begin nothing, whatever is permitted."""

    executor: Executor
    supervisor: Supervisor
    flights: dict[Target, Flight] = field(default_factory=dict)
    busy: set[Target] = field(default_factory=set)
    highest_intent: int = 0
    looks_on: bool = False

    def choose(self, permits: Iterable[Permit], wanted: Shares | None = None) -> tuple[Permit, ...]:
        """The permits whose action can begin now: nothing to wait for, nothing else in the air for the same target.

        A shift that is in the air gives way to one that leaves a dead region; its own successor starts when it has
        ended. ``wanted``: the shares that the plan counts on; where something in the air takes more, the plan's other
        gains would not fit beside it (R3) and wait until it has ended.
        """
        if self.looks_on:
            return ()
        chosen: dict[Target, Permit] = {}
        astray = set() if wanted is None else self._astray(wanted)
        for permit in permits:
            action = permit.action
            target = target_of(action, self.executor.estate)
            if action.after or target in chosen or target in self.busy:
                continue
            if target not in self.flights and astray & set((action.to or "").split(",")):
                continue
            flight = self.flights.get(target)
            if flight is None:
                if self.executor.admits(permit):
                    chosen[target] = permit
            elif _gives_way(flight.action, action):
                flight.halt(Stop.SUPERSEDED)
        return tuple(chosen.values())

    def _astray(self, wanted: Shares) -> set[str]:
        """Regions that an act in the air will give more than the plan counts on."""
        return {
            region
            for flight in self.flights.values()
            if flight.action.kind is ActionKind.SHIFT and flight.action.subject in wanted
            for origin, by in flight.action.shares.items()
            for region, share in by.items()
            if share > wanted[flight.action.subject].get(origin, {}).get(region, 0.0) + _SAME_SHARE
        }

    async def announce(self, permits: Iterable[Permit], facts: Sequence[Entry] = ()) -> tuple[Flight, ...]:
        """Journal the intents, after the facts that led to them. From here on the targets are taken, although nothing
        has been done yet."""
        flights = await self.executor.announce(tuple(permits), facts)
        for flight in flights:
            self.flights[flight.target] = flight
            self.highest_intent = max(self.highest_intent, flight.intent)
        return flights

    def launch(self, flights: Iterable[Flight], ended: Callable[[Flight, Outcome], None]) -> None:
        """Let announced acts run beside the loop."""
        for flight in flights:
            flight.task = self.supervisor.start(f"act {flight.action.id}", self._run(flight, ended))

    async def finish(self, grace_s: float) -> None:
        """Let what is in the air end by itself, and stop what is not done in time."""
        await self.supervisor.wait([f.task for f in self.flights.values() if f.task is not None], grace_s)
        for flight in self.flights.values():
            flight.halt(Stop.SHUTDOWN)
        await self.supervisor.wait(
            [f.task for f in self.flights.values() if f.task is not None], self.executor.limits.undo_s + grace_s
        )

    def settled(self) -> int:
        """The place in the journal up to which every intent of this process has its outcome."""
        return min((flight.intent - 1 for flight in self.flights.values()), default=self.highest_intent)

    def seen(self) -> tuple[InFlight, ...]:
        """What people are shown."""
        return tuple(flight.seen() for flight in self.flights.values())

    def stuck(self) -> frozenset[str]:
        """Knobs, datastores and regions whose acts fail again and again: the plan must do without them for now."""
        failing = self.executor.backoff.stuck()
        sorts = (Sort.KNOB, Sort.DATASTORE, Sort.REGION)
        return frozenset(
            name.partition(":")[2].partition("@")[0]
            for name in failing
            if name.startswith(tuple(f"{sort}:" for sort in sorts)) and not self.executor.backoff.ready(name)
        )

    async def _run(self, flight: Flight, ended: Callable[[Flight, Outcome], None]) -> Outcome:
        try:
            outcome = await self.executor.run(flight)
        finally:
            if self.flights.get(flight.target) is flight:
                del self.flights[flight.target]
        ended(flight, outcome)
        return outcome


def _gives_way(flying: Action, wanted: Action) -> bool:
    """Only traffic gives way, and only to a way out of a dead region that the act in the air does not take as far."""
    if flying.kind is not ActionKind.SHIFT or wanted.kind is not ActionKind.SHIFT or wanted.cause is not Cause.FAILOVER:
        return False
    left = (wanted.from_ or "").split(",")
    return any(
        flying.shares.get(origin, {}).get(region, 0.0) > wanted.shares.get(origin, {}).get(region, 0.0) + _SAME_SHARE
        for origin in {*flying.shares, *wanted.shares}
        for region in left
    )
