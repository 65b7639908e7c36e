"""Round robin: whose turn it is moves in the commit that calls somebody, however many decide at once (E15)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from stories import scripts
from tocsin.domain import events as ev
from tocsin.domain.context import Context, Refused
from tocsin.domain.incident import Incident
from tocsin.testing import Story

TARGETS = ("person:mei", "person:priya", "person:jonas")


def choose(state: Incident, context: Context, now: datetime) -> list[ev.Event]:
    """As a step of a round robin does: one target, by the cursor."""
    position = context.cursors.get("default/0", 0) % len(TARGETS)
    return [ev.RoundRobinChosen(now, "default", 0, TARGETS[position], position)]


def choose_and_refuse(state: Incident, context: Context, now: datetime) -> list[ev.Event]:
    choose(state, context, now)
    raise Refused("not now")


def cursors(story: Story) -> dict[str, int]:
    with story.store.begin() as batch:
        return batch.cursors()


def chosen(story: Story, *refs: str) -> list[str]:
    return [event.target for ref in refs for event in story.events(ev.RoundRobinChosen, ref)]


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    told = Story(database_url, scripts.live(scripts.acme_policy()), at=scripts.DAY)
    yield told
    told.close()


def test_each_choice_moves_on_and_all_incidents_share_the_cursor(story: Story) -> None:
    refs = [story.declare(f"Outage {n}", by="aisha", sev="SEV1") for n in range(2)]
    assert cursors(story) == {}
    for n in range(4):
        story.ref = refs[n % 2]
        story.do(choose)
    assert chosen(story, refs[0]) == [TARGETS[0], TARGETS[2]]
    assert chosen(story, refs[1]) == [TARGETS[1], TARGETS[0]]
    assert cursors(story) == {"default/0": 1}


def test_choices_of_one_batch_follow_each_other(story: Story) -> None:
    refs = [story.declare(f"Outage {n}", by="aisha", sev="SEV1") for n in range(5)]
    for ref in refs:
        story.engine.desk.submit(ref, choose)
    story.engine.desk.drain()
    assert chosen(story, *refs) == [*TARGETS, *TARGETS[:2]]
    assert cursors(story) == {"default/0": 2}


def test_a_choice_that_was_refused_moves_nothing(story: Story) -> None:
    story.declare("Outage", by="aisha", sev="SEV1")
    story.do(choose)
    futures = [story.engine.desk.submit(story.ref, decision) for decision in (choose_and_refuse, choose)]
    story.engine.desk.drain()
    assert isinstance(futures[0].exception(), Refused)
    assert chosen(story, story.ref) == list(TARGETS[:2])


def test_a_choice_that_was_taken_back_moves_nothing(story: Story) -> None:
    """Several decisions that are one: the first had chosen when the second was refused."""
    story.declare("Outage", by="aisha", sev="SEV1")

    def both(sitting, at):
        with sitting.whole():
            sitting.decide(story.ref, at, choose)
            return sitting.decide(story.ref, at, choose_and_refuse)

    with pytest.raises(Refused):
        story.run(both)
    assert cursors(story) == {}
    story.do(choose)
    assert chosen(story, story.ref) == [TARGETS[0]]


@pytest.mark.postgres
def test_of_two_nodes_that_choose_at_once_one_decides_again(postgres_url: str) -> None:
    """The other node chooses while this one has decided and not yet written: nobody is left out."""
    live = scripts.live(scripts.acme_policy())
    here, there = Story(postgres_url, live, at=scripts.DAY), Story(postgres_url, live, at=scripts.DAY)
    refs = [here.declare(f"Outage {n}", by="aisha", sev="SEV1") for n in range(2)]
    here.ref = refs[0]
    decided = []

    def slowly(state: Incident, context: Context, now: datetime) -> list[ev.Event]:
        found = choose(state, context, now)
        if not decided:
            there.engine.desk.submit(refs[1], choose)
            there.engine.desk.drain()
        decided.append(found[0].target)
        return found

    here.do(slowly)

    assert decided == [TARGETS[0], TARGETS[1]]
    assert chosen(here, refs[0]) == [TARGETS[1]]
    assert chosen(here, refs[1]) == [TARGETS[0]]
    assert cursors(here) == {"default/0": 2}
    for node in (here, there):
        node.close()
