"""Opening a database: lock, connect, bring the schema to head, give it an epoch.

The drivers of PostgreSQL and the migrations are imported only where they are needed: a program that starts on a
finished SQLite file pays for neither.
"""

from __future__ import annotations

import importlib
import secrets
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, inspect, make_url, text
from sqlalchemy.exc import ArgumentError

from tocsin.store.contract import Store, StoreUnavailable
from tocsin.store.shared import EPOCH, SharedStore
from tocsin.store.sqlite import SqliteStore

HEAD = "0003"
"""The newest migration; a test keeps it equal to the script directory's head."""
MIGRATION_LOCK = 0x6D696772


def open_store(url: str, *, create: bool = True) -> Store:
    """The store at a URL (`sqlite:///path`, `postgresql://...`). With `create`, an empty or older database is migrated.

    Raises StoreUnavailable when it cannot be reached, is locked, or is newer than this program.
    """
    with ExitStack() as undo:
        store = connected(url, create=create)
        undo.callback(store.close)
        _prepare(store, create=create)
        undo.pop_all()
    return store


def parsed(url: str) -> URL:
    """The URL, checked. Raises StoreUnavailable for one that names no database tocsin can use."""
    try:
        found = make_url(url)
    except ArgumentError as error:
        raise StoreUnavailable("that is no database URL: use sqlite:///path or postgresql://...") from error
    if found.get_backend_name() not in {"sqlite", "postgresql"}:
        raise StoreUnavailable(f"{found.drivername} is not supported: use sqlite:/// or postgresql://")
    if found.get_backend_name() == "sqlite" and found.database in {None, "", ":memory:"}:
        raise StoreUnavailable("a SQLite database needs a file: nothing may be lost")
    return found


def sqlite_path(url: URL) -> Path:
    """The file of a SQLite URL."""
    return Path(str(url.database)).resolve()


def connected(url: str, *, create: bool = True) -> SharedStore:
    """A store whose schema has not been looked at."""
    found = parsed(url)
    if found.get_backend_name() == "sqlite":
        path = sqlite_path(found)
        if not create and not path.exists():
            raise StoreUnavailable(f"there is no database at {path}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            return SqliteStore(path)
        except OSError as error:
            raise StoreUnavailable(f"{path}: {error}") from error
    store: SharedStore = importlib.import_module("tocsin.store.postgres").PostgresStore(found)
    return store


def _prepare(store: SharedStore, *, create: bool) -> None:
    with store.writing() as link:
        version = schema_version(link.core)
    if version != HEAD:
        if not create:
            raise StoreUnavailable(f"the schema is at {version or 'nothing'}, this program needs {HEAD}")
        _migrate(store)
    store.epoch = store.meta(EPOCH) or _new_epoch(store)


def schema_version(core: Connection) -> str | None:
    """Where the schema stands, None for an empty database."""
    if not inspect(core).has_table("alembic_version"):
        return None
    version: str | None = core.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return version


def _migrate(store: SharedStore) -> None:
    """Bring the schema to head; of several nodes that start at once, one does it and the others wait."""
    run: Any = importlib.import_module("tocsin.store.migrations")
    with store.writing() as link:
        if link.dialect.skip:
            link.run("SET LOCAL lock_timeout = 0")
            link.run("SELECT pg_advisory_xact_lock(?)", MIGRATION_LOCK)
        if schema_version(link.core) != HEAD:
            run.upgrade(link.core)


def _new_epoch(store: SharedStore) -> str:
    """The first one to come decides."""
    with store.writing() as link:
        link.run(
            "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO NOTHING", EPOCH, new_epoch()
        )
        found: str = link.rows("SELECT value FROM meta WHERE key = ?", EPOCH)[0][0]
    return found


def new_epoch() -> str:
    """A random name for a life of a database (design rule 18)."""
    return secrets.token_hex(6)


def migrate(url: str) -> None:
    """Bring the database at the URL to head."""
    open_store(url).close()
