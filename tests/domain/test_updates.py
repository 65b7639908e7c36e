"""Updates every 15-30m: reminder at the lower bound, overdue once at the upper one, whatever was slept through."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.told import SEV1, SEV2, Told, acme, changed, every
from tocsin.domain import comms, response
from tocsin.domain import events as ev
from tocsin.domain.context import Refused


@pytest.fixture
def led(told: Told) -> Told:
    """SEV1 declared at 13:00 and acknowledged; Mei leads, Tomás has Comms."""
    told.declare("mei").ack()
    told.do(response.assign_seat, by="mei", role="comms", person="tomas")
    return told


def reminders(told: Told) -> list[str]:
    return [f"{e.at:%H:%M:%S}" for e in told.events(ev.UpdateReminded)]


def overdue(told: Told) -> list[str]:
    return [f"{e.at:%H:%M:%S}" for e in told.events(ev.UpdateOverdue)]


def test_the_clock_starts_at_the_declare_not_at_the_alert(told: Told) -> None:
    told.alert()
    told.ack().until("13:40:00").declare("mei")

    assert (told.due("update-reminder"), told.due("update-overdue")) == ("13:55:00", "14:10:00")


def test_a_reminder_at_the_lower_bound_goes_to_comms(led: Told) -> None:
    led.until("13:16:00")

    assert led.told("update-reminder") == [("13:15:00", "tomas")]


def test_overdue_at_the_upper_bound_goes_to_comms_and_the_ic_once(led: Told) -> None:
    led.until("15:00:00")

    assert led.told("update-overdue") == [("13:30:00", "tomas"), ("13:30:00", "mei")]
    assert overdue(led) == ["13:30:00"]


def test_the_reminders_go_on_until_somebody_says_something(led: Told) -> None:
    led.until("14:20:00")

    assert reminders(led) == ["13:15:00", "13:45:00", "14:00:00", "14:15:00"]


@pytest.mark.parametrize("by", ["tomas", "mei", "aisha"])
def test_any_update_starts_the_interval_anew(led: Told, by: str) -> None:
    led.until("13:10:30").update(by)

    assert (led.due("update-reminder"), led.due("update-overdue")) == ("13:25:30", "13:40:30")
    led.until("13:26:00")
    assert reminders(led) == ["13:25:30"]


def test_every_interval_has_its_own_overdue(led: Told) -> None:
    led.until("13:40:00").update()
    led.until("14:40:00")

    assert overdue(led) == ["13:30:00", "14:10:00"]


@pytest.mark.parametrize("at", ["13:15:00", "13:30:00"])
def test_an_update_at_the_very_instant_comes_first(led: Told, at: str) -> None:
    led.until(at).update()

    assert reminders(led) == (["13:15:00"] if at == "13:30:00" else [])
    assert overdue(led) == []


def test_after_an_hour_asleep_one_reminder_says_how_many_were_missed_and_one_breach(led: Told) -> None:
    led.sleep(hours=1)

    assert [(e.count, e.missed) for e in led.events(ev.UpdateReminded)] == [(4, 3)]
    assert [(f"{e.due:%H:%M}", f"{e.at:%H:%M}") for e in led.events(ev.UpdateOverdue)] == [("13:30", "14:00")]
    led.until("14:16:00")
    assert reminders(led) == ["14:00:00", "14:15:00"]


def test_never_two_reminders_within_five_minutes(led: Told) -> None:
    led.sleep(minutes=74)  # woken one minute before the next one would come
    led.until("14:40:00")

    assert reminders(led) == ["14:14:00", "14:19:00", "14:30:00"]


@given(st.lists(st.integers(1, 90 * 60), min_size=1, max_size=12))
def test_however_time_passes_there_is_one_overdue_and_reminders_stay_apart(naps: list[int]) -> None:
    told = Told()
    told.declare("mei").ack()
    for seconds in naps:
        told.sleep(seconds=seconds)

    said = told.events(ev.UpdateReminded)
    gaps = [b.at - a.at for a, b in pairwise(said)]
    assert all(gap >= timedelta(minutes=5) for gap in gaps)
    assert len(told.events(ev.UpdateOverdue)) == int(sum(naps) >= 30 * 60)
    assert len(said) <= sum(naps) // (15 * 60)


def test_asked_at_mitigation_and_reminded_until_resolved(led: Told) -> None:
    led.until("13:10:00").mitigate()
    assert led.told("update-ask") == [("13:10:00", "tomas")]
    led.until("13:20:00")
    assert reminders(led) == ["13:15:00"]

    led.resolve().wait(hours=5)
    assert reminders(led) == ["13:15:00"]
    assert overdue(led) == []


def test_without_comms_the_ic_is_asked_without_an_ic_whoever_answered(told: Told) -> None:
    told.declare("tomas").ack("jonas")
    told.until("13:16:00")

    assert told.told("update-reminder") == [("13:15:00", "jonas")]


def test_a_level_without_a_cadence_asks_for_nothing(told: Told) -> None:
    told.declare("mei", "SEV3").ack().wait(days=2)

    assert reminders(told) == []
    assert overdue(told) == []


def test_a_single_number_is_overdue_then_and_reminds_on() -> None:
    told = Told(acme(severities=changed(SEV1, update=every(None, 30))))
    told.declare("mei").ack()
    told.until("14:01:00")

    assert overdue(told) == ["13:30:00"]
    assert reminders(told) == ["14:00:00"]


def test_after_lowering_the_reminders_follow_the_cadence_of_the_new_level() -> None:
    told = Told(acme(severities=changed(SEV2, update=every(60, 120))))
    told.declare("mei").ack()
    told.until("14:05:00").severity("SEV2")
    told.until("16:01:00")

    assert reminders(told)[-2:] == ["15:00:00", "16:00:00"], "not after as many hours as there were reminders"


@pytest.mark.parametrize("empty", ["impact", "eta", "next_steps"])
def test_an_update_holds_impact_eta_and_next_steps(led: Told, empty: str) -> None:
    said = {"impact": "sign-in", "eta": "unknown", "next_steps": "roll back", empty: " "}

    with pytest.raises(Refused, match=empty):
        led.do(comms.post_update, by="tomas", **said)


def test_an_update_belongs_to_a_declared_incident(told: Told) -> None:
    told.alert()

    with pytest.raises(Refused, match="is triage"):
        told.update()
