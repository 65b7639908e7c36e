"""Lanes do not wait for each other, and what is under way is not begun a second time."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from dataclasses import replace

import pytest

from stories import scripts
from tocsin.domain import response
from tocsin.engine import courier
from tocsin.engine.courier import Courier
from tocsin.engine.ports import Carried, Lane
from tocsin.store.contract import Taken
from tocsin.testing import Story
from trouble.conftest import Builder, House, eventually, for_a_while

WORKERS = min(32, (os.cpu_count() or 1) + 4)
"""So many threads one loop has for what blocks."""


def test_a_lane_whose_every_try_hangs_in_a_thread_delays_no_page(build: Builder) -> None:
    """A network file system that is gone, a reader of the console that stopped, name servers that are silent."""
    free = threading.Event()

    async def hang(_: Taken) -> Carried:
        await asyncio.to_thread(free.wait)
        raise AssertionError

    house = build(start=False)
    lanes = house.engine.courier.lanes
    lanes["documents"] = replace(lanes["documents"], carry=hang, timeout_s=0.02)
    house.engine.start()
    try:
        first = house.declare("While nothing can be written")
        eventually(lambda: house.tries(first, "Write") >= WORKERS, "the log is tried again and again")
        time.sleep(0.2)

        second = house.declare("Then something else happens")

        eventually(lambda: house.post.pages(second)["ann@test.example"], "ann is called", within=3)
    finally:
        free.set()


def test_a_page_whose_outcome_cannot_be_told_is_not_sent_for_ever(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> list[object]:
        raise ZeroDivisionError

    monkeypatch.setattr(response, "page_sent", broken)
    ref = house.declare()
    eventually(lambda: house.post.pages(ref)["ann@test.example"], "ann is called")

    eventually(
        lambda: "done" in {e.state for e in house.program.store.effects(ref) if e.about == "page"},
        "it is settled all the same",
        within=2,
    )
    assert f"{ref}: an outcome cannot be told" in house.alarms()


def test_a_step_of_the_clock_begins_nothing_twice(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier, "POLL_SECONDS", 0.05)
    story = Story(database_url, scripts.live(scripts.acme_policy()), at=scripts.DAY, lanes=())
    begun: list[str] = []

    async def slow(taken: Taken) -> Carried:
        begun.append(taken.key)
        await asyncio.sleep(1)
        return Carried("sent")

    story.declare("Sign-in loops for all users", by="aisha", sev="SEV1")
    story.engine.desk.start()
    carrying = Courier(story.store, story.engine.desk, story.clock, [Lane("mail", slow)], owner="me")
    carrying.start()
    eventually(lambda: len(begun) == 1, "the page is under way")

    story.clock.at = story.instant("13:01")

    for_a_while(lambda: len(begun) == 1, 0.5, "its lease has ended, and it is still under way")
    carrying.stop()
    story.engine.desk.stop()
    assert [e.state for e in story.store.effects(None) if e.about == "page"] == ["done"]
    story.close()


def test_a_lane_that_was_found_empty_is_not_asked_again_because_a_send_ends(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "POLL_SECONDS", 30)
    story = Story(database_url, scripts.live(scripts.acme_policy()), at=scripts.DAY, lanes=())
    asked: list[int] = []

    async def carried(_: Taken) -> Carried:
        return Carried("sent")

    def take(self: Courier, lane: Lane, free: int) -> list[Taken]:
        if lane.name == "mail":
            asked.append(free)
        return courier_take(self, lane, free)

    courier_take = Courier.take
    monkeypatch.setattr(Courier, "take", take)
    story.declare("Sign-in loops for all users", by="aisha", sev="SEV1")
    story.engine.desk.start()
    carrying = Courier(story.store, story.engine.desk, story.clock, [Lane("mail", carried)], owner="me")
    carrying.start()

    def sent() -> list[str]:
        return [e.state for e in story.store.effects(None) if e.about == "page"]

    eventually(lambda: sent() == ["done"], "the page is sent")
    for_a_while(lambda: len(asked) == 1, 0.3, "nothing else was to be found")
    carrying.hint({"mail"})
    eventually(lambda: len(asked) == 2, "it is asked when something comes")
    carrying.stop()
    story.engine.desk.stop()
    story.close()
