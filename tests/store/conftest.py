"""A store on each database, and several stores where several nodes are meant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier
from typing import Any

import pytest

from tocsin.store import open_store
from tocsin.store.contract import Store


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    store = open_store(database_url)
    yield store
    store.close()


@pytest.fixture
def nodes(postgres_database: str) -> Iterator[Callable[[], Store]]:
    """Opens another store on the same PostgreSQL database, as another node would."""
    with ExitStack() as stores:

        def node() -> Store:
            store = open_store(postgres_database)
            stores.callback(store.close)
            return store

        yield node


@pytest.fixture
def postgres_database(request: pytest.FixtureRequest) -> Iterator[str]:
    from conftest import new_postgres_database

    with new_postgres_database(request.getfixturevalue("postgres_server")) as url:
        yield url


@pytest.fixture
def at_once() -> Callable[[Callable[[Store], Any], list[Store]], list[Any]]:
    """Does the same on several stores at the same time; what each answered."""

    def run(act: Callable[[Store], Any], stores: list[Store]) -> list[Any]:
        start = Barrier(len(stores))

        def one(store: Store) -> Any:
            start.wait()
            return act(store)

        with ThreadPoolExecutor(len(stores)) as threads:
            return list(threads.map(one, stores))

    return run
