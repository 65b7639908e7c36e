"""Who does what, for how long: an owner, minutes, one question when they are over, and a second pair of eyes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.told import BACKUP, Told, acme
from tocsin.domain import events as ev
from tocsin.domain import gates, lifecycle, narrate, response, tasks
from tocsin.domain.context import Refused
from tocsin.domain.effects import Drop
from tocsin.domain.work import MOST


@pytest.fixture
def led(told: Told) -> Told:
    """SEV1 declared at 13:00 and acknowledged; Mei leads."""
    return told.declare("mei").ack()


def opened(told: Told, text: str = "Find the bad release", **asked: Any) -> int:
    """Opened by Mei unless somebody else is named; its number."""
    told.do(tasks.open_task, **{"by": "mei", "text": text, **asked})
    return told.state.work.task_count


def state_of(told: Told, number: int = 1) -> tuple[str, str | None]:
    task = told.state.work.task(number)
    assert task is not None
    return task.state, task.owner


def refused(told: Told, decision: Any, **asked: Any) -> str:
    """What the refusal says; nothing has happened."""
    before = told.state.version
    with pytest.raises(Refused) as refusal:
        told.do(decision, **asked)
    assert told.state.version == before
    return f"{refusal.value.reason} / {refusal.value.possible}"


# --- from open to done ----------------------------------------------------------------------------------------------


def test_a_task_with_an_owner_starts_at_once_and_she_is_told(led: Told) -> None:
    opened(led, owner="priya", minutes=10)

    assert state_of(led) == ("started", "priya")
    assert led.told("task") == [("13:00:00", "priya")]
    (event,) = led.events(ev.TaskOpened)
    assert narrate.sentence(event) == "mei opened task 1 (for priya, 10 min): Find the bad release"


def test_nobody_is_told_of_what_she_took_on_herself(led: Told) -> None:
    opened(led, owner="mei")

    assert led.told("task") == []


def test_a_task_of_nobody_waits_until_somebody_starts_it(led: Told) -> None:
    opened(led)
    assert state_of(led) == ("open", None)
    led.until("13:04:00")
    led.do(tasks.start_task, by="jonas", task=1)

    assert state_of(led) == ("started", "jonas")
    assert led.told("task") == [], "he took it himself"


def test_given_to_somebody_it_starts(led: Told) -> None:
    opened(led, minutes=5)
    led.until("13:04:00")
    led.do(tasks.assign_task, by="mei", task=1, owner="@priya")

    assert state_of(led) == ("started", "priya")
    assert led.told("task") == [("13:04:00", "priya")]
    assert led.due("task") == "13:09:00", "her minutes count from when she got it"


def test_given_on_the_time_goes_on(led: Told) -> None:
    opened(led, owner="priya", minutes=10)
    led.until("13:04:00")
    led.do(tasks.assign_task, by="priya", task=1, owner="jonas")
    led.until("13:11:00")

    assert len(led.events(ev.TaskStarted)) == 1
    assert led.told("task-asked") == [("13:10:00", "jonas")]
    assert "jonas's already" in refused(led, tasks.assign_task, by="mei", task=1, owner="jonas")


def test_done_with_what_came_of_it(led: Told) -> None:
    opened(led, "Send the 23 refused events again", owner="jonas", minutes=20)
    led.until("13:19:00")
    led.do(tasks.finish_task, by="jonas", task=1, result="23/23 sent again")
    led.until("14:00:00")

    assert state_of(led) == ("done", "jonas")
    assert led.events(ev.TaskAsked) == []
    assert narrate.sentence(led.events(ev.TaskDone)[0]) == "jonas finished task 1: 23/23 sent again"
    assert Drop("notice/task/1/") in [effect for _, effect in led.effects]


def test_what_nobody_started_can_be_done_all_the_same(led: Told) -> None:
    opened(led)
    led.do(tasks.finish_task, by="priya", task=1)

    assert state_of(led)[0] == "done"


def test_dropped_with_the_reason(led: Told) -> None:
    opened(led, owner="priya", minutes=10)
    assert "needs a reason" in refused(led, tasks.drop_task, by="mei", task=1, reason=" ")
    led.do(tasks.drop_task, by="mei", task=1, reason="rolled back instead")
    led.until("13:30:00")

    assert state_of(led)[0] == "dropped"
    assert led.events(ev.TaskAsked) == []


@pytest.mark.parametrize(
    ("decision", "asked"),
    [
        (tasks.start_task, {}),
        (tasks.finish_task, {"result": "done"}),
        (tasks.drop_task, {"reason": "again"}),
        (tasks.assign_task, {"owner": "priya"}),
        (tasks.approve_task, {}),
    ],
)
@pytest.mark.parametrize("how", ["done", "dropped"])
def test_what_is_over_is_over(led: Told, how: str, decision: Any, asked: dict[str, str]) -> None:
    opened(led, owner="jonas")
    if how == "done":
        led.do(tasks.finish_task, by="jonas", task=1)
    else:
        led.do(tasks.drop_task, by="jonas", task=1, reason="not needed")

    assert f"task 1 is {how} already" in refused(led, decision, by="mei", task=1, **asked)


def test_an_unknown_number_names_the_open_ones(led: Told) -> None:
    assert "has no task 3 / open tasks: none" in refused(led, tasks.start_task, by="mei", task=3)
    opened(led)
    opened(led)
    assert "open tasks: 1, 2" in refused(led, tasks.start_task, by="mei", task=3)


def test_twice_started_is_said(led: Told) -> None:
    opened(led, owner="jonas")

    assert "was started already" in refused(led, tasks.start_task, by="jonas", task=1)


# --- the one question -----------------------------------------------------------------------------------------------


def test_when_the_time_is_over_the_owner_is_asked_once(led: Told) -> None:
    opened(led, owner="priya", minutes=10)
    led.until("15:00:00")

    assert led.told("task-asked") == [("13:10:00", "priya")]
    assert len(led.events(ev.TaskAsked)) == 1


def test_without_minutes_nobody_is_asked(led: Told) -> None:
    opened(led, owner="priya")
    led.wait(hours=5)

    assert led.events(ev.TaskAsked) == []


def test_done_at_the_very_instant_nobody_is_asked(led: Told) -> None:
    opened(led, owner="priya", minutes=10)
    led.until("13:10:00")
    led.do(tasks.finish_task, by="priya", task=1)

    assert led.events(ev.TaskAsked) == []


def test_the_minutes_of_what_waits_do_not_run(led: Told) -> None:
    opened(led, minutes=10)
    opened(led, owner="jonas", minutes=10, second=True)
    led.until("13:30:00")

    assert led.events(ev.TaskAsked) == []


def test_asked_after_resolve_too_but_not_once_it_is_closed(led: Told) -> None:
    opened(led, owner="priya", minutes=10)
    led.until("13:05:00").mitigate().resolve()
    led.until("13:11:00")

    assert led.told("task-asked") == [("13:10:00", "priya")]
    opened(led, owner="jonas", minutes=10)
    led.do(lambda *_: [ev.Closed(led.now, "mei")])
    led.wait(hours=1)
    assert led.told("task-asked") == [("13:10:00", "priya")]
    assert "is closed: nothing is worked on here" in refused(led, tasks.finish_task, by="jonas", task=2)


@given(st.lists(st.integers(1, 30 * 60), min_size=1, max_size=8), st.integers(1, 60))
def test_however_time_passes_there_is_one_question(naps: list[int], minutes: int) -> None:
    told = Told().declare("mei").ack()
    opened(told, owner="priya", minutes=minutes)
    begun = told.now
    for seconds in naps:
        told.sleep(seconds=seconds)

    asked = told.events(ev.TaskAsked)
    assert len(asked) == int(told.now - begun >= timedelta(minutes=minutes))
    assert all(e.due == begun + timedelta(minutes=minutes) for e in asked)


# --- a second person ------------------------------------------------------------------------------------------------


def test_a_restore_over_the_running_database_needs_a_second_person(led: Told) -> None:
    opened(led, "Restore in place", by="jonas", owner="jonas", second=True)
    assert state_of(led)[0] == "open"
    assert "needs a second person" in refused(led, tasks.start_task, by="jonas", task=1)
    assert "jonas's own" in refused(led, tasks.approve_task, by="jonas", task=1)
    led.do(tasks.approve_task, by="priya", task=1)
    assert "priya has approved" in refused(led, tasks.approve_task, by="priya", task=1)
    led.do(tasks.start_task, by="jonas", task=1)

    assert state_of(led) == ("started", "jonas")


def test_who_approved_cannot_do_it_too(led: Told) -> None:
    opened(led, "Restore in place", by="jonas", second=True)
    led.do(tasks.approve_task, by="jonas", task=1)

    assert "jonas approved task 1 and cannot do it too" in refused(led, tasks.start_task, by="jonas", task=1)
    led.do(tasks.assign_task, by="mei", task=1, owner="jonas")
    assert state_of(led)[0] == "open", "still it waits for the second person"
    assert "cannot do it too" in refused(led, tasks.start_task, by="mei", task=1)
    led.do(tasks.approve_task, by="mei", task=1)
    assert "mei approved task 1" in refused(led, tasks.start_task, by="mei", task=1)
    led.do(tasks.start_task, by="jonas", task=1)
    assert state_of(led) == ("started", "jonas")


@pytest.mark.parametrize("handle", ["operator", "nobody", ""])
def test_the_second_person_is_one(led: Told, handle: str) -> None:
    opened(led, "Restore in place", owner="jonas", second=True)

    said = refused(led, tasks.approve_task, by=handle, task=1)
    assert f"nobody is known as {handle!r}" in said
    assert "somebody of the roster" in said


@pytest.mark.parametrize("kind", ["incident", "change"])
def test_it_is_not_closed_while_a_task_is_under_way(kind: str) -> None:
    told = Told()
    _ = told.declare("mei").ack() if kind == "incident" else told.record("mei")
    opened(told, owner="priya")
    opened(told)
    opened(told, owner="jonas")
    if kind == "incident":
        told.mitigate().resolve()

    said = refused(told, lifecycle.close, by="mei")
    assert "task 1 is under way: finish or drop it; task 2 is open: finish or drop it" in said
    assert "task 3 is under way" in said
    told.do(tasks.finish_task, by="priya", task=1)
    told.do(tasks.drop_task, by="mei", task=2, reason="not needed")
    told.do(tasks.drop_task, by="mei", task=3, reason="not needed")
    if kind == "change":
        told.do(lifecycle.close, by="mei")
    else:
        assert "task" not in refused(told, lifecycle.close, by="mei")


def test_where_nobody_has_to_approve_it_is_said(led: Told) -> None:
    opened(led)

    assert "needs no second person" in refused(led, tasks.approve_task, by="priya", task=1)


def test_what_had_to_wait_is_not_done_without_a_start() -> None:
    told = Told(acme(gates=(BACKUP,))).declare("mei").ack()
    opened(told, "Copy the rows back", owner="jonas", db_change=True, second=True)

    said = refused(told, tasks.finish_task, by="jonas", task=1, result="done")
    assert "was not started: it waits for the backup check and a second person" in said
    opened(told, "Restore in place", owner="jonas", second=True)
    said = refused(told, tasks.finish_task, by="jonas", task=2, result="done")
    assert "it waits for a second person" in said


def test_a_database_change_over_the_running_one_needs_both() -> None:
    told = Told(acme(gates=(BACKUP,))).declare("mei").ack()
    opened(told, "Restore in place", owner="jonas", db_change=True, second=True)
    told.do(tasks.approve_task, by="priya", task=1)
    assert "needs a passing backup check" in refused(told, tasks.start_task, by="jonas", task=1)
    told.do(
        gates.go_through, by="mei", answers=tuple(gates.PointAnswer("ok", "looked") for _ in BACKUP.points)
    )
    told.do(tasks.start_task, by="jonas", task=1)

    assert state_of(told)[0] == "started"


def test_reading_and_a_copy_beside_wait_for_nothing() -> None:
    told = Told(acme(gates=(BACKUP,))).declare("mei").ack()
    opened(told, "Count the rows", owner="jonas")
    opened(told, "Restore to a new project", owner="jonas", minutes=60)

    assert [t.state for t in told.state.work.tasks] == ["started", "started"]
    assert [t.gate for t in told.state.work.tasks] == [None, None]


# --- who is at work by it -------------------------------------------------------------------------------------------


def test_a_third_person_at_work_warns_who_leads_and_repairs(led: Told) -> None:
    led.do(response.assign_seat, by="mei", role="ops", person="mei")
    opened(led, owner="jonas")
    assert led.events(ev.SeatConflict) == []
    opened(led)
    led.do(tasks.assign_task, by="mei", task=2, owner="priya")
    opened(led, owner="tomas")

    assert [(e.person, e.roles, e.responders) for e in led.events(ev.SeatConflict)] == [
        ("mei", ("ic", "ops"), 3)
    ], "said once"


def test_who_takes_a_task_by_starting_it_is_at_work(led: Told) -> None:
    led.do(response.assign_seat, by="mei", role="ops", person="mei")
    opened(led, owner="jonas")
    opened(led)
    led.do(tasks.start_task, by="priya", task=2)

    assert len(led.events(ev.SeatConflict)) == 1


# --- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"text": " \n "}, "the task is empty"),
        ({"text": "x" * 501}, "longer than 500 characters / put the rest into a note"),
        ({"owner": "nobody"}, "nobody is known as 'nobody'"),
        ({"minutes": 0}, "0 minutes is no time"),
        ({"minutes": -5}, "-5 minutes is no time"),
        ({"minutes": 1441}, "1 to 1440"),
    ],
)
def test_a_task_that_cannot_be_is_refused(led: Told, asked: dict[str, Any], why: str) -> None:
    assert why in refused(led, tasks.open_task, **{"by": "mei", "text": "Look", **asked})


def test_the_longest_and_the_shortest_time(led: Told) -> None:
    opened(led, owner="jonas", minutes=1)
    opened(led, owner="jonas", minutes=24 * 60)

    assert [t.minutes for t in led.state.work.tasks] == [1, 1440]


def test_line_breaks_become_blanks(led: Told) -> None:
    opened(led, "Find the bad\n release")

    assert led.state.work.tasks[0].text == "Find the bad release"


def test_a_shadow_is_given_no_work(led: Told) -> None:
    shadowing = ev.ShadowJoined(led.now, "mei", "aisha")
    led.do(lambda *_: [shadowing])

    assert "aisha shadows the IC" in refused(led, tasks.open_task, by="mei", text="Look", owner="aisha")
    opened(led)
    assert "aisha shadows the IC" in refused(led, tasks.assign_task, by="mei", task=1, owner="aisha")


def test_so_many_tasks_can_be_open_and_done_ones_make_room(led: Told) -> None:
    for _ in range(MOST):
        opened(led)
    assert f"{MOST} tasks are open" in refused(led, tasks.open_task, by="mei", text="One more")
    led.do(tasks.finish_task, by="mei", task=7)

    assert opened(led) == MOST + 1
    assert len(led.state.work.tasks) == MOST


def test_a_planned_change_has_tasks_and_a_dismissed_alert_has_none(told: Told) -> None:
    change = Told(acme()).record("jonas")
    opened(change, by="jonas", owner="jonas", minutes=10)
    change.until("13:30:00")
    assert change.told("task-asked") == [("13:10:00", "jonas")]

    told.alert()
    opened(told, by="priya")
    assert "work under way: task 1" in refused(told, lifecycle.dismiss, by="mei", reason="a false alarm")
    told.do(tasks.drop_task, by="priya", task=1, reason="a false alarm")
    told.do(lifecycle.dismiss, by="mei", reason="a false alarm")
    assert "nothing is worked on here / reopen it, or declare a new one" in refused(
        told, tasks.open_task, by="mei", text="Look"
    )
    assert "nothing is worked on here" in refused(told, tasks.start_task, by="mei", task=1)


def test_merged_away_the_work_goes_on_there(led: Told) -> None:
    opened(led, owner="priya", minutes=10)
    led.do(lambda *_: [ev.Merged(led.now, "mei", "INC-2026-0002", ev.Text("the same"))])
    led.until("13:30:00")

    assert led.events(ev.TaskAsked) == []
    assert "go on in INC-2026-0002" in refused(led, tasks.finish_task, by="priya", task=1)
