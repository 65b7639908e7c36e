"""Backup and restore of a SQLite database: a consistent copy while it runs, and a new life from such a copy.

Both write beside the target, check, sync, and only then rename: what stands under the name is whole at any instant.
A restored database has a new epoch and starts held (design rule 18).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from tocsin.store.contract import HELD, BackupElsewhere, StoreUnavailable
from tocsin.store.instants import micros
from tocsin.store.opening import connected, new_epoch, parsed, sqlite_path
from tocsin.store.shared import EPOCH
from tocsin.store.sqlite import FileLock, copy_whole, sync, unavailable


def restore(source: str, target_url: str, now: datetime) -> None:
    """Put a backup in the place of the database, which must not be in use; the old file stays as `.before-restore`.

    Raises StoreUnavailable when the backup is damaged or no database of tocsin, or while a process holds the target;
    BackupElsewhere for PostgreSQL.
    """
    url = parsed(target_url)
    if url.get_backend_name() != "sqlite":
        raise BackupElsewhere("restore PostgreSQL with pg_restore, then give it a new life with `renew`")
    target = sqlite_path(url)
    if not Path(source).is_file():
        raise StoreUnavailable(f"there is no backup at {source}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with _locked(target), unavailable(target), copy_whole(Path(source), target) as part:
        with closing(sqlite3.connect(part, isolation_level=None)) as copy:
            copy.execute("BEGIN IMMEDIATE")
            for statement, values in new_life(now):
                copy.execute(statement, values)
            copy.execute("COMMIT")
        sync(part)
        _set_aside(target)
        part.replace(target)
        sync(target.parent)


def renew(url: str, now: datetime) -> None:
    """Give a database that was copied by other tools (pg_restore) its new life: epoch, held, a line in the journal."""
    with closing(connected(url)) as store, store.writing() as link:
        for statement, values in new_life(now):
            link.run(statement, *values)


def new_life(now: datetime) -> list[tuple[str, tuple[str | int, ...]]]:
    """Statements that make a database another one than the one it was copied from."""
    keep = (
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    )
    note = "INSERT INTO journal (at, kind, detail) VALUES (?, ?, ?)"
    epoch = new_epoch()
    return [
        (keep, (EPOCH, epoch)),
        (keep, (HELD, "1")),
        (note, (micros(now), "restored", f"new epoch {epoch}; held until released")),
    ]


def _set_aside(target: Path) -> None:
    """Keep the old file whole under another name: its log goes into it first, since no log may outlive its file."""
    if target.exists():
        # A file that cannot even be checkpointed is damaged: the very reason for a restore.
        with closing(sqlite3.connect(target)) as old, suppress(sqlite3.DatabaseError):
            old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        _free_name(target).hardlink_to(target)
    for suffix in ("-wal", "-shm"):
        target.with_name(target.name + suffix).unlink(missing_ok=True)


def _free_name(target: Path) -> Path:
    """`.before-restore`, else with a number: a second try never costs what the first one set aside."""
    names = (".before-restore", *(f".before-restore.{number}" for number in range(2, 1000)))
    paths = (target.with_name(target.name + name) for name in names)
    return next(path for path in paths if not path.exists())


@contextmanager
def _locked(target: Path) -> Iterator[None]:
    lock = FileLock(target)
    try:
        yield
    finally:
        lock.release()
