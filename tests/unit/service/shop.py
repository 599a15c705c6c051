"""A small estate, and a desk that stands still: it keeps what people say and decides when it is asked."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from controlplane.decide.plan import plan
from controlplane.engine.people import facts_of, heed
from controlplane.engine.state import EstateState
from controlplane.model.desk import (
    Listener,
    Mode,
    PersonCommand,
    Policies,
    Receipt,
    Status,
    StoreHealth,
    Tick,
    WatchHealth,
)
from controlplane.model.errors import LeaseLost, StoreLost
from controlplane.model.estate import Estate
from controlplane.model.journal import Entry, EntryKind
from controlplane.model.resources import Datastore, FailoverPolicy, Knob, Region, SafetySpec, Service
from controlplane.model.world import Knobs, World
from controlplane.ports.store import Journal

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def estate() -> Estate:
    """Three regions, two of them in the EU; checkout needs payment, settlement writes orders-db."""
    regions = {"dublin": "EU", "frankfurt": "EU", "london": "UK"}
    latency = {"dublin": "5ms", "frankfurt": "20ms", "london": "10ms"}
    europe = {"IE": ["EU"], "DE": ["EU"]}
    services: dict[str, Mapping[str, object]] = {
        "checkout": {
            "tier": 0,
            "demand": {"IE": 50.0, "DE": 100.0, "GB": 50.0},
            "residency": europe,
            "dependsOn": [{"service": "payment"}],
        },
        "feed": {"tier": 3, "demand": {"DE": 150.0, "GB": 50.0}},
        "payment": {"tier": 0, "demand": {"DE": 20.0}},
        "settlement": {"placement": "exclusive", "regions": ["dublin", "frankfurt"], "datastore": "orders-db"},
    }
    knobs: list[Mapping[str, object]] = [
        {"name": "comments", "default": True, "scope": "region", "levels": [{"value": False, "saves": {"feed": 0.1}}]},
        {"name": "page-size", "default": 3.0, "levels": [{"value": 1.5}]},
        {
            "name": "recommendations",
            "default": "full",
            "levels": [
                {"value": "cached", "saves": {"feed": 0.4}, "valueLost": 20.0},
                {"value": "off", "saves": {"feed": 0.8}, "valueLost": 60.0},
            ],
        },
    ]
    return Estate(
        regions={
            name: Region.model_validate(
                {
                    "metadata": {"name": name},
                    "spec": {"jurisdiction": law, "capacity": 400.0, "latency": {"IE": latency[name], "DE": "9ms"}},
                }
            )
            for name, law in regions.items()
        },
        services={n: Service.model_validate({"metadata": {"name": n}, "spec": spec}) for n, spec in services.items()},
        datastores={
            "orders-db": Datastore.model_validate(
                {
                    "metadata": {"name": "orders-db"},
                    "spec": {"engine": "postgresql", "primary": "dublin", "replicas": ["frankfurt"]},
                }
            )
        },
        failover=(FailoverPolicy.model_validate({"metadata": {"name": "default"}, "spec": {"autonomy": "act"}}),),
        knobs={knob.name: knob for knob in map(Knob.model_validate, knobs)},
        safety=SafetySpec.model_validate({"minServingRegions": 2}),
    )


class StillDesk:
    """A full desk without a loop: people's words go through the engine's own rules into a state, and from there into
    the world. ``leads`` False: a follower; ``lost``: the store is gone."""

    def __init__(self, journal: Journal, world: World | None = None) -> None:
        self.journal = journal
        self.leads = True
        self.lost = False
        self.quiet: tuple[str, ...] = ()
        self.leader_address = "http://127.0.0.1:1"
        self.given: list[PersonCommand] = []
        self.state = EstateState()
        self._estate = estate()
        self._world = world if world is not None else World(at=NOON)
        self._listeners: list[Listener] = []

    @property
    def estate(self) -> Estate:
        return self._estate

    def snapshot(self) -> Status:
        world = self._seen()
        return Status(
            at=world.at,
            replica="dublin-1",
            mode=Mode.LEADING if self.leads else Mode.FOLLOWING,
            epoch=7 if self.leads else 0,
            policies=Policies("abc", NOON, ("policies",)),
            world=world,
            leader="dublin-1" if self.leads else "frankfurt-1",
            leader_address=None if self.leads else self.leader_address,
            plan=plan(self._estate, world),
            approvals=self.state.approvals,
            paused=self.state.paused,
            watch=WatchHealth(quiet=self.quiet),
            store=StoreHealth(ok=not self.lost, problem="gone" if self.lost else ""),
        )

    def flags(self) -> Knobs:
        return self._world.knobs

    def turn(self, knobs: Knobs) -> None:
        """Put knob values in force."""
        self._world = replace(self._world, knobs=knobs)

    def change(self, world: World) -> None:
        """Let the world be another one, and tell who listens."""
        self._world = world
        for listener in tuple(self._listeners):
            listener(Tick(self.snapshot(), 0.001))

    async def submit(self, command: PersonCommand) -> Receipt:
        await asyncio.sleep(0)
        if self.lost:
            raise StoreLost("the store is gone")
        if not self.leads:
            raise LeaseLost("frankfurt-1 leads")
        state, receipt = heed(self.state, command, NOON)
        facts = facts_of(command, self.state)
        (entry,) = await self.journal.append(
            [Entry(EntryKind.PERSON, NOON, type(command).__name__, command.by, command.reason, facts=facts)]
        )
        self.state = state
        self.given.append(command)
        for listener in tuple(self._listeners):
            listener(entry)
        return replace(receipt, seq=entry.seq)

    def listen(self, listener: Listener) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @property
    def heard_by(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def _seen(self) -> World:
        accepted = {loss.datastore: loss.loss for loss in self.state.accepted}
        return replace(self._world, overrides=self.state.overrides, wishes=self.state.wishes, accepted_loss=accepted)
