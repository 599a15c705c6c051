"""What the edge's counters say of users: as far back as it takes, with the newest look told by itself."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from controlplane.model.evidence import Observation, Signal
from controlplane.model.resources.service import ProbeSpec
from controlplane.probes.counters import Counts
from controlplane.probes.envoy import EnvoyProbe, _Reading
from controlplane.probes.watch import Spot


class Clock:
    def __init__(self) -> None:
        self.at = 100.0

    def now(self) -> datetime:
        return datetime(2026, 11, 24, tzinfo=UTC) + timedelta(seconds=self.at)

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds


class Reader:
    """Answers what it is given, in place of an edge."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.totals: dict[str, tuple[int, int]] = {}

    def count(self, seen: Mapping[str, tuple[int, int]]) -> None:
        """``seen``: cluster → answered and failed, more than before."""
        for name, (answered, failed) in seen.items():
            known = self.totals.get(name, (0, 0))
            self.totals[name] = (known[0] + answered, known[1] + failed)

    async def read(self, timeout_s: float, fresh_s: float) -> _Reading:
        answered = {name: total for name, (total, _) in self.totals.items()}
        failed = {name: bad for name, (_, bad) in self.totals.items()}
        return _Reading(self.clock.at, Counts(answered, failed))

    def close(self) -> None:
        return


async def look(*seconds: tuple[int, int]) -> Observation:
    """The last sample of success after seconds with so many answers and failures."""
    clock = Clock()
    reader = Reader(clock)
    reader.count({"checkout@dublin": (0, 0)})
    spec = ProbeSpec.model_validate({"kind": "envoy", "target": "http://127.0.0.1:1"})
    spot = Spot(vantage="edge", region="*", subject="checkout", settings={}, clock=clock)
    probe = EnvoyProbe(spec, spot, reader, window_s=10.0, enough=50.0)  # type: ignore[arg-type]
    seen: tuple[Observation, ...] = await probe.look()
    for answered, failed in seconds:
        reader.count({"checkout@dublin": (answered, failed)})
        clock.at += 1.0
        seen = await probe.look()
    return next(one for one in seen if one.signal is Signal.SUCCESS)


async def test_a_busy_service_is_judged_by_its_last_second() -> None:
    seen = await look((100, 0), (100, 10))
    assert (seen.value, seen.weight, seen.over_s, seen.newest) == (0.9, 100.0, 1.0, (1.0, 100.0, 0.9))


async def test_a_quiet_service_is_looked_back_on_and_its_last_second_told_by_itself() -> None:
    seen = await look((10, 0), (10, 0), (10, 0), (5, 5))
    assert (seen.weight, seen.over_s) == (35.0, 4.0)
    assert seen.value is not None
    assert abs(seen.value - 30 / 35) < 1e-9
    assert seen.newest == (1.0, 5.0, 0.0)
