"""Time to x: every plot of the page stands on the same axis, whose nought is the kill."""

from dataclasses import dataclass

from controlplane.sandbox.demo.record import Mark, Record

WIDTH = 1000.0
LEFT = 170.0
RIGHT = 14.0
_STEPS_S = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600)
_MOST_TICKS = 12
_LABELS = {
    Mark.KILLED: "killed",
    Mark.DETECTED: "known",
    Mark.DRAINED: "left",
    Mark.REVIVED: "started again",
    Mark.RESTORED: "brought back",
}


@dataclass(frozen=True, slots=True)
class Axis:
    """From ``begin`` to ``end`` in Unix time, ``zero`` being the kill."""

    begin: float
    end: float
    zero: float

    @property
    def length_s(self) -> float:
        """In seconds, never nought."""
        return max(self.end - self.begin, 1.0)

    def x(self, at: float) -> float:
        """The place of an instant, within the plot."""
        part = min(max((at - self.begin) / self.length_s, 0.0), 1.0)
        return round(LEFT + (WIDTH - LEFT - RIGHT) * part, 2)

    def label(self, at: float) -> str:
        """Seconds since the kill."""
        return f"{at - self.zero:+.0f} s"

    def ticks(self) -> list[tuple[float, str]]:
        """Round numbers of seconds, and where they stand."""
        step = next((s for s in _STEPS_S if self.length_s / s <= _MOST_TICKS), _STEPS_S[-1])
        first = int((self.begin - self.zero) // step) * step
        seconds = range(first, int(self.end - self.zero) + 1, step)
        return [(self.x(self.zero + s), f"{s} s") for s in seconds if self.zero + s >= self.begin]

    def marks(self, record: Record) -> list[tuple[float, str, str]]:
        """The instants of the story: x, what, and when."""
        return [
            (self.x(record.marks[mark]), label, self.label(record.marks[mark]))
            for mark, label in _LABELS.items()
            if mark in record.marks
        ]


def axis_of(record: Record) -> Axis:
    """All that was seen."""
    seen = [*(second.at for second in record.seconds), *(moment.at for moment in record.moments)]
    begin = record.marks.get(Mark.LOADED, min(seen, default=0.0))
    end = max([*seen, *record.marks.values()], default=begin + 1.0)
    return Axis(begin, end + 1.0, record.marks.get(Mark.KILLED, begin))
