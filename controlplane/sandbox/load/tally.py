"""Counting what users saw, by the second in which their request was due."""

from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from controlplane.sandbox.load.arrivals import Stream

_BINS = 100_001
_BIN_S = 0.0001


@dataclass(frozen=True, slots=True)
class Seen:
    """How one request ended. ``failure`` empty: it succeeded. ``why``: what the shop gave as its reason."""

    latency_s: float
    failure: str = ""
    why: str = ""
    region: str = ""
    wrong_region: bool = False
    written: bool = False


@dataclass(slots=True)
class Second:
    """One second's requests."""

    sent: int = 0
    open: int = 0
    ok: int = 0
    wrong_region: int = 0
    written: int = 0
    retries: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    why: Counter[str] = field(default_factory=Counter)
    regions: Counter[str] = field(default_factory=Counter)
    services: dict[str, list[int]] = field(default_factory=dict)
    origins: dict[str, list[int]] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)


class Tally:
    """``start``: the loop's time at which counting began; ``at``: the same instant as Unix time."""

    def __init__(self, start: float, at: float) -> None:
        self._start = start
        self._at = at
        self._seconds: dict[int, Second] = {}
        self._emitted = 0
        self._total = Second()
        self._bins = array("L", bytes(array("L").itemsize * _BINS))
        self._slowest = 0.0
        self._failures: list[float] = []
        self.late_s = 0.0

    def sent(self, due: float, now: float) -> None:
        """A request that was due has been sent."""
        second = self._second(due)
        second.sent += 1
        second.open += 1
        self.late_s = max(self.late_s, now - due)

    def again(self, due: float) -> None:
        """The same user tries again."""
        self._second(due).retries += 1

    def ended(self, due: float, stream: Stream, seen: Seen) -> None:
        """A request has ended, well or badly."""
        second = self._second(due)
        second.open -= 1
        second.latencies.append(seen.latency_s)
        self._bins[min(_BINS - 1, int(seen.latency_s / _BIN_S))] += 1
        self._slowest = max(self._slowest, seen.latency_s)
        place = 1 if seen.failure else 0
        second.services.setdefault(stream.service, [0, 0])[place] += 1
        second.origins.setdefault(stream.origin, [0, 0])[place] += 1
        second.wrong_region += seen.wrong_region
        second.written += seen.written
        if seen.region:
            second.regions[seen.region] += 1
        if seen.failure:
            second.failed[seen.failure] += 1
            if seen.why:
                second.why[seen.why] += 1
            self._failures.append(due - self._start)
        else:
            second.ok += 1

    def finished(self, now: float) -> Iterator[dict[str, Any]]:
        """The seconds, in order, that are over and whose every request has ended."""
        while self._emitted + 1 <= now - self._start:
            second = self._seconds.get(self._emitted, Second())
            if second.open:
                return
            yield self._line(self._emitted, second)
            self._add(second)
            self._seconds.pop(self._emitted, None)
            self._emitted += 1

    def summary(self) -> dict[str, Any]:
        """The whole run, seconds not yet finished included. Times in seconds since the start."""
        for number in sorted(self._seconds):
            self._add(self._seconds.pop(number))
        total = self._total
        failed = sum(total.failed.values())
        self._failures.sort()
        return {
            "started_at": self._at,
            "total": total.ok + failed,
            "ok": total.ok,
            "failed": failed,
            "reasons": dict(total.failed),
            "why": dict(total.why),
            "first_failed_s": round(self._failures[0], 3) if self._failures else None,
            "last_failed_s": round(self._failures[-1], 3) if self._failures else None,
            "wrong_region": total.wrong_region,
            "written": total.written,
            "retries": total.retries,
            "regions": dict(total.regions),
            "services": total.services,
            "origins": total.origins,
            "p50_ms": self._percentile(0.50),
            "p99_ms": self._percentile(0.99),
            "p999_ms": self._percentile(0.999),
            "max_ms": round(self._slowest * 1000, 1),
            "late_ms": round(self.late_s * 1000, 1),
        }

    def _second(self, due: float) -> Second:
        number = max(0, int(due - self._start))
        second = self._seconds.get(number)
        if second is None:
            second = self._seconds[number] = Second()
        return second

    def _line(self, number: int, second: Second) -> dict[str, Any]:
        ordered = sorted(second.latencies)
        return {
            "second": number,
            "at": round(self._at + number, 3),
            "sent": second.sent,
            "ok": second.ok,
            "failed": dict(second.failed),
            "why": dict(second.why),
            "regions": dict(second.regions),
            "services": second.services,
            "origins": second.origins,
            "wrong_region": second.wrong_region,
            "written": second.written,
            "retries": second.retries,
            "p50_ms": _at(ordered, 0.50),
            "p99_ms": _at(ordered, 0.99),
            "max_ms": _at(ordered, 1.0),
        }

    def _add(self, second: Second) -> None:
        total = self._total
        for name in ("sent", "ok", "wrong_region", "written", "retries"):
            setattr(total, name, getattr(total, name) + getattr(second, name))
        total.failed += second.failed
        total.why += second.why
        total.regions += second.regions
        for mine, theirs in ((total.services, second.services), (total.origins, second.origins)):
            for name, (good, bad) in theirs.items():
                counts = mine.setdefault(name, [0, 0])
                counts[0] += good
                counts[1] += bad

    def _percentile(self, share: float) -> float | None:
        wanted = share * sum(self._bins)
        passed = 0
        for number, count in enumerate(self._bins):
            passed += count
            if count and passed >= wanted:
                return round((number + 1) * _BIN_S * 1000, 1)
        return None


def _at(ordered: list[float], share: float) -> float | None:
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000, 2) if ordered else None
