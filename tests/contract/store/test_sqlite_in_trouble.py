"""What a SQLite store says and does when its file is full, read-only, locked, gone, corrupt or killed under it."""

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from controlplane.model.errors import StoreLost
from controlplane.store.database import Bounds
from controlplane.store.sql import SqlStore, open_store
from tests.contract.store.harness import entry

ROOT = Path(__file__).parents[3]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    opened = await open_store(str(tmp_path / "leeward.db"), Bounds(busy_s=0.3))
    yield opened
    await opened.close()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users can reach too."""
    folder = Path(tempfile.mkdtemp(prefix="leeward-store-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def start_writer(path: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.contract.store.writer", str(path), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def finish(writer: subprocess.Popen[str]) -> tuple[list[int], str]:
    """The places that were acknowledged, and the last word."""
    out, err = writer.communicate(timeout=60)
    assert "Traceback" not in err
    lines = out.splitlines()
    words = [line for line in lines if not line.isdigit()]
    return [int(line) for line in lines if line.isdigit()], "\n".join(words)


def remove(folder: Path) -> int:
    """Delete a store's files; how many there were."""
    files = list(folder.glob("leeward.db*"))
    for file in files:
        file.unlink()
    return len(files)


async def use(path: Path) -> None:
    """Open a store and read all of it."""
    store = await open_store(str(path))
    try:
        await store.journal.verify()
    finally:
        await store.close()


async def fill(store: SqlStore) -> int:
    """Append until the store is lost; how many entries were acknowledged."""
    with pytest.raises(StoreLost, match="full disk"):
        await append_many(store, 2000)
    return len(await store.journal.read())


async def append_many(store: SqlStore, count: int) -> None:
    for _ in range(count):
        await store.journal.append([entry(facts={"weight": "x" * 2000})])


async def test_a_full_disk_is_said_plainly_and_what_was_acknowledged_stays(tmp_path: Path) -> None:
    path = str(tmp_path / "leeward.db")
    small = await open_store(path, Bounds(max_pages=60))
    written = await fill(small)
    assert written > 5
    with pytest.raises(StoreLost, match="full disk"):
        await small.state.save("estate", "x" * 50_000, epoch=0, expected=0)
    with pytest.raises(StoreLost, match="full disk"):
        await small.journal.append([entry(f"s{n}", facts={"weight": "x" * 2000}) for n in range(10)])
    assert len(await small.journal.read()) == written
    assert await small.journal.verify() is None
    assert await small.state.load("estate") == (None, 0)
    await small.close()


async def test_once_there_is_room_again_the_store_goes_on_where_it_was(tmp_path: Path) -> None:
    path = str(tmp_path / "leeward.db")
    small = await open_store(path, Bounds(max_pages=60))
    written = await fill(small)
    await small.close()
    roomy = await open_store(path)
    assert (await roomy.journal.append([entry()]))[0].seq == written + 1
    assert await roomy.journal.verify() is None
    await roomy.close()


async def test_a_file_size_limit_of_the_process_is_a_lost_store_with_nothing_half_written(open_folder: Path) -> None:
    acknowledged, words = await asyncio.to_thread(finish, start_writer(open_folder / "leeward.db", "0", "200000"))
    assert words.startswith("StoreLost: the store ")
    assert "Traceback" not in words
    after = await open_store(str(open_folder / "leeward.db"))
    assert [line.seq for line in await after.journal.read()] == acknowledged
    assert await after.journal.verify() is None
    await after.close()


async def test_a_read_only_file_is_said_plainly(open_folder: Path) -> None:
    path = open_folder / "leeward.db"
    store = await open_store(str(path))
    await store.journal.append([entry()])
    await store.close()
    path.chmod(0o444)
    arguments = ["1", "0", "nobody"] if os.geteuid() == 0 else ["1"]
    acknowledged, words = await asyncio.to_thread(finish, start_writer(path, *arguments))
    assert acknowledged == []
    assert "StoreLost" in words
    assert "is read-only: give the daemon's user the right to write it" in words
    path.chmod(0o644)
    again = await open_store(str(path))
    assert len(await again.journal.read()) == 1
    await again.close()


async def test_a_folder_that_is_no_folder_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreLost, match=r"file/leeward\.db"):
        await open_store(str(tmp_path / "file" / "leeward.db"))


async def test_a_lock_that_is_not_let_go_is_a_lost_store_and_the_loop_runs_on_meanwhile(
    tmp_path: Path, store: SqlStore
) -> None:
    hog = sqlite3.connect(tmp_path / "leeward.db", isolation_level=None)
    hog.execute("BEGIN IMMEDIATE")
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.01)
            beats += 1

    heart = asyncio.create_task(beat())
    with pytest.raises(StoreLost, match="locked by another process"):
        await store.journal.append([entry()])
    heart.cancel()
    assert beats > 3
    assert await store.journal.read() == ()
    hog.execute("ROLLBACK")
    hog.close()
    assert (await store.journal.append([entry()]))[0].seq == 1


async def test_a_deleted_file_is_a_lost_store_and_is_not_made_anew(tmp_path: Path, store: SqlStore) -> None:
    await store.journal.append([entry()])
    remove(tmp_path)
    for _ in range(2):
        with pytest.raises(StoreLost, match="was deleted"):
            await store.journal.append([entry()])
        with pytest.raises(StoreLost, match="was deleted"):
            await store.journal.read()
    assert remove(tmp_path) == 0


async def test_a_file_put_back_in_place_is_taken_up_again(tmp_path: Path, store: SqlStore) -> None:
    await store.journal.append([entry()])
    backup = sqlite3.connect(tmp_path / "backup")
    source = sqlite3.connect(tmp_path / "leeward.db")
    source.backup(backup)
    source.close()
    backup.close()
    remove(tmp_path)
    with pytest.raises(StoreLost):
        await store.journal.append([entry()])
    (tmp_path / "backup").rename(tmp_path / "leeward.db")
    assert (await store.journal.append([entry()]))[0].seq == 2
    assert await store.journal.verify() is None


async def test_a_file_of_something_else_is_said_to_be_no_store(tmp_path: Path) -> None:
    (tmp_path / "leeward.db").write_bytes(b"not a database, however long one looks at it" * 100)
    with pytest.raises(StoreLost, match="is not a Leeward store"):
        await open_store(str(tmp_path / "leeward.db"))


async def test_a_corrupt_file_is_a_lost_store(tmp_path: Path) -> None:
    path = tmp_path / "leeward.db"
    store = await open_store(str(path))
    await store.journal.append([entry(f"s{n}", facts={"weight": "x" * 500}) for n in range(200)])
    await store.close()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))
    with pytest.raises(StoreLost, match="corrupt"):
        await use(path)


async def test_a_journal_cut_at_its_end_shows(tmp_path: Path, store: SqlStore) -> None:
    await store.journal.append([entry(f"s{n}") for n in range(5)])
    forger = sqlite3.connect(tmp_path / "leeward.db")
    forger.execute("DROP TRIGGER journal_refuses_DELETE")
    forger.execute("DELETE FROM journal WHERE seq > 3")
    forger.commit()
    forger.close()
    assert await store.journal.verify() == 4


@pytest.mark.parametrize(
    "statement", ["UPDATE journal SET body = ''", "DELETE FROM journal", "DELETE FROM journal WHERE seq=1"]
)
async def test_the_file_itself_refuses_to_change_history(tmp_path: Path, store: SqlStore, statement: str) -> None:
    await store.journal.append([entry()])
    forger = sqlite3.connect(tmp_path / "leeward.db")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        forger.execute(statement)
    forger.close()
    assert await store.journal.verify() is None


async def test_two_processes_write_one_file_and_make_one_chain(tmp_path: Path, store: SqlStore) -> None:
    writers = [start_writer(tmp_path / "leeward.db", "60") for _ in range(2)]
    finished = [await asyncio.to_thread(finish, writer) for writer in writers]
    assert [words for _, words in finished] == ["", ""]
    assert sorted(finished[0][0] + finished[1][0]) == list(range(1, 121))
    assert await store.journal.verify() is None


async def test_what_was_acknowledged_before_a_kill_is_there_afterwards(tmp_path: Path, store: SqlStore) -> None:
    writer = start_writer(tmp_path / "leeward.db", "0")
    assert writer.stdout is not None
    acknowledged = [int(await asyncio.to_thread(writer.stdout.readline)) for _ in range(20)]
    writer.send_signal(signal.SIGKILL)
    acknowledged += finish(writer)[0]
    found = [line.seq for line in await store.journal.read()]
    assert found[: len(acknowledged)] == acknowledged
    assert len(found) <= len(acknowledged) + 1
    assert await store.journal.verify() is None


async def test_the_file_is_in_wal_mode_with_full_synchronisation(store: SqlStore) -> None:
    async def ask(connection: AsyncConnection) -> tuple[object, object]:
        pragmas = [await connection.execute(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous")]
        return pragmas[0].scalar_one(), pragmas[1].scalar_one()

    assert await store.journal._database.write(ask) == ("wal", 2)


async def test_a_store_of_a_newer_version_is_left_alone(tmp_path: Path, store: SqlStore) -> None:
    newer = sqlite3.connect(tmp_path / "leeward.db")
    newer.execute("UPDATE alembic_version SET version_num = '9999'")
    newer.commit()
    newer.close()
    with pytest.raises(StoreLost, match="run the newer version"):
        await open_store(str(tmp_path / "leeward.db"))


async def test_processes_that_start_at_the_same_time_make_one_schema(tmp_path: Path) -> None:
    stores = await asyncio.gather(*(open_store(str(tmp_path / "new.db")) for _ in range(4)))
    for opened in stores:
        await opened.journal.append([entry()])
        await opened.close()
    assert len(stores) == 4
