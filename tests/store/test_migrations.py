"""One linear history, alike on both databases."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from threading import Barrier, Thread

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

from tocsin.store import migrate, migrations, open_store
from tocsin.store.contract import StoreUnavailable
from tocsin.store.opening import HEAD
from tocsin.store.tables import metadata


def test_the_constant_is_the_head_of_one_line() -> None:
    scripts = ScriptDirectory.from_config(migrations.config())
    assert scripts.get_heads() == [HEAD]
    assert all(not script.is_branch_point for script in scripts.walk_revisions())


def test_the_scripts_make_the_tables_as_they_are_described(database_url: str) -> None:
    store = open_store(database_url)
    with store.writing() as link:
        context = MigrationContext.configure(link.core, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        found = inspect(link.core)
        for table in metadata.tables.values():
            described = {index.name: [c.name for c in index.columns] for index in table.indexes}
            made = {
                index["name"]: index["column_names"]
                for index in found.get_indexes(table.name)
                if not index.get("duplicates_constraint")
            }
            assert made == described
    store.close()


def test_the_scripts_say_on_sqlite_what_the_tables_say(tmp_path) -> None:
    """Alembic does not compare what only SQLite knows: WITHOUT ROWID, the clause of a partial index."""
    migrate(f"sqlite:///{tmp_path / 'a.db'}")
    described = create_engine(f"sqlite:///{tmp_path / 'b.db'}")
    metadata.create_all(described)
    described.dispose()
    schemas = []
    for name in ("a", "b"):
        with closing(sqlite3.connect(tmp_path / f"{name}.db")) as raw:
            rows = raw.execute(
                "SELECT name, sql FROM sqlite_master WHERE name <> 'alembic_version' AND sql NOT NULL"
            )
            schemas.append({name: "".join(sql.split()) for name, sql in rows})
    assert schemas[0] == schemas[1]


def test_migrating_again_does_nothing(database_url: str) -> None:
    migrate(database_url)
    migrate(database_url)
    open_store(database_url, create=False).close()


def test_an_empty_database_is_not_touched_unless_asked(database_url: str) -> None:
    with pytest.raises(StoreUnavailable):
        open_store(database_url, create=False)
    open_store(database_url).close()


def test_a_database_of_a_newer_program_is_refused(database_url: str) -> None:
    store = open_store(database_url)
    with store.writing() as link:
        link.run("UPDATE alembic_version SET version_num = ?", "9999")
    store.close()
    with pytest.raises(StoreUnavailable, match="newer"):
        open_store(database_url)


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite://", "sqlite:///:memory:", "nonsense"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(StoreUnavailable):
        open_store(url)


@pytest.mark.postgres
def test_nodes_that_start_at_once_agree(postgres_database: str) -> None:
    start = Barrier(4)
    epochs: list[str] = []

    def node() -> None:
        start.wait()
        store = open_store(postgres_database)
        epochs.append(store.epoch)
        store.close()

    threads = [Thread(target=node) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(epochs) == 4
    assert len(set(epochs)) == 1


def test_a_finished_sqlite_file_needs_neither_alembic_nor_psycopg(tmp_path) -> None:
    url = f"sqlite:///{tmp_path / 'tocsin.db'}"
    migrate(url)
    script = (
        "import sys; from tocsin.store import open_store; open_store(sys.argv[1]).close(); "
        "sys.exit(bool({'alembic', 'psycopg', 'mako'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script, url], check=False).returncode == 0
