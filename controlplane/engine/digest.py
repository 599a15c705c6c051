"""What one replica believes, written so that another can read it: each replica is a vantage for all."""

from datetime import datetime, timedelta

from controlplane.engine.observe import EvidenceBook
from controlplane.model.evidence import Observation, Reading, Signal
from controlplane.model.journal import Json

_SEPARATE_CLOCKS = timedelta(seconds=30)


def digest(book: EvidenceBook, vantage: str, now: datetime) -> Json:
    """The believed samples of this replica's own probes that are not stale yet."""
    rows: list[Json] = [
        _row(seen, track.failing_since, now)
        for track in book.tracks()
        if track.local and (seen := track.believed) is not None and _fresh(seen, now)
    ]
    return {"vantage": vantage, "at": now.isoformat(), "samples": rows}


def written_at(document: Json) -> datetime | None:
    """When a digest was written, by its writer's clock; None if it is none."""
    if isinstance(document, dict) and isinstance(at := document.get("at"), str):
        return datetime.fromisoformat(at)
    return None


def absorb(book: EvidenceBook, document: Json, now: datetime) -> int:
    """Take another replica's digest into the book, and answer how many samples it held.

    They have been through fall and rise where they were made. Samples from the future are dated now (clocks differ a
    little); a digest from far in the future is not believed at all.
    """
    at = written_at(document)
    if at is None or not isinstance(document, dict) or at - now > _SEPARATE_CLOCKS:
        return 0
    rows = document.get("samples")
    taken = 0
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict):
            seen, failing_since = _parse(row, at, now)
            book.take(seen, local=False, failing_since=failing_since)
            taken += 1
    return taken


def _fresh(seen: Observation, now: datetime) -> bool:
    return now - seen.observed_at <= timedelta(seconds=seen.valid_s)


def _row(seen: Observation, failing_since: datetime | None, now: datetime) -> Json:
    row: dict[str, Json] = {
        "signal": seen.signal.value,
        "vantage": seen.vantage,
        "region": seen.region,
        "subject": seen.subject,
        "reading": seen.reading.value,
        "age_s": round((now - seen.observed_at).total_seconds(), 3),
        "valid_s": seen.valid_s,
    }
    optional: dict[str, Json] = {"value": seen.value, "origin": seen.origin, "detail": seen.detail or None}
    if seen.weight != 1.0:
        optional["weight"] = seen.weight
    if seen.over_s > 0:
        optional["over_s"] = round(seen.over_s, 3)
    if seen.newest is not None:
        optional["newest"] = [round(part, 6) for part in seen.newest]
    if failing_since is not None:
        optional["failing_s"] = round((now - failing_since).total_seconds(), 3)
    return row | {name: value for name, value in optional.items() if value is not None}


def _parse(row: dict[str, Json], at: datetime, now: datetime) -> tuple[Observation, datetime | None]:
    value, weight, failing_s = row.get("value"), row.get("weight", 1.0), row.get("failing_s")
    origin = row.get("origin")
    seen = Observation(
        signal=Signal(str(row["signal"])),
        vantage=str(row["vantage"]),
        region=str(row["region"]),
        subject=str(row["subject"]),
        reading=Reading(str(row["reading"])),
        observed_at=min(now, at - timedelta(seconds=_number(row["age_s"]))),
        value=None if value is None else _number(value),
        weight=_number(weight),
        origin=None if origin is None else str(origin),
        valid_s=_number(row["valid_s"]),
        detail=str(row.get("detail", "")),
        over_s=_number(row.get("over_s", 0.0)),
        newest=_newest(row.get("newest")),
    )
    return seen, None if failing_s is None else at - timedelta(seconds=_number(failing_s))


def _newest(value: Json) -> tuple[float, float, float] | None:
    if not isinstance(value, list):
        return None
    over_s, requests, success = map(_number, value)
    return over_s, requests, success


def _number(value: Json) -> float:
    if isinstance(value, int | float):
        return float(value)
    raise ValueError(f"a digest holds {value!r} where a number belongs")
