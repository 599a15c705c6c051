"""The sandbox's processes: started so that they can always be found again, and ended without touching a stranger's.

Each child writes its own record (pid, start time, boot) before it turns into the server, so there is no instant at
which a process runs that ``down`` does not know of. A pid is trusted only while boot and start time still match.
"""

import ctypes
import fcntl
import json
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG, _PR_SET_SECUREBITS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 1, 28, 47, 2
_SECBIT_NO_SETUID_FIXUP = 1 << 2
_CAPABILITY_VERSION_3, _CAP_DAC_OVERRIDE = 0x20080522, 1
_GONE_WITHIN_S = 5.0

_children: dict[int, "subprocess.Popen[bytes]"] = {}
"""Children of this very process, kept so that they are reaped when they end."""


@dataclass(frozen=True, slots=True)
class Launch:
    """A process to start. ``demoted``: as an unprivileged user if this one is root (PostgreSQL insists)."""

    name: str
    kind: str
    region: str | None
    argv: Sequence[str]
    cwd: Path
    environment: dict[str, str] = field(default_factory=dict)
    demoted: bool = False


@dataclass(frozen=True, slots=True)
class Running:
    """The record of a started process. ``started`` in clock ticks since boot."""

    name: str
    kind: str
    region: str | None
    pid: int
    started: int
    boot: str
    cwd: str

    @property
    def alive(self) -> bool:
        """Whether this very process, not another with its number, still runs (a zombie does not)."""
        child = _children.get(self.pid)
        if child is not None:
            child.poll()
        return self.boot == _boot() and _start_time(self.pid) == self.started


class Processes:
    """All processes of one sandbox; ``directory`` holds one record each."""

    def __init__(self, directory: Path, logs: Path) -> None:
        self._directory = directory
        self._logs = logs

    def start(self, launch: Launch, *, attached: bool) -> Running:
        """Start a process; attached: it dies with the thread that calls this (so call it from the main one)."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._logs.mkdir(parents=True, exist_ok=True)
        record = self._directory / f"{launch.name}.json"
        with _append(self._logs / f"{launch.name}.log") as log:
            child = subprocess.Popen(
                list(launch.argv),
                cwd=launch.cwd,
                env={**os.environ, **launch.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=_become(launch, record, attached=attached),  # noqa: PLW1509
            )
        _children[child.pid] = child
        running = _read(record)
        if running is None or running.pid != child.pid:
            child.kill()
            raise OSError(f"{launch.name} left no record of itself in {record}")
        return running

    def all(self) -> tuple[Running, ...]:
        """Every record, alive or not, by name."""
        found = (_read(path) for path in sorted(self._directory.glob("*.json")))
        return tuple(running for running in found if running is not None)

    def of(self, region: str) -> tuple[Running, ...]:
        """The records of one region."""
        return tuple(running for running in self.all() if running.region == region)

    def find(self, name: str) -> Running | None:
        """One record by name."""
        return _read(self._directory / f"{name}.json")

    def pids(self, chosen: Sequence[Running]) -> tuple[int, ...]:
        """What is alive of these, then of PostgreSQL's own children, which outlive their parent for a moment."""
        data = {running.cwd for running in chosen if running.kind == "postgres"}
        first = {running.pid: None for running in chosen if running.alive}
        return tuple(first | dict.fromkeys(sorted(_postgres_in(data))))

    def signal(self, chosen: Sequence[Running], number: signal.Signals) -> None:
        """Send a signal to processes and their families. SIGKILL is repeated until nothing is left."""
        deadline = time.monotonic() + _GONE_WITHIN_S
        while pids := self.pids(chosen):
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
            if number != signal.SIGKILL:
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"processes {pids} do not die")
            time.sleep(0.01)

    def end(self, chosen: Sequence[Running]) -> None:
        """Kill these and forget them."""
        self.signal(chosen, signal.SIGKILL)
        for running in chosen:
            (self._directory / f"{running.name}.json").unlink(missing_ok=True)


@contextmanager
def owned(path: Path) -> Iterator[bool]:
    """Hold a lock file; False: somebody else holds it. The kernel lets go of it when this process dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def demotion() -> tuple[int, int] | None:
    """The user and group that a demoted process runs as; None: this process has no privilege to drop."""
    if os.geteuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        return 65534, 65534
    return nobody.pw_uid, nobody.pw_gid


def demote() -> None:
    """Drop root in a child about to run a server, keeping only the right to walk into the owner's directories.

    PostgreSQL refuses root, while its files may lie in a home that only root may enter: CAP_DAC_OVERRIDE is handed
    through exec as an ambient capability, and with NO_SETUID_FIXUP access(2), which initdb asks, honours it too.
    Where the kernel says no to any of it the plain user remains, which is enough outside such homes.
    """
    who = demotion()
    if who is None:
        return
    _LIBC.prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setresgid(who[1], who[1], who[1])
    os.setresuid(who[0], who[0], who[0])
    kept = 1 << _CAP_DAC_OVERRIDE
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    _LIBC.capset(header, (ctypes.c_uint32 * 6)(kept, kept, kept, 0, 0, 0))
    _LIBC.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0)


def _become(launch: Launch, record: Path, *, attached: bool) -> Callable[[], None]:
    """What a child does between fork and exec."""
    parent, boot = os.getpid(), _boot()

    def child() -> None:
        os.setsid()
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        me = os.getpid()
        running = Running(
            launch.name, launch.kind, launch.region, me, _start_time(me) or 0, boot, str(launch.cwd.resolve())
        )
        draft = record.with_suffix(".new")
        draft.write_text(json.dumps(asdict(running)))
        draft.replace(record)
        if launch.demoted:
            demote()
        if attached:  # after the change of user, which clears it
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != parent:
                os.kill(me, signal.SIGKILL)

    return child


def _append(path: Path) -> IO[bytes]:
    return path.open("ab")


def _read(path: Path) -> Running | None:
    try:
        return Running(**json.loads(path.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _start_time(pid: int) -> int | None:
    """Clock ticks since boot at which a process began; None: there is none, or only its zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in {"Z", "X"} else int(fields[19])


def _postgres_in(directories: set[str]) -> set[int]:
    """PostgreSQL's processes by the data directory they work in: its backends lead sessions of their own."""
    found: set[int] = set()
    if not directories:
        return found
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                here = str((entry / "cwd").readlink()).removesuffix(" (deleted)")
                if here in directories and (entry / "comm").read_text().strip() == "postgres":
                    found.add(int(entry.name))
    return {pid for pid in found if _start_time(pid) is not None}
