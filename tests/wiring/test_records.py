"""The row and the draft say what the record says: corrected times, and of several calls which one was missed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stories import scripts
from tocsin.domain import lifecycle
from tocsin.engine.commands import reopening
from tocsin.handbook.log import LogRow
from tocsin.handbook.postmortem import draft
from tocsin.testing import Story
from tocsin.wiring.records import log_row, postmortem_facts, promises, shortfalls


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """A SEV2, declared at 13:00; Mei acknowledges at 13:04."""
    told = scripts.SCRIPTS["sign_in_outage"].staged(f"sqlite:///{tmp_path}/x.db", scripts.acme_policy())
    told.declare("Sign-in loops", by="tomas", sev="SEV2")
    told.until("13:04")
    told.ack("mei")
    yield told
    told.close()


def missed(story: Story) -> tuple[str, ...]:
    timeline = story.store.timeline(story.ref, limit=10_000)
    words = shortfalls(story.state(), story.context(), timeline, story.clock.at, clocks=True)
    return tuple(text for text in words if text.startswith("ack "))


def row(story: Story) -> LogRow:
    timeline = story.store.timeline(story.ref, limit=10_000)
    return log_row(story.state(), story.context(), timeline, None, missed(story))


def over(story: Story, at: str) -> None:
    story.until(at)
    story.resolve("mei", "smoke is green", "now", "none")


def raised_and_unanswered(story: Story) -> None:
    """Raised at 13:05: the new call is answered by nobody; resolved at 13:20, reopened at 13:25."""
    story.until("13:05")
    story.do(lifecycle.change_severity, by="mei", level="SEV1", reason="nobody signs in")
    over(story, "13:20")
    story.until("13:25")
    story.run(reopening(story.ref, "mei", "it is back"))


def test_after_a_reopening_each_call_is_spoken_of_by_itself(story: Story) -> None:
    raised_and_unanswered(story)
    story.until("13:28")
    story.ack("priya")
    over(story, "13:40")
    said = row(story).actions or ""
    assert said.startswith("Ack 13:04; ")
    assert "; Ack 13:28; " in said
    assert missed(story) == ("ack of the call at 13:05 missed, nobody answered by 13:20",)


def test_a_late_answer_after_a_reopening_is_that_of_its_own_call(story: Story) -> None:
    over(story, "13:20")
    story.until("13:25")
    story.run(reopening(story.ref, "mei", "it is back"))
    story.until("13:45")
    story.ack("priya")
    assert missed(story) == ("ack of the call at 13:25 missed by 5m",)


def test_a_call_that_is_still_open_says_so(story: Story) -> None:
    over(story, "13:20")
    story.until("13:25")
    story.run(reopening(story.ref, "mei", "it is back"))
    story.until("13:45")
    assert missed(story) == ("ack of the call at 13:25 missed, still open",)


def test_one_call_needs_no_time_of_its_own(tmp_path: Path) -> None:
    story = scripts.SCRIPTS["sign_in_outage"].staged(f"sqlite:///{tmp_path}/y.db", scripts.acme_policy())
    story.declare("Sign-in loops", by="tomas", sev="SEV1")
    story.until("13:07")
    story.ack("mei")
    assert missed(story) == ("ack missed by 2m",)
    story.close()


def test_nobody_answered_is_no_answer_in_the_promises_of_the_draft(story: Story) -> None:
    raised_and_unanswered(story)
    at = {p.due: p.at for p in promises(story.state(), story.context()) if p.name.startswith("ack")}
    assert at[story.instant("13:10")] is None
    assert at[story.instant("13:15")] == story.instant("13:04")


def test_the_row_follows_every_corrected_time(story: Story) -> None:
    story.until("13:12")
    story.mitigate("mei", "no more errors")
    over(story, "13:30")
    story.until("13:40")
    story.correct("mei", "acked", "13:02", "the phone list says so")
    story.correct("mei", "mitigated", "13:10", "by the graph")
    story.correct("mei", "resolved", "13:25", "by the graph")
    assert (
        row(story).actions == "Ack 13:02; mitigated 13:10 (no more errors); resolved 13:25 (smoke is green)"
    )
    state = story.state()
    assert (state.acked_at, state.mitigated_at, state.resolved_at) == (
        story.instant("13:02"),
        story.instant("13:10"),
        story.instant("13:25"),
    )


def test_the_draft_keeps_no_breach_that_was_taken_back(story: Story) -> None:
    story.until("14:05")
    story.mitigate("mei", "no more errors")
    over(story, "14:20")
    story.until("14:30")
    story.correct("mei", "mitigated", "13:50", "it was seen at once, nobody pressed the button")
    timeline = story.store.timeline(story.ref, limit=10_000)
    text = draft(postmortem_facts(story.state(), story.context(), timeline, None))
    assert "| 13:50:00 | Mei Tanaka | Mitigated: no more errors |" in text
    assert "| 14:00:00 | tocsin | The time to mitigate a SEV2 was over |" in text
    assert "| 14:30:00 | tocsin | The time to mitigate a SEV2 was judged anew: met |" in text


def test_the_draft_counts_lengths_as_the_record_does(story: Story) -> None:
    story.clock.at = story.instant("13:14:18").replace(microsecond=700_000)
    story.mitigate("mei", "no more errors")
    timeline = story.store.timeline(story.ref, limit=10_000)
    text = draft(postmortem_facts(story.state(), story.context(), timeline, None))
    (clock,) = [c for c in story.state().clocks if c.name == "mitigate"]
    assert clock.ended_at is not None
    assert int((clock.ended_at - clock.start).total_seconds()) == 14 * 60 + 18
    assert "mitigated 14m 18s after that" in text
