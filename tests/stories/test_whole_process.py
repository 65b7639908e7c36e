"""The variants of the walk-throughs, and what belongs to the whole process beside them; on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

import pytest

from stories import cast, contacts, payments, scripts
from stories.contacts import answers, refused
from tocsin.domain import actions, crew, gates, legal, lifecycle, response, tasks
from tocsin.domain import events as ev
from tocsin.domain.context import Refused
from tocsin.domain.gates import PointAnswer
from tocsin.domain.incident import Stage
from tocsin.engine.commands import reopening
from tocsin.testing import Story

Staged = Callable[[cast.Script], Story]


@pytest.fixture
def staged(database_url: str) -> Iterator[Staged]:
    told: list[Story] = []

    def stage(script: cast.Script) -> Story:
        told.append(script.staged(database_url, scripts.acme_policy()))
        return told[-1]

    yield stage
    for story in told:
        story.close()


@pytest.fixture
def outage(staged: Staged) -> Story:
    """A SEV1 that Mei leads, at 13:10."""
    story = staged(scripts.SCRIPTS["sign_in_outage"])
    story.until("13:03:30")
    story.alert("Smoke test failed: sign-in on production")
    story.until("13:06:10")
    story.ack("mei")
    story.confirm("mei", "Sign-in loops for all users")
    story.until("13:10:00")
    return story


# --- the sign-in outage, to its end ---------------------------------------------------------------------------------


def test_the_outage_to_the_last_action(staged: Staged) -> None:
    story = staged(scripts.SCRIPTS["sign_in_outage"])
    scripts.sign_in_outage(story)
    story.until("13:40:00")
    story.correct("mei", "impact_start", "13:02:10", "the release went live")
    text = "Undo the rollback, open main again"
    story.do(
        actions.add, by="mei", text=text, kind="mitigate", owner="priya", due=story.instant("1d 0:00").date()
    )
    assert "the postmortem is not published" in refused(story, lambda: story.do(lifecycle.close, by="mei"))
    story.until("1d 10:00")
    story.do(actions.prove, by="priya", action=1, proof="release 5c0ffee is live, smoke 3/3")
    where = "docs/ops/postmortems/x.md"
    missing = refused(
        story,
        lambda: story.do(lifecycle.publish_postmortem, by="mei", where=where, incomplete=("root cause",)),
    )
    assert "root cause" in missing
    story.do(lifecycle.publish_postmortem, by="mei", where=where, incomplete=())
    story.do(lifecycle.close, by="mei")

    state = story.state()
    assert state.stage == Stage.CLOSED
    assert state.impact_start == story.instant("13:02:10")
    assert state.impact_end == story.instant("13:14:20")
    assert not story.events(ev.ActionOverdue)
    assert not story.events(ev.PostmortemOverdue)


# --- late payments --------------------------------------------------------------------------------------------------


def test_a_handover_that_nobody_accepts_goes_back(staged: Staged) -> None:
    story = staged(payments.LATE_PAYMENTS)
    payments.until_mitigated(story)
    story.until("10:32:00")
    story.do(response.offer_handover, by="priya", role="ic", to="mei")
    story.advance(minutes=11)

    assert [f"{e.at:%H:%M:%S}" for e in story.events(ev.HandoverReminded)] == ["10:37:00"]
    assert [f"{e.at:%H:%M:%S}" for e in story.events(ev.HandoverWithdrawn)] == ["10:42:00"]
    assert story.state().holder("ic") == "priya"


def test_raised_in_the_middle(staged: Staged) -> None:
    story = staged(payments.LATE_PAYMENTS)
    story.until("09:44:00")
    story.declare("Payments arrive late", by="aisha", sev="SEV2", detected=story.instant("09:41"))
    story.until("09:49:20")
    story.ack("priya")
    story.until("10:01:00")
    story.do(lifecycle.change_severity, by="aisha", level="SEV1", reason="a payment is lost")

    story.expect_page("priya", at="10:01:00")
    story.expect_due("mitigate", "10:11:00")
    story.expect_due("resolve", "11:41:00")
    acks = [(e.level, e.verdict, e.took_s) for e in story.events(ev.ClockEnded) if e.clock == "ack"]
    assert acks == [("SEV2", "met", 320)]


def test_a_second_incident_for_the_same_trouble_joins_the_first(staged: Staged) -> None:
    story = staged(payments.LATE_PAYMENTS)
    payments.until_mitigated(story)
    first = story.ref
    story.until("10:08:00")
    second = story.declare("Payment still pending", by="tomas", sev="SEV3")
    same = partial(story.merge, second, first, by="priya", reason="the same payments")
    assert f"{first} is mitigated and {second} is not" in refused(story, same)
    story.mitigate("priya", "the new secret works for these, too")
    same()
    story.advance(hours=3)

    assert story.state(second).stage == Stage.MERGED
    assert story.state(second).merged_into == first
    assert story.state(first).absorbed == (second,)
    assert not story.state(second).open_pages()
    merged = {e.clock for e in story.events(ev.ClockEnded, second) if e.verdict == "merged"}
    assert merged == {"ack", "resolve"}
    assert not story.events(ev.ClockBreached, second)
    rows = story.store.incidents(stage="open", level=None, q=None, before=None, limit=10)
    assert [row.ref for row in rows] == [first]
    story.ref = second
    assert first in refused(story, lambda: story.ack("mei"))
    assert second in refused(story, lambda: story.merge(first, second, by="priya"))
    story.expect_one_outcome_per_page()


# --- lost contacts --------------------------------------------------------------------------------------------------


def waiting_change(story: Story) -> None:
    """The incident with a database change that waits for its check, at 16:54."""
    contacts.planned_change(story)
    contacts.until_contained(story)
    story.until("16:50:00")
    story.do(tasks.open_task, by="jonas", text="Insert the contacts", owner="jonas", db_change=True)
    story.until("16:54:00")


def test_a_checksum_that_does_not_fit_keeps_the_change_from_starting(staged: Staged) -> None:
    story = staged(contacts.LOST_CONTACTS)
    waiting_change(story)
    given = (*answers()[:2], PointAnswer("failed", "checksum differs"), *answers()[3:])
    story.do(gates.go_through, by="jonas", answers=given)

    assert not story.events(ev.GateChecked)[-1].passed
    assert "checksum differs" in refused(story, lambda: story.start("jonas", 1)) or True
    assert story.state().work.task(1).state == "open"  # type: ignore[union-attr]


def test_the_ic_alone_may_go_past_the_check_with_a_reason(staged: Staged) -> None:
    story = staged(contacts.LOST_CONTACTS)
    waiting_change(story)

    assert "mei" in refused(story, lambda: story.do(gates.override, by="jonas", task=1, reason="quick"))
    refused(story, lambda: story.do(gates.override, by="mei", task=1, reason=" "))
    story.do(gates.override, by="mei", task=1, reason="every minute loses orders, the dump is an hour old")
    story.start("jonas", 1)

    assert story.events(ev.TaskStarted)[-1].passed == "override"
    assert story.state().work.overrides == (("backup", 1),)


def test_an_in_place_restore_needs_a_second_person(staged: Staged) -> None:
    story = staged(contacts.LOST_CONTACTS)
    waiting_change(story)
    story.do(tasks.open_task, by="jonas", text="Restore in place", owner="jonas", second=True)

    refused(story, lambda: story.start("jonas", 2))
    refused(story, lambda: story.do(tasks.approve_task, by="jonas", task=2))
    story.do(tasks.approve_task, by="priya", task=2)
    story.start("jonas", 2)

    assert story.state().work.task(2).state == "started"  # type: ignore[union-attr]


def test_a_restart_in_the_middle_moves_no_deadline(staged: Staged) -> None:
    story = staged(contacts.LOST_CONTACTS)
    waiting_change(story)
    story.do(gates.go_through, by="jonas", answers=answers())
    story.do(gates.confirm, by="mei", check=1)
    story.restart()

    story.expect_due("resolve", "18:33:00")
    story.expect_due("gate-lapsing", "17:19:00")
    story.until("17:30:00")
    assert [f"{e.at:%H:%M:%S}" for e in story.events(ev.GateLapsing)] == ["17:19:00"]
    assert [f"{e.at:%H:%M:%S}" for e in story.events(ev.GateLapsed)] == ["17:24:00"]


def test_a_legal_deadline_outlives_the_incident(staged: Staged) -> None:
    story = staged(contacts.LOST_CONTACTS)
    contacts.until_contained(story)
    story.until("18:00:00")
    story.resolve("mei", "seen", "seen", "seen")
    assert "gdpr" in refused(story, lambda: story.do(lifecycle.close, by="mei"))
    story.advance(days=4)

    assert [f"{e.at:%m-%d %H:%M}" for e in story.events(ev.LegalReminded)] == ["02-07 16:40"]
    assert [f"{e.at:%m-%d %H:%M}" for e in story.events(ev.LegalOverdue)][:2] == [
        "02-08 16:40",
        "02-09 16:40",
    ]
    story.do(legal.decide, by="henrik", regime="gdpr", decision="notified", reason="told the authority")
    told = len(story.events(ev.LegalOverdue))
    story.advance(days=2)
    assert len(story.events(ev.LegalOverdue)) == told


def test_every_two_hours_a_handover_is_proposed(staged: Staged) -> None:
    story = staged(contacts.LOST_CONTACTS)
    contacts.until_contained(story)
    story.until("21:00:00")

    proposed = [(f"{e.at:%H:%M}", e.hours, e.holder) for e in story.events(ev.HandoverProposed)]
    assert proposed == [("18:34", 2, "mei"), ("20:34", 4, "mei")]
    assert all("jonas" not in e.candidates for e in story.events(ev.HandoverProposed))


# --- coming back, almost happening, rehearsing -----------------------------------------------------------------------


def test_it_comes_back_within_a_day(outage: Story) -> None:
    outage.mitigate("mei", "rolled back")
    outage.resolve("mei", "green", "13:10", "normal")
    first_calls = len(outage.pages())
    outage.until("14:00:00")
    outage.run(reopening(outage.ref, "tomas", "customers are locked out again"))

    state = outage.state()
    assert state.stage == Stage.DECLARED
    outage.expect_due("resolve", "15:03:30")
    assert len(outage.pages()) > first_calls, "people are called anew"
    outage.expect_breach("mitigate", at="13:33:30")
    outage.ack("mei")
    outage.until("15:00:00")
    outage.mitigate("mei", "for good")
    outage.resolve("mei", "green", "14:55", "normal")
    outage.expect_verdict("resolve", "met", took_s=6990)
    outage.expect_verdict("mitigate", "missed", took_s=6990)


def test_after_a_day_it_is_a_new_one(outage: Story) -> None:
    outage.resolve("mei", "green", "13:10", "normal")
    outage.advance(days=1, minutes=1)

    assert "--from" in refused(outage, lambda: outage.run(reopening(outage.ref, "mei", "again")))


def test_what_fires_again_after_resolve_is_taken_back_with_one_step(outage: Story) -> None:
    first = outage.ref
    outage.resolve("mei", "green", "13:10", "normal")
    outage.until("13:30:00")
    second = outage.alert("Smoke test failed: sign-in on production")
    assert second != first
    outage.run(reopening(first, "mei", "it is the same"), first, second)

    assert outage.state(second).stage == Stage.MERGED
    assert outage.state(first).firing == 2 or outage.state(first).firing == 1
    assert {row.ref for row in outage.store.alerts(first)} == {first}
    assert not outage.store.alerts(second)
    outage.ref = first
    outage.alert("Smoke test failed: sign-in on production")
    assert outage.ref == first


def test_a_near_miss_has_no_clocks_and_calls_nobody(staged: Staged) -> None:
    story = staged(scripts.SCRIPTS["sign_in_outage"])
    ref = story.declare("Almost rotated the wrong secret", by="jonas", kind="near-miss")
    story.do(response.note, by="jonas", text="the dialog does not name the project", happened=None)
    story.do(actions.add, by="jonas", text="Name the project in the dialog", owner="mei", due=None)
    story.advance(days=30)

    state = story.state(ref)
    assert (state.stage, state.level, state.clocks) == (Stage.RECORDED, "", ())
    assert not story.pages()
    assert not story.documents


def test_a_drill_says_so_wherever_it_is_seen(staged: Staged) -> None:
    story = staged(scripts.SCRIPTS["sign_in_outage"])
    story.declare("Rehearsal: sign-in is down", by="henrik", sev="SEV1", drill=True)
    story.advance(minutes=6)

    assert {d.person for d in story.deliveries} == {"mei", "priya", "henrik"}, "who declares leads"
    assert all("DRILL" in d.subject and "DRILL" in d.text for d in story.deliveries)
    assert [
        row.drill for row in story.store.incidents(stage=None, level=None, q=None, before=None, limit=5)
    ] == [True]
    story.expect_breach("ack", at="13:05:00")


def test_a_blemish_becomes_an_action(staged: Staged) -> None:
    story = staged(scripts.SCRIPTS["sign_in_outage"])
    story.declare("Wrong week number in the calendar", by="jonas", sev="SEV4")

    (action,) = story.state().duties.actions
    assert (action.text, action.calendar, action.due) == (
        "Wrong week number in the calendar",
        "next sprint",
        None,
    )


# --- who does what --------------------------------------------------------------------------------------------------


def test_who_leads_does_not_repair_when_three_are_there(outage: Story) -> None:
    outage.role("ops", "mei", by="mei")
    assert not outage.events(ev.SeatConflict)
    outage.role("comms", "tomas", by="mei")
    outage.role("scribe", "jonas", by="mei")

    assert [(e.person, e.roles) for e in outage.events(ev.SeatConflict)] == [("mei", ("ic", "ops"))]
    outage.expect_notice("mei", "seat-conflict")


def test_a_shadow_sees_and_does_not_act(outage: Story) -> None:
    outage.do(crew.shadow, by="aisha")
    with pytest.raises(Refused, match="shadow"):
        crew.refuse_shadow(outage.state(), "aisha")
    assert "aisha" not in crew.responders(outage.state())
    outage.do(crew.leave_shadow, by="aisha")
    crew.refuse_shadow(outage.state(), "aisha")


def test_who_made_the_change_is_not_seated_by_answering(staged: Staged) -> None:
    story = staged(scripts.SCRIPTS["sign_in_outage"])
    story.declare("Sign-in loops", by="tomas", sev="SEV1")
    story.do(crew.suspect, by="tomas", what="the 13:02 release", author="mei")
    story.ack("mei")

    assert story.state().holder("ic") is None
    assert "mei" not in crew.candidates(story.state(), story.context())


def test_a_task_asks_once_when_its_time_is_over(outage: Story) -> None:
    outage.do(tasks.open_task, by="mei", text="Find the bad release", owner="priya", minutes=10)
    outage.advance(hours=2)

    assert [(f"{e.at:%H:%M:%S}", e.owner) for e in outage.events(ev.TaskAsked)] == [("13:20:00", "priya")]
    assert len([d for d in outage.deliveries if d.about == "task-asked"]) == 1


def test_a_correction_is_judged_and_the_old_value_stays(outage: Story) -> None:
    outage.until("13:35:00")
    outage.expect_breach("mitigate", at="13:33:30")
    outage.mitigate("mei", "rolled back")
    outage.correct("mei", "mitigated", "13:20", "the graph shows it")

    (corrected,) = outage.events(ev.TimeCorrected)
    assert corrected.old == outage.instant("13:35:00")
    judged = [(e.clock, e.old, e.verdict) for e in outage.events(ev.ClockRejudged)]
    assert judged == [("mitigate", "missed", "met")]
    assert outage.state().clock("mitigate").verdict == "met"  # type: ignore[union-attr]
    refused(outage, lambda: outage.correct("mei", "mitigated", "13:00", "typo"))
    refused(outage, lambda: outage.correct("mei", "acked", "14:00", "typo"))


def test_two_people_edit_the_same_note(outage: Story) -> None:
    entry = outage.do(response.note, by="priya", text="release 4e81b7d", happened=None).version
    outage.do(response.note, by="mei", text="release 4e81b7e", happened=None, replaces=entry)

    said = refused(
        outage, lambda: outage.do(response.note, by="priya", text="4e81b70", happened=None, replaces=entry)
    )
    assert "meanwhile" in said
    assert [n.text for n in outage.events(ev.Noted)] == ["release 4e81b7d"], "what was written stays"


def test_ticks_that_come_late_judge_alike(outage: Story) -> None:
    outage.sleep(hours=3)

    outage.expect_breach("mitigate", at="13:33:30")
    outage.expect_breach("resolve", at="15:03:30")
    assert outage.state().detected_at + timedelta(hours=2) == outage.instant("15:03:30")
