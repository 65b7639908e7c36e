"""A part of the engine that ends by itself is seen: readyz says it."""

from __future__ import annotations

from trouble.conftest import House, eventually


def test_a_heartbeat_that_stopped(house: House) -> None:
    """The other nodes take this one for dead and carry what it is carrying."""
    assert house.ready()
    house.engine._stop.set()

    eventually(lambda: not house.ready(), "readyz says it")

    assert house.engine.not_ready() == ["the heartbeat does not run"]
