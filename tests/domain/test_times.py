"""The seven timestamps: what can be corrected, what it does to the promises, and what is refused with which words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.told import DAY, Told
from tocsin.domain import clocks, lifecycle, postmortem, times
from tocsin.domain import events as ev
from tocsin.domain.context import Refused
from tocsin.domain.incident import TIMES


def correct(told: Told, name: str, clock: str, because: str = "the graph shows it", **more: Any) -> Told:
    told.do(times.correct, by="mei", name=name, at=told.instant(clock), reason=because, **more)
    return told


def refusal(told: Told, name: str, clock: str, because: str = "the graph", **more: Any) -> Refused:
    before = told.state
    with pytest.raises(Refused) as refused:
        correct(told, name, clock, because, **more)
    assert told.state == before
    return refused.value


def judged(told: Told) -> list[tuple[str, str, str]]:
    return [(e.clock, e.old, e.verdict) for e in told.events(ev.ClockRejudged)]


@pytest.fixture
def outage(told: Told) -> Told:
    """Alert 13:03:30, acknowledged 13:06:10, declared 13:06:40, mitigated 13:36, resolved 13:50; now 14:00."""
    told.until("13:03:30").alert()
    told.until("13:06:10").ack().until("13:06:40").declare("mei")
    return told.until("13:36:00").mitigate().until("13:50:00").resolve().until("14:00:00")


# --- what a correction does ------------------------------------------------------------------------------


def test_the_old_value_stays_to_be_seen_with_who_and_why(outage: Told) -> None:
    correct(outage, "mitigated", "13:30:00")

    (corrected,) = outage.events(ev.TimeCorrected)
    assert (corrected.by, corrected.name, corrected.reason) == ("mei", "mitigated", "the graph shows it")
    assert (corrected.old, corrected.new) == (outage.instant("13:36:00"), outage.instant("13:30:00"))
    assert outage.state.mitigated_at == outage.instant("13:30:00")


def test_mitigated_earlier_than_it_was_entered_keeps_the_promise(outage: Told) -> None:
    assert outage.verdicts("mitigate") == [("SEV1", "missed")]
    correct(outage, "mitigated", "13:30:00")

    assert judged(outage) == [("mitigate", "missed", "met")]
    (said,) = outage.events(ev.ClockRejudged)
    assert (said.took_s, said.due) == (26 * 60 + 30, outage.instant("13:33:30"))


def test_detected_earlier_moves_both_promises(outage: Told) -> None:
    correct(outage, "mitigated", "13:30:00")
    correct(outage, "detected", "12:58:00")

    assert judged(outage) == [("mitigate", "missed", "met"), ("mitigate", "met", "missed")]
    assert {c.start for c in outage.state.clocks if c.name != "ack"} == {outage.instant("12:58:00")}


def test_detected_earlier_while_it_runs_moves_what_is_due(told: Told) -> None:
    told.until("13:10:00").declare("mei").ack().until("13:20:00")
    correct(told, "detected", "13:00:00")

    assert (told.due("mitigate"), told.due("resolve")) == ("13:30:00", "15:00:00")
    assert not judged(told)


def test_detected_so_early_that_the_limit_has_passed_breaks_the_promise_and_the_ic_is_told(
    told: Told,
) -> None:
    told.until("13:10:00").declare("mei").ack().until("13:20:00")
    correct(told, "detected", "12:45:00")

    assert told.breaches() == [("mitigate", "SEV1", "13:15:00")]
    assert told.told("breach") == [("13:20:00", "mei")]


def test_a_promise_that_was_not_broken_after_all_runs_on_and_can_still_be_broken(told: Told) -> None:
    told.alert()
    told.until("13:20:00").declare("mei").ack().until("13:35:00")
    correct(told, "detected", "13:15:00")
    assert judged(told) == [("mitigate", "breached", "running")]
    assert told.due("mitigate") == "13:45:00"

    told.until("13:50:00").mitigate()
    broken = [breach for breach in told.breaches() if breach[0] == "mitigate"]
    assert broken == [("mitigate", "SEV1", "13:30:00"), ("mitigate", "SEV1", "13:45:00")]


def test_a_level_that_held_once_is_broken_though_a_milder_one_holds_now(told: Told) -> None:
    told.declare("mei").ack().until("13:20:00").severity("SEV2").until("13:25:00")
    correct(told, "detected", "12:40:00")

    assert judged(told) == [("mitigate", "running", "breached")]
    assert told.state.clock("mitigate").level == "SEV1"  # type: ignore[union-attr]


def test_the_ack_is_judged_by_when_somebody_took_it(told: Told) -> None:
    told.alert()
    told.until("13:07:00").ack()
    correct(told, "acked", "13:04:00", "she called back first and clicked later")

    assert judged(told) == [("ack", "missed", "met")]
    assert told.state.acked_by == "mei"


def test_nobody_answers_before_being_called(told: Told) -> None:
    told.until("13:10:00").declare("tomas", detected="13:00:00").until("13:11:00").ack()
    refused = refusal(told, "acked", "13:09:59")

    assert "acked (2026-01-20 13:09:59 UTC) would lie before the first page" in refused.reason
    assert "from 2026-01-20 13:10:00 UTC on" in refused.possible
    correct(told, "acked", "13:10:00")
    assert told.state.acked_at == told.instant("13:10:00")


def test_called_again_it_is_answered_after_that_call(told: Told) -> None:
    told.declare("mei", "SEV2").ack().until("13:10:00").severity("SEV1").until("13:13:00").ack("priya")

    assert "before the first page" in refusal(told, "acked", "13:09:00").reason
    correct(told, "acked", "13:12:00")


def test_a_page_within_a_second_was_answered_in_it(told: Told) -> None:
    told.now += timedelta(milliseconds=500)
    told.declare("tomas", detected="12:59:00").until("13:01:00").ack()
    correct(told, "acked", "13:00:00")

    assert told.verdicts("ack") == [("SEV1", "met")]


def test_an_earlier_ack_keeps_its_verdict_when_people_were_called_again(told: Told) -> None:
    told.declare("mei", "SEV2").ack().until("13:10:00").severity("SEV1").until("13:13:00").ack("priya")
    told.until("13:30:00")
    correct(told, "acked", "13:20:00", "she took it later")

    assert [(c.level, c.verdict) for c in told.state.clocks if c.name == "ack"] == [
        ("SEV2", "met"),
        ("SEV1", "missed"),
    ]


def test_an_ack_can_be_corrected_while_people_are_called_again(told: Told) -> None:
    told.alert()
    told.until("13:07:00").ack().until("13:50:00").alert(key="other")
    correct(told, "acked", "13:04:00")

    assert judged(told) == [("ack", "missed", "met")]
    assert told.due("ack") == "13:55:00"


def test_what_resolve_ended_moves_with_it(told: Told) -> None:
    told.declare("mei").ack().until("13:40:00").resolve().until("15:00:00")
    correct(told, "resolved", "13:29:00")

    assert judged(told) == [("mitigate", "missed", "met")]
    assert told.state.resolved_at == told.instant("13:29:00")


def test_the_postmortem_is_due_from_when_it_was_resolved(outage: Told) -> None:
    correct(outage, "resolved", "13:40:00")

    assert postmortem.due_at(outage.state, outage.context) == outage.instant("2d 13:40")


def test_a_declare_by_a_person_is_the_detection_too_unless_that_is_known(told: Told) -> None:
    told.until("13:10:00").declare("mei").ack().until("13:20:00")
    correct(told, "declared", "13:05:00", "by telephone")

    assert told.state.detected_at == told.instant("13:05:00")
    assert told.due("mitigate") == "13:35:00"
    assert told.due("update-overdue") == "13:35:00", "updates run from the declare"


def test_an_impact_may_be_given_for_the_first_time_and_judges_nothing(outage: Told) -> None:
    correct(outage, "impact_start", "13:02:10")
    correct(outage, "impact_end", "13:14:20")

    assert (outage.state.impact_start, outage.state.impact_end) == (
        outage.instant("13:02:10"),
        outage.instant("13:14:20"),
    )
    assert outage.events(ev.TimeCorrected)[0].old is None
    assert not judged(outage)


def test_closed_incidents_are_corrected_too(outage: Told) -> None:
    outage._take([ev.Closed(outage.now, "mei")])
    correct(outage, "mitigated", "13:30:00")

    assert judged(outage) == [("mitigate", "missed", "met")]


@pytest.mark.parametrize("name", TIMES)
def test_every_one_of_the_seven_can_be_corrected(outage: Told, name: str) -> None:
    outage._take([ev.TimeCorrected(outage.now, "mei", "impact_end", None, DAY, ev.Text("x"))])
    near = outage.state.time(name) or DAY
    at = near if name == "impact_start" else near.replace(second=59)
    outage.do(times.correct, by="mei", name=name, at=at, reason="the log")

    assert outage.state.time(name) == at


# --- the end of the impact at resolve --------------------------------------------------------------------


def resolve_with(told: Told, end: str) -> Told:
    points = dict.fromkeys(("confirmed", "impact_ended", "errors_normal"), "yes")
    told.do(lifecycle.resolve, by="mei", impact_end=told.instant(end), **points)
    return told


def test_resolve_may_say_when_the_impact_ended(told: Told) -> None:
    told.declare("mei").ack().until("13:28:00")
    resolve_with(told, "13:14:20")

    assert told.state.impact_end == told.instant("13:14:20")


@pytest.mark.parametrize(("end", "words"), [("13:28:01", "future"), ("12:50:00", "impact_start")])
def test_an_end_of_the_impact_that_cannot_be_is_refused_and_nothing_is_resolved(
    told: Told, end: str, words: str
) -> None:
    told.until("13:10:00").declare("mei").ack()
    correct(told, "impact_start", "13:00:00")
    told.until("13:28:00")

    with pytest.raises(Refused, match=words):
        resolve_with(told, end)
    assert told.state.resolved_at is None


# --- what is refused -------------------------------------------------------------------------------------


def test_a_time_that_nobody_knows_is_refused_with_those_there_are(outage: Told) -> None:
    refused = refusal(outage, "noticed", "13:00:00")

    assert "'noticed'" in refused.reason
    assert all(name in refused.possible for name in TIMES)


def test_a_reason_is_needed(outage: Told) -> None:
    assert "needs a reason" in refusal(outage, "mitigated", "13:30:00", " ").reason


def test_the_future_is_refused(outage: Told) -> None:
    assert "future" in refusal(outage, "resolved", "14:00:01").reason
    correct(outage, "resolved", "14:00:00")


@pytest.mark.parametrize("name", ["acked", "mitigated", "resolved"])
def test_what_has_not_happened_is_not_corrected(told: Told, name: str) -> None:
    told.declare("tomas").until("13:04:00")

    assert f"not been {name} yet" in refusal(told, name, "13:02:00").reason


@pytest.mark.parametrize(
    ("name", "at", "other"),
    [
        ("detected", "13:06:11", "acked"),
        ("detected", "13:06:41", "declared"),
        ("declared", "13:03:29", "detected"),
        ("acked", "13:03:00", "detected"),
        ("mitigated", "13:03:00", "detected"),
        ("mitigated", "13:51:00", "resolved"),
        ("resolved", "13:35:59", "mitigated"),
        ("declared", "13:50:01", "resolved"),
        ("acked", "13:50:01", "resolved"),
        ("impact_end", "13:50:01", "resolved"),
        ("impact_start", "13:50:01", "resolved"),
    ],
)
def test_what_would_reverse_history_is_refused_naming_the_other_time(
    outage: Told, name: str, at: str, other: str
) -> None:
    refused = refusal(outage, name, at)

    assert {name, other} <= set(refused.reason.replace("(", " ").split())
    assert other in refused.possible or name in refused.possible


def test_the_impact_does_not_end_before_it_begins(outage: Told) -> None:
    correct(outage, "impact_end", "13:14:20")

    assert "impact_end" in refusal(outage, "impact_start", "13:14:21").reason
    correct(outage, "impact_start", "13:14:20")


def test_two_people_who_correct_the_same_time_do_not_overwrite_each_other(outage: Told) -> None:
    seen = outage.instant("13:36:00")
    correct(outage, "mitigated", "13:30:00", was=seen)

    refused = refusal(outage, "mitigated", "13:31:00", was=seen)
    assert "13:30:00" in refused.reason
    assert "meanwhile" in refused.reason


def test_the_same_value_is_no_correction(outage: Told) -> None:
    assert "already is" in refusal(outage, "mitigated", "13:36:00").reason


def test_a_dismissed_incident_keeps_its_times(told: Told) -> None:
    told.alert()
    told.do(lifecycle.dismiss, by="mei", reason="the probe")

    assert "reopen" in refusal(told, "detected", "12:59:00").possible


def test_nothing_is_due_for_a_time_that_was_corrected(outage: Told) -> None:
    before = clocks.deadlines(outage.state, outage.context)
    correct(outage, "impact_start", "13:00:00")

    assert clocks.deadlines(outage.state, outage.context) == before
