"""A node whose clock is off the database's says so, and leaves the work to a node that is in time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from conftest import new_postgres_database
from stories import scripts
from tocsin.config import load
from tocsin.engine.astray import TOLERANCE
from tocsin.engine.commands import Declaration, declaring
from tocsin.engine.desk import Job
from tocsin.engine.engine import BEAT_S, Engine
from tocsin.engine.live import nothing_known
from tocsin.store import open_store
from tocsin.store.contract import Node, Store
from tocsin.testing import Story
from tocsin.wiring.program import open_program


class Shifted:
    """The wall clock, wrong by `by`; each look takes `took`."""

    def __init__(self, **by: float) -> None:
        self.by = timedelta(**by)
        self.took = timedelta(0)

    def now(self) -> datetime:
        self.by += self.took
        return datetime.now(UTC) + self.by


@pytest.fixture
def store(postgres_url: str) -> Iterator[Store]:
    found = open_store(postgres_url)
    yield found
    found.close()


Make = Callable[..., Engine]


@pytest.fixture
def node(store: Store) -> Make:
    def make(**by: float) -> Engine:
        engine = Engine(store, Shifted(**by), nothing_known(), [])
        engine.look_at_clock()
        engine.set_held(None)
        return engine

    return make


def beat(store: Store, role: str = "all", **ago: float) -> None:
    at = datetime.now(UTC) - timedelta(**ago)
    store.beat(Node(f"other-{role}-{ago}", role, at, at))


def clock_alarms(engine: Engine) -> list[str]:
    return [reason for reason in engine.alarmed() if "clock" in reason]


def waits(engine: Engine) -> bool:
    assert engine.ticker.held == engine.courier.held
    return engine.ticker.held


@pytest.mark.postgres
@pytest.mark.parametrize(("seconds", "words"), [(-10, "10.0 s behind"), (10, "10.0 s ahead of")])
def test_beside_a_node_in_time_it_waits_and_says_so(
    store: Store, node: Make, seconds: float, words: str
) -> None:
    beat(store)
    engine = node(seconds=seconds)
    assert waits(engine)
    (said,) = clock_alarms(engine)
    assert f"{words} the database's: it leaves the work to the nodes in time" in said
    engine.clock.by = timedelta(0)  # type: ignore[attr-defined]
    engine.look_at_clock()
    engine.set_held(None)
    assert not waits(engine)
    assert clock_alarms(engine) == []


@pytest.mark.postgres
def test_alone_it_goes_on_and_says_so(store: Store, node: Make) -> None:
    for other in store.nodes():
        store.beat(Node(other.boot, other.role, other.started_at, datetime.now(UTC) - timedelta(hours=1)))
    beat(store, seconds=11)
    beat(store, role="web")
    engine = node(seconds=-10)
    assert not waits(engine)
    assert "goes on, since no node is in time" in clock_alarms(engine)[0]


@pytest.mark.postgres
@pytest.mark.parametrize("seconds", [-0.8, 0, 0.8])
def test_within_a_second_all_is_well(store: Store, node: Make, seconds: float) -> None:
    beat(store)
    engine = node(seconds=seconds)
    assert not waits(engine)
    assert clock_alarms(engine) == []


@pytest.mark.postgres
def test_an_answer_that_took_long_is_no_wrong_clock(store: Store) -> None:
    beat(store)
    clock = Shifted(seconds=-8)
    engine = Engine(store, clock, nothing_known(), [])
    clock.took = timedelta(seconds=7)
    engine.look_at_clock()
    assert clock_alarms(engine) == []


def test_a_file_has_no_clock(tmp_path: object) -> None:
    store = open_store(f"sqlite:///{tmp_path}/t.db")
    engine = Engine(store, Shifted(days=-3), nothing_known(), [])
    engine.look_at_clock()
    assert clock_alarms(engine) == []
    store.close()


@pytest.mark.postgres
@pytest.mark.parametrize(("one", "other"), [(2.5, 2.5), (-2.5, 2.5), (600, 600)])
def test_nodes_that_are_all_off_all_go_on(store: Store, node: Make, one: float, other: float) -> None:
    """It may be the database whose clock is wrong: nobody waits for a node that is off itself."""
    for known in store.nodes():
        store.beat(Node(known.boot, known.role, known.started_at, datetime.now(UTC) - timedelta(hours=1)))
    both = [node(seconds=one), node(seconds=other)]
    for _ in range(2):
        for engine in both:
            engine.beat()
        for engine in both:
            engine.look_at_clock()
            engine.set_held(None)

    assert [waits(engine) for engine in both] == [False, False]
    assert all(clock_alarms(engine) for engine in both)


@pytest.mark.postgres
def test_a_node_in_time_never_takes_what_a_living_one_in_time_carries(postgres_server: str) -> None:
    """One is behind and the other ahead, as far as both may be, and the next heartbeat is just due."""
    off = TOLERANCE.total_seconds() * 0.9
    with new_postgres_database(postgres_server) as url:
        story = Story(url, scripts.live(scripts.acme_policy()), clock=Shifted(seconds=-off))
        behind = story.engine
        story.engine.desk.put(Job(declaring(Declaration("aisha", "Sign-in loops", "SEV1"))))
        story.engine.desk.drain()
        behind.look_at_clock()
        behind.beat()
        (mail,) = [lane for lane in behind.courier.lanes.values() if lane.name == "mail"]
        assert len(behind.courier.take(mail, 4)) == 1
        time.sleep(BEAT_S)

        ahead = Engine(story.store, Shifted(seconds=off), story.live, [mail])
        ahead.look_at_clock()
        ahead.beat()

        assert ahead.courier.take(mail, 4) == []
        story.close()


@pytest.mark.postgres
def test_a_start_does_not_follow_a_node_that_is_ahead_of_the_database(
    postgres_server: str, tmp_path: Path
) -> None:
    ahead = datetime.now(UTC) + timedelta(hours=1)
    floors = []

    def clock(floor: datetime | None) -> Shifted:
        floors.append(floor)
        return Shifted()

    (tmp_path / "tocsin.toml").write_text('[database]\nurl = { env = "DATABASE_URL" }\n')
    with new_postgres_database(postgres_server) as url:
        store = open_store(url)
        store.beat(Node("ahead", "all", ahead, ahead))
        open_program(load(tmp_path, {"DATABASE_URL": url}), clock=clock).close()
        store.close()

    assert floors[0] is not None
    assert floors[0] <= datetime.now(UTC)
