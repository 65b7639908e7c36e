"""A supply of empty databases: the sweep needs a new one for every kill."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from conftest import new_postgres_database


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def fresh_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """A function that gives the address of an empty database, each time another one."""
    numbers = count()
    with ExitStack() as databases:

        def sqlite() -> str:
            return f"sqlite:///{tmp_path / f'{next(numbers)}.db'}"

        def postgres() -> str:
            databases.close()
            server = request.getfixturevalue("postgres_server")
            return databases.enter_context(new_postgres_database(server))

        yield sqlite if request.param == "sqlite" else postgres
