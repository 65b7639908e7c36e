"""What holds for the file only: one writer, one process, whole copies."""

from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import text

from store.specimens import NOW, later, new, page, save, take
from tocsin.store import open_store, sqlite
from tocsin.store.backup import restore
from tocsin.store.contract import Commit, JournalRow, Store, StoreUnavailable

HOLD = """
import sys, time
from tocsin.store import open_store
store = open_store(sys.argv[1])
print("open", flush=True)
time.sleep(60)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tocsin.db"


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite:///{path}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = open_store(url)
    yield store
    store.close()


# --- one process -----------------------------------------------------------------------------------------------------


def test_a_second_process_is_told_who_holds_the_database(url: str) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, url], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(StoreUnavailable, match=f"in use by process {holder.pid}"):
            open_store(url)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    open_store(url).close()


def test_a_second_store_in_the_same_process_is_refused(store: Store, url: str) -> None:
    with pytest.raises(StoreUnavailable, match=f"in use by process {os.getpid()}"):
        open_store(url)
    save(store, new("INC-1"))


def test_a_closed_store_says_so(store: Store, url: str) -> None:
    store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        save(store, new("INC-1"))
    store.close()
    open_store(url).close()


def test_closing_leaves_one_file_and_the_lock(store: Store, path: Path) -> None:
    save(store, new("INC-1"))
    store.incident("INC-1")
    store.close()
    assert sorted(p.name for p in path.parent.iterdir()) == ["tocsin.db", "tocsin.db.lock"]


# --- one writer ------------------------------------------------------------------------------------------------------


def test_the_writer_waits_for_the_disk(store: Store) -> None:
    with store.writing() as link:
        pragmas = [link.core.execute(text(f"PRAGMA {p}")).scalar() for p in ("journal_mode", "synchronous")]
    assert pragmas == ["wal", 2]


def test_readers_can_neither_write_nor_checkpoint(store: Store) -> None:
    with store.reading() as link:
        assert link.rows("PRAGMA wal_autocheckpoint") == [(0,)]
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            link.run("DELETE FROM meta")


def test_reading_does_not_wait_for_a_writer(store: Store) -> None:
    save(store, new("INC-1"))
    with store.begin() as batch:
        batch.write(Commit(NOW, (new("INC-2"),)))
        seen: list[int] = []
        reader = Thread(target=lambda: seen.append(store.last_seq()))
        reader.start()
        reader.join(5)
        assert seen == [1]


def test_a_transaction_inside_a_transaction_is_a_mistake(store: Store) -> None:
    with store.begin(), pytest.raises(RuntimeError, match="already open"):
        store.set_meta("a", "b")
    store.set_meta("a", "b")


def test_writers_of_several_threads_take_turns(store: Store) -> None:
    def work(name: int) -> None:
        for n in range(20):
            save(store, new(f"INC-{name}-{n}"))

    threads = [Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [r.seq for r in store.feed(0)] == list(range(1, 81))


def test_a_file_that_somebody_else_locks_does_not_queue_the_writers(
    url: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each waits for the lock and for those before it a bounded time, not for everybody's time together."""
    monkeypatch.setattr(sqlite, "BUSY_S", 0.3)
    monkeypatch.setattr(sqlite, "TURN_S", 0.3)
    store = open_store(url)
    stranger = sqlite3.connect(path, isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    refused: list[StoreUnavailable] = []

    def write() -> None:
        try:
            store.set_meta("a", "b")
        except StoreUnavailable as down:
            refused.append(down)

    writers = [Thread(target=write) for _ in range(10)]
    began = time.monotonic()
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(refused) == 10
    assert time.monotonic() - began < 1.5
    stranger.execute("ROLLBACK")
    stranger.close()
    store.set_meta("a", "b")
    store.close()


def test_a_full_disk_is_unavailable_and_nothing_is_written(store: Store) -> None:
    save(store, new("INC-1"))
    with store.writing() as link:
        pages = link.rows("PRAGMA page_count")[0][0]
        link.rows(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreUnavailable, match="full"):
        save(store, *(new(f"INC-{n}", title="x" * 4000) for n in range(2, 60)))
    assert store.last_seq() == 1
    with store.writing() as link:
        link.rows("PRAGMA max_page_count = 1000000")
    save(store, new("INC-2"))


def test_a_damaged_file_is_unavailable(path: Path, url: str) -> None:
    path.write_bytes(b"this is no database " * 500)
    with pytest.raises(StoreUnavailable, match="not a database"):
        open_store(url)


def test_a_place_that_cannot_hold_a_file_is_unavailable(path: Path) -> None:
    path.write_text("a file")
    with pytest.raises(StoreUnavailable):
        open_store(f"sqlite:///{path / 'inside' / 'tocsin.db'}")


def test_what_was_committed_outlives_a_kill(url: str) -> None:
    script = """
import os, signal, sys
from store.specimens import new, save
from tocsin.store import open_store
save(open_store(sys.argv[1]), new("INC-1"))
os.kill(os.getpid(), signal.SIGKILL)
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", script, url], check=False, env=environment)
    assert done.returncode == -signal.SIGKILL
    store = open_store(url)
    assert store.last_seq() == 1
    store.close()


# --- plans -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("NEXT_DUE", "COVERING INDEX ix_stream_due"),
        ("TAKE_DUE", "ix_stream_due"),
        ("TAKE_EFFECTS", "ix_effect_take"),
        ("FREE_LEASES", "ix_effect_leased"),
        ("CHECKS", "ix_gate_check_at"),
        ("CHECKS_OF_GATE", "ix_gate_check_gate"),
    ],
)
def test_hot_statements_walk_their_index(store: Store, name: str, index: str) -> None:
    from tocsin.store import sql

    statement = sql.SQLITE.spell(getattr(sql, name))
    with store.reading() as link:
        values = [1] * statement.count("?")
        plan = "\n".join(row[3] for row in link.rows("EXPLAIN QUERY PLAN " + statement, *values))
    assert index in plan
    assert "TEMP B-TREE" not in plan


# --- copies ----------------------------------------------------------------------------------------------------------


def test_a_backup_is_whole_while_the_writer_works(store: Store, tmp_path: Path) -> None:
    save(store, new("INC-1", effects=((1, page()),)))
    target = tmp_path / "backups" / "one.db"
    with store.begin() as batch:
        batch.write(Commit(NOW, (new("INC-2"),)))
        copier = Thread(target=store.backup, args=(str(target),))
        copier.start()
        copier.join(10)
    assert [p.name for p in target.parent.iterdir()] == ["one.db"]
    copy = open_store(f"sqlite:///{target}")
    assert copy.timeline("INC-1") == store.timeline("INC-1")
    assert copy.incident("INC-2") is None
    copy.close()


def test_evidence_is_in_the_backup_and_restored_with_it(store: Store, url: str, tmp_path: Path) -> None:
    body = bytes(range(256)) * 5000
    kept = store.keep_evidence(hashlib.sha256(body).hexdigest(), body, "image/png", NOW)
    store.backup(str(tmp_path / "copy.db"))
    store.close()
    restore(str(tmp_path / "copy.db"), url, later(5))
    again = open_store(url)
    assert again.evidence(kept.digest) == (kept, body)
    again.close()


def test_the_database_is_no_target(store: Store, path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="itself"):
        store.backup(str(path))


def test_a_restored_database_is_another_one_and_held(
    store: Store, url: str, path: Path, tmp_path: Path
) -> None:
    save(store, new("INC-1", effects=((1, page()),)))
    store.backup(str(tmp_path / "copy.db"))
    save(store, new("INC-2"))
    epoch = store.epoch
    store.close()
    restore(str(tmp_path / "copy.db"), url, later(5))
    again = open_store(url)
    assert again.epoch != epoch
    assert again.meta("held") == "1"
    assert [r.ref for r in again.feed(0)] == ["INC-1"]
    assert again.journal() == [
        JournalRow(later(5), "restored", f"new epoch {again.epoch}; held until released")
    ]
    assert [taken.ref for taken in take(again)] == ["INC-1"]
    again.close()
    restore(str(tmp_path / "copy.db"), url, later(6))
    for name, refs in ((".before-restore", ["INC-1", "INC-2"]), (".before-restore.2", ["INC-1"])):
        old = open_store(f"sqlite:///{path}{name}")
        assert [r.ref for r in old.feed(0)] == refs, "what the first one set aside is still there"
        old.close()


def test_a_log_without_its_file_is_not_left_behind(url: str, path: Path, tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, url], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        holder.kill()
        holder.wait()
    other = open_store(f"sqlite:///{tmp_path / 'other.db'}")
    save(other, new("INC-9"))
    other.backup(str(tmp_path / "copy.db"))
    other.close()
    assert path.with_name("tocsin.db-wal").exists()
    restore(str(tmp_path / "copy.db"), url, NOW)
    assert not path.with_name("tocsin.db-wal").exists()
    store = open_store(url)
    assert [r.ref for r in store.feed(0)] == ["INC-9"]
    store.close()


def test_a_database_in_use_is_not_replaced(store: Store, url: str, tmp_path: Path) -> None:
    store.backup(str(tmp_path / "copy.db"))
    with pytest.raises(StoreUnavailable, match="in use"):
        restore(str(tmp_path / "copy.db"), url, NOW)


@pytest.mark.parametrize("content", [b"", b"no database at all" * 400, None])
def test_what_is_no_backup_changes_nothing(
    url: str, path: Path, tmp_path: Path, content: bytes | None
) -> None:
    store = open_store(url)
    save(store, new("INC-1"))
    store.close()
    bad = tmp_path / "bad.db"
    if content is not None:
        bad.write_bytes(content)
    with pytest.raises(StoreUnavailable):
        restore(str(bad), url, NOW)
    store = open_store(url)
    assert store.last_seq() == 1
    store.close()
    assert not list(tmp_path.glob("*.part"))


def test_a_damaged_backup_is_refused(store: Store, url: str, tmp_path: Path) -> None:
    save(store, *(new(f"INC-{n}", title="x" * 500) for n in range(50)))
    copy = tmp_path / "copy.db"
    store.backup(str(copy))
    store.close()
    whole = bytearray(copy.read_bytes())
    for offset in range(4096 * 5, len(whole), 4096):
        whole[offset : offset + 200] = b"\xff" * 200
    copy.write_bytes(whole)
    with pytest.raises(StoreUnavailable):
        restore(str(copy), url, NOW)


def test_opening_a_finished_database_is_quick(url: str) -> None:
    open_store(url).close()
    begun = time.perf_counter()
    open_store(url).close()
    assert time.perf_counter() - begun < 0.5
