"""A real PostgreSQL primary and its streaming standby, each in a folder of its own."""

import atexit
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

from tests.contract.store.postgres import _binaries, _wheel
from tests.servers.edge import free_port

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "30",
    "shared_buffers": "16MB",
    "dynamic_shared_memory_type": "mmap",
    "fsync": "off",
    "wal_level": "replica",
    "wal_log_hints": "on",
    "wal_keep_size": "64MB",
    "wal_receiver_status_interval": "1s",
    "wal_receiver_timeout": "2s",
    "wal_sender_timeout": "2s",
    "wal_retrieve_retry_interval": "200ms",
    "io_method": "sync",
}


class Server:
    """One server. Its port stays the same from start to start."""

    def __init__(self, folder: Path, binaries: Path, user: str | None) -> None:
        self.data = folder
        self.port = free_port()
        self.url = f"postgresql://leeward@127.0.0.1:{self.port}/postgres"
        self._binaries, self._user = binaries, user
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, program: str, *arguments: str) -> None:
        """One of PostgreSQL's programs, to its end."""
        done = subprocess.run(
            [str(self._binaries / program), *arguments],
            capture_output=True,
            timeout=60,
            user=self._user,
            cwd="/",
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()

    def start(self) -> None:
        settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        with (self.data.parent / f"{self.data.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._binaries / "postgres"), "-D", str(self.data), "-k", "", "-p", str(self.port), *settings],
                stdout=log,
                stderr=log,
                user=self._user,
                start_new_session=True,
                cwd="/",
            )
        for _ in range(200):
            with suppress(psycopg.OperationalError):
                psycopg.connect(self.url, connect_timeout=2).close()
                return
            time.sleep(0.05)
        raise AssertionError("the server does not answer")

    def query(self, statement: str) -> Any:
        """The first column of the first row."""
        with psycopg.connect(self.url, autocommit=True, connect_timeout=5) as connection:
            cursor = connection.execute(statement.encode())
            row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None

    def signal(self, number: int) -> None:
        """To every process of the server."""
        if self._process is None:
            return
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for process in (pid, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(process, number)

    def kill(self) -> None:
        if self._process is not None:
            self.signal(signal.SIGKILL)
            self._process.wait(timeout=10)
            self._process = None

    def stop(self) -> None:
        """Shut down in an orderly way."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=20)
            self._process = None


class Pair:
    """``dublin`` is laid as the primary, ``frankfurt`` as its standby. ``reset`` makes it so again, from a copy."""

    def __init__(self) -> None:
        user = "nobody" if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="leeward-pair-", dir=_memory()))
        binaries = _binaries(self.folder) if user else _wheel() / "bin"
        if user:
            account = pwd.getpwnam(user)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        self.servers = {name: Server(self.folder / name, binaries, user) for name in ("dublin", "frankfurt")}
        dublin, frankfurt = self.servers.values()
        plain = ("-U", "leeward", "-A", "trust", "--no-sync", "-E", "UTF8", "--wal-segsize=1")
        dublin.run("initdb", "-D", str(dublin.data), *plain)
        hba = dublin.data / "pg_hba.conf"
        hba.write_text("host all all 127.0.0.0/8 trust\nhost replication all 127.0.0.0/8 trust\n")
        dublin.start()
        dublin.query("CREATE TABLE ledger (id int)")
        frankfurt.run("pg_basebackup", "-D", str(frankfurt.data), "-d", dublin.url, "-R", "-X", "stream", "-c", "fast")
        dublin.stop()
        for server in self.servers.values():
            self._copy(server.data, self._kept(server))

    def reset(self) -> None:
        """Both servers as they were laid, running."""
        self.stop()
        for server in self.servers.values():
            shutil.rmtree(server.data)
            self._copy(self._kept(server), server.data)
            server.start()
        for _ in range(200):
            if self.servers["dublin"].query("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"):
                return
            time.sleep(0.02)
        raise AssertionError("the standby does not stream")

    def stop(self) -> None:
        """Kill both."""
        for server in self.servers.values():
            server.signal(signal.SIGCONT)
            server.kill()

    def _kept(self, server: Server) -> Path:
        return self.folder / f"{server.data.name}.kept"

    @staticmethod
    def _copy(source: Path, target: Path) -> None:
        subprocess.run(["cp", "-a", str(source), str(target)], check=True, timeout=60)

    def follow(self, region: str, primary: str) -> None:
        """Bring a stopped server back as a standby of another region's."""
        server, source = self.servers[region], self.servers[primary]
        server.run("pg_rewind", "-D", str(server.data), f"--source-server={source.url}", "-R", "--no-sync")
        server.start()

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)


def _memory() -> Path | None:
    """A file system in memory with room, if there is one: laying servers is a thousand small files."""
    memory = Path("/dev/shm")  # noqa: S108  a folder of its own is made in it
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > 2**30 else None


@cache
def _laid() -> Pair:
    pair = Pair()
    atexit.register(pair.remove)
    return pair


@contextmanager
def running_pair() -> Iterator[Pair]:
    """A pair as laid, until the block ends. It is laid once a process."""
    pair = _laid()
    pair.reset()
    try:
        yield pair
    finally:
        pair.stop()
