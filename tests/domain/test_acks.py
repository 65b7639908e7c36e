"""Answers: who has to acknowledge, what comes back, silence, help, and what happens in the same instant."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.test_escalation_policies import step, with_policy
from domain.told import DAY, REF, Told, acme
from tocsin.domain import answering, lifecycle, response, trial
from tocsin.domain import events as ev
from tocsin.domain.context import Refused
from tocsin.domain.effects import BY_LINK, Send
from tocsin.domain.incident import ASKED, Paging, Stage
from tocsin.domain.people import Method, Rule
from tocsin.engine.numbers import PREFIXES


def times(events: list[ev.AckReminded] | list[ev.AckExpired]) -> list[str]:
    return [f"{e.at:%H:%M:%S}" for e in events]


# --- everybody of a step (E9) -----------------------------------------------------------------------------


def both(**said: str) -> Told:
    told = Told(with_policy(step("person:mei person:priya", 10, ack="all"), step("person:jonas"), **said))
    told.alert()
    return told


def test_where_everybody_has_to_acknowledge_one_ack_stops_only_her_own_pages() -> None:
    told = both()
    told.until("13:02:00").ack("mei")

    assert [(e.by, e.waiting) for e in told.events(ev.AckPartial)] == [("mei", ("priya",))]
    assert told.outcomes() == {1: "acked"}
    assert told.state.paging is Paging.TRIGGERED
    told.until("13:11:00")
    assert told.pages()[-1] == ("13:10:00", "jonas"), "the time of the step runs on"


def test_it_is_acknowledged_when_the_last_of_them_has() -> None:
    told = both()
    told.until("13:02:00").ack("mei")
    told.until("13:03:00").ack("priya").wait(minutes=50)

    assert [(f"{e.at:%H:%M}", e.by) for e in told.events(ev.Acknowledged)] == [("13:03", "priya")]
    assert told.pages() == [("13:00:00", "mei"), ("13:00:00", "priya")]


def test_who_cannot_be_reached_or_has_left_is_not_waited_for() -> None:
    lost, left = both(), both()
    lost.unreachable("priya")
    people = {h: p for h, p in left.context.directory.people.items() if h != "priya"}
    left.context = replace(left.context, directory=replace(left.context.directory, people=people))
    for told in (lost, left):
        told.until("13:02:00").ack("mei")
        assert told.state.paging is Paging.ACKED


def test_whoever_was_not_called_by_that_step_takes_it_all() -> None:
    told = both()
    told.until("13:02:00").ack("aisha")

    assert told.state.paging is Paging.ACKED


def test_whoever_has_acknowledged_her_part_is_not_called_again_by_a_repeat() -> None:
    told = Told(with_policy(step("person:mei person:priya", 10, ack="all"), repeat=1))
    told.alert()
    told.until("13:02:00").ack("mei")
    told.until("13:11:00")

    assert told.pages()[2:] == [("13:10:00", "priya")]


def test_an_ack_says_how_long_after_the_call_it_came(told: Told) -> None:
    told.alert()
    told.until("13:02:10").ack("mei")

    assert [e.after_s for e in told.events(ev.Acknowledged)] == [130]


def link_words(told: Told) -> list[tuple[str, str]]:
    return [(e.person, e.lane) for _, e in told.effects if isinstance(e, Send) and e.about == "link-used"]


def test_a_part_that_was_acknowledged_by_a_link_is_told_by_another_channel_too() -> None:
    told = both()
    told.until("13:02:00").ack("mei", f"{BY_LINK}mail")

    assert [e.via for e in told.events(ev.AckPartial)] == [f"{BY_LINK}mail"]
    assert link_words(told) == [("mei", "text")]


# --- it comes back (E10), taken back (E13) ----------------------------------------------------------------


def test_acknowledged_and_forgotten_she_is_asked_after_48_minutes_and_after_an_hour_all_are_called_anew() -> (
    None
):
    told = Told(with_policy(step("person:priya", 10)))
    told.alert()
    told.until("13:02:00").ack("jonas")
    told.until("14:03:00")

    assert times(told.events(ev.AckReminded)) == ["13:50:00"]
    assert told.told("ack-reminder") == [("13:50:00", "jonas")]
    assert times(told.events(ev.AckExpired)) == ["14:02:00"]
    assert told.pages()[1:] == [("14:02:00", "priya"), ("14:02:00", "jonas")], "the acker is called too"
    assert told.verdicts("ack")[0][1] == "met"


def test_one_tap_says_that_she_is_still_on_it(told: Told) -> None:
    told.alert()
    told.until("13:02:00").ack("mei")
    told.until("13:55:00").do(answering.renew_ack, by="mei")

    assert told.due("ack-timeout") == "14:55:00"
    assert told.due("ack-reminder") == "14:43:00"


def test_whatever_somebody_at_work_does_renews_it_and_what_a_bystander_says_does_not(told: Told) -> None:
    told.alert()
    told.until("13:02:00").ack("mei")
    told.until("13:20:00").do(response.note, by="ingrid", text="any news?", happened=None)
    assert told.due("ack-timeout") == "14:02:00"
    told.do(response.note, by="mei", text="looking at the logs", happened=None)
    assert told.due("ack-timeout") == "14:20:00"
    with pytest.raises(Refused, match="does not work on"):
        told.do(answering.renew_ack, by="ingrid")


def test_once_it_is_declared_and_somebody_leads_nothing_comes_back(told: Told) -> None:
    told.alert()
    told.until("13:02:00").ack("mei").declare("mei")

    assert told.due("ack-timeout") is None
    assert told.due("ack-reminder") is None
    with pytest.raises(Refused, match="does not come back"):
        told.do(answering.renew_ack, by="mei")


def test_low_urgency_does_not_come_back(told: Told) -> None:
    told.alert("warning")
    told.until("13:02:00").ack("mei")

    assert told.due("ack-timeout") is None


def test_after_a_week_the_administrators_are_reminded_daily_instead() -> None:
    told = Told(with_policy(step("person:mei", 10), ack_timeout_s=3600))
    told.alert()
    told.wait(days=6, hours=23)
    told.ack("mei").wait(days=2, hours=2)

    assert {e.person for e in told.events(ev.AckReminded) if e.at - DAY > timedelta(days=7)} == {"henrik"}
    assert not [e for e in told.events(ev.AckExpired) if e.at - DAY > timedelta(days=7)]


def test_an_administrator_who_has_left_is_not_reminded() -> None:
    told = Told(with_policy(step("person:mei", 10), ack_timeout_s=3600))
    people = dict(told.context.directory.people)
    people["tomas"] = replace(people["tomas"], standing="admin")
    people["henrik"] = replace(people["henrik"], inactive_from=DAY + timedelta(days=2))
    told.context = replace(told.context, directory=replace(told.context.directory, people=people))
    told.alert()
    told.wait(days=6, hours=23)
    told.ack("mei").wait(days=2, hours=2)

    assert {e.person for e in told.events(ev.AckReminded) if e.at - DAY > timedelta(days=7)} == {"tomas"}


def test_who_is_asked_late_has_the_time_to_answer_that_was_promised(told: Told) -> None:
    """Nobody looked at the clock from 13:10 to 16:00."""
    told.alert()
    told.until("13:02:00").ack("mei")
    told.until("13:10:00").sleep(hours=2, minutes=50)

    assert [(f"{e.at:%H:%M}", f"{e.due:%H:%M}") for e in told.events(ev.AckReminded)] == [("16:00", "16:12")]
    told.until("16:11:59")
    assert not told.events(ev.AckExpired)
    told.until("16:13:00")
    assert times(told.events(ev.AckExpired)) == ["16:12:00"]


def test_who_is_asked_late_and_answers_keeps_it(told: Told) -> None:
    told.alert()
    told.until("13:02:00").ack("mei")
    told.until("13:10:00").sleep(hours=2, minutes=50)
    told.until("16:05:00").do(answering.renew_ack, by="mei")

    assert told.due("ack-timeout") == "17:05:00"


def test_the_time_to_answer_is_a_fifth_of_a_short_timeout_and_at_most_twelve_minutes() -> None:
    for seconds, until in ((10 * 60, "16:02"), (90 * 60, "16:12")):
        told = Told(with_policy(step("person:mei", 10), ack_timeout_s=seconds))
        told.alert()
        told.until("13:02:00").ack("mei")
        told.until("13:03:00").sleep(hours=2, minutes=57)

        assert [f"{e.due:%H:%M}" for e in told.events(ev.AckReminded)] == [until]
        assert not told.events(ev.AckExpired)


def test_an_ack_taken_back_calls_people_from_the_first_step_and_frees_the_seat(told: Told) -> None:
    told.alert()
    told.until("13:02:00").ack("priya")
    assert told.state.holder("ic") == "priya"
    told.until("13:10:00").do(answering.unack, by="priya", reason="on a train")

    assert told.pages()[-1] == ("13:10:00", "mei")
    assert told.state.holder("ic") is None
    with pytest.raises(Refused, match="nobody has acknowledged"):
        told.do(answering.unack, by="priya", reason="again")


def test_the_ic_who_takes_her_ack_back_leads_no_more_and_the_next_ack_can_be_forgotten_again(
    told: Told,
) -> None:
    told.declare("mei")
    told.ack("mei")
    assert told.state.holder("ic") == "mei"
    told.until("13:10:00").do(answering.unack, by="mei", reason="on a train")
    assert told.state.holder("ic") is None
    told.ack("tomas")

    assert told.due("ack-timeout") == "14:10:00"


def test_reassigned_those_people_are_called_and_the_steps_begin_when_they_do_not_answer() -> None:
    told = Told(with_policy(step("person:mei", 10), step("person:priya", 10)))
    told.alert()
    told.until("13:02:00").ack("mei")
    told.until("13:20:00").do(answering.reassign, by="mei", people=("jonas",), reason="knows it")
    told.until("13:41:00")

    assert told.pages()[1:] == [("13:20:00", "jonas"), ("13:30:00", "mei"), ("13:40:00", "priya")]


# --- silence (E11) ----------------------------------------------------------------------------------------


def snoozed(told: Told, until: str, by: str = "mei") -> Told:
    told.do(answering.snooze, by=by, until=told.instant(until), reason="the supplier works on it")
    return told


def test_silenced_nobody_is_called_and_at_the_end_it_is_as_if_it_were_new(told: Told) -> None:
    told.alert()
    snoozed(told.until("13:06:00"), "14:00:00").until("14:06:00")

    assert told.pages()[2:] == [("14:00:00", "mei"), ("14:05:00", "priya")]
    assert told.outcomes() == {1: "stopped", 2: "stopped"}
    assert [e.why for e in told.events(ev.SnoozeEnded)] == [""]


def test_a_new_silence_replaces_the_one_before_also_with_an_earlier_end(told: Told) -> None:
    told.alert()
    snoozed(told.until("13:06:00"), "16:00:00")
    snoozed(told.until("13:10:00"), "13:30:00").until("13:31:00")

    assert told.pages()[-1] == ("13:30:00", "mei")
    assert len(told.events(ev.SnoozeEnded)) == 1


def test_an_ack_ends_a_silence_for_good(told: Told) -> None:
    told.alert()
    snoozed(told.until("13:06:00"), "13:30:00")
    told.until("13:10:00").ack("mei").wait(minutes=45)

    assert not told.events(ev.SnoozeEnded)
    assert told.state.paging is Paging.ACKED


def test_a_severity_raised_ends_a_silence(told: Told) -> None:
    told.alert("error")
    snoozed(told.until("13:06:00"), "16:00:00")
    told.until("13:10:00").severity("SEV1", by="tomas")

    assert [e.why for e in told.events(ev.SnoozeEnded)] == ["severity raised"]
    assert told.pages()[-1] == ("13:10:00", "mei")


@pytest.mark.parametrize("until", ["12:00:00", "8d 13:00:00"])
def test_a_silence_ends_in_the_next_seven_days(told: Told, until: str) -> None:
    told.alert()
    with pytest.raises(Refused):
        snoozed(told, until)


# --- further people (E14) ---------------------------------------------------------------------------------


def test_somebody_asked_to_help_is_called_at_once_and_touches_no_step(told: Told) -> None:
    told.alert()
    told.until("13:02:00").ack("mei")
    told.do(answering.ask_responders, by="mei", people=("@jonas",), reason="knows the queue")

    assert told.pages()[-1] == ("13:02:00", "jonas")
    assert told.state.paging is Paging.ACKED
    told.until("13:04:00").ack("jonas")
    assert [e.person for e in told.events(ev.ResponderJoined)] == ["jonas"]
    assert told.state.acked_by == "mei"
    with pytest.raises(Refused, match="there already"):
        told.do(answering.ask_responders, by="mei", people=("jonas",), reason="again")


def test_whoever_is_asked_while_nobody_has_it_takes_it_by_answering(told: Told) -> None:
    told.alert()
    told.do(answering.ask_responders, by="tomas", people=("jonas",), reason="knows the queue")
    told.until("13:01:00").ack("jonas")

    assert [e.by for e in told.events(ev.Acknowledged)] == ["jonas"]
    assert [e.person for e in told.events(ev.ResponderJoined)] == ["jonas"]


def test_somebody_else_s_ack_does_not_call_off_who_was_asked_and_she_is_called_again(told: Told) -> None:
    told.alert()
    told.do(answering.ask_responders, by="tomas", people=("jonas",), reason="knows the queue")
    told.until("13:01:00").ack("mei").wait(minutes=31)

    assert [(at, who) for at, who in told.pages() if who == "jonas"] == [
        ("13:00:00", "jonas"),
        ("13:30:00", "jonas"),
    ]
    told.resolve("mei") if told.state.stage.declared else told.do(lifecycle.dismiss, by="mei", reason="none")
    assert not told.state.open_pages()


def test_asking_an_unknown_name_is_an_error(told: Told) -> None:
    told.alert()
    with pytest.raises(Refused, match="nobody is known"):
        told.do(answering.ask_responders, by="mei", people=("jonsa",), reason="typo")


def test_a_step_that_is_out_of_reach_hurries_although_somebody_asked_still_rings(told: Told) -> None:
    told.alert()
    told.do(answering.ask_responders, by="tomas", people=("jonas",), reason="knows the queue")
    told.until("13:01:00").unreachable("mei")

    assert told.pages()[-1] == ("13:01:00", "priya")
    assert [p.person for p in told.state.open_pages() if p.rung == ASKED] == ["jonas"]


# --- the same instant (E17) -------------------------------------------------------------------------------


def test_an_ack_at_the_instant_at_which_the_ack_timeout_is_over_wins(told: Told) -> None:
    told.alert()
    told.until("13:02:00").ack("mei")
    told.until("14:02:00").do(answering.renew_ack, by="mei")

    assert not told.events(ev.AckExpired)


def test_both_answer_in_the_instant_in_which_a_step_is_due(told: Told) -> None:
    told.alert()
    told.until("13:05:00").ack("mei").ack("priya").wait(minutes=30)

    assert told.pages() == [("13:00:00", "mei")]
    assert [e.first for e in told.events(ev.AlsoAcknowledged)] == ["mei"]


# --- test pages -------------------------------------------------------------------------------------------


def called_to_try() -> Told:
    told = Told(acme())
    found = trial.open_test(
        told.context, told.now, ref="TEST-2026-0001", policy="pinned", by="henrik", person="mei"
    )
    return told.open(found)


def test_a_test_page_calls_one_person_with_high_urgency_and_starts_no_clock() -> None:
    told = called_to_try()
    told.wait(minutes=9)

    assert told.pages() == [("13:00:00", "mei")]
    assert told.state.clocks == ()
    assert told.state.first_page_at is None
    assert PREFIXES[trial.KIND] == "TEST"


def test_a_test_page_uses_every_way_at_once_whatever_her_rules_say_and_also_what_was_switched_off() -> None:
    context = acme()
    people = dict(context.directory.people)
    people["mei"] = replace(people["mei"], high=(Rule("text", 300),))
    old = Method("pager", "mei's pager")
    rules = replace(context.directory, people=people, disabled={"mei": (old,)})
    opened = trial.open_test(
        replace(context, directory=rules), DAY, ref=REF, policy="p", by="mei", person="mei"
    )

    assert [(e.channels, e.waits) for e in opened if isinstance(e, ev.PageRequested)] == [
        (("mail", "text", "pager"), ())
    ]


def test_an_ack_answers_the_test_and_ends_it() -> None:
    told = called_to_try()
    told.until("13:00:40").ack("mei").wait(hours=1)

    assert [e.outcome for e in told.events(ev.Tested)] == ["answered"]
    assert told.state.stage is Stage.DISMISSED
    assert told.outcomes() == {1: "acked"}


def test_only_she_can_answer_her_test() -> None:
    told = called_to_try()
    with pytest.raises(Refused, match="test page to mei"):
        told.ack("priya")


def test_after_ten_minutes_the_test_has_run_out() -> None:
    told = called_to_try()
    told.wait(minutes=10)

    assert [(f"{e.at:%H:%M}", e.outcome) for e in told.events(ev.Tested)] == [("13:10", "ran out")]
    assert told.outcomes() == {1: "expired"}


def test_when_no_way_works_the_test_says_so_at_once() -> None:
    told = called_to_try()
    told.until("13:00:05").unreachable("mei")

    assert [e.outcome for e in told.events(ev.Tested)] == ["unreachable"]
    assert told.state.stage is Stage.DISMISSED


def test_a_test_is_no_incident_that_could_be_declared_or_led() -> None:
    told = called_to_try()
    for attempt in (
        lambda: told.declare("mei"),
        lambda: told.severity("SEV1"),
        lambda: told.do(response.take_seat, by="mei", role="ic"),
        lambda: told.do(answering.snooze, by="mei", until=told.instant("14:00"), reason="later"),
        lambda: told.do(answering.escalate, by="mei", reason="later"),
    ):
        with pytest.raises(Refused):
            attempt()


def test_somebody_without_any_way_cannot_be_tested() -> None:
    context = acme(without=("mei",))
    with pytest.raises(Refused, match="no way to reach"):
        trial.open_test(context, DAY, ref=REF, policy="p", by="henrik", person="mei")
