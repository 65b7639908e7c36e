"""Merging and reopening as the engine does them: two streams in one commit, with their alerts; on both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stories import cast
from tocsin.domain import actions, lifecycle, merging, response, restricted, tasks
from tocsin.domain import events as ev
from tocsin.domain.context import Refused
from tocsin.domain.incident import Paging, Stage
from tocsin.domain.signals import Signal
from tocsin.engine import commands
from tocsin.engine.commands import Declaration, declare, reopening
from tocsin.engine.desk import Job
from tocsin.engine.receive import receive
from tocsin.engine.sitting import UnknownIncident
from tocsin.testing import Story

SMOKE = "Smoke test failed: sign-in"
QUEUE = "Queue stands still"


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    told = Story(database_url, cast.live(cast.acme_policy()), at=cast.DAY)
    yield told
    told.close()


@pytest.fixture
def two(story: Story) -> tuple[str, str]:
    """Sign-in since 13:00, led by Mei; the queue since 13:05, acknowledged by Priya."""
    first = story.alert(SMOKE)
    story.ack("mei")
    story.confirm("mei", sev="SEV1")
    story.until("13:05:00")
    second = story.alert(QUEUE)
    story.ack("priya")
    story.until("13:06:00")
    return first, second


def alerts(story: Story, ref: str) -> set[str]:
    return {row.dedup_key for row in story.store.alerts(ref)}


def open_now(story: Story) -> list[str]:
    return [r.ref for r in story.store.incidents(stage="open", level=None, q=None, before=None, limit=50)]


# --- merging ---------------------------------------------------------------------------------------------


def test_the_alerts_go_on_where_the_incident_does(story: Story, two: tuple[str, str]) -> None:
    first, second = two
    story.merge(second, first, by="mei")
    assert alerts(story, first) == {SMOKE, QUEUE}
    assert not alerts(story, second)

    assert story.alert(QUEUE) == first, "the same alert again"
    story.alert(QUEUE, firing=False)
    assert story.state(first).firing == 1
    story.alert(SMOKE, firing=False)
    assert story.events(ev.Recovered, first)
    assert open_now(story) == [first]


def test_the_claim_is_free_again_once_the_parent_is_resolved(story: Story, two: tuple[str, str]) -> None:
    first, second = two
    story.merge(second, first, by="mei")
    story.ref = first
    story.resolve("mei", "green", "13:06", "normal")

    third = story.alert(QUEUE)
    assert third not in two
    assert story.state(third).follows == first, "it comes back to where its alerts last were"


def test_a_refusal_of_either_side_keeps_nothing_of_both(
    story: Story, two: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two

    def refuses(*_: object, **__: object) -> list[ev.Event]:
        raise Refused("no", "")

    monkeypatch.setattr(merging, "absorbed", refuses)
    desk = story.engine.desk
    before = desk.submit(second, response.note, by="mei", text="before", happened=None)
    refused = desk.put(Job(commands.merging(second, first, "mei", "same"), refs=two))
    after = desk.submit(second, response.note, by="mei", text="after", happened=None)
    desk.drain()

    assert isinstance(refused.exception(), Refused)
    assert after.result().version == before.result().version + 1
    assert story.state(second).stage == Stage.TRIAGE
    assert not story.events(ev.Merged, second)
    assert alerts(story, second) == {QUEUE}


def test_a_failure_in_the_middle_keeps_nothing_either(
    story: Story, two: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two

    def fails(*_: object, **__: object) -> list[ev.Event]:
        raise ZeroDivisionError

    monkeypatch.setattr(merging, "absorbed", fails)
    failed = story.engine.desk.put(Job(commands.merging(second, first, "mei", "same"), refs=two))
    story.engine.desk.drain()

    assert isinstance(failed.exception(), ZeroDivisionError)
    assert story.state(second).stage == Stage.TRIAGE


def test_merges_and_alerts_of_one_batch_find_each_other(story: Story, two: tuple[str, str]) -> None:
    first, second = two
    third = story.declare("Everything is slow", by="tomas", sev="SEV1")
    desk = story.engine.desk
    signal = Signal("smoke", "another queue", "Another queue", "critical", group=QUEUE)
    merged = [
        desk.put(Job(commands.merging(second, first, "mei", "same"), refs=(first, second))),
        desk.put(Job(commands.merging(first, third, "mei", "same"), refs=(first, third))),
    ]
    joined = receive(desk, signal)
    circle = desk.put(Job(commands.merging(third, second, "mei", "same"), refs=(third, second)))
    desk.drain()

    assert [future.result().ref for future in merged] == [second, first]
    assert joined.result().ref == third
    assert isinstance(circle.exception(), Refused)
    assert alerts(story, third) == {SMOKE, QUEUE, "another queue"}
    assert story.state(third).firing == 3
    assert open_now(story) == [third]


def test_asked_twice_it_is_merged_once(story: Story, two: tuple[str, str]) -> None:
    first, second = two
    run = commands.merging(second, first, "mei", "same")
    answers = [story.engine.desk.put(Job(run, refs=two, key="once")) for _ in range(2)]
    story.engine.desk.drain()

    assert [a.result().replayed for a in answers] == [False, True]
    assert answers[0].result().version == answers[1].result().version
    assert len(story.events(ev.Absorbed, first)) == 1


def test_nobody_is_called_for_what_was_merged(story: Story) -> None:
    first = story.declare("Sign-in loops", by="mei", sev="SEV1")
    story.ack("mei")
    story.until("13:05:00")
    second = story.alert(SMOKE, severity="error")
    story.until("13:06:00")
    called = len(story.pages())
    story.merge(second, first, by="mei")
    story.advance(hours=1)

    assert len(story.pages()) == called
    story.expect_one_outcome_per_page()


def test_what_is_owed_goes_on_in_the_parent_and_those_at_work_hear_where(
    story: Story, two: tuple[str, str]
) -> None:
    first, second = two
    story.confirm("priya", sev="SEV2")
    story.do(actions.add, by="priya", text="a dry run", owner="jonas")
    story.merge(second, first, by="mei")
    story.settle()

    assert [(row.ref, row.owner) for row in story.store.actions(state="open")] == [(first, "jonas")]
    story.expect_notice("priya", "merged", at="13:06:00")
    story.expect_notice("jonas", "action", at="13:06:00")


def test_work_under_way_keeps_both_as_they_are(story: Story, two: tuple[str, str]) -> None:
    first, second = two
    story.do(tasks.open_task, by="priya", text="drain it", owner="jonas")
    with pytest.raises(Refused) as refused:
        story.merge(second, first, by="mei")

    assert refused.value.possible == "finish or drop task 1 first"
    assert story.state(second).stage == Stage.TRIAGE
    assert alerts(story, second) == {QUEUE}


def test_an_incident_that_is_not_there(story: Story, two: tuple[str, str]) -> None:
    with pytest.raises(UnknownIncident):
        story.merge(two[0], "INC-2026-9999", by="mei")


# --- reopening -------------------------------------------------------------------------------------------


def resolved(story: Story) -> str:
    """Sign-in from 13:00 to 13:10."""
    ref = story.alert(SMOKE)
    story.ack("mei")
    story.confirm("mei", sev="SEV1")
    story.until("13:10:00")
    story.resolve("mei", "green", "13:10", "normal")
    return ref


def test_what_its_alerts_opened_meanwhile_is_merged_into_it(story: Story) -> None:
    first = resolved(story)
    story.until("13:20:00")
    second = story.alert(SMOKE)
    assert story.state(second).follows == first
    answer = story.run(reopening(first, "mei", "the same again"), first)

    assert answer.ref == first
    assert type(answer.events[0]) is ev.Reopened
    assert type(story.store.timeline(first)[answer.version - 1].event) is type(answer.events[-1])
    assert story.events(ev.Absorbed, first)[0] in answer.events
    assert story.state(second).merged_into == first
    assert story.state(first).stage == Stage.DECLARED
    assert story.state(first).firing == 1
    assert alerts(story, first) == {SMOKE}
    assert open_now(story) == [first]
    assert story.alert(SMOKE, firing=False) == first
    assert story.state(first).firing == 0


def test_alerts_that_recovered_while_it_was_over_are_not_counted(story: Story) -> None:
    first = resolved(story)
    assert story.state(first).firing == 1
    story.until("13:20:00")
    story.alert(SMOKE, firing=False)
    story.run(reopening(first, "mei", "customers say so"), first)

    assert story.state(first).firing == 0


def test_an_alert_and_the_reopening_in_one_batch(story: Story) -> None:
    first = resolved(story)
    story.until("13:20:00")
    desk = story.engine.desk
    story.ref = first
    signal = Signal("smoke", SMOKE, SMOKE, "critical")
    again = desk.put(Job(reopening(first, "mei", "again"), refs=(first,)))
    joined = receive(desk, signal)
    desk.drain()

    assert again.result().ref == joined.result().ref == first
    assert open_now(story) == [first]


def test_where_a_declared_incident_holds_its_alerts_it_says_to_go_on_there(story: Story) -> None:
    first = story.alert(SMOKE)
    story.do(lifecycle.dismiss, by="mei", reason="the probe")
    story.until("13:05:00")
    second = story.alert(SMOKE)
    story.confirm("mei", sev="SEV1")
    with pytest.raises(Refused) as refused:
        story.run(reopening(first, "mei", "it was none after all"), first)

    assert second in refused.value.reason
    assert refused.value.possible == f"go on with {second}"
    assert story.state(first).stage == Stage.DISMISSED
    assert not story.events(ev.Reopened, first)
    assert story.alert(SMOKE) == second


def test_who_may_not_read_what_holds_its_alerts_does_not_end_that_by_reopening(story: Story) -> None:
    first = resolved(story)
    story.until("13:20:00")
    second = story.alert(SMOKE)
    story.ack("mei")
    story.do(restricted.restrict, by="mei", codename="Heron", reason="a tenant's data")
    with pytest.raises(Refused, match=f"{second}, which is restricted") as refused:
        story.run(reopening(first, "tomas", "it is back"), first)

    assert "ask whoever leads" in refused.value.possible
    assert story.state(first).stage == Stage.RESOLVED
    assert story.state(second).stage == Stage.TRIAGE
    assert story.state(second).merged_into is None
    story.run(reopening(first, "mei", "it is back"), first)
    assert story.state(second).merged_into == first


def test_reopened_it_calls_until_somebody_answers(story: Story) -> None:
    first = resolved(story)
    story.until("13:20:00")
    story.run(reopening(first, "tomas", "customers are locked out"), first)
    assert story.state(first).paging == Paging.TRIGGERED
    story.until("13:26:00")
    story.ack("priya")

    assert story.pages()[-2:] == [("13:20:00", "mei"), ("13:25:00", "priya")]
    story.expect_notice("mei", "reopened", at="13:20:00")
    story.expect_one_outcome_per_page()


# --- what is no incident ---------------------------------------------------------------------------------


def test_references_say_what_it_is_and_are_counted_together(story: Story) -> None:
    refs = [
        story.declare("Sign-in loops", by="mei", sev="SEV1"),
        story.declare("Migration", by="jonas", kind="change"),
        story.declare("Almost", by="jonas", kind="near-miss"),
    ]

    assert refs == ["INC-2026-0001", "CHG-2026-0002", "INC-2026-0003"]


def test_a_refused_record_spends_no_number(story: Story) -> None:
    with pytest.raises(Refused, match="no severity"):
        story.declare("Almost", by="jonas", sev="SEV1", kind="near-miss")
    with pytest.raises(Refused, match="no kind"):
        story.declare("Lunch", by="jonas", kind="outing")

    assert story.declare("Almost", by="jonas", kind="near-miss") == "INC-2026-0001"


def test_an_incident_may_say_which_one_it_comes_back_to(story: Story) -> None:
    first = story.declare("Sign-in loops", by="mei", sev="SEV1")
    second = declare(story.engine.desk, Declaration("mei", "Sign-in loops again", follows=first))
    nowhere = declare(story.engine.desk, Declaration("mei", "Again", follows="INC-2025-0001"))
    story.engine.desk.drain()

    assert story.state(second.result().ref).follows == first
    assert isinstance(nowhere.exception(), UnknownIncident)
