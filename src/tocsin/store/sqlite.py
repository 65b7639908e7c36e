"""The store in one SQLite file: one connection writes and checkpoints, others only read, one process at a time.

Rule 10: WAL with synchronous=FULL, readers `query_only` and never checkpointing. A lock file beside the database
keeps a second process out; the kernel releases it when its holder dies, however it dies.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool, StaticPool

from tocsin.store import sql
from tocsin.store.contract import StoreUnavailable
from tocsin.store.link import NOTHING, Count, Link
from tocsin.store.shared import SharedStore
from tocsin.store.sql import Bulk, Row

WRITER = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA journal_size_limit = 67108864",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -65536",
    "PRAGMA temp_store = MEMORY",
)
READER = ("PRAGMA query_only = 1", "PRAGMA wal_autocheckpoint = 0", "PRAGMA cache_size = -16384")
BUSY_S = 5.0
TURN_S = 5.0
"""So long a writer waits for those before it: a file locked from outside must not queue one after another."""
STATEMENTS_KEPT = 256
READERS = 4
MORE_READERS = 12
OURS = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.NotSupportedError)
"""Errors that say nothing about the file."""


class FileLock:
    """The lock beside the database. Raises StoreUnavailable, naming the process that holds it."""

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(database.name + ".lock")
        self.held = False
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as held:
            holder = os.pread(self._file, 32, 0).decode().strip() or "another"
            os.close(self._file)
            raise StoreUnavailable(f"{database} is in use by process {holder}") from held
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)
        self.held = True

    def release(self) -> None:
        """Let the next process in. The file stays: removing it would race with whoever is opening it."""
        if self.held:
            self.held = False
            os.close(self._file)


class SqliteLink(Link):
    """A connection to the file."""

    dialect = sql.SQLITE

    def __init__(self, core: Connection) -> None:
        self.core = core
        self.raw: sqlite3.Connection = core.connection.driver_connection  # type: ignore[assignment]

    def rows(self, statement: str, *values: Any) -> list[Row]:
        return self.raw.execute(spelt(statement), values).fetchall()

    def run(self, statement: str, *values: Any) -> int:
        return self.raw.execute(spelt(statement), values).rowcount

    def bulk(self, statement: Bulk, rows: Sequence[Row]) -> Count:
        return self.raw.executemany(statement.sqlite, rows) if rows else NOTHING

    def together(self) -> AbstractContextManager[object]:
        """Nothing travels."""
        return nullcontext()

    def listed(self, values: Sequence[str]) -> str:
        return msgspec.json.encode(values).decode()

    def pairs(self, statement: str, pairs: Sequence[tuple[str, str]]) -> list[Row]:
        return self.rows(statement + PAIRS, self.listed(pairs))  # type: ignore[arg-type]

    def last_seq_locked(self) -> int:
        """The single writer is lock enough."""
        last: int = self.raw.execute(sql.LAST_SEQ).fetchone()[0]
        return last


PAIRS = (
    "JOIN json_each(?) j ON a.integration = json_extract(j.value, '$[0]') "
    "AND a.dedup_key = json_extract(j.value, '$[1]')"
)
_SPELT: dict[str, str] = {}


def spelt(statement: str) -> str:
    """The statement in SQLite's words, spelled once."""
    found = _SPELT.get(statement)
    if found is None:
        found = _SPELT[statement] = sql.SQLITE.spell(statement)
    return found


def connect(path: Path, pragmas: Sequence[str]) -> sqlite3.Connection:
    """A connection in autocommit mode: transactions are begun by hand. Raises sqlite3.Error."""
    raw = sqlite3.connect(
        path, timeout=BUSY_S, isolation_level=None, check_same_thread=False, cached_statements=STATEMENTS_KEPT
    )
    for pragma in pragmas:
        raw.execute(pragma)
    return raw


def make_private(path: Path) -> None:
    """A file that is not there yet is made for its owner only: it holds names, addresses and notes."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


class SqliteStore(SharedStore):
    """The contract on one file."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self._lock = FileLock(path)
        make_private(path)
        self._turn = threading.RLock()
        self._open = False
        self._readers: Engine = create_engine(
            "sqlite://",
            creator=lambda: connect(path, READER),
            poolclass=QueuePool,
            pool_size=READERS,
            max_overflow=MORE_READERS,
            pool_timeout=BUSY_S,
        )
        self._engine: Engine = create_engine(
            "sqlite://", creator=lambda: connect(path, WRITER), poolclass=StaticPool
        )
        self._writer: SqliteLink | None = None

    @contextmanager
    def writing(self) -> Iterator[SqliteLink]:
        """The one writing connection, one transaction at a time."""
        with self._turn_of_ours(), unavailable(self.path):
            if self._open:
                raise RuntimeError("a write transaction is already open on this thread")
            link = self._connected()
            raw = link.raw
            raw.execute("BEGIN IMMEDIATE")
            self._open = True
            try:
                yield link
                raw.execute("COMMIT")
            finally:
                self._open = False
                # Whatever ended it early (a kill in a test, a full disk), the next one begins afresh.
                if raw.in_transaction:
                    raw.execute("ROLLBACK")
                if link.core.in_transaction():
                    link.core.rollback()

    @contextmanager
    def _turn_of_ours(self) -> Iterator[None]:
        if not self._turn.acquire(timeout=TURN_S):
            raise StoreUnavailable(f"{self.path}: no turn to write within {TURN_S:g} s")
        try:
            yield
        finally:
            self._turn.release()

    @contextmanager
    def reading(self) -> Iterator[SqliteLink]:
        """A connection that cannot write."""
        with unavailable(self.path), self._readers.connect() as core:
            yield SqliteLink(core)

    def _connected(self) -> SqliteLink:
        if not self._lock.held:
            raise StoreUnavailable(f"{self.path} was closed")
        if self._writer is None:
            link = SqliteLink(self._engine.connect())
            if link.rows("PRAGMA journal_mode") != [("wal",)]:
                raise StoreUnavailable(f"{self.path} stands on a file system without write-ahead logging")
            self._writer = link
        return self._writer

    def announce(self, link: Link) -> None:
        """There is nobody else."""

    def listen(self, callback: Callable[[], None]) -> None:
        """There is only this process."""
        self.on_commit(callback)

    def backup(self, target: str) -> None:
        """A consistent copy while it runs, checked, then renamed to its name."""
        goal = Path(target).resolve()
        if goal == self.path:
            raise StoreUnavailable(f"{goal} is the database itself")
        goal.parent.mkdir(parents=True, exist_ok=True)
        with unavailable(goal), copy_whole(self.path, goal) as part:
            part.replace(goal)
            sync(goal.parent)

    def close(self) -> None:
        """Readers first: the last connection to go, the writer, checkpoints and removes the log."""
        with self._turn:
            self._readers.dispose()
            if self._writer is not None:
                self._writer.core.close()
                self._writer = None
            self._engine.dispose()
            self._lock.release()


@contextmanager
def copy_whole(source: Path, target: Path) -> Iterator[Path]:
    """A checked copy beside the target, for the caller to rename; removed unless it was.

    Raises StoreUnavailable when the copy is damaged or holds no tables of tocsin.
    """
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        make_private(part)
        with closing(sqlite3.connect(part)) as copy:
            with closing(sqlite3.connect(source, timeout=BUSY_S)) as original:
                original.execute("PRAGMA query_only = 1")
                original.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
            if copy.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
                raise StoreUnavailable(f"{source} is damaged")
            if not copy.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone():
                raise StoreUnavailable(f"{source} is no database of tocsin")
        sync(part)
        yield part
    finally:
        part.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Wait until a file or a directory is on the disk."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


@contextmanager
def unavailable(path: Path) -> Iterator[None]:
    """What the driver says about the file becomes StoreUnavailable; a broken promise of ours stays what it is."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if isinstance(error, OURS):
            raise
        raise StoreUnavailable(f"{path}: {error}") from error
    except DBAPIError as error:
        if isinstance(error.orig, OURS):
            raise
        raise StoreUnavailable(f"{path}: {error.orig}") from error
    except PoolTimeout as error:
        raise StoreUnavailable(f"{path}: no reader is free") from error
