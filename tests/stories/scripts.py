"""The walk-throughs as scripts: a Story goes in, every expectation is checked on the way.

The same scripts are told under a fake clock (tests/stories), and killed at every commit point (tests/crash).
"""

from __future__ import annotations

from stories import contacts, payments, silence
from stories.cast import DAY, Script, acme_policy, live
from tocsin.domain import actions, lifecycle, postmortem, response
from tocsin.domain import events as ev
from tocsin.domain.delivery import Failure
from tocsin.testing import Story

__all__ = ["DAY", "SCRIPTS", "acme_policy", "live"]


def sign_in_outage(story: Story) -> None:
    """SEV1, Tuesday: nobody can sign in after a deploy; Mei primary, Priya secondary."""
    story.until("13:03:30")
    story.alert("Smoke test failed: sign-in on production", severity="critical", integration="smoke")
    story.until("13:06:10")
    story.ack("mei")
    story.until("13:06:40")
    story.confirm("mei", "Sign-in loops for all users")
    story.until("13:07:00")
    story.role("ops", "priya", by="mei")
    story.role("comms", "tomas", by="mei")
    story.until("13:10:30")
    story.update("tomas", "Nobody can sign in", "unknown", "Rolling back the 13:02 release")
    story.until("13:11:00")
    story.do(response.note, by="priya", text="release 4e81b7d, last good 9f3c1ab", happened=None)
    story.until("13:12:00")
    story.do(
        response.decide, by="mei", decision="roll back to 9f3c1ab", why="last known good", objections=False
    )
    story.until("13:15:40")
    story.mitigate("mei", "smoke 3/3, sign-in ok")
    story.until("13:28:00")
    story.resolve("mei", "smoke is green", "13:14:20, rollback live", "error rate normal for 10m", "13:14:20")


def outage_to_the_end(story: Story) -> None:
    """After the resolve: the start of the impact, the action that undoes the rollback, postmortem, close."""
    sign_in_outage(story)
    story.until("13:40:00")
    story.correct("mei", "impact_start", "13:02:10", "the release went live")
    story.do(
        actions.add,
        by="mei",
        text="Undo the rollback, open main again",
        kind="mitigate",
        owner="priya",
        due=story.instant("1d 0:00").date(),
    )
    story.until("1d 10:00")
    story.do(actions.prove, by="priya", action=1, proof="release 5c0ffee is live, smoke 3/3")
    where = f"docs/ops/postmortems/{story.ref}.md"
    story.do(postmortem.publish_postmortem, by="mei", where=where, incomplete=())
    story.do(lifecycle.close, by="mei")


def check_sign_in_outage(story: Story) -> None:
    """Every time and verdict of the walk-through."""
    story.expect_pages(("13:03:30", "mei"))
    story.expect_verdict("ack", "met", took_s=160)
    assert story.state().acked_by == "mei"
    assert story.state().level == "SEV1"
    assert story.state().holder("ic") == "mei"
    story.expect_notice("priya", "role", at="13:07:00")
    story.expect_notice("tomas", "role", at="13:07:00")
    story.expect_verdict("mitigate", "met", took_s=730)
    story.expect_notice("tomas", "update-ask", at="13:15:40")
    story.expect_notice("tomas", "update-reminder", at="13:25:30")
    story.expect_verdict("resolve", "met", took_s=1470)
    assert not story.events(ev.ClockBreached)
    assert not story.events(ev.UpdateOverdue)
    written = {(f"{at:%H:%M:%S}", document) for at, _, document in story.documents}
    assert {("13:06:40", "log"), ("13:28:00", "log"), ("13:28:00", "postmortem")} <= written
    story.expect_one_outcome_per_page()


def primary_silent(story: Story) -> None:
    """Mei does not answer; Priya neither; every IC is called; Henrik takes it."""
    story.until("13:03:30")
    story.alert("Smoke test failed: sign-in on production", integration="smoke")
    story.until("13:14:00")
    story.ack("henrik")
    story.until("13:16:00")
    story.confirm("henrik")
    story.advance(hours=2)


def check_primary_silent(story: Story) -> None:
    """The ladder as the sentence says it, counted from the first page."""
    story.expect_pages(
        ("13:03:30", "mei"),
        ("13:08:30", "priya"),
        ("13:13:30", "priya"),
        ("13:13:30", "mei"),
        ("13:13:30", "henrik"),
    )
    story.expect_breach("ack", at="13:08:30")
    story.expect_verdict("ack", "missed", took_s=630)
    story.expect_breach("mitigate", at="13:33:30")
    story.expect_breach("resolve", at="15:03:30")
    assert story.state().holder("ic") == "henrik"
    overdue = story.events(ev.UpdateOverdue)
    assert [f"{e.due:%H:%M:%S}" for e in overdue] == ["13:46:00"]
    story.expect_one_outcome_per_page()


def both_acknowledge(story: Story) -> None:
    """Mei and Priya answer in the same second."""
    story.until("13:03:30")
    story.alert("Smoke test failed: sign-in on production", integration="smoke")
    story.until("13:08:40")
    story.ack("mei")
    story.ack("priya")


def check_both_acknowledge(story: Story) -> None:
    """One IC; the other is told who was first."""
    assert story.state().acked_by == "mei"
    assert story.state().holder("ic") == "mei"
    assert [e.first for e in story.events(ev.AlsoAcknowledged)] == ["mei"]
    assert len(story.events(ev.Acknowledged)) == 1
    story.expect_pages(("13:03:30", "mei"), ("13:08:30", "priya"))
    story.expect_one_outcome_per_page()


def severity_raised(story: Story) -> None:
    """SEV2 by a person's report, acknowledged in time, raised to SEV1 a quarter of an hour later."""
    story.until("13:44:00")
    story.declare("Payments show as pending", by="aisha", sev="SEV2", detected=story.instant("13:41"))
    story.until("13:49:20")
    story.ack("mei")
    story.until("14:01:00")
    story.do(lifecycle.change_severity, by="aisha", level="SEV1", reason="payments are lost, not late")
    story.until("14:02:00")
    story.ack("priya")
    story.until("14:03:00")
    story.do(response.offer_handover, by="mei", role="ic", to="priya")
    story.until("14:04:00")
    story.do(response.accept_handover, by="priya", role="ic")
    story.advance(minutes=20)


def check_severity_raised(story: Story) -> None:
    """The new audience is called at once; the first ack keeps its verdict; open clocks count from detection."""
    story.expect_pages(("13:44:00", "mei"), ("13:49:00", "priya"), ("14:01:00", "mei"))
    acks = [(c.level, c.verdict) for c in story.state().clocks if c.name == "ack"]
    assert acks == [("SEV2", "met"), ("SEV1", "met")]
    story.expect_breach("mitigate", at="14:11:00")
    story.expect_due("resolve", "15:41:00")
    story.expect_notice("priya", "handover", at="14:03:00")
    assert story.state().holder("ic") == "priya"
    story.expect_one_outcome_per_page()


def nobody_reachable(story: Story) -> None:
    """The mail server refuses everybody, for good."""
    story.broken["*", "mail"] = Failure.PERMANENT
    story.until("13:03:30")
    story.alert("Smoke test failed: sign-in on production", integration="smoke")
    story.advance(minutes=4)
    story.broken.clear()
    story.advance(minutes=3)
    story.ack("mei")


def check_nobody_reachable(story: Story) -> None:
    """Unreachable people pull the next step forward at once; the siren sounds; later everybody is tried again."""
    assert [e.rung for e in story.events(ev.RungFired)][:3] == [0, 1, 2]
    assert {f"{e.at:%H:%M:%S}" for e in story.events(ev.RungFired)} == {"13:03:30"}
    story.expect_notice("", "nobody-reachable", at="13:03:30")
    story.expect_page("mei", at="13:08:30")
    unreachable = [e for e in story.events(ev.PageEnded) if e.outcome == "unreachable"]
    assert {e.person for e in unreachable} >= {"mei", "priya", "henrik", "tomas", "aisha", "jonas"}
    story.expect_one_outcome_per_page()


SCRIPTS = {
    "sign_in_outage": Script(sign_in_outage, check_sign_in_outage),
    "primary_silent": Script(primary_silent, check_primary_silent),
    "both_acknowledge": Script(both_acknowledge, check_both_acknowledge),
    "severity_raised": Script(severity_raised, check_severity_raised),
    "nobody_reachable": Script(nobody_reachable, check_nobody_reachable),
    "late_payments": payments.LATE_PAYMENTS,
    "lost_contacts": contacts.LOST_CONTACTS,
    **silence.SCRIPTS,
}
