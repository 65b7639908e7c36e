"""What is said and kept: notes that change, proposals and decisions, further reports, files."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.told import Told
from tocsin.domain import events as ev
from tocsin.domain import lifecycle, response
from tocsin.domain.context import Refused

DIGEST = "5f" * 32


@pytest.fixture
def led() -> Told:
    return Told().declare("mei")


def note(told: Told, text: str = "the queue is full", *, by: str = "priya", **asked: Any) -> int:
    """Keep a note; the number of its entry."""
    told.do(response.note, by=by, text=text, happened=asked.pop("happened", None), **asked)
    return told.state.version


def refused(told: Told, decision: Any, /, **asked: Any) -> str:
    before = told.state
    with pytest.raises(Refused) as refusal:
        told.do(decision, **asked)
    assert told.state == before, "nothing has changed"
    return f"{refusal.value.reason} | {refusal.value.possible}"


def change(told: Told, entry: int, **asked: Any) -> str:
    """What is said when that entry cannot be changed."""
    given = {"by": "mei", "text": "the queue is half full", "happened": None, **asked}
    return refused(told, response.note, replaces=entry, **given)


# --- notes -----------------------------------------------------------------------------------------------------------


def test_a_note_is_changed_by_a_new_entry_and_what_stood_there_stays(led: Told) -> None:
    first = note(led)
    second = note(led, "the queue of mails is full", replaces=first)

    assert [e.text for e in led.events(ev.Noted)] == ["the queue is full"]
    (edited,) = led.events(ev.NoteEdited)
    assert (edited.note, edited.text) == (first, "the queue of mails is full")
    assert led.state.notes.standing == ((first, second),)
    third = note(led, "the queue of mails was full", replaces=second)
    assert led.state.notes.standing == ((first, third),)


def test_of_two_who_change_the_same_note_the_second_is_told(led: Told) -> None:
    first = note(led)
    second = note(led, "one", replaces=first, by="priya")

    said = change(led, first)
    assert f"entry {first} was changed meanwhile (entry {second} says what holds)" in said
    third = note(led, "two", replaces=second)
    assert f"entry {second} was changed meanwhile" in change(led, second)
    note(led, "three", replaces=third)


def test_only_a_note_can_be_changed(led: Told) -> None:
    assert "entry 1 is no note" in change(led, 1)
    entry = note(led)
    assert "a note is changed now" in change(led, entry, happened=led.now)
    assert "the note is empty" in change(led, entry, text=" ")


def test_a_note_may_be_dated_back_within_a_week(led: Told) -> None:
    note(led, happened=led.now - timedelta(days=7))

    late = led.now - timedelta(days=7, seconds=1)
    soon = led.now + timedelta(seconds=1)
    assert "more than a week back" in refused(led, response.note, by="mei", text="x", happened=late)
    assert "in the future" in refused(led, response.note, by="mei", text="x", happened=soon)


# --- proposals and decisions -----------------------------------------------------------------------------------------


def decide(told: Told, **asked: Any) -> None:
    given = {"by": "mei", "decision": "stay SEV2", "why": "nothing is lost", "objections": False, **asked}
    told.do(response.decide, **given)


def test_a_decision_answers_a_proposal(led: Told) -> None:
    led.do(response.propose, by="priya", text="raise to SEV1?")
    led.do(response.propose, by="tomas", text="tell the customers?")
    assert [(p.number, p.by) for p in led.state.room.proposals] == [(1, "priya"), (2, "tomas")]

    decide(led, proposal=1)

    assert [p.number for p in led.state.room.proposals] == [2]
    assert led.events(ev.Decided)[0].proposal == 1


def test_what_does_not_wait_cannot_be_answered(led: Told) -> None:
    led.do(response.propose, by="priya", text="raise to SEV1?")
    led.do(response.propose, by="priya", text="tell the customers?")
    decide(led, proposal=1)
    asked = {"by": "mei", "decision": "yes", "why": "", "objections": False}

    said = refused(led, response.decide, proposal=1, **asked)
    assert said == "proposal 1 was decided already | waiting for a decision: 2"
    assert "proposal 7 is not known" in refused(led, response.decide, proposal=7, **asked)
    decide(led)
    assert len(led.state.room.proposals) == 1, "a decision of its own answers none"


def test_nothing_is_decided_where_it_is_over(led: Told) -> None:
    assert "the proposal is empty" in refused(led, response.propose, by="mei", text=" ")
    led.resolve()
    decide(led)
    led.do(lambda *_: [ev.Closed(led.now, "mei")])

    assert "closed" in refused(led, response.propose, by="mei", text="reopen?")
    asked = {"by": "mei", "decision": "yes", "why": "", "objections": False}
    assert "keep a note" in refused(led, response.decide, **asked)


# --- reports and files -----------------------------------------------------------------------------------------------


def test_a_further_report_joins_and_calls_nobody(led: Told) -> None:
    calls = len(led.pages())
    led.do(response.report, by="aisha", text="the order stays open", source="a customer\nby mail")

    assert led.state.room.reports == 1
    assert len(led.pages()) == calls
    assert led.events(ev.Reported)[0].source == "a customer by mail"
    assert "the report is empty" in refused(led, response.report, by="aisha", text="", source="mail")


def test_once_it_is_over_a_report_joins_nothing(led: Told) -> None:
    led.resolve()

    assert "reopen it" in refused(led, response.report, by="aisha", text="again", source="mail")


def keep(told: Told, **asked: Any) -> dict[str, Any]:
    return {
        "by": "priya",
        "digest": DIGEST,
        "size": 12,
        "name": "queue.log",
        "media_type": "text/plain",
        "note": "the last hour",
        **asked,
    }


def test_a_file_is_kept_with_its_hash_at_any_time(led: Told) -> None:
    led.do(response.evidence, **keep(led))
    led.resolve()
    led.do(response.evidence, **keep(led, size=20 * 1024 * 1024))

    assert led.state.room.evidence == 2
    assert led.events(ev.EvidenceAdded)[0].digest == DIGEST


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"digest": "5f"}, "no SHA-256"),
        ({"digest": DIGEST.upper()}, "no SHA-256"),
        ({"size": 0}, "the file is empty"),
        ({"size": 20 * 1024 * 1024 + 1}, "larger than 20 MB"),
        ({"name": " \n"}, "has no name"),
    ],
)
def test_what_is_no_file_to_keep(led: Told, asked: dict[str, Any], said: str) -> None:
    assert said in refused(led, response.evidence, **keep(led, **asked))


def test_a_triage_that_was_dismissed_takes_no_decision_but_a_note() -> None:
    told = Told()
    told.alert()
    told.do(lifecycle.dismiss, by="mei", reason="a test")

    assert "dismissed" in refused(told, response.propose, by="mei", text="look again?")
    note(told)
