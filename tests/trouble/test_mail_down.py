"""The mail server is down, refuses one address, or all: pages are repeated, passed on, or said to be impossible."""

from __future__ import annotations

from dataclasses import replace

from tocsin.domain import events as ev
from tocsin.store.contract import ContactRow
from trouble.conftest import Builder, House, eventually, for_a_while

ANN, BEA, CEM = ("ann@test.example", "bea@test.example", "cem@test.example")
TRIES = 5


def page_tries(house: House, ref: str) -> int:
    return sum(e.attempts for e in house.program.store.effects(ref) if e.about == "page")


def test_a_mail_server_that_is_down_for_a_while(house: House) -> None:
    house.post.shut()
    ref = house.declare()
    eventually(lambda: page_tries(house, ref) >= TRIES, "the page is tried again and again")
    assert house.events(ref, ev.PageSent) == []
    assert house.events(ref, ev.PageFailed) == []
    (waiting,) = [e for e in house.program.store.effects(ref) if e.about == "page" and e.person == "ann"]
    assert "connection failed" in waiting.detail
    assert house.ready()

    house.post.open()

    eventually(lambda: house.post.pages(ref)[ANN], "ann is called")
    house.do(ref, "ack")
    eventually(lambda: house.quiet(ref), "everything is carried out")
    assert house.post.pages(ref)[ANN] == 1
    first = [e for e in house.events(ref, ev.PageSent) if e.page == 1]
    assert [(e.person, e.channel) for e in first] == [("ann", "mail")]
    assert "250" in first[0].receipt
    assert [e.outcome for e in house.events(ref, ev.PageEnded) if e.page == 1] == ["acked"]


def test_a_mail_server_that_is_down_for_too_long(build: Builder) -> None:
    """The budget of a page ends in a recorded outcome, and the next one is called."""
    house = build(start=False)
    lanes = house.engine.courier.lanes
    lanes["mail"] = replace(lanes["mail"], waits_s=(0.05, 0.05))
    house.engine.start()
    house.post.shut()
    ref = house.declare()
    eventually(house.has(ref, ev.NobodyReachable), "everybody was tried")
    failed = [e for e in house.events(ref, ev.PageFailed) if e.page == 1]
    assert ["given up after 3 tries" in e.reason for e in failed] == [True]
    eventually(lambda: f"{ref}: nobody can be reached" in house.alarms(), "alarmz is red")


def test_an_address_that_is_refused_for_good_calls_the_next_at_once(house: House) -> None:
    house.post.refused.add(ANN)
    ref = house.declare()
    eventually(lambda: house.post.pages(ref)[BEA], "bea is called")
    (failed,) = [e for e in house.events(ref, ev.PageFailed) if e.person == "ann"]
    assert "550" in failed.reason
    assert [e.outcome for e in house.events(ref, ev.PageEnded) if e.page == 1] == ["unreachable"]
    first, second = house.events(ref, ev.RungFired)[:2]
    assert (second.at - first.at).total_seconds() < 1.5, "not after the two seconds of the ladder"
    assert house.post.pages(ref)[ANN] == 0


def test_a_test_page_shows_that_a_way_that_was_switched_off_works_again(build: Builder) -> None:
    house = build(toml='[channel.screen]\nkind = "console"\n')
    store, now = house.program.store, house.program.clock.now()
    store.save_contact(ContactRow("ann", "mail", "", now, disabled="refused", fails=3, tried=ANN))
    house.program.refresh_people()
    live = house.engine.contexts.live.directory
    assert [method.channel for method in live.methods_of("ann")] == ["screen"]

    answer = house.ask("POST", "/api/v1/pages/test")

    assert answer.status_code == 201, answer.text
    eventually(lambda: [m for m in house.post.mails if m.to == ANN], "the test arrives by mail")
    eventually(lambda: not store.contacts("ann")[0].disabled, "mail is used again")
    house.program.take_up_changes()
    live = house.engine.contexts.live.directory
    assert [method.channel for method in live.methods_of("ann")] == ["mail", "screen"]


def test_nobody_can_be_reached(house: House) -> None:
    house.post.refused.add("*")
    ref = house.declare()
    eventually(lambda: f"{ref}: nobody can be reached" in house.alarms(), "alarmz is red")
    assert [a.key for a in house.program.store.alarms() if "reached" in a.reason] == [f"dead-end:{ref}"]
    house.engine.auditor.audit()
    assert f"{ref}: nobody can be reached" in house.alarms(), "it stays red while nobody has answered"
    unreachable = {e.person for e in house.events(ref, ev.PageEnded) if e.outcome == "unreachable"}
    assert unreachable == {"ann", "bea", "cem"}
    assert house.ready(), "people must be able to acknowledge"

    house.do(ref, "ack", by="cem")
    house.engine.auditor.audit()

    eventually(lambda: "reached" not in house.alarms(), "alarmz is quiet again")
    for_a_while(lambda: not house.post.kept, 0.3, "nothing went out")
