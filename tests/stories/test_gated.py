"""What one incident hears of checks made in another: looked up when a task is started; on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from stories.cast import acme_policy, live
from tocsin.domain import events as ev
from tocsin.domain import gates, response, restricted, tasks
from tocsin.domain.context import Refused
from tocsin.domain.gates import PointAnswer
from tocsin.engine.gated import overriding
from tocsin.testing import Story

DAY = datetime(2026, 2, 5, 16, 0, tzinfo=UTC)


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    told = Story(database_url, live(acme_policy(), primary="jonas", secondary="mei", day=DAY), at=DAY)
    yield told
    told.close()


def check(story: Story, by: str = "jonas", dump: str = "ok", seen: str = "the window is 7 days") -> None:
    """All points answered, the third (the dump) as told."""
    ordinary = [PointAnswer("ok", seen) for _ in range(5)]
    ordinary[2] = PointAnswer(dump, "compared its checksum")
    story.do(gates.go_through, by=by, answers=tuple(ordinary))


def planned(story: Story, title: str = "Merge the contacts", *, drill: bool = False) -> str:
    return story.declare(title, by="jonas", kind="change", drill=drill)


def lost(story: Story, *, drill: bool = False) -> str:
    """An incident that Mei leads, in which a database change of Jonas's waits."""
    ref = story.declare("Contacts missing", by="tomas", sev="SEV1", drill=drill)
    story.do(response.take_seat, by="mei", role="ic")
    story.do(tasks.open_task, by="jonas", text="Insert the contacts", owner="jonas", db_change=True)
    return ref


def refused(story: Story) -> str:
    with pytest.raises(Refused) as refusal:
        story.start("jonas", 1)
    assert not story.events(ev.TaskStarted)
    return f"{refusal.value.reason} / {refusal.value.possible}"


def test_the_check_of_the_planned_change_lets_its_own_task_start_and_none_of_the_incident(
    story: Story,
) -> None:
    change = planned(story)
    check(story)
    story.do(tasks.open_task, by="jonas", text="Run the migration", owner="jonas", db_change=True)
    story.until("16:29:59")
    story.start("jonas", 1)
    assert [e.passed for e in story.events(ev.TaskStarted)] == ["check 1"]
    lost(story)

    assert f"check 1 of {change} counts there only" in refused(story)


def test_run_out_it_is_named_with_its_answers_and_the_moment_to_return_to(story: Story) -> None:
    change = planned(story)
    check(story, seen="looked at the dashboard")
    story.until("16:19:40")
    story.do(gates.note_restore_point, by="jonas", point=story.instant("16:19:40"))
    story.until("16:50:00")
    lost(story)
    said = refused(story)

    assert f"check 1 of {change} ran out at 16:30:00 (20m00s ago)" in said
    assert said.count("last ok, 50m00s ago") == 5
    assert "looked at the dashboard" in said
    assert "restore point 2026-02-05 16:19:40 UTC" in said


def test_a_failure_elsewhere_ends_what_passed_here(story: Story) -> None:
    incident = lost(story)
    check(story, by="mei")
    story.until("16:05:00")
    change = planned(story)
    check(story, dump="failed")
    story.ref = incident

    assert f"check 1 of {change} failed" in refused(story)
    story.run(overriding(incident, "mei", 1, "another dump, known to be bad"))
    story.start("jonas", 1)
    assert [e.passed for e in story.events(ev.TaskStarted)] == ["override"]


@pytest.mark.parametrize("hidden", ["restricted", "drill"])
def test_a_failure_that_the_reader_may_not_know_of_or_rehearsed_ends_nothing(
    story: Story, hidden: str
) -> None:
    incident = lost(story)
    check(story, by="mei")
    story.until("16:05:00")
    planned(story, drill=hidden == "drill")
    check(story, by="mei", dump="failed")
    if hidden == "restricted":
        story.do(restricted.restrict, by="mei", codename="Heron", readers=(), reason="a person is concerned")
    story.ref = incident
    story.start("jonas", 1)

    assert [e.passed for e in story.events(ev.TaskStarted)] == ["check 1"]


def test_what_was_rehearsed_lets_nothing_real_start(story: Story) -> None:
    planned(story, "Rehearsal: merge the contacts", drill=True)
    check(story)
    lost(story)

    assert "none was gone through yet" in refused(story)


def test_a_rehearsal_hears_of_a_rehearsed_check(story: Story) -> None:
    change = planned(story, "Rehearsal: merge the contacts", drill=True)
    check(story)
    lost(story, drill=True)

    assert f"check 1 of {change} counts there only" in refused(story)


def test_what_was_seen_in_a_restricted_incident_is_told_to_its_readers_only(story: Story) -> None:
    planned(story)
    check(story, by="mei", seen="a name that stays among few")
    story.do(restricted.restrict, by="mei", codename="Heron", readers=(), reason="a person is concerned")
    story.until("16:50:00")
    lost(story)
    said = refused(story)

    assert "none was gone through yet" in said
    assert "a name that stays among few" not in said
    with pytest.raises(Refused, match="ran out") as refusal:
        story.start("mei", 1)
    assert "a name that stays among few" in refusal.value.possible


def test_the_same_start_asked_twice_is_one(story: Story) -> None:
    lost(story)
    check(story, by="mei")
    story.start("jonas", 1)
    with pytest.raises(Refused, match="was started already"):
        story.start("jonas", 1)

    assert [e.passed for e in story.events(ev.TaskStarted)] == ["check 1"]


def test_unknown_numbers_are_refused_like_any_other(story: Story) -> None:
    lost(story)
    with pytest.raises(Refused, match="has no task 9"):
        story.start("jonas", 9)
