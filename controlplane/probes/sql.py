"""SQL: whether a PostgreSQL answers, whether it is the primary, and how far behind it is if it is not."""

import asyncio
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from controlplane.model.evidence import Observation, Reading, Signal
from controlplane.model.resources.service import ProbeSpec
from controlplane.ports.eyes import Place
from controlplane.probes.faults import OWN_ERRNOS, TIMED_OUT, Finding
from controlplane.probes.settings import POSITIVE, WORD, mistakes_in, number
from controlplane.probes.watch import Frame, Spot

if TYPE_CHECKING:
    import psycopg

_KNOWN = {"datastore": WORD, "silence": POSITIVE}
_SILENCE_S = 35.0
_OWN_FAULTS = (
    *(os.strerror(number) for number in sorted(OWN_ERRNOS)),
    "could not translate host name",
    "authentication failed",
    "no pg_hba.conf entry",
    "no password supplied",
    "too many clients",
    "connection slots are reserved",
    "does not exist",
)
"""What libpq says when the fault is the prober's own: its machine, its resolver, its account or its share of slots."""

_QUERY = """
SELECT pg_is_in_recovery(),
       pg_last_wal_receive_lsn() IS NOT NULL AND pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn(),
       coalesce((SELECT status = 'streaming' FROM pg_stat_wal_receiver), false),
       extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8,
       extract(epoch FROM clock_timestamp() - (SELECT last_msg_receipt_time FROM pg_stat_wal_receiver))::float8
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the server says of itself. ``behind_s``: age of the last commit replayed; ``silent_s``: since the last
    word from the primary; None where it has none to tell."""

    standby: bool
    caught_up: bool
    streaming: bool
    behind_s: float | None
    silent_s: float | None


def lag_s(seen: Standing, since_caught_up_s: float | None, silence_s: float) -> tuple[float | None, str]:
    """How many seconds of commits a standby lacks, or None and why that cannot be said.

    A standby that is not streaming looks as if it had everything, because it has everything it ever heard of. And
    after an idle hour the first commit makes the last replayed one look an hour old, although a moment ago nothing
    was missing: the lag is never more than the time since then.
    """
    if not seen.streaming:
        return None, "not streaming from a primary"
    if seen.caught_up:
        if seen.silent_s is None or seen.silent_s > silence_s:
            return None, "no word from the primary"
        return 0.0, ""
    bounds = [bound for bound in (seen.behind_s, since_caught_up_s) if bound is not None]
    if not bounds:
        return None, "nothing replayed yet"
    return max(0.0, min(bounds)), ""


class SqlProbe:
    """One connection, kept. Sees liveness, role (``primary``: value 1 or 0) and, on a standby, lag."""

    def __init__(self, spec: ProbeSpec, spot: Spot) -> None:
        self._spec = spec
        self._spot = replace(spot, subject=str(spec.with_.get("datastore", spot.subject)))
        self._frame = Frame.of(spec, self._spot)
        self._silence_s = number(spec.with_.get("silence", _SILENCE_S))
        self._caught_up_at: float | None = None
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._left: set[asyncio.Task[Standing | Finding]] = set()

    async def look(self) -> tuple[Observation, ...]:
        """Ask once, on a new connection if the kept one has ended."""
        task = asyncio.get_running_loop().create_task(self._ask())
        try:
            await asyncio.wait({task}, timeout=self._spec.timeout.total_seconds())
        finally:
            if not task.done():
                self._abandon(task)
        seen = task.result() if task.done() else (Reading.FAILED, f"{TIMED_OUT} waiting for the answer")
        if not isinstance(seen, Standing):
            self.close()
            blind = (self._value(Signal.LAG, None, seen[1]), self._value(Signal.PRIMARY, None, seen[1]))
            return (*blind, self._frame.observation(*seen))
        role = self._value(Signal.PRIMARY, 0.0 if seen.standby else 1.0)
        alive = self._frame.observation(Reading.OK)
        return (self._lag(seen), role, alive) if seen.standby else (role, alive)

    def _abandon(self, task: "asyncio.Task[Standing | Finding]") -> None:
        """A cancelled psycopg call first asks the server to stop, and waits seconds for a frozen one: not here."""
        connection, self._connection = self._connection, None

        def ended(task: "asyncio.Task[Standing | Finding]") -> None:
            self._left.discard(task)
            if connection is not None:
                connection.pgconn.finish()

        self._left.add(task)
        task.add_done_callback(ended)
        task.cancel()

    def close(self) -> None:
        """Let go of the connection without ceremony: the server rolls back by itself."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.pgconn.finish()

    async def _ask(self) -> Standing | Finding:
        import psycopg

        try:
            if self._connection is None or self._connection.closed:
                self._connection = await psycopg.AsyncConnection.connect(
                    self._spec.target, autocommit=True, application_name="leeward-probe"
                )
            row = await (await self._connection.execute(_QUERY)).fetchone()
        except psycopg.Error as error:
            words = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            own = any(fault in str(error) for fault in _OWN_FAULTS)
            return (Reading.UNKNOWN if own else Reading.FAILED), words
        return Standing(*row) if row is not None else (Reading.FAILED, "answered nothing")

    def _lag(self, seen: Standing) -> Observation:
        now = self._spot.clock.monotonic()
        since = None if self._caught_up_at is None else now - self._caught_up_at
        lag, why = lag_s(seen, since, self._silence_s)
        if lag == 0.0 and seen.caught_up:
            self._caught_up_at = now
        return self._value(Signal.LAG, lag, why)

    def _value(self, signal: Signal, value: float | None, why: str = "") -> Observation:
        reading = Reading.UNKNOWN if value is None else Reading.OK
        return replace(self._frame.observation(reading, why), signal=signal, value=value, fall=1, rise=1)


class SqlProbes:
    """Makes PostgreSQL probes. ``target`` is a connection URL (``postgresql://user@host:port/database``).

    Settings: ``datastore`` (whose lag and role it is, if the probe stands with a service) and ``silence`` (seconds
    without a word from the primary after which an idle standby's lag is unknown; default 35, since an idle primary
    speaks every ``wal_sender_timeout / 2``, 30 s by default).
    """

    def mistakes(self, spec: ProbeSpec) -> tuple[str, ...]:
        """What is wrong with the spec, a sentence each."""
        found = mistakes_in(spec.with_, _KNOWN)
        url = urlsplit(spec.target)
        if url.scheme not in {"postgresql", "postgres"} or not url.hostname:
            found = (*found, f"target {spec.target!r} is not a PostgreSQL URL (postgresql://user@host:port/database)")
        return found

    def __call__(self, spec: ProbeSpec, place: Place) -> SqlProbe:
        """A probe of one server."""
        return SqlProbe(spec, Spot.at(place))


sql = SqlProbes()
