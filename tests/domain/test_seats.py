"""Seats: who becomes IC by arriving, one IC at a time, the alarm of an empty seat, hand-over and its brief."""

from __future__ import annotations

from typing import Any

import pytest

from domain.told import Told, acme
from tocsin.domain import events as ev
from tocsin.domain import response
from tocsin.domain.context import Refused


def offer(told: Told, to: str = "mei", *, by: str = "priya", role: str = "ic") -> None:
    told.do(response.offer_handover, by=by, role=role, to=to)


def accept(told: Told, by: str = "mei", role: str = "ic") -> None:
    told.do(response.accept_handover, by=by, role=role)


# --- by arriving -----------------------------------------------------------------------------------------


def test_whoever_acknowledges_takes_the_empty_seat_if_she_may_be_ic(told: Told) -> None:
    told.alert()
    told.ack("mei")

    assert [(e.role, e.person, e.how) for e in told.events(ev.SeatTaken)] == [("ic", "mei", "acked")]


def test_whoever_declares_takes_the_empty_seat_if_she_may_be_ic(told: Told) -> None:
    told.declare("henrik")

    assert [(e.role, e.person, e.how) for e in told.events(ev.SeatTaken)] == [("ic", "henrik", "declared")]


@pytest.mark.parametrize("person", ["jonas", "ingrid", "somebody-unknown"])
def test_whoever_may_not_be_ic_acknowledges_without_taking_the_seat(told: Told, person: str) -> None:
    told.alert()
    told.ack(person)

    assert told.state.acked_by == person
    assert told.state.holder("ic") is None


def test_the_seat_stays_with_the_first_one(told: Told) -> None:
    told.declare("priya").ack("mei")

    assert told.state.holder("ic") == "priya"


def test_an_ic_who_answers_the_raised_severity_does_not_push_out_the_one_who_leads(told: Told) -> None:
    told.declare("priya", "SEV2").ack("priya").severity("SEV1", by="priya").ack("mei")

    assert told.state.holder("ic") == "priya"


# --- by hand ---------------------------------------------------------------------------------------------


def test_of_two_who_take_the_seat_one_wins_and_the_other_is_told_who(told: Told) -> None:
    told.declare("tomas")
    told.do(response.take_seat, by="priya", role="IC")

    with pytest.raises(Refused, match="priya holds ic"):
        told.do(response.take_seat, by="mei", role="ic")


def test_the_roster_says_who_may_take_which_seat(told: Told) -> None:
    told.declare("tomas")

    with pytest.raises(Refused, match="does not let jonas act as ic"):
        told.do(response.take_seat, by="jonas", role="ic")
    with pytest.raises(Refused, match="nobody is known as 'nobody'"):
        told.do(response.assign_seat, by="tomas", role="ops", person="nobody")
    with pytest.raises(Refused, match="no role 'pilot'"):
        told.do(response.take_seat, by="jonas", role="pilot")


def test_an_empty_name_is_no_role(told: Told) -> None:
    told.declare("tomas")

    with pytest.raises(Refused, match="no role ''"):
        told.do(response.take_seat, by="jonas", role="")


def test_somebody_given_a_role_is_told_somebody_taking_one_is_not(told: Told) -> None:
    told.declare("mei")
    told.do(response.assign_seat, by="mei", role="ops", person="priya")
    told.do(response.take_seat, by="tomas", role="comms")

    assert told.told("role") == [("13:00:00", "priya")]


def test_the_seat_of_the_ic_is_not_given_away_over_her_head(told: Told) -> None:
    told.declare("mei")

    with pytest.raises(Refused, match="mei is IC"):
        told.do(response.assign_seat, by="tomas", role="ic", person="priya")


def test_seats_stand_once_it_is_over(told: Told) -> None:
    told.declare("mei").resolve()

    with pytest.raises(Refused, match="its seats stand"):
        told.do(response.take_seat, by="tomas", role="comms")


# --- empty -----------------------------------------------------------------------------------------------


def test_an_ic_seat_empty_five_minutes_after_the_declare_alarms_everybody_who_may_be_ic(told: Told) -> None:
    told.until("13:10:00").declare("tomas").ack("jonas")
    told.until("13:15:00")
    assert not told.events(ev.SeatEmptyAlarmed)

    told.wait(hours=5)

    assert told.told("seat-empty") == [("13:15:00", who) for who in ("priya", "mei", "henrik")]


def test_the_handbook_may_give_the_seat_another_time() -> None:
    told = Told(acme(seat_empty_s=60))
    told.declare("tomas").ack("jonas").wait(minutes=2)

    assert [f"{e.due:%H:%M:%S}" for e in told.events(ev.SeatEmptyAlarmed)] == ["13:01:00"]


def test_the_seat_taken_at_the_very_instant_does_not_alarm(told: Told) -> None:
    told.declare("tomas").until("13:05:00").ack("mei").wait(hours=1)

    assert not told.events(ev.SeatEmptyAlarmed)


def test_triage_has_no_seat_alarm_and_other_seats_never_alarm(told: Told) -> None:
    told.alert()
    told.ack("jonas").wait(hours=1)
    assert not told.events(ev.SeatEmptyAlarmed)

    told.declare("mei").wait(hours=1)
    assert not told.events(ev.SeatEmptyAlarmed)


# --- hand-over -------------------------------------------------------------------------------------------


@pytest.fixture
def led(told: Told) -> Told:
    """Priya leads, and at 13:30 offers the seat to Mei."""
    told.declare("priya", "SEV2").ack("priya").until("13:30:00")
    offer(told)
    return told


def test_an_offered_hand_over_counts_only_when_it_is_accepted(led: Told) -> None:
    led.until("13:34:00")
    assert led.state.holder("ic") == "priya"

    accept(led)
    assert led.state.holder("ic") == "mei"
    assert led.events(ev.SeatTaken)[-1].before == "priya"


def test_the_offer_is_reminded_after_five_minutes_and_withdrawn_after_ten(led: Told) -> None:
    led.until("14:30:00")

    assert led.told("handover") == [("13:30:00", "mei"), ("13:35:00", "mei")]
    assert [f"{e.at:%H:%M:%S}" for e in led.events(ev.HandoverWithdrawn)] == ["13:40:00"]
    assert led.state.holder("ic") == "priya"
    with pytest.raises(Refused, match="no hand-over of ic is offered to mei"):
        accept(led)


def test_when_the_offer_lapses_the_holder_is_told_that_the_seat_is_hers_still(led: Told) -> None:
    led.until("13:41:00")

    assert set(led.told("handover-withdrawn")) == {("13:40:00", "mei"), ("13:40:00", "priya")}


def test_whoever_accepts_at_the_very_instant_of_the_lapse_has_it(led: Told) -> None:
    led.until("13:40:00")
    accept(led)

    assert led.state.holder("ic") == "mei"
    assert not led.events(ev.HandoverWithdrawn)


def test_an_accepted_hand_over_is_neither_reminded_nor_withdrawn(led: Told) -> None:
    led.until("13:31:00")
    accept(led)
    led.wait(hours=1)

    assert not led.events(ev.HandoverReminded)
    assert not led.events(ev.HandoverWithdrawn)


def test_only_the_one_to_whom_it_is_offered_accepts(led: Told) -> None:
    with pytest.raises(Refused, match="offered to henrik"):
        accept(led, "henrik")


def test_a_second_offer_replaces_the_first_with_times_of_its_own(led: Told) -> None:
    led.until("13:36:00")
    offer(led, "henrik")
    led.until("13:45:00")

    assert led.state.offer("ic").to == "henrik"
    with pytest.raises(Refused, match="offered to mei"):
        accept(led, "mei")
    assert led.due("handover") == "13:46:00"


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"to": "jonas"}, "does not let jonas act as ic"),
        ({"to": "priya"}, "priya already holds ic"),
        ({"role": "scribe", "to": "tomas"}, "nobody holds scribe"),
        ({"by": "tomas"}, "only priya or the IC"),
    ],
)
def test_a_hand_over_that_makes_no_sense_is_refused(led: Told, asked: dict[str, Any], why: str) -> None:
    with pytest.raises(Refused, match=why):
        offer(led, **asked)


def test_an_open_offer_ends_with_the_incident(led: Told) -> None:
    led.resolve("priya").wait(hours=1)

    assert not led.events(ev.HandoverWithdrawn)
    with pytest.raises(Refused):
        accept(led)


def test_the_brief_says_where_things_stand(led: Told) -> None:
    brief = led.events(ev.HandoverOffered)[0].brief

    assert brief.startswith("SEV2 INC-2026-0001 is declared, open for 30 min.")
    assert "ic: priya." in brief
    assert "mitigate due 14:00:00 UTC." in brief
    assert "resolve due 17:00:00 UTC." in brief
