"""A node whose clock is off the database's says so, and leaves the work to a node that is in time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tocsin.engine.engine import Engine
from tocsin.engine.live import nothing_known
from tocsin.store import open_store
from tocsin.store.contract import Node, Store


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
@pytest.mark.parametrize("seconds", [-1.5, 0, 1.5])
def test_within_two_seconds_all_is_well(store: Store, node: Make, seconds: float) -> None:
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
