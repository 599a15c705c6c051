"""The play: everything in its order, each step waited for by what it does, within a bound."""

import asyncio
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from controlplane.model.estate import Estate
from controlplane.sandbox.binding import Watching, write_policies
from controlplane.sandbox.demo.control import ControlPlane
from controlplane.sandbox.demo.outcome import Outcome, draw
from controlplane.sandbox.demo.pace import Pace, at_pace
from controlplane.sandbox.demo.record import Mark, Record, Users, read_deed, read_moment
from controlplane.sandbox.edge import Shares
from controlplane.sandbox.load.options import LoadOptions
from controlplane.sandbox.plan import Address
from controlplane.sandbox.planning import Options
from controlplane.sandbox.rise import Step
from controlplane.sandbox.sandbox import Sandbox

_LOOK_EVERY_S = 0.25


@dataclass(frozen=True, slots=True)
class Script:
    """``region`` dies. ``calm_s`` of ordinary load before, ``storm_s`` after it has been left, ``after_s`` at the end;
    it is waited for the drain and the way back no longer than ``drained_within_s`` and ``restored_within_s``."""

    region: str
    rate: float = 200.0
    calm_s: float = 6.0
    storm_s: float = 10.0
    after_s: float = 9.0
    drained_within_s: float = 25.0
    restored_within_s: float = 45.0
    pace: Pace = field(default_factory=Pace)
    watching: Watching = field(default_factory=Watching)


@dataclass(frozen=True, slots=True)
class Backstage:
    """What this room may not know. ``daemon``: the command that runs a control plane over policies and a store,
    answering at an address. ``shares``: where everything is on a normal day, by the policies of a folder."""

    daemon: Callable[[Path, Path, Address], Sequence[str]]
    shares: Callable[[Path], Shares]


class Audience(Protocol):
    """Who looks on. Called from within the play: must return at once."""

    def rising(self, step: Step) -> None:
        """One more part of the sandbox is ready."""
        ...

    def stage(self, text: str) -> None:
        """A new part of the play begins."""
        ...

    def pulse(self, record: Record) -> None:
        """There is something new to be seen."""
        ...


class Play:
    """One demo in one directory. Nothing is left running when ``run`` ends, however it ends."""

    def __init__(self, estate: Estate, directory: Path, script: Script, backstage: Backstage) -> None:
        self._script = script
        self._backstage = backstage
        self._estate = at_pace(estate, script.pace)
        self._address = _free_address()
        self.sandbox = Sandbox.create(self._estate, directory, Options(script.rate, f"http://{self._address}"))
        self.record = Record(script.region)

    async def run(self, audience: Audience) -> Outcome:
        """From the empty machine to the figures. Raises NotReady or ServerFailed if something does not start."""
        home, script = self.sandbox.plan.home, self._script
        folder = write_policies(self._estate, self.sandbox.plan, script.watching)
        audience.stage("Starting a four-region shop" if len(self._estate.regions) == 4 else "Starting the sandbox")
        await self.sandbox.up(audience.rising, shares=self._backstage.shares(folder))
        store = home / "leeward.sqlite"
        for old in home.glob("leeward.sqlite*"):
            old.unlink()
        control = ControlPlane(self.sandbox, self._backstage.daemon(folder, store, self._address), self._address)
        try:
            audience.stage("Starting the control plane")
            control.start()
            await control.ready()
            watch = _Watch(self.record, control, self._begin_load(), audience)
            await self._acts(watch, audience)
            audience.stage("Counting what users saw")
            summary = await self.sandbox.stop_users()
            await watch.look()
            return await draw(self.record, self.sandbox.plan, summary)
        finally:
            await control.stop()
            self.sandbox.down()

    def _begin_load(self) -> Users:
        path = self.sandbox.start_users(LoadOptions())
        self.record.marks[Mark.LOADED] = time.time()
        return Users(path)

    async def _acts(self, watch: "_Watch", audience: Audience) -> None:
        script, marks = self._script, self.record.marks
        audience.stage(f"Users at {script.rate:g} requests a second; all is well")
        await watch.last(script.calm_s)
        audience.stage(f"{script.region} is killed: every process in it, at once")
        marks[Mark.KILLED] = time.time()
        fault = await self.sandbox.fault("kill", script.region)
        await watch.until(Mark.DRAINED, script.drained_within_s)
        audience.stage(f"{script.region} is gone; users are served elsewhere")
        await watch.last(script.storm_s)
        audience.stage(f"{script.region} is started again; it gets its work back once it has been well for a while")
        await asyncio.gather(self.sandbox.end(fault), watch.last(1.0))
        marks[Mark.REVIVED] = time.time()
        await watch.until(Mark.RESTORED, script.restored_within_s)
        audience.stage("All is as it was")
        await watch.last(script.after_s)
        marks[Mark.ENDED] = time.time()


class _Watch:
    """Looks at the control plane and the users again and again, and writes down what is seen."""

    def __init__(self, record: Record, control: ControlPlane, users: Users, audience: Audience) -> None:
        self._record = record
        self._control = control
        self._users = users
        self._audience = audience
        self._seq = 0

    async def look(self) -> None:
        """Once."""
        status, entries = await asyncio.gather(self._control.status(), self._control.entries(self._seq))
        if status is not None:
            self._record.moments.append(read_moment(status))
        for entry in entries:
            deed = read_deed(entry)
            self._seq = max(self._seq, deed.seq)
            self._record.deeds.append(deed)
        self._record.seconds.extend(self._users.read())
        set_marks(self._record)
        self._audience.pulse(self._record)

    async def last(self, seconds: float) -> None:
        """For a while."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            await self.look()
            await asyncio.sleep(min(_LOOK_EVERY_S, left))

    async def until(self, mark: Mark, within_s: float) -> None:
        """Until a mark is set, or time is up: the figures will say which."""
        until = time.monotonic() + within_s
        while mark not in self._record.marks and time.monotonic() < until:
            await self.look()
            await asyncio.sleep(_LOOK_EVERY_S)


def set_marks(record: Record) -> None:
    """From the journal alone: when the control plane knew, had left, and had brought back."""
    marks, region = record.marks, record.region
    for deed in record.deeds:
        if deed.subject != region:
            continue
        if Mark.KILLED in marks and deed.at >= marks[Mark.KILLED]:
            if deed.verdict == "down":
                marks.setdefault(Mark.DETECTED, deed.at)
            if deed.kind == "drained":
                marks.setdefault(Mark.DRAINED, deed.at)
        whole = deed.facts.get("service", "*") == "*"
        if deed.kind == "restored" and whole and deed.at >= marks.get(Mark.REVIVED, float("inf")):
            marks.setdefault(Mark.RESTORED, deed.at)


def _free_address() -> Address:
    """Where the control plane will answer: the shop must know it before there is one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return Address("127.0.0.1", probe.getsockname()[1])
