"""What a daemon is told when it is started. Light to import: the command line fills it in."""

import os
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DaemonOptions:
    """``replica`` names this process for good (lease, journal): started again under the same name it takes its own
    lease up at once. ``vantage``: the name its probes look under, where it stands. ``state_dir`` holds what is this
    machine's alone: the spool, the flag file, and ``daemon.json`` with the address while it runs. ``webhook``: where
    people are told, ``webhook_secret_env`` the environment variable with the key that signs it.
    """

    policies: tuple[Path, ...]
    store: str = "leeward.db"
    listen: str = "127.0.0.1:8470"
    vantage: str = "here"
    replica: str = ""
    state_dir: Path = field(default_factory=lambda: Path(os.environ.get("LEEWARD_STATE_DIR", "leeward-state")))
    token_file: Path | None = None
    hosts: frozenset[str] = frozenset()
    webhook: str | None = None
    webhook_secret_env: str | None = None
    traces: str | None = None
    log_level: str = "info"
    tick_s: float = 1.0
    lease_s: float = 10.0
    reload_s: float = 2.0

    @property
    def name(self) -> str:
        """The replica's name: as given, else where it stands and answers."""
        return self.replica or f"{self.vantage}@{self.listen}"
