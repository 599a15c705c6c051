"""Hands: the Driver port over the false world, whatever driver the policies name."""

import asyncio
from dataclasses import dataclass, replace
from functools import partial
from typing import assert_never

from controlplane.model.act import (
    Act,
    Confirmation,
    Desired,
    Fence,
    Holder,
    KnobSetting,
    Primary,
    Units,
    Weights,
)
from controlplane.model.errors import Broken, Conflict, Refused, Retry
from controlplane.sim.chance import seeded
from controlplane.sim.changes import change, take_back
from controlplane.sim.loop import MICROSECONDS
from controlplane.sim.stage import Process, Stage

_LOOK_S = 0.02
"""Looking takes no chance: a look that a leap leaves out must not shift anybody's dice."""
_ROUND_TRIP_S = (0.02, 0.08)
_EDGE_S = 0.05
_KNOB_S = (0.5, 2.0)
_FENCE_S = 0.3
_ACTIVATE_S = 1.0
_PROMOTE_S = 2.0
_CLOSE = 1e-9


@dataclass(frozen=True, slots=True)
class Hands:
    """One driver as one process holds it. It lets everything through that a real target would: the control plane may
    do wrong here. A region that the process cannot reach answers Retry; a lower epoch than the last, Conflict."""

    stage: Stage
    process: Process
    driver: str

    async def read(self, subject: str, like: Desired) -> Desired | None:
        """What is so now; see the port."""
        await self._wait(_LOOK_S)
        return _read(self.stage, subject, like)

    async def apply(self, act: Act) -> None:
        """Ask the world for it. The watchers are told first."""
        self.process.breathe()
        self.stage.calls += 1
        try:
            self.stage.watch.applying(self.process, act)
            await self._travel()
            await self._misfire()
            self._check_epoch(act)
            self._check_reach(act.desired)
            self._ask(act)
        finally:
            self.stage.calls -= 1

    async def confirm(self, act: Act) -> Confirmation:
        """Read back."""
        await self._wait(_LOOK_S)
        self._check_reach(act.desired)
        done = _is_so(self.stage, act.subject, act.desired)
        if done:
            self.stage.unread.pop(act.once_key, None)
        return Confirmation(done, detail="" if done else "not yet so")

    async def undo(self, act: Act) -> None:
        """Put back what was there before."""
        self.process.breathe()
        self.stage.calls += 1
        try:
            back = act if act.previous is None else replace(act, desired=act.previous)
            self.stage.watch.applying(self.process, back)
            await self._travel()
            await self._misfire()
            self._check_epoch(act)
            self._after(_EDGE_S, partial(take_back, self.stage, act))
        finally:
            self.stage.calls -= 1

    async def _travel(self) -> None:
        await self._wait(self._drawn("travel", _ROUND_TRIP_S))

    def _drawn(self, what: str, span: tuple[float, float]) -> float:
        """A duration by chance. What is asked of one driver at one instant takes equally long."""
        moment = self.stage.timeline.elapsed_us
        return round(seeded(self.stage.seed, what, self.driver, moment).uniform(*span), 6)

    async def _wait(self, seconds: float) -> None:
        self.process.breathe()
        await asyncio.sleep(seconds)
        self.process.breathe()

    async def _misfire(self) -> None:
        for fault in self.stage.truth.now.driver_faults:
            if not fault.hits(self.driver) or self.stage.chance.random() >= fault.rate:
                continue
            cause = OSError(f"{self.driver}: a fault of the scenario")
            match fault.mode:
                case "hang":
                    await asyncio.Event().wait()
                case "permanent":
                    raise Broken(f"{self.driver} is out of order") from cause
                case _:
                    raise Retry(f"{self.driver} failed for the moment") from cause

    def _check_epoch(self, act: Act) -> None:
        known = self.stage.truth.epochs.get(act.subject, 0)
        if act.epoch < known:
            raise Conflict(f"{act.subject} was acted upon under epoch {known}, not {act.epoch}") from ValueError(known)
        self.stage.truth.epochs[act.subject] = act.epoch

    def _check_reach(self, desired: Desired) -> None:
        """Who runs or writes in a region must be told there; edges, knobs and locks answer from anywhere."""
        if not isinstance(desired, Holder | Primary | Units) or desired.region is None:
            return
        now, region = self.stage.truth.now, desired.region
        if not now.reach(self.process.region, region):
            raise Retry(f"{region} does not answer") from TimeoutError(region)
        if isinstance(desired, Units) and region in now.unmanaged:
            raise Retry(f"the API of {region} does not answer") from TimeoutError(region)

    def _ask(self, act: Act) -> None:
        match act.desired:
            case Weights():
                delay = _EDGE_S
            case KnobSetting():
                delay = self._drawn("knob", _KNOB_S)
            case Holder():
                delay = _ACTIVATE_S
            case Fence():
                delay = _FENCE_S
            case Primary():
                _check_lag(self.stage, act.subject, act.desired)
                delay = _PROMOTE_S
            case Units(region=region):
                scale = self.stage.estate.regions[region].spec.scale
                delay = scale.ready.total_seconds() if scale is not None else 0.0
            case _:
                assert_never(act.desired)
        self._after(delay, partial(change, self.stage, self.process, act))

    def _after(self, delay_s: float, what: partial[None]) -> None:
        self.stage.effects.ask(self.stage.timeline.elapsed_us + round(delay_s * MICROSECONDS), what)


def _check_lag(stage: Stage, datastore: str, desired: Primary) -> None:
    """Only what a replica that still streams knows of itself: with its primary gone, it cannot tell."""
    truth = stage.truth
    if desired.region not in truth.copies[datastore].regions:
        raise Refused(f"{datastore} has no replica in {desired.region}") from LookupError(desired.region)
    lag = truth.copies[datastore].lag_seen(desired.region, truth.now)
    if lag is not None and lag > desired.max_loss_s + _CLOSE and truth.active(datastore):
        raise Refused(f"{datastore} in {desired.region} is {lag:g} s behind") from ValueError(lag)


def _read(stage: Stage, subject: str, like: Desired) -> Desired | None:
    truth = stage.truth
    match like:
        case Weights():
            if subject not in truth.shares:
                return None
            shares = {origin: dict(by) for origin, by in truth.shares[subject].items()}
            return Weights(shares, dict(truth.shed[subject]), dict(truth.refused[subject]))
        case KnobSetting(region=region):
            values = truth.knobs.get(subject)
            return None if not values else KnobSetting(values[region or next(iter(values))], region)
        case Holder():
            return Holder(truth.seats[subject].owner) if subject in truth.seats else None
        case Primary(max_loss_s=loss):
            owner = truth.seats[subject].owner if subject in truth.seats else None
            return None if owner is None else Primary(owner, loss)
        case Fence(region=region):
            known = subject in truth.seats and region not in truth.seats[subject].claims
            return Fence(region) if known else None
        case Units(region=region):
            if region not in stage.estate.regions:
                return None
            return Units(region, truth.units.get(region, stage.estate.regions[region].spec.capacity))
        case _:
            assert_never(like)


def _is_so(stage: Stage, subject: str, desired: Desired) -> bool:
    if isinstance(desired, Holder | Primary):
        active = stage.truth.active(subject)
        return desired.region in active if desired.region is not None else not active
    found = _read(stage, subject, desired)
    if isinstance(desired, Weights) and isinstance(found, Weights):
        return _same(desired, found)
    if isinstance(desired, Units) and isinstance(found, Units):
        return found.units >= desired.units - _CLOSE
    return found == desired


def _same(a: Weights, b: Weights) -> bool:
    """The same shares; an absent one is none."""
    flat = [
        {(origin, region): share for origin, by in weights.shares.items() for region, share in by.items()}
        for weights in (a, b)
    ]
    return all(abs(flat[0].get(key, 0.0) - flat[1].get(key, 0.0)) <= _CLOSE for key in {*flat[0], *flat[1]})
