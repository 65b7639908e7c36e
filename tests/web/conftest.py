"""Servers that tests share, servers of their own, and pages of a signed-in person in a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from web.running import Served, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Opened = Callable[..., Any]


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


@pytest.fixture
def signed_in(browser: Browser, server: Served) -> Iterator[Opened]:
    """Opens a page as somebody; every error on any page fails the test."""
    wrong: list[str] = []
    contexts = []

    @contextmanager
    def opened(person: str, path: str, **options: Any) -> Iterator[Page]:
        context = browser.new_context(base_url=server.url, **options)
        contexts.append(context)
        with server.session(person) as client:
            value = client.cookies["tocsin"]
        context.add_cookies([{"name": "tocsin", "value": value, "url": server.url, "httpOnly": True}])
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "console", lambda m: wrong.append(m.text) if m.type == "error" and "409" not in m.text else None
        )
        page.on("request", lambda r: wrong.append(r.url) if not r.url.startswith(server.url) else None)
        page.goto(path)
        if path.startswith(("/i/", "/?")) or path == "/":
            page.get_by_text("live", exact=True).wait_for()
        yield page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []
