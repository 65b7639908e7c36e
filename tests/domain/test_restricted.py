"""Restricted incidents: who may read, and what the others hear."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.told import BACKUP, Told, acme
from tocsin.domain import actions, gates, response, restricted, statements
from tocsin.domain.context import Refused
from tocsin.domain.effects import Write
from tocsin.domain.work import Restriction


def leak() -> Told:
    told = Told()
    told.alert(title="Tenant sees another tenant")
    told.until("13:05:00").ack("mei")
    told.declare("mei", title="Tenant sees another tenant")
    return told


def test_readers_and_those_at_work_see_it_others_hear_the_codename() -> None:
    told = leak()
    told.do(restricted.restrict, by="mei", codename="Heron", readers=("@aisha",), reason="tenant data")

    assert told.state.known_as == "Heron"
    assert [who for who in ("mei", "aisha", "tomas") if restricted.may_read(told.state, who)] == [
        "mei",
        "aisha",
    ]


def test_it_is_switched_off_from_then_on() -> None:
    told = leak()
    told.do(restricted.restrict, by="mei", codename="Heron", reason="tenant data")
    with pytest.raises(Refused, match="tomas may not read"):
        told.do(restricted.lift, by="tomas", reason="curious")
    with pytest.raises(Refused, match="needs a reason"):
        told.do(restricted.lift, by="mei", reason=" ")
    told.do(restricted.lift, by="mei", reason="everybody was told")

    assert told.state.known_as == told.state.title
    assert restricted.may_read(told.state, "tomas")


@pytest.mark.parametrize(
    ("codename", "readers", "why"),
    [(" ", (), "1 to 60"), ("tenant", (), "in the title"), ("Heron", ("nobody",), "nobody is known")],
)
def test_what_would_give_it_away_is_refused(codename: str, readers: tuple[str, ...], why: str) -> None:
    told = leak()
    with pytest.raises(Refused, match=why):
        told.do(restricted.restrict, by="mei", codename=codename, readers=readers)


def test_who_owns_an_action_or_approves_a_statement_reads_it_while_that_is_to_be_done() -> None:
    told = leak()
    told.do(restricted.restrict, by="mei", codename="Heron", reason="tenant data")
    told.do(actions.add, by="mei", text="test the filter of every export", owner="tomas")
    assert restricted.may_read(told.state, "tomas")
    told.do(actions.drop, by="mei", action=1, reason="done elsewhere")
    assert not restricted.may_read(told.state, "tomas")

    told.do(statements.draft, by="mei", audience="the tenants", text="Rows were shown", data="names")
    told.do(response.offer_handover, by="mei", role="ic", to="priya")
    told.do(response.accept_handover, by="priya", role="ic")
    bare = replace(told.state, room=replace(told.state.room, joined=()), declared_by=None, acked_by=None)
    outside = replace(bare, pages=(), room=replace(bare.room, restriction=Restriction("Heron", ())))
    assert restricted.may_read(outside, "mei")
    sent = replace(outside.duties.statements[0], state="sent")
    assert not restricted.may_read(
        replace(outside, duties=replace(outside.duties, statements=(sent,))), "mei"
    )


def documents(told: Told, since: int) -> list[str]:
    return [effect.document for _, effect in told.effects[since:] if isinstance(effect, Write)]


def test_every_row_that_was_written_is_written_again() -> None:
    told = Told(acme(gates=(BACKUP,))).until("16:34:00").declare("mei", title="Tenant Umbra lost rows")
    answers = tuple(gates.PointAnswer("ok", "seen") for _ in BACKUP.points)
    failed = (gates.PointAnswer("failed", "the dump of Umbra is empty"), *answers[1:])
    told.do(gates.go_through, by="jonas", answers=failed)
    told.do(gates.go_through, by="jonas", answers=answers)
    told.do(gates.confirm, by="mei", check=2)
    told.do(gates.go_through, by="jonas", answers=answers)
    restore = {"kind": "restore", "source": "16:20", "target": "umbra_copy", "reason": "Umbra's rows"}
    for _ in range(2):
        told.do(gates.record_restore, by="jonas", **restore, validation="row counts agree", passed=True)
    rows = ["check-1", "check-2", "restore-1", "restore-2"]

    before = len(told.effects)
    told.do(restricted.restrict, by="mei", codename="Heron", reason="tenant data")
    assert [name for name in documents(told, before) if "-" in name] == rows
    before = len(told.effects)
    told.do(restricted.lift, by="mei", reason="everybody was told")
    assert [name for name in documents(told, before) if "-" in name] == rows


def test_whoever_was_called_is_not_locked_out_and_readers_are_not_lost() -> None:
    told = leak()
    told.do(restricted.restrict, by="tomas", codename="Heron", readers=("aisha",))
    told.do(restricted.restrict, by="mei", codename="Stork", readers=("henrik",))

    assert told.pages()
    assert all(restricted.may_read(told.state, person) for _, person in told.pages())
    assert all(restricted.may_read(told.state, person) for person in ("tomas", "aisha", "henrik"))
    assert told.state.known_as == "Stork"
