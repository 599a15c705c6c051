"""How a store is named, what its errors come to mean, and what it takes to import."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from controlplane.model.errors import WrongUse
from controlplane.store.loss import lost
from controlplane.store.schema import REVISION
from controlplane.store.sql import store_url


def test_a_plain_path_is_a_sqlite_file(tmp_path: Path) -> None:
    assert store_url(str(tmp_path / "a b.db")).database == str(tmp_path / "a b.db")
    assert store_url("leeward.db").database == str(Path.cwd() / "leeward.db")
    assert store_url("sqlite:////var/leeward.db").database == "/var/leeward.db"


def test_a_postgresql_address_is_kept_with_all_its_settings() -> None:
    url = store_url("postgres://ana:secret@one,two/leeward?target_session_attrs=read-write")
    assert url.get_backend_name() == "postgresql"
    assert url.query["target_session_attrs"] == "read-write"


@pytest.mark.parametrize("address", ["sqlite://", "mysql://a/b", "nonsense://"])
def test_what_is_no_store_is_wrong_use(address: str) -> None:
    with pytest.raises(WrongUse, match="postgresql://user@host/name"):
        store_url(address)


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        ("attempt to write a readonly database", "read-only"),
        ("database or disk is full", "make room"),
        ("database is locked", "locked by another process"),
        ("file is not a database", "not a Leeward store"),
        ("database disk image is malformed", "restore it from a backup"),
        ("something nobody has ever seen", "cannot be reached"),
    ],
)
def test_an_error_says_what_to_do_and_what_the_database_said(words: str, meaning: str) -> None:
    error = OperationalError("SELECT secret", {}, sqlite3.OperationalError(words))
    text = str(lost("sqlite:///x.db", error))
    assert meaning in text
    assert words in text
    assert "SELECT" not in text


def test_the_newest_migration_is_the_one_that_the_code_speaks() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    import controlplane.store.migrations

    config = Config()
    config.set_main_option("script_location", str(Path(controlplane.store.migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_current_head() == REVISION


def test_the_memory_store_needs_no_database_library() -> None:
    code = "import sys, controlplane.store.memory; sys.exit(any(m.startswith('sqlalchemy') for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], timeout=30, check=False).returncode == 0
