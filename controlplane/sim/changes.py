"""Changes: how the truth is another one after an act."""

from typing import assert_never

from controlplane.model.act import Act, Fence, Holder, KnobSetting, Primary, Units, Weights
from controlplane.sim.stage import Process, Stage
from controlplane.sim.truth import Truth, behind_names


def change(stage: Stage, process: Process, act: Act) -> None:
    """Let an act come about, if its place is still there to do it."""
    truth = stage.truth
    stage.watch.before_change(act)
    match act.desired:
        case Weights():
            _set_weights(truth, act.subject, act.desired)
        case KnobSetting():
            _turn(truth, act.subject, act.desired)
        case Holder(region=region):
            _activate(truth, act, region)
        case Fence(region=region):
            reached = truth.now.reach(process.region, region)
            truth.seats[act.subject].fence(region, act.epoch, reached=reached)
        case Primary(region=region):
            if truth.runs(act.subject, region):
                truth.seats[act.subject].claim(region, act.epoch, truth.second)
        case Units(region=region, units=units):
            truth.units[region] = units
        case _:
            assert_never(act.desired)
    truth.version += 1
    stage.unread[act.once_key] = truth.second
    stage.watch.after_change(act)


def take_back(stage: Stage, act: Act) -> None:
    """Put ``act.previous`` back. A promotion and a fence stay: writes have gone the new way, or must not go the old."""
    truth = stage.truth
    stage.unread[act.once_key] = truth.second
    match act.previous:
        case Weights():
            stage.watch.before_change(act)
            _set_weights(truth, act.subject, act.previous)
            stage.watch.after_change(act)
        case KnobSetting():
            _turn(truth, act.subject, act.previous)
        case Units(region=region, units=units):
            truth.units[region] = units
        case Holder():
            _deactivate(truth, act)
        case Primary() | Fence() | None:
            pass
        case _:
            assert_never(act.previous)
    truth.version += 1


def _set_weights(truth: Truth, service: str, weights: Weights) -> None:
    if behind_names(truth.estate, service):
        truth.stragglers.change(service, truth.shares[service], truth.second)
    truth.shares[service] = {origin: dict(by) for origin, by in weights.shares.items()}
    truth.shed[service] = dict(weights.shed)
    truth.refused[service] = dict(weights.refused)


def _turn(truth: Truth, knob: str, setting: KnobSetting) -> None:
    regions = truth.knobs[knob] if setting.region is None else (setting.region,)
    for region in list(regions):
        truth.knobs[knob][region] = setting.value


def _activate(truth: Truth, act: Act, region: str | None) -> None:
    seat = truth.seats[act.subject]
    if region is None:
        for holder in list(seat.claims):
            seat.fence(holder, act.epoch, reached=truth.runs(act.subject, holder))
    elif truth.runs(act.subject, region):
        seat.claim(region, act.epoch, truth.second)


def _deactivate(truth: Truth, act: Act) -> None:
    """Take back the claim that this act made, and no other."""
    if isinstance(act.desired, Holder) and act.desired.region is not None:
        claim = truth.seats[act.subject].claims.get(act.desired.region)
        if claim is not None and claim.epoch == act.epoch:
            truth.seats[act.subject].fence(act.desired.region, act.epoch, reached=True)
