"""Who may lead and who is proposed, what is said when too much lies on one person, who only watches."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.told import PEOPLE, Told, acme, directory
from tocsin.domain import crew, lifecycle, response, tasks
from tocsin.domain import events as ev
from tocsin.domain.context import Context, Refused
from tocsin.domain.people import Person

MORE = tuple(Person(f"dev{n}", f"Developer {n}", can_act_as=("ops",)) for n in range(9))


def crowd() -> Context:
    """The example with nine more people to do the work."""
    return replace(acme(), directory=directory(people=(*PEOPLE, *MORE)))


def refused(told: Told, decision: Any, /, **asked: Any) -> str:
    before = told.state
    with pytest.raises(Refused) as refusal:
        told.do(decision, **asked)
    assert told.state == before, "nothing has changed"
    return f"{refusal.value.reason} | {refusal.value.possible}"


def assign(told: Told, role: str, person: str, by: str = "mei") -> Told:
    told.do(response.assign_seat, by=by, role=role, person=person)
    return told


# --- who is proposed -------------------------------------------------------------------------------------------------


def test_those_at_work_are_proposed_first_then_those_who_were_called(told: Told) -> None:
    told.alert()
    told.declare("tomas").ack("jonas")
    told.do(response.take_seat, by="priya", role="ops")

    assert crew.candidates(told.state, told.context) == ("priya", "mei", "henrik")


def test_who_leads_is_not_proposed_to_follow_herself(told: Told) -> None:
    told.declare("mei")

    assert "mei" not in crew.candidates(told.state, told.context)


def test_whoever_made_a_suspected_change_or_only_watches_is_not_proposed(told: Told) -> None:
    told.declare("tomas")
    told.do(crew.suspect, by="tomas", what="the release of 13:02", author="mei")
    told.do(crew.shadow, by="priya")

    assert crew.candidates(told.state, told.context) == ("henrik",)
    assert not crew.may_lead(told.state, told.context, "mei")
    assert not crew.may_lead(told.state, told.context, "priya")


def test_jonas_cannot_be_ic_and_made_the_change_so_mei_is_proposed() -> None:
    """Lost contacts: Jonas is primary and ran the migration, Mei is secondary."""
    told = Told(acme(primary="jonas", secondary="mei"))
    told.declare("tomas", title="Contacts missing").ack("jonas")
    told.do(crew.suspect, by="jonas", what="migration merge_contacts", author="@jonas")

    assert crew.candidates(told.state, told.context)[0] == "mei"
    said = crew.why_not(told.state, told.context, "jonas")
    assert said == (
        "jonas cannot be IC by the roster and made a change that is suspected (migration merge_contacts)"
    )
    assert crew.why_not(told.state, told.context, "mei") == ""
    assert crew.why_not(told.state, told.context, "nobody-known") == "nobody is known as 'nobody-known'"


def test_answering_does_not_seat_whoever_made_the_change(told: Told) -> None:
    told.alert()
    told.do(crew.suspect, by="tomas", what="the release of 13:02", author="mei")
    told.ack("mei")

    assert told.state.acked_by == "mei"
    assert told.state.holder("ic") is None


# --- suspected changes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"what": "  "}, "is empty"),
        ({"what": "x" * 501}, "longer than 500"),
        ({"what": "flag", "author": "a-stranger"}, "nobody is known as 'a-stranger'"),
        ({"what": "flag", "happened": timedelta(minutes=1)}, "lies in the future"),
    ],
)
def test_what_cannot_be_suspected(told: Told, asked: dict[str, Any], said: str) -> None:
    told.declare("mei")
    if "happened" in asked:
        asked = {**asked, "happened": told.now + asked["happened"]}

    assert said in refused(told, crew.suspect, by="mei", **asked)


def test_a_change_without_a_known_author_is_suspected_too(told: Told) -> None:
    told.declare("mei")
    told.do(crew.suspect, by="mei", what="webhook secret\nrotated", happened=told.now - timedelta(hours=1))

    (suspect,) = told.state.room.suspects
    assert (suspect.what, suspect.author) == ("webhook secret rotated", None)


def test_a_cause_may_be_found_after_resolve_but_not_where_it_was_dismissed(told: Told) -> None:
    told.alert()
    told.do(lifecycle.dismiss, by="mei", reason="a test")
    assert "dismissed" in refused(told, crew.suspect, by="mei", what="flag")

    resolved = Told().declare("mei").resolve()
    resolved.do(crew.suspect, by="mei", what="flag")
    assert resolved.state.room.suspects


# --- too much on one person ------------------------------------------------------------------------------------------


def test_leading_and_repairing_is_warned_of_once_three_people_are_at_work(told: Told) -> None:
    told.declare("mei")
    assign(told, "ops", "mei")
    assign(told, "comms", "tomas")
    assert not told.events(ev.SeatConflict)

    told.ack("jonas")

    (warned,) = told.events(ev.SeatConflict)
    assert (warned.person, warned.roles, warned.responders) == ("mei", ("ic", "ops"), 3)
    assert told.told("seat-conflict") == [("13:00:00", "mei")]
    told.ack("aisha")
    assert len(told.events(ev.SeatConflict)) == 1, "said once"


def test_a_second_one_who_leads_and_repairs_is_warned_too(told: Told) -> None:
    told.declare("mei")
    assign(assign(assign(told, "ops", "mei"), "comms", "tomas"), "scribe", "jonas")
    told.do(response.offer_handover, by="mei", role="ic", to="priya")
    told.do(response.accept_handover, by="priya", role="ic")
    assign(told, "ops", "priya", by="priya")

    assert [e.person for e in told.events(ev.SeatConflict)] == ["mei", "priya"]


def test_below_the_worst_level_one_may_do_both(told: Told) -> None:
    told.declare("mei", "SEV2")
    assign(assign(assign(told, "ops", "mei"), "comms", "tomas"), "scribe", "jonas")
    assert not told.events(ev.SeatConflict)

    told.severity("SEV1")
    assert len(told.events(ev.SeatConflict)) == 1, "raised, it counts"


def test_whoever_has_a_task_counts_and_a_shadow_does_not(told: Told) -> None:
    told.declare("mei")
    assign(told, "ops", "mei")
    told.do(crew.shadow, by="aisha")
    assign(told, "comms", "tomas")
    assert crew.responders(told.state) == ("mei", "tomas")

    told.do(tasks.open_task, by="mei", text="Look at the log", owner="jonas")
    assert crew.responders(told.state) == ("mei", "tomas", "jonas")
    assert len(told.events(ev.SeatConflict)) == 1


def test_whose_tasks_are_done_is_not_at_work_any_more(told: Told) -> None:
    told.declare("mei")
    told.do(tasks.open_task, by="mei", text="Look at the log", owner="jonas")
    told.do(tasks.finish_task, by="jonas", task=1, result="nothing")

    assert crew.responders(told.state) == ("mei",)


def test_eight_people_beside_the_ic_are_more_than_one_can_lead() -> None:
    told = Told(crowd())
    told.declare("mei").ack("mei")
    for n in range(7):
        told.ack(f"dev{n}")
    assert not told.events(ev.SpanWarned), "seven can be led"

    told.do(tasks.open_task, by="mei", text="Look", owner="dev7")
    told.ack("dev8")

    (warned,) = told.events(ev.SpanWarned)
    assert (warned.people, warned.responders) == (("mei",), 8)
    assert told.told("span") == [("13:00:00", "mei")]


# --- shadows ---------------------------------------------------------------------------------------------------------


def test_a_shadow_does_not_act_until_she_stops_or_acknowledges(told: Told) -> None:
    told.declare("mei")
    told.do(crew.shadow, by="priya")

    with pytest.raises(Refused, match="does not act"):
        crew.refuse_shadow(told.state, "priya")
    assert "does not act" in refused(told, response.take_seat, by="priya", role="ops")
    assert "does not act" in refused(told, response.assign_seat, by="mei", role="ops", person="priya")
    assert "does not act" in refused(told, response.offer_handover, by="mei", role="ic", to="priya")

    told.ack("priya")
    crew.refuse_shadow(told.state, "priya")
    assert told.state.room.shadows == ()


def test_the_ic_may_have_somebody_shadow_who_is_told(told: Told) -> None:
    told.declare("mei")
    assert "only aisha or the IC (mei)" in refused(told, crew.shadow, by="tomas", person="aisha")

    told.do(crew.shadow, by="mei", person="aisha")

    assert told.told("shadow") == [("13:00:00", "aisha")]
    assert "only aisha or the IC" in refused(told, crew.leave_shadow, by="tomas", person="aisha")
    told.do(crew.leave_shadow, by="mei", person="@aisha")
    assert told.state.room.shadows == ()


def test_whoever_has_something_to_do_gives_it_away_before_she_shadows(told: Told) -> None:
    told.declare("mei")
    assert "holds ic" in refused(told, crew.shadow, by="mei")

    told.do(tasks.open_task, by="mei", text="Look", owner="jonas")
    assert "open tasks (1)" in refused(told, crew.shadow, by="jonas")

    told.do(response.offer_handover, by="mei", role="ic", to="priya")
    assert "ic is on offer to priya" in refused(told, crew.shadow, by="priya")


def test_shadowing_that_makes_no_sense(told: Told) -> None:
    told.declare("mei")
    told.do(crew.shadow, by="aisha")

    assert "shadows already" in refused(told, crew.shadow, by="aisha")
    assert "does not shadow" in refused(told, crew.leave_shadow, by="tomas")
    assert "nobody is known as 'ghost'" in refused(told, crew.shadow, by="mei", person="ghost")
    told.resolve()
    assert "nobody to shadow" in refused(told, crew.shadow, by="tomas")
    told.do(crew.leave_shadow, by="aisha")


# --- long incidents --------------------------------------------------------------------------------------------------


def proposals(told: Told) -> list[tuple[str, int, str]]:
    return [(f"{e.at:%H:%M:%S}", e.hours, e.holder) for e in told.events(ev.HandoverProposed)]


def test_every_two_hours_a_hand_over_is_proposed_to_whoever_leads(told: Told) -> None:
    told.until("13:30:00").declare("tomas", "SEV3").until("13:40:00").ack("mei")
    told.until("18:00:00")

    assert proposals(told) == [("15:30:00", 2, "mei"), ("17:30:00", 4, "mei")]
    assert told.events(ev.HandoverProposed)[0].candidates == ("priya", "henrik")
    assert told.told("handover-proposed") == [("15:30:00", "mei"), ("17:30:00", "mei")]


def test_what_fell_together_while_nobody_looked_is_proposed_once(told: Told) -> None:
    told.declare("mei", "SEV3").sleep(hours=7)

    assert proposals(told) == [("20:00:00", 6, "mei")]
    told.wait(hours=1)
    assert proposals(told)[1:] == [("21:00:00", 8, "mei")]


def test_an_empty_seat_is_proposed_nothing_and_nobody_fresh_is(told: Told) -> None:
    told.declare("tomas", "SEV3").until("17:00:00")
    assert proposals(told) == []

    told.until("17:30:00")
    told.do(response.take_seat, by="mei", role="ic")
    told.until("18:40:00")
    assert proposals(told) == [], "she has led for half an hour at 18:00"

    told.until("19:01:00")
    assert proposals(told) == [("19:00:00", 6, "mei")]


def test_it_stops_when_it_is_over(told: Told) -> None:
    told.declare("mei", "SEV3").until("14:50:00").resolve().wait(days=1)

    assert proposals(told) == []


def test_whoever_alone_holds_it_does_not_become_a_shadow() -> None:
    told = Told()
    told.alert()
    told.ack("jonas")
    with pytest.raises(Refused, match="nobody else is at work"):
        told.do(crew.shadow, by="jonas")
    told.do(response.take_seat, by="mei", role="ic")
    told.do(crew.shadow, by="jonas")

    assert told.state.room.shadows == ("jonas",)
