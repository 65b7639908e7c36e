"""The promises: where each clock starts, when it is broken, who wins a tie, what a change of severity does."""

from __future__ import annotations

import pytest

from domain.told import HOUR, MINUTE, SEV1, Told, acme, changed, target
from tocsin.domain import clocks, lifecycle
from tocsin.domain import events as ev
from tocsin.domain.context import Refused


def within(clock: str, minutes: int) -> Told:
    return Told(acme(severities=changed(SEV1, **{clock: target(minutes * MINUTE, within=True)})))


# --- where a clock starts --------------------------------------------------------------------------------


def test_the_ack_clock_runs_from_the_first_page_in_triage_too(told: Told) -> None:
    told.until("13:03:30").alert()

    assert told.due("ack") == "13:08:30"
    assert told.due("mitigate") is None


def test_a_declare_without_a_page_before_starts_the_ack_clock(told: Told) -> None:
    told.until("13:03:30").declare()

    assert told.due("ack") == "13:08:30"


def test_where_nobody_at_all_can_be_called_a_declare_still_starts_the_ack_clock() -> None:
    told = Told(acme(without=tuple(p for p in acme().directory.people)))
    told.declare()

    assert not told.events(ev.PageRequested)
    assert told.due("ack") == "13:05:00"


def test_declaring_does_not_restart_the_ack_clock_of_the_alert(told: Told) -> None:
    told.alert()
    told.until("13:02:00").declare(level="SEV1")

    assert told.due("ack") == "13:05:00"


def test_mitigate_and_resolve_run_from_the_first_signal_and_count_once_declared(told: Told) -> None:
    told.alert()
    told.until("13:10:00").declare()

    assert told.due("mitigate") == "13:30:00"
    assert told.due("resolve") == "15:00:00"


def test_mitigate_and_resolve_run_from_detection_when_it_was_earlier_than_the_declare(told: Told) -> None:
    told.until("13:10:00").declare(detected="13:05:00")

    assert (told.due("mitigate"), told.due("resolve"), told.due("ack")) == (
        "13:35:00",
        "15:05:00",
        "13:15:00",
    )


def test_a_declare_after_the_limit_says_at_once_that_the_promise_is_broken(told: Told) -> None:
    told.alert()
    told.ack()
    told.until("13:45:00").declare()

    assert told.breaches() == [("mitigate", "SEV1", "13:30:00")]
    assert told.events(ev.ClockBreached)[0].at == told.instant("13:45:00")


def test_detected_in_the_future_is_refused(told: Told) -> None:
    with pytest.raises(Refused, match="detected lies in the future"):
        told.declare(detected="13:01:00")


def test_a_level_without_a_number_has_no_clock(told: Told) -> None:
    told.declare(level="SEV4").wait(days=400)

    assert not told.breaches()
    told.resolve()
    assert [v for clock in ("ack", "mitigate", "resolve") for _, v in told.verdicts(clock)] == ["void"] * 3


# --- at the very instant of the limit --------------------------------------------------------------------


def test_less_than_is_broken_at_the_limit(told: Told) -> None:
    told.alert()
    told.wait(minutes=5)

    assert told.breaches() == [("ack", "SEV1", "13:05:00")]


def test_within_is_kept_at_the_limit_and_broken_just_after_it() -> None:
    told = within("ack", 5)
    told.alert()
    told.wait(minutes=5)
    assert not told.breaches()

    told.wait(microseconds=1)
    assert told.breaches() == [("ack", "SEV1", "13:05:00")]


def test_an_ack_at_the_limit_of_less_than_stops_the_pages_and_is_late_all_the_same(told: Told) -> None:
    told.alert()
    told.until("13:05:00").ack()

    assert told.pages() == [("13:00:00", "mei")], "a person wins the tie against the next step"
    assert told.verdicts("ack") == [("SEV1", "missed")]
    assert told.breaches() == [("ack", "SEV1", "13:05:00")]


def test_an_ack_at_the_limit_of_within_is_in_time() -> None:
    told = within("ack", 5)
    told.alert()
    told.until("13:05:00").ack()

    assert told.pages() == [("13:00:00", "mei")]
    assert told.verdicts("ack") == [("SEV1", "met")]
    assert not told.breaches()


def test_an_ack_a_microsecond_before_the_limit_is_in_time(told: Told) -> None:
    told.alert()
    told.wait(minutes=4, seconds=59, microseconds=999_999)
    told.ack()

    assert told.verdicts("ack") == [("SEV1", "met")]


@pytest.mark.parametrize(("inclusive", "verdict"), [(False, "missed"), (True, "met")])
def test_the_other_clocks_compare_in_the_same_way(inclusive: bool, verdict: str) -> None:
    promise = target(30 * MINUTE, within=inclusive)
    told = Told(acme(severities=changed(SEV1, mitigate=promise, resolve=promise)))
    told.declare("mei").ack()
    told.until("13:30:00").resolve()

    assert told.verdicts("mitigate") == [("SEV1", verdict)]
    assert told.verdicts("resolve") == [("SEV1", verdict)]


def test_a_late_look_at_the_clock_never_hides_a_breach(told: Told) -> None:
    told.alert()
    told.now = told.instant("13:20:00")
    told.ack()

    assert told.breaches() == [("ack", "SEV1", "13:05:00")]
    assert told.verdicts("ack") == [("SEV1", "missed")]


def test_a_breach_is_recorded_once_with_its_limit_and_when_it_was_noticed(told: Told) -> None:
    told.declare("mei").ack()
    told.sleep(hours=1)
    told.wait(hours=5)

    first, *rest = [e for e in told.events(ev.ClockBreached) if e.clock == "mitigate"]
    assert not rest
    assert (first.due, first.at) == (told.instant("13:30:00"), told.instant("14:00:00"))
    assert first.people == ("mei",)


def test_what_was_answered_late_was_missed_by_how_much(told: Told) -> None:
    told.declare("mei").ack()
    told.until("15:09:00").resolve()

    ended = next(e for e in told.events(ev.ClockEnded) if e.clock == "resolve")
    assert (ended.verdict, ended.took_s) == ("missed", 2 * HOUR + 9 * MINUTE)


# --- raising and lowering --------------------------------------------------------------------------------


def test_raising_calls_by_the_new_ladder_from_the_first_step_earlier_ackers_included(told: Told) -> None:
    told.declare("mei", "SEV2").ack()
    told.until("13:10:00").severity("SEV1")
    told.until("13:21:00")

    # Mei, who had acknowledged SEV2, is called again; at 13:20 she and Priya are called anew with every IC
    assert told.pages() == [
        ("13:00:00", "mei"),
        ("13:10:00", "mei"),
        ("13:15:00", "priya"),
        ("13:20:00", "priya"),
        ("13:20:00", "mei"),
        ("13:20:00", "henrik"),
    ]


def test_raising_starts_a_new_ack_clock_from_the_new_page_and_the_old_verdict_stays(told: Told) -> None:
    told.declare("priya", "SEV2")
    told.until("13:05:20").ack("priya")
    told.until("13:17:00").severity("SEV1", by="priya")

    assert told.due("ack") == "13:22:00"
    told.until("13:20:00").ack("priya")
    assert told.verdicts("ack") == [("SEV2", "met"), ("SEV1", "met")]


def test_raising_recomputes_open_clocks_from_detection(told: Told) -> None:
    told.until("13:44:00").declare("aisha", "SEV2", detected="13:41:00")
    told.until("14:01:00").severity("SEV1", by="aisha")

    assert (told.due("mitigate"), told.due("resolve")) == ("14:11:00", "15:41:00")


def test_raising_past_the_new_limit_breaks_the_promise_at_once(told: Told) -> None:
    told.declare("mei", "SEV2").ack()
    told.until("13:40:00").severity("SEV1")

    assert ("mitigate", "SEV1", "13:30:00") in told.breaches()


def test_raising_leaves_finished_clocks_alone(told: Told) -> None:
    told.declare("mei", "SEV2").ack()
    told.until("13:50:00").mitigate()
    told.until("13:55:00").severity("SEV1")

    assert told.verdicts("mitigate") == [("SEV2", "met")]
    assert not [b for b in told.breaches() if b[0] == "mitigate"]


def test_raising_before_anybody_answered_breaks_no_promise_that_nobody_had_made(told: Told) -> None:
    told.alert("warning")
    told.until("13:30:00").severity("SEV1", by="tomas")

    assert not told.breaches(), "SEV3 gave an hour; SEV1's five minutes begin with SEV1's page"
    assert told.verdicts("ack") == [("SEV3", "void")]
    assert told.due("ack") == "13:35:00"


def test_declaring_a_worse_level_than_the_alert_said_is_raising(told: Told) -> None:
    told.alert("warning")
    told.until("13:30:00").declare("tomas", "SEV1")

    assert told.pages()[:2] == [("13:00:00", "mei"), ("13:30:00", "mei")]
    assert told.breaches() == [("mitigate", "SEV1", "13:30:00")]
    assert told.due("ack") == "13:35:00"


def test_declaring_a_worse_level_after_the_ack_calls_again(told: Told) -> None:
    told.alert("warning")
    told.until("13:10:00").ack()
    told.until("13:30:00").declare("mei", "SEV2")

    assert told.pages() == [("13:00:00", "mei"), ("13:30:00", "mei")]
    assert told.due("ack") == "13:45:00"


def test_declaring_the_level_of_the_alert_calls_nobody_again(told: Told) -> None:
    told.alert()
    told.until("13:02:00").ack()
    told.until("13:03:00").declare("mei", "SEV1").wait(hours=3)

    assert told.pages() == [("13:00:00", "mei")]


def test_a_worse_level_declared_at_the_very_instant_of_the_alert_has_an_ack_clock(told: Told) -> None:
    told.alert("warning")
    told.declare("tomas", "SEV1")

    assert told.due("ack") == "13:05:00"


def test_raising_when_the_old_ack_was_already_broken_keeps_it_missed(told: Told) -> None:
    told.alert("error")
    told.until("13:20:00").severity("SEV1", by="tomas")

    assert told.breaches() == [("ack", "SEV2", "13:15:00")]
    assert told.verdicts("ack") == [("SEV2", "missed")]
    assert told.due("ack") == "13:25:00"


def test_raising_at_the_very_limit_of_the_old_ack_does_not_hide_its_breach(told: Told) -> None:
    told.alert("error")
    told.until("13:15:00").severity("SEV1", by="tomas")

    assert told.breaches() == [("ack", "SEV2", "13:15:00")]
    assert told.verdicts("ack") == [("SEV2", "missed")]


def test_lowering_gives_open_clocks_the_longer_limit(told: Told) -> None:
    told.declare("mei").ack()
    told.until("13:20:00").severity("SEV2")

    assert (told.due("mitigate"), told.due("resolve")) == ("14:00:00", "17:00:00")
    assert told.pages() == [("13:00:00", "mei")], "nobody is called because it got better"


def test_lowering_never_heals_a_breach(told: Told) -> None:
    told.declare("mei").ack()
    told.until("13:40:00").severity("SEV2")
    told.until("13:45:00").mitigate()

    assert told.verdicts("mitigate") == [("SEV1", "missed")]
    assert told.breaches() == [("mitigate", "SEV1", "13:30:00")]


def test_lowering_at_the_very_limit_does_not_hide_the_breach(told: Told) -> None:
    told.declare("mei").ack()
    told.until("13:30:00").severity("SEV2")
    told.until("13:45:00").mitigate()

    assert told.breaches() == [("mitigate", "SEV1", "13:30:00")]
    assert told.verdicts("mitigate") == [("SEV1", "missed")]


def test_raising_again_after_lowering_does_not_forget_or_repeat_the_breach(told: Told) -> None:
    told.declare("mei").ack()
    told.until("13:40:00").severity("SEV2")
    told.until("13:50:00").severity("SEV1").ack()
    told.wait(hours=1)

    assert [b for b in told.breaches() if b[0] == "mitigate"] == [("mitigate", "SEV1", "13:30:00")]


def test_lowering_needs_the_ic_and_a_reason_raising_is_open_to_all(told: Told) -> None:
    told.declare("mei", "SEV2").ack()

    with pytest.raises(Refused, match="only the IC"):
        told.severity("SEV3", by="tomas")
    with pytest.raises(Refused, match="needs a reason"):
        told.severity("SEV3", by="mei", reason=" ")
    told.severity("SEV1", by="tomas", reason="")
    assert told.state.level == "SEV1"


def test_the_level_is_found_however_it_is_written(told: Told) -> None:
    told.declare("mei", "sev-2")

    assert told.state.level == "SEV2"
    with pytest.raises(Refused, match="no severity 'SEV9'"):
        told.severity("SEV9")


# --- minutes left ----------------------------------------------------------------------------------------


def test_thirty_and_ten_minutes_before_the_resolve_limit_the_ic_alone_is_told(told: Told) -> None:
    told.declare("mei").ack()
    told.until("16:00:00")

    assert told.told("time-left") == [("14:30:00", "mei"), ("14:50:00", "mei")]


def test_without_an_ic_nobody_is_told_how_many_minutes_are_left(told: Told) -> None:
    told.declare("tomas").ack("jonas").wait(hours=3)

    assert told.told("time-left") == []


def test_minutes_that_had_already_passed_at_the_declare_are_skipped(told: Told) -> None:
    told.until("14:40:00").declare("mei", detected="13:00:00").ack()
    told.until("15:30:00")

    assert told.told("time-left") == [("14:50:00", "mei")]
    assert [e.minutes for e in told.events(ev.TimeLeft)] == [10]


def test_minutes_that_had_already_passed_when_the_severity_was_raised_are_skipped(told: Told) -> None:
    told.declare("mei", "SEV2").ack()
    told.until("14:40:00").severity("SEV1").ack()
    told.until("15:30:00")

    assert [e.minutes for e in told.events(ev.TimeLeft)] == [10]
    assert told.told("time-left") == [("14:50:00", "mei")]


def test_a_notice_that_was_slept_through_is_not_told_late(told: Told) -> None:
    told.until("13:00:00").declare("mei").ack()
    told.until("14:20:00").sleep(minutes=25)

    assert told.told("time-left") == []


def test_no_minutes_are_left_once_it_is_resolved_or_broken(told: Told) -> None:
    told.declare("mei").ack()
    told.until("14:00:00").resolve().wait(hours=3)

    assert told.told("time-left") == []


# --- ends ------------------------------------------------------------------------------------------------


def test_resolving_ends_every_clock_and_nothing_breaks_afterwards(told: Told) -> None:
    told.declare("mei").ack()
    told.until("13:20:00").resolve().wait(days=10)

    assert told.verdicts("mitigate") == [("SEV1", "met")]
    assert told.verdicts("resolve") == [("SEV1", "met")]
    assert not told.breaches()


def test_a_recovered_triage_ends_its_ack_clock_without_a_score(told: Told) -> None:
    told.alert()
    told.until("13:02:00").recovered()

    assert told.verdicts("ack") == [("SEV1", "void")]


@pytest.mark.parametrize("ends", ["recovered", "dismissed"])
def test_an_ack_that_was_already_broken_stays_missed_when_triage_ends(told: Told, ends: str) -> None:
    told.alert()
    told.until("13:20:00")
    if ends == "recovered":
        told.recovered()
    else:
        told.do(lifecycle.dismiss, by="mei", reason="a test of the probe")

    assert told.verdicts("ack") == [("SEV1", "missed")]


def test_deadlines_follow_from_state_and_are_the_same_however_often_they_are_asked_for(told: Told) -> None:
    told.declare("mei")

    assert clocks.deadlines(told.state, told.context) == clocks.deadlines(told.state, told.context)
