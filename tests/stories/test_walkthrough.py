"""The sign-in outage and its variants under a fake clock, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stories import scripts
from tocsin.domain import events as ev
from tocsin.domain import postmortem
from tocsin.handbook.read import read_handbook
from tocsin.testing import Story


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    told = Story(database_url, scripts.live(scripts.acme_policy()), at=scripts.DAY)
    yield told
    told.close()


@pytest.mark.parametrize("name", scripts.SCRIPTS)
def test_as_written(database_url: str, name: str) -> None:
    script = scripts.SCRIPTS[name]
    story = script.staged(database_url, scripts.acme_policy())

    script.tell(story)

    script.check(story)
    story.close()


@pytest.mark.shared
@pytest.mark.parametrize("name", scripts.SCRIPTS)
def test_as_written_with_the_specimen_handbook(shared: Path, tmp_path: Path, name: str) -> None:
    policy = read_handbook(None, shared / "specimens" / "docs" / "ops").policy
    assert policy is not None
    script = scripts.SCRIPTS[name]
    story = script.staged(f"sqlite:///{tmp_path / 't.db'}", policy)

    script.tell(story)

    script.check(story)
    story.close()


def test_every_due_time_on_the_way(story: Story) -> None:
    story.until("13:03:30")
    story.alert("Smoke test failed: sign-in on production", integration="smoke")
    story.expect_due("ack", "13:08:30")
    story.until("13:06:10")
    story.ack("mei")
    story.until("13:06:40")
    story.confirm("mei", "Sign-in loops for all users")
    story.expect_due("mitigate", "13:33:30")
    story.expect_due("resolve", "15:03:30")
    story.expect_due("update-reminder", "13:21:40")
    story.expect_due("update-overdue", "13:36:40")
    story.until("13:10:30")
    story.update("mei", "Nobody can sign in")
    story.expect_due("update-reminder", "13:25:30")
    story.expect_due("update-overdue", "13:40:30")


def test_the_postmortem_is_due_two_days_later_and_said_then(story: Story) -> None:
    scripts.sign_in_outage(story)
    due = postmortem.due_at(story.state(), story.context())
    assert due == story.instant("2d 13:28")

    story.advance(days=2, seconds=1)

    story.expect_notice("mei", "postmortem-overdue", at="13:28:00")
    assert [e.times for e in story.events(ev.PostmortemOverdue)] == [1]


def test_no_second_call_after_the_ack(story: Story) -> None:
    story.until("13:03:30")
    story.alert("Smoke test failed: sign-in on production", integration="smoke")
    story.until("13:06:10")
    story.ack("mei")
    story.confirm("mei")  # only then the ack holds for good (E10)

    story.advance(hours=12)

    story.expect_pages(("13:03:30", "mei"))


def test_a_draft_handbook_declares_and_warns_once(database_url: str) -> None:
    warnings = ("docs/ops/incident_response.md:31 Primary is TBD",)
    live = scripts.live(scripts.acme_policy(), warnings=warnings)
    story = Story(database_url, live, at=scripts.DAY)
    story.declare("Sign-in loops for all users", by="mei", sev="SEV1")
    story.advance(minutes=1)
    story.ack("mei")

    declared = story.events(ev.Declared)
    assert [e.warnings for e in declared] == [warnings]
    story.expect_page("mei", at="13:00:00")
    story.close()


def test_the_page_says_what_happens_next(story: Story) -> None:
    story.until("13:03:30")
    story.alert("Smoke test failed: sign-in on production", integration="smoke")

    page = story.expect_page("mei", at="13:03:30", via="mail")

    assert page.subject.startswith(f"[SEV1 {story.ref}]")
    assert "Acknowledge by 13:08:30 UTC." in page.text
    assert "priya will be called at 13:08:30 UTC" in page.text


NOT_YET_COVERED = {
    "D1 13:03:30 health still ok while smoke failed": "the prober comes with services and health checks",
    "D1 13:06:10 ack on the phone by link": "the phone answer comes with on-call and escalation",
    "D1 13:07 the roles are called by voice": "voice comes with the telephone channels; mail is tested above",
    "D1 13:10:30 status page draft": "the status page comes later; statements are tested in lost_contacts",
    "D1 13:10:30 first message in Slack": "Slack comes with the chat channels",
    "D1 13:11 rollback steps beside the note": "runbook steps come with runbooks",
    "D1 13:12 change freeze": "the freeze comes later; undoing the rollback is an action, tested",
    "D1 13:14:20 impact end proposed by the ticked step": "runbook steps come later; the time itself is tested",
    "D1 what changed": "deploys and rotations of the last day come later; suspected changes are tested",
    "D2 09:04 health stays ok": "the prober comes with services and health checks",
    "D2 09:57 what changed shows the rotation": "it comes later; the rotation is entered by hand in the story",
    "D3 16:44:30 writes stopped by flags": "flags come with the actions of runbooks",
    "D3 16:54 points checked against the real backup": "automatic checks come with runbooks",
    "D3 17:37 step 4 cannot be skipped silently": "runbook steps come with runbooks",
    "D3 personal data pasted into a note": "the data guard comes later",
}


@pytest.mark.parametrize("line", NOT_YET_COVERED)
def test_not_yet_covered(line: str) -> None:
    pytest.skip(f"not yet covered: {NOT_YET_COVERED[line]}")
