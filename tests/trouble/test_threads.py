"""Threads of the engine: one that ends by itself is seen, one that waits for others does not spin."""

from __future__ import annotations

import time

import pytest

from conftest import new_postgres_database
from stories import scripts
from tocsin.testing import Story
from trouble.conftest import House, eventually


def test_a_heartbeat_that_stopped(house: House) -> None:
    """The other nodes take this one for dead and carry what it is carrying."""
    assert house.ready()
    house.engine._stop.set()

    eventually(lambda: not house.ready(), "readyz says it")

    assert house.engine.not_ready() == ["the heartbeat does not run"]


@pytest.mark.postgres
def test_a_stream_that_another_node_holds_is_not_asked_for_all_the_time(postgres_server: str) -> None:
    with new_postgres_database(postgres_server) as url:
        story = Story(url, scripts.live(scripts.acme_policy()), at=scripts.DAY)
        story.alert("Smoke test failed: sign-in on production", integration="smoke")
        story.clock.at = story.instant("13:05:01")
        engine = story.engine
        with story.store.writing() as held:
            held.rows("SELECT ref FROM stream WHERE ref = ? FOR UPDATE", story.ref)
            engine.desk.start()
            begun = next(engine.desk._order)
            engine.ticker.start()
            time.sleep(0.5)
            ticks = next(engine.desk._order) - begun - 1
        eventually(lambda: story.state().ladder.next_rung == 2, "it is advanced once it is free")
        engine.ticker.stop()
        engine.desk.stop()
        story.close()
    assert 2 <= ticks <= 20
