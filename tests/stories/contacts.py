"""SEV1 after a migration deleted rows. Thursday 2026-02-05, Jonas primary (who cannot be IC), Mei secondary."""

from __future__ import annotations

from datetime import UTC, datetime

from stories.cast import Script
from tocsin.domain import actions, crew, gates, legal, lifecycle, postmortem, response, statements, tasks
from tocsin.domain import events as ev
from tocsin.domain.context import Refused
from tocsin.domain.gates import PointAnswer
from tocsin.domain.incident import Stage
from tocsin.testing import Story

DAY = datetime(2026, 2, 5, 16, 0, tzinfo=UTC)


def answers(first: str = "newest recovery point is fresh", how: str = "ok") -> tuple[PointAnswer, ...]:
    """The five points, all with what was looked at."""
    rest = (
        "window reaches back 7 days",
        "dump of Sunday, checksum fits",
        "drill 52 days ago passed",
        "noted below",
    )
    return (PointAnswer(how, first), *(PointAnswer("ok", text) for text in rest))


def planned_change(story: Story) -> str:
    """Before the incident: the check for the migration, and the point to return to."""
    story.until("16:05:00")
    change = story.declare("Migration merge_contacts", by="jonas", kind="change")
    story.do(gates.go_through, by="jonas", answers=answers())
    story.until("16:19:40")
    story.do(
        gates.note_restore_point, by="jonas", point=story.instant("16:19:40"), note="just before the start"
    )
    return change


def until_contained(story: Story) -> None:
    """From the support mail to the stopped writes."""
    story.until("16:34:00")
    story.declare(
        "Contacts missing, data may be lost", by="tomas", sev="SEV1", detected=story.instant("16:33")
    )
    story.do(response.take_seat, by="tomas", role="comms")
    story.until("16:36:10")
    story.ack("jonas")
    story.do(
        crew.suspect,
        by="jonas",
        what="migration merge_contacts",
        author="jonas",
        happened=story.instant("16:20:05"),
    )
    story.until("16:38:00")
    assert crew.candidates(story.state(), story.context())[0] == "mei"
    story.do(response.take_seat, by="mei", role="ic")
    story.role("ops", "jonas", by="mei")
    story.until("16:40:00")
    story.do(
        legal.start, by="jonas", regime="gdpr", aware=story.instant("16:40"), reason="personal data is gone"
    )
    story.until("16:44:30")
    story.mitigate("mei", "writes are off: no further loss; contained, data not back yet")
    story.until("16:46:00")
    story.do(
        statements.draft,
        by="tomas",
        audience="status page and mail",
        text="Some contacts are missing. A restore is under way.",
        data="some contacts missing, nothing exposed, restore under way",
    )
    story.do(statements.approve, by="mei", statement=1)
    story.do(statements.approve, by="henrik", statement=1)
    story.do(statements.sent, by="tomas", statement=1, where="https://status.acme.example")


def restore(story: Story) -> None:
    """The tempting quick repair, the check, the restore beside the running database."""
    story.until("16:50:00")
    story.do(
        tasks.open_task, by="jonas", text="Insert the contacts from memory", owner="jonas", db_change=True
    )
    refusal = refused(story, lambda: story.start("jonas", 1))
    assert "16:35" in refusal
    assert "16:19:40" in refusal
    story.until("16:54:00")
    story.do(
        gates.go_through,
        by="jonas",
        answers=answers("recovery point 16:44:29, 9m31s ago"),
        restore_point=story.instant("16:19:40"),
    )
    story.do(gates.confirm, by="mei", check=1)
    story.until("16:57:00")
    story.do(tasks.open_task, by="mei", text="Restore to a new project", owner="jonas", minutes=60)
    for at in ("17:01", "17:16", "17:31"):
        story.until(at)
        story.update("tomas", "Some contacts are missing", "unknown", "the restore runs")
    story.until("17:35:00")
    story.do(tasks.finish_task, by="jonas", task=2, result="restored to a new project")
    story.until("17:37:00")
    story.do(response.note, by="jonas", text="scheduled jobs stopped in the copy", happened=None)
    story.until("17:45:00")
    story.do(
        gates.record_restore,
        by="jonas",
        kind="restore",
        source="recovery point 16:19:40",
        target="new project",
        reason="lost contacts",
        validation="1,842 of 1,842 contacts found, access rules complete",
        passed=True,
        rpo_s=25,
        rto_s=48 * 60,
    )
    story.until("17:46:00")
    story.update("tomas", "All missing contacts were found in the copy", "18:30", "we copy them back")


def copy_back(story: Story) -> None:
    """One transaction inside a new check, which passes by the exception that point 1 names."""
    story.until("17:50:00")
    story.do(tasks.drop_task, by="jonas", task=1, reason="copied from the restore instead")
    story.do(
        response.decide,
        by="mei",
        decision="copy back contacts only",
        why="nine tenants",
        objections=False,
    )
    story.do(
        tasks.open_task, by="mei", text="Copy 1,842 contacts back", owner="jonas", minutes=15, db_change=True
    )
    refused(story, lambda: story.start("jonas", 3))
    story.until("17:56:00")
    story.do(
        gates.go_through,
        by="jonas",
        answers=answers("newest recovery point 16:44:29, but nothing was written since", "exception"),
        restore_point=story.instant("17:55:00"),
    )
    story.do(gates.confirm, by="mei", check=2)
    story.until("18:01:00")
    story.update("tomas", "All missing contacts were found in the copy", "18:30", "we copy them back now")
    story.until("18:02:00")
    story.start("jonas", 3)
    story.until("18:08:00")
    story.do(tasks.finish_task, by="jonas", task=3, result="1,842 rows, verified")
    story.until("18:12:00")
    story.do(response.note, by="jonas", text="writes are on again", happened=None)
    story.correct("jonas", "impact_end", "18:12", "contacts are back and writes are on")
    for at in ("18:16", "18:31"):
        story.until(at)
        story.update("tomas", "Contacts are back", "18:42", "we watch for half an hour")


def lost_contacts(story: Story) -> None:
    """The whole incident, to the legal decision of the next day."""
    planned_change(story)
    until_contained(story)
    restore(story)
    copy_back(story)
    story.until("18:42:00")
    story.resolve(
        "mei", "30m watched, payment events sent again", "contacts back since 18:12", "errors ordinary"
    )
    story.do(
        actions.add,
        by="mei",
        text="Migrations that delete need a dry run",
        kind="prevent",
        owner="jonas",
        due=DAY.date().replace(day=19),
    )
    story.until("1d 11:00")
    story.do(
        legal.decide,
        by="henrik",
        regime="gdpr",
        decision="not notifiable",
        reason="restored in 2h, nothing exposed",
    )
    story.until("2d 10:00")
    story.do(lifecycle.publish_postmortem, by="mei", where="docs/ops/postmortems/y.md", incomplete=())
    story.do(lifecycle.close, by="mei")
    story.advance(days=3)


def refused(story: Story, step: object) -> str:
    """What the refusal says; the state must stand as it stood."""
    before = story.state().version
    try:
        step()  # type: ignore[operator]
    except Refused as refusal:
        assert story.state().version == before
        return f"{refusal.reason} {refusal.possible}"
    raise AssertionError("it was not refused")


def check_lost_contacts(story: Story) -> None:
    """Every time, verdict, reminder, expiry and legal date of the walk-through."""
    story.expect_pages(("16:34:00", "jonas"), ("16:34:00", "mei"))
    story.expect_verdict("ack", "met", took_s=130)
    story.expect_verdict("mitigate", "met", took_s=690)
    story.expect_verdict("resolve", "missed", took_s=2 * 3600 + 9 * 60)
    story.expect_breach("resolve", at="18:33:00")
    state = story.state()
    assert state.holder("ic") == "mei"
    assert [(e.minutes, f"{e.at:%H:%M:%S}", e.person) for e in story.events(ev.TimeLeft)] == [
        (30, "18:03:00", "mei"),
        (10, "18:23:00", "mei"),
    ]
    check_gate(story)
    assert not story.events(ev.UpdateOverdue)
    started = story.events(ev.LegalStarted)[0]
    assert (started.due, started.owner) == (story.instant("3d 16:40"), "henrik")
    story.expect_notice("henrik", "legal-started", at="16:40:00")
    assert not story.events(ev.LegalReminded), "decided the next morning"
    assert not story.events(ev.LegalOverdue)
    assert [e.approvers for e in story.events(ev.StatementDrafted)] == [("mei", "henrik")]
    due = postmortem.due_at(state, story.context())
    assert due == story.instant("2d 18:42")
    assert postmortem.weekend(due)
    assert state.stage == Stage.CLOSED
    assert state.impact_end == story.instant("18:12")
    written = {document for _, ref, document in story.documents if ref == state.ref}
    assert {"log", "postmortem", "check-1", "check-2", "restore-1"} <= written
    story.expect_one_outcome_per_page()


def check_gate(story: Story) -> None:
    """Two checks here, one before; the reminder, the expiry, the exception."""
    checks = story.events(ev.GateChecked)
    assert [(f"{e.at:%H:%M}", e.passed, f"{e.valid_until:%H:%M}") for e in checks if e.valid_until] == [
        ("16:54", True, "17:24"),
        ("17:56", True, "18:26"),
    ]
    assert [e.exceptions for e in checks] == [(), (1,)]
    assert [(f"{e.at:%H:%M:%S}", e.people) for e in story.events(ev.GateLapsing)] == [
        ("17:19:00", ("jonas",))
    ]
    assert f"{story.events(ev.GateLapsed)[0].at:%H:%M:%S}" == "17:24:00"
    assert [e.passed for e in story.events(ev.TaskStarted)][-1] == "check 2"
    assert not story.events(ev.GateOverridden)


LOST_CONTACTS = Script(lost_contacts, check_lost_contacts, DAY, primary="jonas", secondary="mei")
