"""What people read when they are called or told: one line of subject with the reference, a few lines of text."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from domain.told import BACKUP, DAY, REF, Told, acme
from tocsin.domain import actions, gates, legal, lifecycle, response, restricted, statements, tasks
from tocsin.domain.effects import Send
from tocsin.domain.gates import PointAnswer
from tocsin.domain.oncall.rota import Rota
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


def test_nobody_is_told_that_she_herself_will_be_called() -> None:
    alone = Told(acme(primary="mei", secondary="mei"))
    alone.alert()
    assert "will be called" not in told_about(alone, "page", page=1).text, "she reads it already"

    told = Told(acme(primary="mei", secondary="priya"))
    told.alert()
    told.until("13:06:00")
    said = told_about(told, "page", page=1).text
    assert "If nobody acknowledges, priya, henrik will be called at 13:10:00 UTC." in said


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
    told = Told(replace(acme(), rota=Rota()))
    told.alert("info", title=NASTY)

    assert "Acknowledge by" not in told_about(told, "page", page=1).text


# --- the room, the work, what is owed --------------------------------------------------------------------------------


def at_work() -> Told:
    """Something of everything: tasks, a check, a statement, a legal deadline, an action; Mei leads."""
    told = Told(acme(gates=(BACKUP,)))
    told.declare("mei")
    told.do(
        tasks.open_task, by="mei", text="Insert the rows again", owner="jonas", minutes=15, db_change=True
    )
    told.do(gates.go_through, by="jonas", answers=tuple(PointAnswer("ok", "seen") for _ in BACKUP.points))
    told.do(
        statements.draft, by="tomas", audience="customers", text="Some rows are missing.", data="no names"
    )
    told.do(legal.start, by="jonas", regime="gdpr", aware=told.now, owner="henrik")
    told.do(actions.add, by="mei", text="A dry run first", owner="jonas", due=date(2026, 2, 2))
    return told


@pytest.mark.parametrize(
    ("about", "note", "said"),
    [
        (
            "task",
            "1",
            "Task 1 is yours: Insert the rows again. Time for it: 15 min. It waits for the backup check.",
        ),
        ("task-asked", "1", "Task 1: Insert the rows again. Its time is over: is it done"),
        (
            "gate-confirm",
            "1",
            "jonas went through backup check 1. It counts once you confirm it, until 13:30:00",
        ),
        ("gate-lapsing", "1", "backup check 1 runs out at 13:30:00 UTC"),
        ("seat-conflict", "ic and ops", "mei is ic and ops with 2 people at work: give one seat away."),
        ("span", "", "1 people answer to you."),
        (
            "handover-proposed",
            "2",
            "It has lasted 2 hours. Hand over, and eat something. Who could take it: priya",
        ),
        ("shadow", "", "You shadow the IC (mei)"),
        ("statement", "1", "Statement 1 by tomas waits for mei."),
        ("statement", "1", "For customers: Some rows are missing.\nTheir data: no names"),
        (
            "legal-started",
            "gdpr",
            "You own the gdpr deadline, since 2026-01-20 13:00:00 UTC, due 2026-01-23 13:00",
        ),
        ("legal-reminder", "gdpr", "The gdpr deadline comes near"),
        ("legal-overdue", "gdpr", "The gdpr deadline has passed without a decision"),
        ("action", "1", "Action 1 is yours: A dry run first. Due 2026-02-02."),
        ("action-due", "1", "Action 1 is due today: A dry run first"),
        ("action-overdue", "1", "Action 1 of jonas is overdue: A dry run first"),
        ("merged", "INC-2026-0009", "goes on in INC-2026-0009"),
        ("absorbed", "INC-2026-0009", "INC-2026-0009 was merged into it"),
        (
            "handover",
            "ic",
            "mei hands ic over to you. It counts when you accept.\nSEV1 INC-2026-0001 is declared",
        ),
    ],
)
def test_a_notice_says_what_it_is_about(about: str, note: str, said: str) -> None:
    assert said in told_about(at_work(), about, note).text


def test_what_was_written_stays_inside_a_restricted_incident() -> None:
    told = at_work()
    told.do(restricted.restrict, by="mei", codename="Bluebird")

    for about, note in [("task", "1"), ("statement", "1"), ("action", "1"), ("handover", "ic"), ("page", "")]:
        said = told_about(told, about, note)
        assert "Bluebird" in said.subject
        for written in ("Sign-in loops", "Insert the rows", "Some rows", "no names", "dry run"):
            assert written not in said.subject + said.text


def test_a_drill_says_so_first() -> None:
    opening = lifecycle.Opening(REF, "pinned", "Sign-in is down", "SEV1", "person", "henrik", drill=True)
    told = Told()
    told.open(lifecycle.open_declared(opening, told.context, told.now, why="chosen"))

    said = told_about(told, "page", page=1)
    assert said.subject.startswith(f"DRILL [SEV1 {REF}] You are called")
    assert said.text.startswith("DRILL: this is an exercise.\n")


def test_a_planned_change_has_no_level_to_say() -> None:
    opening = lifecycle.Opening("CHG-2026-0003", "pinned", "Migration", "", "person", "jonas", kind="change")
    told = Told()
    told.open(lifecycle.open_recorded(opening, told.context, told.now))

    assert told_about(told, "action", "1").subject == "[CHG-2026-0003] You have an action: Migration"


def test_a_postmortem_that_was_due_on_a_weekend_says_so() -> None:
    friday = Told(at=DAY + timedelta(days=2)).declare("mei").resolve().wait(days=3)
    tuesday = Told().declare("mei").resolve().wait(days=3)

    assert (
        "It was due 2026-01-24 13:00 UTC, a Saturday: the day stands."
        in told_about(friday, "postmortem-overdue").text
    )
    assert "It was due 2026-01-22 13:00 UTC.\n" in told_about(tuesday, "postmortem-overdue").text + "\n"
