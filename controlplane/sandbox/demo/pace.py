"""Policies at the pace of a demo: what takes minutes on a real day takes seconds here; nothing else is changed."""

from dataclasses import dataclass, replace
from datetime import timedelta

from controlplane.model.estate import Estate
from controlplane.model.resources.degradation_policy import Knob, Restore
from controlplane.model.resources.failover_policy import Failback, FailbackMode, FailoverPolicy, FailoverSpec, Ramp


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a fault must stand, how long health must, and the steps of the way back."""

    unhealthy_for: timedelta = timedelta(milliseconds=500)
    stable_for: timedelta = timedelta(seconds=8)
    step: float = 0.34
    every: timedelta = timedelta(seconds=2)
    knob_stable_for: timedelta = timedelta(seconds=6)


def at_pace(estate: Estate, pace: Pace | None = None) -> Estate:
    """The estate with its times at a demo's pace, and its way back by the machine where that was left to a person.

    One control plane looks on, so a quorum of several vantages is not asked for.
    """
    chosen = pace or Pace()
    policies = estate.failover or (FailoverPolicy.model_validate({"metadata": {"name": "default"}}),)
    return replace(
        estate,
        failover=tuple(policy.model_copy(update={"spec": _failover(policy.spec, chosen)}) for policy in policies),
        knobs={name: _knob(knob, chosen) for name, knob in estate.knobs.items()},
        safety=estate.safety.model_copy(update={"vantage_quorum": None}),
    )


def _failover(spec: FailoverSpec, pace: Pace) -> FailoverSpec:
    ramp = Ramp(step=pace.step, every=pace.every)
    failback = Failback(mode=FailbackMode.AUTO, stable_for=pace.stable_for, ramp=ramp)
    return spec.model_copy(update={"unhealthy_for": pace.unhealthy_for, "ramp": ramp, "failback": failback})


def _knob(knob: Knob, pace: Pace) -> Knob:
    return knob.model_copy(update={"restore": Restore(stable_for=pace.knob_stable_for)})
