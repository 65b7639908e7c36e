"""What somebody who takes over is told: everything that stands, and nothing that is done."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.test_legal import with_contact
from domain.told import BACKUP, DAY, Told, acme
from tocsin.domain import comms, crew, gates, legal, response, statements, tasks, times
from tocsin.domain import events as ev
from tocsin.domain.gates import PointAnswer

MORNING = DAY.replace(hour=9, minute=44)


@pytest.fixture
def payments() -> Told:
    """Late payments, 10:32: Priya leads and must leave."""
    told = Told(acme(primary="priya", secondary="jonas", gates=(BACKUP,)), at=MORNING)
    told.declare("aisha", "SEV2", "Payments show as pending", detected="09:41:00")
    told.do(response.take_seat, by="aisha", role="comms")
    told.until("09:49:20").ack("priya")
    told.until("09:57:00")
    told.do(crew.suspect, by="priya", what="webhook secret rotated", author="jonas")
    told.do(response.assign_seat, by="priya", role="ops", person="jonas")
    told.do(
        times.correct,
        by="priya",
        name="impact_start",
        at=told.instant("09:04:00"),
        reason="the first refused event",
    )
    told.until("10:00:00")
    told.do(response.decide, by="priya", decision="stay SEV2", why="money is captured", objections=False)
    told.until("10:06:00").mitigate("priya")
    told.do(tasks.open_task, by="priya", text="Send 23 events again", owner="jonas", minutes=20)
    told.do(tasks.open_task, by="priya", text="Write to two customers", owner="aisha")
    told.until("10:25:00")
    told.do(tasks.finish_task, by="jonas", task=1, result="23/23")
    told.until("10:31:00")
    told.do(comms.post_update, by="aisha", impact="All payments show", eta="10:50", next_steps="watch")
    return told.until("10:32:00")


@pytest.fixture
def led() -> Told:
    return Told().declare("mei")


def brief(told: Told) -> list[str]:
    return response.brief(told.state, told.context, told.now).splitlines()


def test_the_brief_of_a_hand_over_at_10_32(payments: Told) -> None:
    payments.do(response.offer_handover, by="priya", role="ic", to="mei")

    (offered,) = payments.events(ev.HandoverOffered)
    assert offered.brief.splitlines() == [
        "SEV2 INC-2026-0001 is mitigated, open for 48 min.",
        "Impact (since 09:04:00 UTC): All payments show.",
        "ic: priya.",
        "comms: aisha.",
        "ops: jonas.",
        "resolve due 13:41:00 UTC.",
        "Task 2, aisha, 26 min: Write to two customers.",
        "Suspected: webhook secret rotated (by jonas).",
        "Decided 10:00:00 UTC: stay SEV2.",
        "Next update due 11:01:00 UTC.",
        "No backup check made here counts: a database change waits for one.",
        "0 alerts are firing.",
    ]
    payments.until("10:34:00")
    payments.do(response.accept_handover, by="mei", role="ic")
    assert payments.state.holder("ic") == "mei"


def test_what_is_not_known_is_said_to_be_so(told: Told) -> None:
    told.alert()
    said = brief(told)

    assert "Impact: not said in an update yet." in said
    assert "No task is open." in said
    assert "1 alerts are firing." in said


def test_checks_say_how_long_they_count(payments: Told) -> None:
    payments.do(tasks.open_task, by="priya", text="Mend two rows", owner="jonas", minutes=5, db_change=True)
    payments.do(
        gates.go_through,
        by="jonas",
        answers=tuple(PointAnswer("ok", "looked at it") for _ in BACKUP.points),
        restore_point=payments.instant("10:30:00"),
    )
    payments.do(gates.confirm, by="priya", check=1)

    assert "Task 3, jonas, waits for the backup check: Mend two rows." in brief(payments)
    assert "backup check 1 counts until 11:02:00 UTC." in brief(payments)
    assert "Restore point 10:30:00 UTC." in brief(payments)
    payments.until("11:03:00")
    assert "No backup check made here counts: a database change waits for one." in brief(payments)


def test_the_check_that_counts_is_said_not_the_one_that_waits(payments: Told) -> None:
    answers = tuple(PointAnswer("ok", "looked at it") for _ in BACKUP.points)
    payments.do(gates.go_through, by="jonas", answers=answers)
    payments.do(gates.confirm, by="priya", check=1)
    payments.until("10:40:00")
    payments.do(gates.go_through, by="jonas", answers=answers)

    assert "backup check 1 counts until 11:02:00 UTC." in brief(payments)


def test_in_one_line_it_is_read_as_sentences(payments: Told) -> None:
    payments.do(tasks.open_task, by="priya", text="Is it the cache?", owner="jonas")
    payments.do(response.propose, by="aisha", text="raise it")

    assert all(line.endswith((".", "?")) for line in brief(payments))
    assert "Task 3, jonas, 0 min: Is it the cache?" in brief(payments)


def test_what_is_owed_to_people_outside_is_said() -> None:
    told = Told(with_contact()).declare("mei")
    told.do(legal.start, by="mei", regime="gdpr", aware=told.now)
    told.do(statements.draft, by="tomas", audience="customers", text="Some are gone.", data="names")
    told.do(statements.approve, by="mei", statement=1)

    assert "gdpr deadline 2026-01-23 13:00 UTC, henrik." in brief(told)
    assert "Statement 1 waits for henrik." in brief(told)
    told.do(statements.approve, by="henrik", statement=1)
    assert "Statement 1 is approved and not sent." in brief(told)


def test_what_waits_for_a_decision_and_who_only_watches(led: Told) -> None:
    led.do(response.propose, by="tomas", text="raise it?")
    led.do(crew.shadow, by="aisha")

    assert "To decide (1, by tomas): raise it?" in brief(led)
    assert "aisha only shadowing." in brief(led)


def test_an_update_that_is_late_is_said_to_be(led: Told) -> None:
    led.until("14:30:00")

    assert "The update is OVERDUE." in brief(led)


def test_times_of_another_day_are_said_with_their_day(led: Told) -> None:
    said = response.brief(led.state, led.context, led.now + timedelta(days=1))

    assert "resolve late since" not in said
    assert "resolve due 2026-01-20 15:00:00 UTC." in said.splitlines()
