"""Servers that tests share, and servers of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from web.running import Served, served


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all tests of a module: they share its incidents, and none counts on being alone."""
    with served(tmp_path_factory.mktemp("web")) as running:
        yield running


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Served]:
    """A server of its own, with nothing in it."""
    with served(tmp_path) as running:
        yield running
