"""What people read when they are called or told: one line of subject with the reference, a few lines of text."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.told import REF, Told, acme
from tocsin.domain import lifecycle, response
from tocsin.domain.effects import Send
from tocsin.engine import words
from tocsin.engine.words import Words, words_for

NASTY = "Disk full\r\nBcc: everybody@acme.example\n\n<b>bold</b>"
ABOUTS = sorted(words._SUBJECTS)
NOTES = {"role": "ops", "handover": "ic", "handover-withdrawn": "ic", "breach": "mitigate", "time-left": "30"}


def in_triage() -> Told:
    told = Told()
    told.alert(title=NASTY)
    return told.until("13:02:00")


def declared() -> Told:
    return in_triage().declare("mei", title=NASTY).until("13:40:00")


def resolved() -> Told:
    return declared().resolve().until("3d 13:00")


def told_about(told: Told, about: str, note: str | None = None, page: int | None = None) -> Words:
    send = Send(
        "mei", "mail", about, f"notice/{about}", page, note=NOTES.get(about, "") if note is None else note
    )
    return words_for(send, told.state, told.context, told.now)


@pytest.mark.parametrize("when", [in_triage, declared, resolved])
@pytest.mark.parametrize("about", [*ABOUTS, "something-new"])
def test_the_subject_is_one_line_with_level_and_reference(about: str, when) -> None:
    told = when()
    said = told_about(told, about, page=1 if about == "page" else None)

    assert said.subject.startswith(f"[SEV1 {REF}] ")
    assert "Disk full" in said.subject
    assert len(said.subject.splitlines()) == 1
    assert REF in said.text
    assert "UTC" in said.text
    assert all(line.strip() for line in said.text.splitlines())


@pytest.mark.parametrize("about", ABOUTS)
def test_every_notice_that_the_domain_sends_has_words_of_its_own(about: str) -> None:
    subject = told_about(declared(), about).subject

    assert f"] {about}:" not in subject, "the name of the wording is no wording"


def test_whatever_the_domain_sends_is_among_them() -> None:
    told = Told(acme(primary="jonas", secondary="tomas"))
    told.alert()
    told.until("13:20:00").declare("tomas").wait(minutes=6)
    told.ack("mei")
    told.do(response.assign_seat, by="mei", role="comms", person="tomas")
    told.do(response.offer_handover, by="mei", role="ic", to="priya")
    told.wait(hours=4)
    told.mitigate().resolve().wait(days=4)
    told.do(lifecycle.publish_postmortem, by="mei", where="docs/pm.md")
    without = Told(acme(without=tuple(acme().directory.people)))
    without.alert()

    sent = {e.about for _, e in [*told.effects, *without.effects] if isinstance(e, Send)}
    assert sent <= set(ABOUTS)
    assert len(sent) > 9


def test_a_page_says_until_when_who_else_is_called_and_what_happens_next() -> None:
    lines = told_about(in_triage(), "page", page=1).text.splitlines()

    assert lines[0] == "You are called. Acknowledge to stop the escalation: you take it."
    assert "Acknowledge by 13:05:00 UTC." in lines
    assert "If nobody acknowledges, priya will be called at 13:05:00 UTC." in lines


def test_a_page_says_who_else_is_being_called() -> None:
    told = in_triage().until("13:06:00")

    assert "Also called: priya." in told_about(told, "page", page=1).text


def test_once_acknowledged_a_page_that_is_still_on_its_way_asks_for_nothing_any_more() -> None:
    told = in_triage().ack("mei")

    assert "Acknowledge by" not in told_about(told, "page", page=1).text


def test_a_breach_says_which_promise() -> None:
    assert "mitigate was promised (< 30m) and is late." in told_about(declared(), "breach").text


def test_a_hand_over_says_from_whom_and_that_it_counts_when_accepted() -> None:
    assert told_about(declared(), "handover").text.startswith(
        "mei hands ic over to you. It counts when you accept."
    )


def test_a_role_says_its_duties() -> None:
    assert told_about(declared(), "role").text.startswith("You are Ops/Infra. Rolls back.")


def test_a_level_without_numbers_is_called_without_inventing_any() -> None:
    told = Told(replace(acme(), rotations=()))
    told.alert("info", title=NASTY)

    assert "Acknowledge by" not in told_about(told, "page", page=1).text
