"""Texts for people outside: drafted, approved by name, then sent by a person."""

from __future__ import annotations

from typing import Any

import pytest

from domain.test_legal import with_contact
from domain.told import Told
from tocsin.domain import events as ev
from tocsin.domain import legal, response, statements
from tocsin.domain.context import Refused

TEXT = "Some contacts are missing. They are being restored."
DATA = "some contacts missing, nothing exposed"


@pytest.fixture
def led() -> Told:
    return Told(with_contact()).declare("mei")


def draft(told: Told, **asked: Any) -> ev.StatementDrafted:
    given = {"by": "tomas", "audience": "status page", "text": TEXT, "data": DATA, **asked}
    told.do(statements.draft, **given)
    return told.events(ev.StatementDrafted)[-1]


def approve(told: Told, by: str, statement: int = 1) -> None:
    told.do(statements.approve, by=by, statement=statement)


def sent(told: Told, statement: int = 1, where: str = "https://status.acme.example") -> None:
    told.do(statements.sent, by="tomas", statement=statement, where=where)


def refused(told: Told, decision: Any, /, **asked: Any) -> str:
    before = told.state
    with pytest.raises(Refused) as refusal:
        told.do(decision, **asked)
    assert told.state == before, "nothing has changed"
    return f"{refusal.value.reason} | {refusal.value.possible}"


def test_while_a_legal_deadline_runs_mei_and_henrik_approve(led: Told) -> None:
    led.do(legal.start, by="mei", regime="gdpr", aware=led.now)
    assert draft(led).approvers == ("mei", "henrik")
    assert [who for _, who in led.told("statement")] == ["mei", "henrik"]

    approve(led, "mei")
    said = refused(led, statements.sent, by="tomas", statement=1, where="status page")
    assert said == "statement 1 is not approved | it waits for henrik"
    approve(led, "henrik")
    sent(led)

    assert led.state.duties.statement(1).state == "sent"  # type: ignore[union-attr]


def test_otherwise_the_ic_alone_approves(led: Told) -> None:
    assert draft(led).approvers == ("mei",)
    assert "mei approve statement 1, not tomas" in refused(led, statements.approve, by="tomas", statement=1)

    approve(led, "mei")
    sent(led)


def test_a_deadline_that_starts_after_the_approval_needs_its_owner_too(led: Told) -> None:
    draft(led)
    approve(led, "mei")
    led.do(legal.start, by="mei", regime="gdpr", aware=led.now)

    said = refused(led, statements.sent, by="tomas", statement=1, where="status page")
    assert "henrik must approve, too | draft it again" in said
    assert draft(led).approvers == ("mei", "henrik")


def test_a_word_to_people_outside_is_an_update(led: Told) -> None:
    led.until("13:10:00")
    draft(led)
    approve(led, "mei")
    sent(led)

    assert led.due("update-reminder") == "13:25:00"
    assert led.due("update-overdue") == "13:40:00"


@pytest.mark.parametrize("name", ["audience", "text", "data"])
def test_nothing_may_be_empty(led: Told, name: str) -> None:
    given = {"audience": "customers", "text": TEXT, "data": DATA, name: " \n"}

    assert f"needs {name}" in refused(led, statements.draft, by="tomas", **given)


def test_nobody_approves_where_nobody_leads() -> None:
    told = Told().declare("tomas")

    assert "nobody is IC" in refused(
        told, statements.draft, by="tomas", audience="customers", text=TEXT, data=DATA
    )
    told.do(response.take_seat, by="mei", role="ic")
    draft(told)


def test_each_step_is_taken_once(led: Told) -> None:
    led.do(legal.start, by="mei", regime="gdpr", aware=led.now)
    draft(led)
    approve(led, "mei")
    assert "has approved statement 1 already" in refused(led, statements.approve, by="mei", statement=1)
    approve(led, "henrik")
    assert "is approved already" in refused(led, statements.approve, by="mei", statement=1)
    assert "where it was sent" in refused(led, statements.sent, by="tomas", statement=1, where=" ")
    sent(led)
    assert "sent already" in refused(led, statements.sent, by="tomas", statement=1, where="again")
    assert "no statement 2 | not sent yet: none" in refused(led, statements.approve, by="mei", statement=2)


def test_after_resolve_there_is_still_something_to_say_after_close_there_is_not(led: Told) -> None:
    led.resolve()
    draft(led)
    led.do(lambda *_: [ev.Closed(led.now, "mei")])

    assert "keep a note" in refused(
        led, statements.draft, by="tomas", audience="customers", text=TEXT, data=DATA
    )
