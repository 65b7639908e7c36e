"""PostgreSQL dies under a running node: whoever asks is told, nothing is lost, and paging goes on when it is back."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conftest import RUN_DIR, load_pgserver, one_at_a_time
from tocsin.domain import events as ev
from trouble.conftest import Builder, eventually

pytestmark = pytest.mark.postgres

ANSWERED_S = 8.0
"""Within this time whoever asks hears that it is not possible; a connection attempt is given up after five."""


@dataclass
class OwnServer:
    """A PostgreSQL of this test alone, which may be killed."""

    server: Any

    @property
    def url(self) -> str:
        return str(self.server.get_uri()).replace("postgresql://", "postgresql+psycopg://", 1)

    def kill(self) -> None:
        """At once and without goodbye, as when its machine fails."""
        pid = self.server.get_pid()
        os.kill(pid, signal.SIGQUIT)
        eventually(lambda: not self.server.get_postmaster_info().process.is_running(), "the server is gone")

    def begin(self) -> None:
        with one_at_a_time("postgres"):
            self.server.ensure_postgres_running()


@pytest.fixture
def own_server() -> Iterator[OwnServer]:
    folder = Path(os.environ[RUN_DIR]) / f"pg{os.getpid()}"
    with one_at_a_time("postgres"):
        server = load_pgserver().get_server(folder, cleanup_mode="stop")
    yield OwnServer(server)
    with one_at_a_time("postgres"):
        server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def test_the_server_dies_and_comes_back(own_server: OwnServer, build: Builder) -> None:
    house = build(database=own_server.url)
    ref = house.declare("Before it died")
    declared = time.monotonic()
    eventually(house.has(ref, ev.PageSent), "the first page is out and recorded")

    own_server.kill()

    for ask in (
        lambda: house.ask("POST", "/api/v1/incidents", title="While it was gone", sev="SEV1"),
        lambda: house.ask("POST", f"/api/v1/incidents/{ref}/ack"),
    ):
        began = time.monotonic()
        answer = ask()
        assert answer.status_code == 503, answer.text
        assert time.monotonic() - began < ANSWERED_S
        assert "Nothing was written and nobody was called" in answer.json()["detail"]
        assert "://" not in answer.json()["detail"], "where the database is stays in the log"
    assert house.ask("GET", "/healthz").status_code == 200
    assert not house.ready()
    assert "the database is not usable" in house.alarms()
    eventually(lambda: time.monotonic() - declared > 5, "every deadline fell into the outage")
    engine = house.engine
    assert engine.desk.alive()
    assert engine.ticker.alive()
    assert engine.courier.alive()

    own_server.begin()

    eventually(house.ready, "readyz is green by itself")
    everyone = {"ann@test.example", "bea@test.example", "cem@test.example"}
    eventually(lambda: house.post.pages(ref).keys() >= everyone, "the ladder goes on by itself")
    eventually(house.has(ref, ev.ClockBreached), "the deadline is not lost")
    house.do(ref, "ack")
    eventually(lambda: house.quiet(ref), "everything is carried out")
    (breach,) = house.events(ref, ev.ClockBreached)
    (asked,) = [e for e in house.events(ref, ev.PageRequested) if e.rung == 0]
    assert (breach.due - asked.at).total_seconds() == 2, (
        "due when it was promised, however late it was noticed"
    )
    assert [e.rung for e in house.events(ref, ev.RungFired)] == [0, 1, 2]
    rows = house.program.store.incidents(stage=None, level=None, q=None, before=None, limit=10)
    assert [row.title for row in rows] == ["Before it died"]
    eventually(lambda: house.alarms() == "", "alarmz is quiet")
    second = house.declare("When it was back")
    eventually(lambda: house.post.pages(second)["ann@test.example"], "the next incident pages")


def test_a_node_that_loses_its_connections_only_goes_on(own_server: OwnServer, build: Builder) -> None:
    """The server restarts in between: every pooled connection is dead, and nobody notices but the first attempt."""
    house = build(database=own_server.url)
    own_server.kill()
    own_server.begin()
    eventually(house.ready, "readyz is green by itself")
    ref = house.declare("After the restart")
    eventually(lambda: house.post.pages(ref)["ann@test.example"], "ann is called")
    assert house.engine.desk.alive()
