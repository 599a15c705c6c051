"""Judge, survey, plan and guard, once a tick; the plan is made anew only when something it depends on has changed."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain

from controlplane.decide.guard import guard
from controlplane.decide.judge import judge
from controlplane.decide.plan import plan as make_plan
from controlplane.engine.observe import EvidenceBook
from controlplane.engine.state import EstateState
from controlplane.engine.worlds import Surveyor, Verdicts, decisive
from controlplane.model.estate import Estate
from controlplane.model.permit import Permit, Refusal, Standing
from controlplane.model.plan import Plan
from controlplane.model.verdict import Health, Verdict
from controlplane.model.world import World


@dataclass(frozen=True, slots=True)
class Decision:
    """What one tick made of the world."""

    world: World
    plan: Plan

    @property
    def at(self) -> datetime:
        """When it was made."""
        return self.plan.at


@dataclass(slots=True)
class Decider:
    """``verdicts`` is the judge's memory. ``fresh_plans`` counts the plans that were really made.
    ``looked_at`` is the revision of the evidence that was last judged.
    ``trusting``: where nothing is known, what was known last stands: for a person who acts alone, with no daemon left
    that could look."""

    estate: Estate
    book: EvidenceBook
    verdicts: Verdicts = field(default_factory=dict)
    fresh_plans: int = 0
    trusting: bool = False
    looked_at: int = -1
    _surveyor: Surveyor | None = None
    _last: Decision | None = None
    _basis: World | None = None

    @property
    def surveyor(self) -> Surveyor:
        """Puts the world together."""
        if self._surveyor is None:
            self._surveyor = Surveyor(self.estate, self.book)
        return self._surveyor

    def follow(self, estate: Estate) -> None:
        """Decide by other policies from now on."""
        self.estate = estate
        self.surveyor.estate = estate
        self._basis = None

    def look(self, now: datetime) -> Verdicts:
        """Weigh what is believed now into verdicts."""
        self.looked_at = self.book.revision
        before = self.verdicts
        found = judge(self.estate, self.book.snapshot(now), before, now=now)
        if self.trusting:
            found = {key: _trusted(verdict, before.get(key)) for key, verdict in found.items()}
        self.verdicts = found
        return found

    def decide(self, state: EstateState, stuck: frozenset[str], now: datetime) -> Decision:
        """The plan for the world as it is. Between two instants at which time alone could change it, an equal world
        has an equal plan: the last one is then dated anew."""
        world = self.surveyor.survey(state, self.verdicts, stuck, now)
        basis = decisive(world)
        last = self._last
        if last is not None and basis == self._basis and not _woken(last, now):
            decision = Decision(world, replace(last.plan, at=now))
        else:
            decision = Decision(world, self._plan(world))
        self._last, self._basis = decision, basis
        return decision

    def answer(self, decision: Decision, standing: Standing) -> tuple[Permit | Refusal, ...]:
        """The guard's answer to each action of the plan."""
        return guard(decision.plan, self.estate, decision.world, standing)

    def forget(self) -> None:
        """Make the next plan anew, whatever it depends on."""
        self._basis = None

    def _plan(self, world: World) -> Plan:
        self.fresh_plans += 1
        made = make_plan(self.estate, world)
        wakes = [at for at in chain(_windows(self.estate, world), [made.wake_at]) if at is not None and at > world.at]
        return replace(made, wake_at=min(wakes, default=None))


def _trusted(verdict: Verdict, before: Verdict | None) -> Verdict:
    return before if verdict.state is Health.UNKNOWN and before is not None else verdict


def _woken(last: Decision, now: datetime) -> bool:
    return last.plan.wake_at is not None and now >= last.plan.wake_at


def _windows(estate: Estate, world: World) -> list[datetime]:
    """When transitions (R7) and shifts (R8) leave the windows they are counted in."""
    safety = estate.safety
    ends = [transition.at + safety.max_transitions.per for transition in world.transitions]
    return ends + [shift.at + safety.max_shift.per for shift in world.shifts]
