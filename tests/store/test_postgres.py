"""What several nodes on one server owe each other."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from threading import Barrier, Event, Thread

import psycopg
import pytest
from sqlalchemy import text

from store.specimens import NOW, further, later, new, page, save, take, with_effects
from store.test_streams import REOPENED, RESOLVED, holders, merging
from tocsin.domain import events as ev
from tocsin.store import open_store
from tocsin.store.backup import renew, restore
from tocsin.store.contract import (
    BackupElsewhere,
    ClaimTaken,
    Commit,
    Store,
    StoreUnavailable,
    VersionConflict,
)
from tocsin.store.postgres import PostgresStore

pytestmark = pytest.mark.postgres

ACK = ev.Acknowledged(later(60), "mei", "phone")


def together(*work: Callable[[], object]) -> list[object]:
    """Run at the same time; results or exceptions in the order of the arguments."""
    start = Barrier(len(work))
    results: list[object] = [None] * len(work)

    def run(position: int) -> None:
        start.wait()
        try:
            results[position] = work[position]()
        except (VersionConflict, ClaimTaken, StoreUnavailable) as refused:
            results[position] = refused

    threads = [Thread(target=run, args=(position,)) for position in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def wait_until(true: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_the_feed_never_skips(nodes: Callable[[], Store]) -> None:
    """A reader that goes on after the newest seq it saw meets every event, in order, while four nodes write."""
    stores = [nodes() for _ in range(4)]
    reader = nodes()
    done = Event()
    seen: list[int] = []

    def write(number: int) -> Callable[[], None]:
        def run() -> None:
            for n in range(40):
                save(stores[number], new(f"INC-{number}-{n}", ACK), new(f"INC-{number}-{n}b"))

        return run

    def read() -> None:
        while not done.is_set() or reader.last_seq() > len(seen):
            seen.extend(r.seq for r in reader.feed(seen[-1] if seen else 0, limit=7))

    reading = Thread(target=read)
    reading.start()
    assert together(*map(write, range(4))) == [None] * 4
    done.set()
    reading.join()
    assert seen == list(range(1, 4 * 40 * 3 + 1))


def test_of_two_that_open_for_a_claim_one_wins(nodes: Callable[[], Store]) -> None:
    a, b = nodes(), nodes()
    for n in range(20):
        one = new(f"INC-{n}-a", claim=f"prometheus/{n}")
        other = new(f"INC-{n}-b", claim=f"prometheus/{n}")
        results = together(partial(save, a, one), partial(save, b, other))
        assert sorted(type(result).__name__ for result in results) == ["ClaimTaken", "list"]
    assert a.last_seq() == 20


def test_a_claim_is_never_free_while_it_moves_to_the_incident_that_goes_on(
    nodes: Callable[[], Store],
) -> None:
    """Whoever opens for the claim in that instant hears that it is taken, whichever of the two holds it."""
    a, b = nodes(), nodes()
    for n in range(20):
        child, parent = new(f"INC-{n}-b", claim=f"prometheus/{n}"), new(f"INC-{n}-a")
        save(a, child, parent)
        both = merging(child.state, parent.state)
        other = new(f"INC-{n}-c", claim=f"prometheus/{n}")
        merged, opened = together(partial(save, a, *both), partial(save, b, other))
        assert (type(merged), type(opened)) == (list, ClaimTaken)
        assert holders(a, f"prometheus/{n}") == {f"prometheus/{n}": parent.state.ref}


def test_of_two_that_come_back_for_the_same_claims_one_wins(nodes: Callable[[], Store]) -> None:
    a, b = nodes(), nodes()
    for n in range(20):
        claims = [f"prometheus/{n}/{name}" for name in "abc"]
        states = []
        for name in "pq":
            absorbed = ev.Absorbed(later(5), "mei", "INC-0", ev.Text("other"), 0, tuple(claims))
            write = new(f"INC-{n}-{name}", absorbed, RESOLVED)
            save(a, write)
            states.append(write.state)
        first, second = (further(state, REOPENED) for state in states)
        results = together(partial(save, a, first), partial(save, b, second))
        assert sorted(type(result).__name__ for result in results) == ["ClaimTaken", "list"]
        winner = states[0].ref if isinstance(results[0], list) else states[1].ref
        assert holders(a, *claims) == dict.fromkeys(claims, winner)


def test_of_two_merges_of_one_incident_one_wins(nodes: Callable[[], Store]) -> None:
    a, b = nodes(), nodes()
    for n in range(10):
        child = new(f"INC-{n}-c", claim=f"prometheus/{n}")
        parents = [new(f"INC-{n}-p"), new(f"INC-{n}-q")]
        save(a, child, *parents)
        results = together(
            *(
                partial(save, store, *merging(child.state, parent.state))
                for store, parent in zip((a, b), parents, strict=True)
            )
        )
        assert sorted(type(result).__name__ for result in results) == ["VersionConflict", "list"]
        (ref,) = holders(a, f"prometheus/{n}").values()
        assert a.incident(ref).absorbed == (child.state.ref,)


def test_of_two_that_change_a_stream_one_wins(nodes: Callable[[], Store]) -> None:
    a, b = nodes(), nodes()
    write = new("INC-1")
    save(a, write)
    results = together(lambda: save(a, further(write.state, ACK)), lambda: save(b, further(write.state, ACK)))
    assert sorted(type(result).__name__ for result in results) == ["VersionConflict", "list"]


def test_of_two_that_open_a_reference_one_wins(nodes: Callable[[], Store]) -> None:
    a, b = nodes(), nodes()
    results = together(lambda: save(a, new("INC-1")), lambda: save(b, new("INC-1", title="other")))
    assert sorted(type(result).__name__ for result in results) == ["VersionConflict", "list"]


def test_a_loaded_stream_is_locked_until_the_commit(nodes: Callable[[], Store]) -> None:
    a, b = nodes(), nodes()
    write = new("INC-1")
    save(a, write)
    versions: list[int] = []

    def second() -> None:
        with b.begin() as batch:
            versions.append(batch.load(["INC-1"])["INC-1"].version)

    with a.begin() as batch:
        batch.load(["INC-1"])
        thread = Thread(target=second)
        thread.start()
        time.sleep(0.05)
        assert versions == []
        batch.write(Commit(NOW, (further(write.state, ACK),)))
    thread.join()
    assert versions == [2]


def test_due_streams_that_another_node_holds_are_skipped(nodes: Callable[[], Store]) -> None:
    a, b = nodes(), nodes()
    save(a, *(new(f"INC-{n}", due=later(n)) for n in range(1, 5)))
    with a.begin() as first:
        assert list(first.take_due(later(9), 2, [])) == ["INC-1", "INC-2"]
        with b.begin() as second:
            assert list(second.take_due(later(9), 9, [])) == ["INC-3", "INC-4"]


def test_an_effect_is_leased_once(nodes: Callable[[], Store]) -> None:
    stores = [nodes() for _ in range(4)]
    for n in range(100):
        with_effects(stores[0], f"INC-{n}", page())

    def courier(number: int) -> Callable[[], list[str]]:
        def run() -> list[str]:
            keys: list[str] = []
            while taken := take(stores[number], owner=f"node-{number}", limit=3):
                keys += [t.key for t in taken]
            return keys

        return run

    keys = [key for result in together(*map(courier, range(4))) for key in result]  # type: ignore[attr-defined]
    keys += [t.key for t in take(stores[0])]
    assert len(keys) == len(set(keys)) == 100


def test_numbers_are_given_once(nodes: Callable[[], Store]) -> None:
    a, b = nodes(), nodes()

    def numbers(store: Store) -> Callable[[], list[int]]:
        def run() -> list[int]:
            found: list[int] = []
            for _ in range(20):
                with store.begin() as batch:
                    found += batch.next_numbers(2026, 2)
            return found

        return run

    first, second = together(numbers(a), numbers(b))
    assert sorted([*first, *second]) == list(range(1, 81))  # type: ignore[misc]


def test_of_two_that_lock_each_other_one_decides_again(nodes: Callable[[], Store]) -> None:
    a, b = nodes(), nodes()
    save(a, new("INC-1"), new("INC-2"))
    locked = Barrier(2)

    def cross(store: Store, first: str, second: str) -> None:
        with store.begin() as batch:
            batch.load([first])
            locked.wait()
            batch.load([second])

    results = together(lambda: cross(a, "INC-1", "INC-2"), lambda: cross(b, "INC-2", "INC-1"))
    assert sorted(type(result).__name__ for result in results) == ["NoneType", "VersionConflict"]


def test_a_lost_race_outside_of_a_batch_is_unavailable_for_once(nodes: Callable[[], Store]) -> None:
    """Heartbeats, leases and alarms are no batches: nobody there would know what to decide again."""
    a, b = nodes(), nodes()
    for key in ("x", "y"):
        a.set_meta(key, "0")
    locked = Barrier(2)

    def cross(store: Store, first: str, second: str) -> None:
        assert isinstance(store, PostgresStore)
        with store.writing() as link:
            link.run("UPDATE meta SET value = '1' WHERE key = ?", first)
            locked.wait()
            link.run("UPDATE meta SET value = '1' WHERE key = ?", second)

    results = together(lambda: cross(a, "x", "y"), lambda: cross(b, "y", "x"))
    assert [isinstance(result, StoreUnavailable) for result in results if result is not None] == [True]


def test_a_node_that_stood_still_in_a_transaction_is_told_that_it_lost_it(nodes: Callable[[], Store]) -> None:
    store = nodes()

    def stand_still() -> None:
        assert isinstance(store, PostgresStore)
        with store.writing() as link:
            link.run("SET LOCAL idle_in_transaction_session_timeout = 20")
            time.sleep(0.3)
            link.run("SELECT 1")

    with pytest.raises(StoreUnavailable):
        stand_still()
    assert store.alarms() == []


def end_sessions(url: str) -> None:
    """What a restart of the server does to everybody."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_lost_connection_is_said_once_and_then_made_anew(postgres_database: str) -> None:
    store = open_store(postgres_database)
    together(*[store.last_seq] * 4)
    end_sessions(postgres_database)
    with pytest.raises(StoreUnavailable):
        save(store, new("INC-1"))
    save(store, new("INC-1"))
    end_sessions(postgres_database)
    with pytest.raises(StoreUnavailable):
        store.alarms()
    assert store.alarms() == []
    assert store.last_seq() == 1
    store.close()


def test_a_connection_lost_in_the_middle_writes_nothing(postgres_database: str) -> None:
    store = open_store(postgres_database)
    store.probe = lambda point: end_sessions(postgres_database) if point == "before_commit" else None
    with pytest.raises(StoreUnavailable):
        save(store, new("INC-1"))
    store.probe = lambda point: None
    assert store.last_seq() == 0
    store.close()


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable):
        open_store("postgresql://nobody@127.0.0.1:1/nothing")


def test_commits_of_other_nodes_are_heard_again_after_a_cut(
    nodes: Callable[[], Store], postgres_database: str
) -> None:
    a, b = nodes(), nodes()
    heard: list[int] = []
    a.listen(lambda: heard.append(1))
    wait_until(lambda: len(heard) == 1)  # connected: something may have been missed before
    save(b, new("INC-1"))
    wait_until(lambda: len(heard) == 2)
    end_sessions(postgres_database)
    wait_until(lambda: len(heard) == 3)
    with pytest.raises(StoreUnavailable):
        save(b, new("INC-2"))
    save(b, new("INC-2"))
    wait_until(lambda: len(heard) == 4)


def test_backups_are_the_servers_own(nodes: Callable[[], Store], postgres_database: str) -> None:
    store = nodes()
    with pytest.raises(BackupElsewhere, match="pg_dump"):
        store.backup("/tmp/x")
    with pytest.raises(BackupElsewhere):
        restore("/tmp/x", postgres_database, NOW)


def test_hot_statements_walk_their_index(nodes: Callable[[], Store]) -> None:
    from tocsin.store import sql

    store = nodes()
    save(store, *(new(f"INC-{n}", due=later(n), effects=((1, page()),)) for n in range(500)))
    with store.writing() as link:
        link.core.execute(text("ANALYZE"))
        due = link.rows("EXPLAIN " + sql.TAKE_DUE, 10**18, [""], 5)
        first = link.rows("EXPLAIN " + sql.NEXT_DUE, [""])
        effects = link.rows("EXPLAIN " + sql.TAKE_EFFECTS, "sms", 10**18, ["Send"], 4)
    assert "ix_stream_due" in str(due)
    assert "Index Only Scan using ix_stream_due" in str(first)
    assert "ix_effect_take" in str(effects)
    assert "Sort" not in f"{due}{first}{effects}"


def test_a_restored_server_gets_a_new_life(nodes: Callable[[], Store], postgres_database: str) -> None:
    store = nodes()
    save(store, new("INC-1"))
    renew(postgres_database, later(5))
    again = nodes()
    assert again.epoch != store.epoch
    assert again.meta("held") == "1"
    assert again.journal()[0].kind == "restored"
    assert again.last_seq() == 1
