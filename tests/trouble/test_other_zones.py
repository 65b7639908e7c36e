"""A node with other time zones than one that has run longer hands over at other instants: it leaves the work alone."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

import tocsin
from conftest import new_postgres_database
from tocsin.engine.astray import ASTRAY, TZDATA
from tocsin.engine.engine import Engine
from tocsin.engine.live import nothing_known
from tocsin.store import open_store
from tocsin.store.contract import Node, Store
from tocsin.testing import FakeClock

HERE = "0000.0"
"""Zones that nobody else has."""


@pytest.fixture
def store(postgres_server: str) -> Iterator[Store]:
    with new_postgres_database(postgres_server) as url:
        found = open_store(url)
        yield found
        found.close()


@pytest.fixture
def node(store: Store) -> Callable[[], Engine]:
    """Another node that starts now."""

    def make() -> Engine:
        engine = Engine(store, FakeClock(datetime.now(UTC)), nothing_known(), [])
        look(engine)
        return engine

    return make


def look(engine: Engine) -> None:
    """A heartbeat."""
    engine.clock.at = datetime.now(UTC)  # type: ignore[attr-defined]
    engine.look_at_clock()
    engine.beat()
    engine.set_held(None)


def other(store: Store, zones: str, *, ran: float = 3600, silent: float = 0, role: str = "all") -> Node:
    now = datetime.now(UTC)
    beaten = Node("other", role, now - timedelta(seconds=ran), now - timedelta(seconds=silent), zones)
    store.beat(beaten)
    return beaten


def waits(engine: Engine) -> bool:
    assert engine.ticker.held == engine.courier.held
    return engine.ticker.held


def said(engine: Engine) -> list[str]:
    return [reason for reason in engine.alarmed() if "time zones" in reason]


@pytest.mark.postgres
def test_beside_a_node_that_has_run_longer_it_waits_and_says_so(
    store: Store, node: Callable[[], Engine]
) -> None:
    other(store, HERE)
    engine = node()
    assert waits(engine)
    (reason,) = said(engine)
    assert f"has the time zones of {TZDATA}, a node that has run longer those of {HERE}" in reason
    assert [n.role for n in store.nodes() if n.boot == engine.boot] == [ASTRAY]

    other(store, HERE, silent=60)
    look(engine)
    assert not waits(engine)
    assert said(engine) == []


@pytest.mark.postgres
@pytest.mark.parametrize(
    "beside",
    [
        {"zones": TZDATA},
        {"zones": ""},
        {"zones": HERE, "silent": 60},
        {"zones": HERE, "role": "web"},
        {"zones": HERE, "role": ASTRAY},
        {"zones": HERE, "ran": -60},
    ],
    ids=["the same", "unknown", "silent", "web", "astray itself", "younger"],
)
def test_beside_any_other_node_it_works(store: Store, node: Callable[[], Engine], beside: dict) -> None:
    engine = node()
    other(store, **beside)
    look(engine)
    assert not waits(engine)
    assert said(engine) == []


@pytest.mark.postgres
def test_of_two_nodes_with_different_zones_the_one_that_began_first_works(
    node: Callable[[], Engine],
) -> None:
    first, second = node(), node()
    second.zones = HERE
    for engine in (second, first, second):
        look(engine)
    assert (waits(first), waits(second)) == (False, True)


def test_a_file_is_one_process_alone(tmp_path) -> None:
    """Whoever ran before on the same file is gone: the lock says so."""
    store = open_store(f"sqlite:///{tmp_path / 'tocsin.db'}")
    other(store, HERE)
    engine = Engine(store, FakeClock(datetime.now(UTC)), nothing_known(), [])
    look(engine)
    assert not waits(engine)
    store.close()


def test_only_the_locked_zones_are_used() -> None:
    assert tocsin.__file__
    assert zoneinfo.TZPATH == ()
