"""What the control plane thought and did, as lanes: one a region, a knob, a job or a database."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby

from controlplane.sandbox.demo.record import Moment, Record
from controlplane.sandbox.demo.report.axis import Axis
from controlplane.sandbox.plan import SandboxPlan

_LETTER = 6.4


@dataclass(frozen=True, slots=True)
class Bar:
    """``label`` is written in it where there is room, ``note`` shown when pointed at."""

    x: float
    width: float
    tone: str
    label: str
    note: str

    @property
    def has_room(self) -> bool:
        """Whether the label fits."""
        return len(self.label) * _LETTER + 8 < self.width


@dataclass(frozen=True, slots=True)
class Lane:
    """One thing over time."""

    name: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Lanes of one kind."""

    title: str
    note: str
    lanes: tuple[Lane, ...]


def groups(record: Record, axis: Axis, plan: SandboxPlan, tones: Mapping[str, str]) -> list[Group]:
    """Verdicts, knobs, jobs and databases; a group without anything to show is left out."""
    knobs = sorted({name for moment in record.moments for name in moment.knobs})
    seats = sorted({name for moment in record.moments for name in moment.seats})
    found = (
        Group(
            "What the control plane thought",
            "its verdict on each region; grey: well again, and still empty",
            tuple(_lane(record, axis, region, _Health(region)) for region in plan.regions),
        ),
        Group(
            "What it turned down",
            "knobs that were not at their default, light to deep",
            tuple(_lane(record, axis, name, _Turned(name, plan)) for name in knobs),
        ),
        Group(
            "Where work is that one region holds",
            "jobs and databases; never two at once",
            tuple(_lane(record, axis, name, _Seat(name, tones)) for name in seats),
        ),
    )
    return [group for group in found if group.lanes]


@dataclass(frozen=True, slots=True)
class _Health:
    region: str

    def __call__(self, moment: Moment) -> tuple[str, str]:
        state = moment.health.get(self.region, "unknown")
        drained = self.region in moment.drained
        tone = {"healthy": "well", "degraded": "ill", "down": "dead"}.get(state, "none")
        return ("drained" if drained and tone == "well" else tone), f"{state}, drained" if drained else state


@dataclass(frozen=True, slots=True)
class _Turned:
    knob: str
    plan: SandboxPlan

    def __call__(self, moment: Moment) -> tuple[str, str]:
        if self.knob not in moment.knobs:
            return "", ""
        value = moment.knobs[self.knob]
        known = self.plan.knobs.get(self.knob.partition(" in ")[0])
        levels = [level for level, _ in known.levels] if known else []
        deep = bool(levels) and value == levels[-1]
        return ("deep" if deep else "light"), str(value)


@dataclass(frozen=True, slots=True)
class _Seat:
    name: str
    tones: Mapping[str, str]

    def __call__(self, moment: Moment) -> tuple[str, str]:
        region = moment.seats.get(self.name)
        return (self.tones.get(region, "none"), region) if region else ("", "")


def _lane(record: Record, axis: Axis, name: str, look: Callable[[Moment], tuple[str, str]]) -> Lane:
    """Equal neighbours make one bar; each lasts until the next begins."""
    bars = []
    moments = record.moments
    ends = [*(moment.at for moment in moments[1:]), axis.end][: len(moments)]
    seen = [(look(moment), moment.at, end) for moment, end in zip(moments, ends, strict=True)]
    for (tone, label), run in groupby(seen, key=lambda one: one[0]):
        spans = list(run)
        begin, end = spans[0][1], spans[-1][2]
        if tone:
            note = f"{name}: {label}, from {axis.label(begin)} to {axis.label(end)}"
            bars.append(Bar(axis.x(begin), round(axis.x(end) - axis.x(begin), 2), tone, label, note))
    return Lane(name, tuple(bars))
