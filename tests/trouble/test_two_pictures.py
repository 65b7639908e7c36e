"""What is read live changes while something is decided, or on another node."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import cycle

import pytest

from stories import scripts
from tocsin.cli import rereading
from tocsin.cli.rereading import HandbookWatch
from tocsin.domain.schedules import Adjustment
from tocsin.engine.live import Contexts, Live
from tocsin.store.contract import ContactRow, Store
from tocsin.testing import Story
from trouble.conftest import Builder, eventually


class Flipping(Contexts):
    """The handbook is activated anew between any two looks at it."""

    def __init__(self, store: Store, *lives: Live) -> None:
        self._lives: Iterator[Live] = cycle(lives)
        super().__init__(store, lives[0])

    @property
    def live(self) -> Live:  # type: ignore[override]
        return next(self._lives)

    @live.setter
    def live(self, _: Live) -> None: ...


@pytest.mark.parametrize("by", ["person", "alert"])
def test_an_incident_is_pinned_to_the_policy_that_it_was_opened_by(database_url: str, by: str) -> None:
    story = Story(database_url, scripts.live(scripts.acme_policy()), at=scripts.DAY)
    levels = story.live.policy.severities
    one = replace(story.live, policy_hash="one", policy=replace(story.live.policy, severities=levels[:1]))
    two = replace(story.live, policy_hash="two", policy=replace(story.live.policy, severities=levels[1:]))
    for live in (one, two):
        story.store.activate_policy(live.policy_hash, live.policy, None, story.clock.now())
    contexts = Flipping(story.store, one, two, one)
    story.engine.contexts = story.engine.desk.contexts = contexts

    ref = story.declare("All is down", by="aisha") if by == "person" else story.alert("All is down")

    state = story.state(ref)
    assert contexts.pinned(state.policy).policy.severity(state.level)
    story.close()


@pytest.mark.postgres
def test_a_person_saved_on_one_node_is_known_on_the_other(
    postgres_url: str, build: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rereading, "EVERY_S", 0.05)
    here, there = build(database=postgres_url), build(database=postgres_url, handbook=False)
    watch = HandbookWatch(there.program)
    watch.start()

    saved = here.ask(
        "POST", "/api/v1/users", by="", handle="zoe", email="zoe@test.example", standing="observer"
    )

    assert saved.status_code == 201, saved.text
    eventually(lambda: there.engine.contexts.live.directory.get("zoe"), "the other node knows zoe")
    watch.stop()


@pytest.mark.postgres
def test_an_override_made_on_one_node_holds_on_the_other(
    postgres_url: str, build: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rereading, "EVERY_S", 0.05)
    here, there = build(database=postgres_url), build(database=postgres_url)
    watch = HandbookWatch(there.program)
    watch.start()
    now = here.program.clock.now().replace(second=0, microsecond=0)
    made = Adjustment(0, "set", now, now + timedelta(hours=1), users=("cem",), author="cem", made_at=now)

    here.program.store.add_adjustment("primary", made, None)

    eventually(
        lambda: there.engine.contexts.live.rota.who("primary", now) == ("cem",),
        "the other node calls cem",
    )
    eventually(
        lambda: "primary: ann to cem" in str(there.program.store.journal()), "that she took over is recorded"
    )
    watch.stop()


def test_nothing_is_read_again_while_nothing_changed(build: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    program = build(start=False).program
    program.take_up_changes()
    reads = []
    monkeypatch.setattr(program, "refresh_people", lambda: reads.append(1))
    for _ in range(5):
        program.take_up_changes()
    assert reads == []
    program.store.save_contact(ContactRow("ann", "mail", "", program.clock.now(), disabled="by hand"))
    program.take_up_changes()
    program.take_up_changes()
    assert reads == [1]
