"""A supply of empty databases: the sweep needs a new one for every kill."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from conftest import new_postgres_database
from tocsin.store import open_store


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def fresh_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """A function that gives the address of an empty database, each time another one."""
    if request.param == "sqlite":
        yield sqlite_copies(tmp_path)
    else:
        yield from one_postgres(request.getfixturevalue("postgres_server"))


def sqlite_copies(folder: Path) -> Callable[[], str]:
    ready, numbers = folder / "ready.db", count()
    open_store(f"sqlite:///{ready}").close()

    def fresh() -> str:
        copy = folder / f"{next(numbers)}.db"
        shutil.copy(ready, copy)
        return f"sqlite:///{copy}"

    return fresh


def one_postgres(server: str) -> Iterator[Callable[[], str]]:
    """One database, emptied every time: copying one costs PostgreSQL a checkpoint."""
    with new_postgres_database(server) as url:
        open_store(url).close()
        plain = url.replace("postgresql+psycopg://", "postgresql://", 1)
        with psycopg.connect(plain, autocommit=True) as db:
            names = [
                name for (name,) in db.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            ]
            emptied = ", ".join(name for name in names if name not in ("alembic_version", "meta"))

            def fresh() -> str:
                db.execute(f"TRUNCATE {emptied}")
                db.execute("DELETE FROM meta WHERE key <> 'epoch'")
                return url

            yield fresh
