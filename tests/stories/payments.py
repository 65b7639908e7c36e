"""SEV2 after a secret was changed: payments show late. Wednesday 2026-01-28, Priya primary, Jonas secondary."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from stories.cast import Script
from tocsin.domain import actions, crew, lifecycle, postmortem, response, tasks
from tocsin.domain import events as ev
from tocsin.domain.incident import Stage
from tocsin.testing import Story

DAY = datetime(2026, 1, 28, 9, 0, tzinfo=UTC)


def until_mitigated(story: Story) -> None:
    """From the customer's mail to the deploy that takes the new secret up."""
    story.until("09:44:00")
    story.declare(
        "Payments arrive late: they show as pending", by="aisha", sev="SEV2", detected=story.instant("09:41")
    )
    story.do(response.take_seat, by="aisha", role="comms")
    story.until("09:49:20")
    story.ack("priya")
    story.until("09:55:00")
    story.update("aisha", "Payments show as pending", "unknown", "we look at the payment events")
    story.until("09:57:00")
    story.do(
        crew.suspect,
        by="priya",
        what="webhook secret rotated",
        author="jonas",
        happened=story.instant("09:04"),
    )
    story.role("ops", "jonas", by="priya")
    story.until("09:58:00")
    story.correct("priya", "impact_start", "09:04", "first refused payment event")
    story.until("10:00:00")
    story.do(response.propose, by="priya", text="raise to SEV1?")
    story.do(
        response.decide,
        by="priya",
        decision="stay SEV2",
        why="money is captured, only shown late; SEV1 if a payment is lost or it takes over 1h",
        objections=False,
        proposal=1,
    )
    story.until("10:06:00")
    story.mitigate("priya", "deployed anew, payment events answer 200")


def until_closed(story: Story) -> None:
    """Sent again, handed over, resolved, written up."""
    until_mitigated(story)
    story.do(
        tasks.open_task,
        by="priya",
        text="Send the 23 refused payment events again",
        owner="jonas",
        minutes=20,
    )
    story.until("10:12:00")
    story.update("aisha", "New payments are right, 23 old ones still pending", "10:30", "they are sent again")
    story.until("10:20:00")
    story.do(response.report, by="aisha", text="another customer asks about a pending payment", source="mail")
    story.until("10:25:00")
    story.do(tasks.finish_task, by="jonas", task=1, result="23/23 sent again")
    story.correct("jonas", "impact_end", "10:25", "the last payment shows")
    story.until("10:31:00")
    story.update("aisha", "All payments show", "10:50", "we watch for a quarter of an hour")
    story.until("10:32:00")
    story.do(response.offer_handover, by="priya", role="ic", to="mei")
    story.until("10:34:00")
    story.do(response.accept_handover, by="mei", role="ic")
    story.until("10:47:00")
    story.resolve("mei", "events answer 200 for 40m", "23 of 23 payments show", "refusals at zero")
    story.do(
        actions.add,
        by="mei",
        text="Write to two customers who got a wrong reminder",
        kind="mitigate",
        owner="aisha",
        due=(DAY + timedelta(days=2)).date(),
    )
    story.do(
        actions.add,
        by="mei",
        text="One command that rotates, sets and deploys",
        kind="prevent",
        owner="jonas",
        due=(DAY + timedelta(days=14)).date(),
    )
    story.do(
        actions.add,
        by="mei",
        text="Alert on refused payment events",
        kind="detect",
        owner="priya",
        due=(DAY + timedelta(days=9)).date(),
    )
    story.until("1d 15:00")
    story.do(lifecycle.publish_postmortem, by="mei", where="docs/ops/postmortems/x.md", incomplete=())
    story.do(lifecycle.close, by="mei")
    story.do(actions.prove, by="aisha", action=1, proof="both answered, mails 311 and 312")


def late_payments(story: Story) -> None:
    """The whole incident, to the last action."""
    until_closed(story)
    story.until("9d 07:00")
    story.do(actions.prove, by="priya", action=3, proof="fired in the drill of 2026-02-05")
    story.until("15d 09:00")


def check_late_payments(story: Story) -> None:
    """Every time, verdict, reminder and duty of the walk-through."""
    story.expect_pages(("09:44:00", "priya"), ("09:49:00", "jonas"))
    ended = {(e.person, e.outcome) for e in story.events(ev.PageEnded)}
    assert ended == {("priya", "acked"), ("jonas", "stopped")}
    story.expect_verdict("ack", "met", took_s=320)
    story.expect_verdict("mitigate", "met", took_s=25 * 60)
    story.expect_verdict("resolve", "met", took_s=66 * 60)
    state = story.state()
    assert state.impact_start == story.instant("09:04")
    assert state.impact_end == story.instant("10:25")
    assert state.detected_at - state.impact_start == timedelta(minutes=37), "the detection gap"
    assert dict(state.seats) == {"ic": "mei", "comms": "aisha", "ops": "jonas"}
    assert [s.author for s in state.room.suspects] == ["jonas"]
    assert state.room.reports == 1
    assert not state.room.proposals, "the proposal was decided"
    story.expect_notice("jonas", "task", at="10:06:00")
    assert not story.events(ev.TaskAsked), "done in time"
    handover = story.expect_notice("mei", "handover", at="10:32:00")
    assert "Send the 23" not in handover.text, "the task is done"
    brief = story.events(ev.HandoverOffered)[0].brief
    assert "All payments show" in brief
    assert "stay SEV2" in brief
    assert not story.events(ev.UpdateOverdue)
    assert not story.events(ev.ClockBreached)
    assert postmortem.due_at(state, story.context()) == story.instant("2d 10:47")
    check_afterwards(story)


def check_afterwards(story: Story) -> None:
    """Duties run on after the close: reminded on the day, overdue the morning after, then weekly."""
    assert story.state().stage == Stage.CLOSED
    assert [(e.action, f"{e.at:%m-%d %H:%M}") for e in story.events(ev.ActionReminded)] == [
        (2, "02-11 08:00")
    ]
    assert [(e.action, f"{e.at:%m-%d %H:%M}") for e in story.events(ev.ActionOverdue)] == [(2, "02-12 08:00")]
    story.expect_notice("aisha", "action", at="10:47:00")
    story.expect_notice("jonas", "action-due", at="08:00:00")
    story.expect_notice("jonas", "action-overdue", at="08:00:00")
    assert [a.state for a in story.state().duties.actions] == ["proven", "open", "proven"]
    story.expect_one_outcome_per_page()


LATE_PAYMENTS = Script(late_payments, check_late_payments, DAY, primary="priya", secondary="jonas")
