"""One linear history, alike on both databases."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from threading import Barrier, Thread

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

from store.specimens import NOW, further, later, new, save
from tocsin.domain import events as ev
from tocsin.domain.policy import built_in_policy
from tocsin.store import migrate, migrations, open_store, sql
from tocsin.store.codec import to_json
from tocsin.store.contract import ClaimTaken, Commit, StoreUnavailable
from tocsin.store.instants import micros
from tocsin.store.opening import HEAD, connected, schema_version
from tocsin.store.rows import rows_of
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


ACKED = ev.Acknowledged(NOW, "mei", "phone")
FIRST_STREAM = (
    "INSERT INTO stream (ref, version, fold, policy, stage, paging, level, title, opened_at, updated_at, state) "
    "VALUES (?, 2, 3, 'sha256:1', ?, 'quiet', 'SEV1', 'Checkout answers 500', 0, 0, 'of another fold')"
)
FIRST_ALERT = (
    "INSERT INTO alert (integration, dedup_key, ref, firing, severity, count, first_at, last_at) "
    "VALUES ('prometheus', 'a', 'INC-1', 1, 'critical', 1, 0, 0)"
)


def test_what_the_first_schema_held_is_there_after_the_second(database_url: str) -> None:
    """A database that worked with the program before: every incident, alert and effect, folded anew."""
    running = new("INC-1", ACKED, claim="prometheus/a", service="shop")
    over = new("INC-2", ev.Dismissed(NOW, "mei", ev.Text("none")))
    old = connected(database_url)
    with old.writing() as link:
        assert schema_version(link.core) is None
        command.upgrade(migrations.config(link.core), "0001")
        link.run("INSERT INTO meta (key, value) VALUES ('epoch', 'before')")
        written = rows_of(Commit(NOW, (running, over)), "before", {})
        for ref, stage in (("INC-1", "triage"), ("INC-2", "dismissed")):
            link.run(FIRST_STREAM, ref, stage)
        link.bulk(sql.TAKE_CLAIMS, written.claimed)
        link.bulk(sql.ADD_TEXTS, written.texts)
        link.bulk(sql.ADD_EVENTS, [(seq, *row) for seq, row in enumerate(written.event_rows, 1)])
        link.run(FIRST_ALERT)
    old.close()
    store = open_store(database_url)
    assert store.epoch == "before"
    rows = store.incidents(stage=None, level=None, q=None, before=None, limit=9)
    assert [(row.ref, row.drill, row.kind, row.version) for row in rows] == [
        ("INC-2", False, "incident", 2),
        ("INC-1", False, "incident", 2),
    ]
    assert store.refold() == 1
    assert [store.incident("INC-1"), store.incident("INC-2")] == [running.state, over.state]
    assert [r.event for r in store.timeline("INC-1")] == list(running.events)
    assert [row.dedup_key for row in store.alerts("INC-1")] == ["a"]
    assert (store.checks(), store.actions(state=None), store.evidence("")) == ([], [], None)
    with pytest.raises(ClaimTaken):
        save(store, new("INC-3", claim="prometheus/a"))
    save(store, further(running.state, ev.ActionAdded(NOW, "mei", 1, ev.Text("Alert earlier"), "detect")))
    assert [row.text for row in store.actions()] == ["Alert earlier"]
    store.close()


SECOND_POLICY = "INSERT INTO policy (hash, body, commit_id, activated_at) VALUES (?, ?, ?, ?)"
SECOND_NODE = "INSERT INTO node (boot, role, started_at, beat_at) VALUES ('old', 'all', 0, 0)"


def test_what_the_second_schema_held_is_there_after_the_third(database_url: str) -> None:
    """Policies become the history of what was active; a node of before has zones that nobody knows."""
    old = connected(database_url)
    policy = built_in_policy()
    with old.writing() as link:
        assert schema_version(link.core) is None
        command.upgrade(migrations.config(link.core), "0002")
        link.run("INSERT INTO meta (key, value) VALUES ('epoch', 'before')")
        link.run("INSERT INTO meta (key, value) VALUES ('active_policy', 'sha256:2')")
        link.run(SECOND_POLICY, "sha256:2", to_json(policy), "def", micros(later(60)))
        link.run(SECOND_POLICY, "sha256:1", to_json(policy), None, micros(NOW))
        link.run(SECOND_NODE)
        link.run(FIRST_STREAM, "INC-1", "triage")
        link.run(FIRST_ALERT)
    old.close()
    store = open_store(database_url)
    assert store.activations() == [(NOW, "sha256:1", None), (later(60), "sha256:2", "def")]
    assert [(node.boot, node.tzdata) for node in store.nodes()] == [("old", "")]
    assert (store.adjustments(), store.contacts(), store.live_stamp()) == ([], [], 0)
    assert [row.ref for row in store.alerts("INC-1")] == ["INC-1"]
    store.activate_policy("sha256:2", policy, "def", later(120))
    store.activate_policy("sha256:3", policy, None, later(180))
    assert [row.hash for row in store.activations()] == ["sha256:1", "sha256:2", "sha256:3"]
    store.close()


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
