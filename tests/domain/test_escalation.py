"""The ladder: who is called when, what empty steps and unreachable people do, and that it never ends by itself."""

from __future__ import annotations

from dataclasses import replace

from domain.told import LADDER, MINUTE, PEOPLE, POLICY, Told, acme, directory, ladder_due, on_call
from tocsin.domain import events as ev
from tocsin.domain import lifecycle, response
from tocsin.domain.oncall.rota import Rota
from tocsin.domain.people import Directory
from tocsin.domain.policy import Rung, built_in_policy
from tocsin.domain.source import BUILT_IN

EVERYBODY = tuple(acme().directory.people)


def ladder(*rungs: tuple[int, str]) -> tuple[Rung, ...]:
    """Steps as (minutes after the first page, targets)."""
    return tuple(Rung(minutes * MINUTE, tuple(targets.split()), BUILT_IN) for minutes, targets in rungs)


# --- the sentence ----------------------------------------------------------------------------------------


def test_all_times_of_the_sentence_count_from_the_first_page(told: Told) -> None:
    told.until("13:03:30").alert()
    told.until("13:30:00")

    assert told.pages() == [
        ("13:03:30", "mei"),
        ("13:08:30", "priya"),
        ("13:13:30", "priya"),
        ("13:13:30", "mei"),
        ("13:13:30", "henrik"),
    ]


def test_the_first_page_is_asked_for_in_the_opening_itself(told: Told) -> None:
    opened = told.alert()

    assert [type(e).__name__ for e in opened] == ["Opened", "Signalled", "RungFired", "PageRequested"]


def test_a_handbook_without_a_ladder_calls_whoever_is_on_call_and_after_five_minutes_every_ic() -> None:
    told = Told(acme(built_in_policy()))
    told.alert()
    told.wait(minutes=29)

    fallback = [("13:05:00", who) for who in ("priya", "mei", "henrik")]
    assert told.pages() == [("13:00:00", "mei"), *fallback]


def test_a_late_look_fires_every_step_that_was_due_and_says_how_late(told: Told) -> None:
    told.alert()
    told.sleep(hours=1)

    late = [(e.rung, e.late_s) for e in told.events(ev.RungFired)]
    assert late == [(0, 0), (1, 55 * MINUTE), (2, 50 * MINUTE)]
    assert told.pages() == [
        ("13:00:00", "mei"),
        ("14:00:00", "priya"),
        ("14:00:00", "mei"),
        ("14:00:00", "henrik"),
    ]


def test_who_is_on_call_is_read_when_the_step_fires(told: Told) -> None:
    told.alert()
    told.context = replace(told.context, rota=on_call("mei", "henrik"))
    told.until("13:06:00")

    assert told.pages() == [("13:00:00", "mei"), ("13:05:00", "henrik")]


def test_each_person_counts_once_within_a_step() -> None:
    told = Told(acme(ladder=ladder((0, "oncall:primary role:ic person:mei"))))
    told.alert()

    assert [who for _, who in told.pages()] == ["mei", "priya", "henrik"]


# --- acknowledged ----------------------------------------------------------------------------------------


def test_an_ack_stops_pages_and_steps_for_good(told: Told) -> None:
    told.alert()
    told.until("13:06:00").ack("priya").declare("priya").wait(days=30)

    assert told.pages() == [("13:00:00", "mei"), ("13:05:00", "priya")]
    assert told.outcomes() == {1: "stopped", 2: "acked"}


def test_whoever_acknowledges_at_the_very_instant_of_a_step_wins(told: Told) -> None:
    told.alert()
    told.until("13:05:00").ack().wait(minutes=59)

    assert told.pages() == [("13:00:00", "mei")]


def test_a_second_ack_is_kept_says_who_was_first_and_changes_nothing_but_who_is_there(told: Told) -> None:
    told.alert()
    told.until("13:02:00").ack("mei")
    before = told.state
    told.until("13:02:01").ack("priya")

    second = told.events(ev.AlsoAcknowledged)
    assert [(e.by, e.first) for e in second] == [("priya", "mei")]
    assert told.state.room.joined == ("mei", "priya")
    assert told.state.watch.since == told.now, "whoever comes is a sign of life (E10)"
    assert replace(told.state, version=before.version, room=before.room, watch=before.watch) == before


def test_a_stranger_may_acknowledge_and_it_is_said_that_she_is_one(told: Told) -> None:
    told.alert()
    told.until("13:02:00").ack("ingrid").wait(minutes=59)

    assert [(e.by, e.stranger) for e in told.events(ev.Acknowledged)] == [("ingrid", True)]
    assert told.state.holder("ic") is None
    assert told.pages() == [("13:00:00", "mei")]


def test_somebody_nobody_ever_heard_of_may_acknowledge_too(told: Told) -> None:
    told.alert()
    told.ack("a-contractor")

    assert [e.stranger for e in told.events(ev.Acknowledged)] == [True]


# --- an IC at once ---------------------------------------------------------------------------------------


def test_sev1_without_an_ic_on_the_first_step_calls_the_first_later_step_that_has_one_too() -> None:
    told = Told(acme(primary="jonas", secondary="mei"))
    told.until("16:34:00").declare("tomas", "SEV1")

    assert told.pages() == [("16:34:00", "jonas"), ("16:34:00", "mei")]


def test_the_steps_in_between_keep_their_times() -> None:
    told = Told(acme(primary="jonas", secondary="tomas"))
    told.alert()
    told.until("13:09:00")

    at_once = [("13:00:00", who) for who in ("jonas", "priya", "mei", "henrik")]
    assert told.pages() == [*at_once, ("13:05:00", "tomas")]


def test_sev3_without_an_ic_calls_the_first_step_only() -> None:
    told = Told(acme(primary="jonas", secondary="mei"))
    told.alert("warning")

    assert told.pages() == [("13:00:00", "jonas")]


def test_no_ic_is_called_in_addition_when_the_seat_is_taken_already() -> None:
    told = Told(acme(primary="jonas", secondary="mei"))
    told.declare("priya", "SEV1")

    assert told.pages() == [("13:00:00", "jonas")]


def test_an_ic_who_cannot_be_reached_is_no_ic_on_the_step() -> None:
    told = Told(acme(primary="jonas", secondary="mei", without=("mei",)))
    told.alert()

    assert ("13:00:00", "priya") in told.pages(), "Mei has no contact method, so somebody else who may be IC"
    assert ("13:00:00", "henrik") in told.pages()


# --- empty steps and people out of reach -----------------------------------------------------------------


def test_an_empty_step_is_recorded_and_the_next_fires_in_the_same_instant() -> None:
    told = Told(acme(ladder=ladder((0, "person:gone"), (5, "oncall:secondary"), (10, "role:ic"))))
    told.alert()

    assert [(e.rung, e.why) for e in told.events(ev.RungEmpty)] == [(0, "gone is not known")]
    assert told.pages() == [("13:00:00", "priya")]
    assert ladder_due(told) == "13:10:00"


def test_an_empty_first_step_does_not_keep_the_second_waiting_because_an_ic_is_called() -> None:
    told = Told(
        acme(secondary="jonas", ladder=ladder((0, "person:gone"), (5, "oncall:secondary"), (10, "role:ic")))
    )
    told.alert()

    assert {who for _, who in told.pages()} == {"jonas", "mei", "priya", "henrik"}
    assert {at for at, _ in told.pages()} == {"13:00:00"}


def test_an_empty_step_on_the_way_pulls_the_next_one_forward_to_its_own_time() -> None:
    told = Told(acme(secondary=None))
    told.alert()
    told.until("13:09:00")

    assert {at for at, _ in told.pages()} == {"13:00:00", "13:05:00"}
    assert {who for _, who in told.pages()} == {"mei", "priya", "henrik"}


def test_people_without_any_method_make_a_step_empty_and_say_who() -> None:
    told = Told(acme(without=("mei",)))
    told.alert()

    assert [e.why for e in told.events(ev.RungEmpty)] == ["no way to reach mei"]
    assert told.pages() == [("13:00:00", "priya")]


def test_somebody_without_a_method_does_not_make_the_others_of_the_step_look_lost() -> None:
    told = Told(acme(without=("priya",), ladder=ladder((0, "role:ic"))))  # priya comes first in the roster
    told.alert()
    told.wait(minutes=29)

    assert told.pages() == [("13:00:00", "mei"), ("13:00:00", "henrik")]
    assert not told.events(ev.NobodyReachable), "Mei and Henrik can still answer"


def test_when_everybody_on_a_step_is_out_of_reach_the_next_fires_at_once_and_is_not_called_late(
    told: Told,
) -> None:
    told.alert()
    told.until("13:01:00").unreachable("mei")

    assert told.pages() == [("13:00:00", "mei"), ("13:01:00", "priya")]
    assert [(e.rung, e.late_s) for e in told.events(ev.RungFired)] == [(0, 0), (1, 0)]
    assert told.outcomes() == {1: "unreachable"}


def test_one_failed_channel_of_two_is_not_out_of_reach(told: Told) -> None:
    told.alert()
    told.do(response.page_failed, page=1, person="mei", channel="mail", reason="bounced")

    assert told.outcomes() == {}
    assert told.pages() == [("13:00:00", "mei")]


def test_a_later_step_out_of_reach_pulls_the_next_forward_although_an_earlier_one_still_rings(
    told: Told,
) -> None:
    told.alert()
    told.until("13:06:00").unreachable("priya")

    assert told.pages()[2:] == [("13:06:00", who) for who in ("priya", "mei", "henrik")]


def test_a_failure_of_an_earlier_step_after_the_next_has_fired_hurries_nothing(told: Told) -> None:
    told.alert()
    told.until("13:06:00").unreachable("mei")

    assert told.pages() == [("13:00:00", "mei"), ("13:05:00", "priya")]
    assert ladder_due(told) == "13:10:00"


def test_a_person_reached_a_second_time_is_called_afresh_and_her_first_page_ends(told: Told) -> None:
    told.alert()
    told.until("13:11:00")

    assert told.outcomes() == {1: "superseded", 2: "superseded"}
    assert sorted(p.person for p in told.state.open_pages()) == ["henrik", "mei", "priya"]


# --- nobody ----------------------------------------------------------------------------------------------


def test_a_rotation_without_anybody_calls_every_ic() -> None:
    told = Told(replace(acme(), rota=Rota()))
    told.alert()

    assert told.pages() == [("13:00:00", "priya"), ("13:00:00", "mei"), ("13:00:00", "henrik")]


def test_a_dead_end_calls_the_last_resort_at_once_and_rings_the_siren() -> None:
    told = Told(acme(without=("priya", "mei", "henrik")))
    told.alert()

    assert [e.people for e in told.events(ev.NobodyReachable)] == [("jonas", "tomas", "aisha", "ingrid")]
    assert told.pages() == [("13:00:00", who) for who in ("jonas", "tomas", "aisha", "ingrid")]
    assert told.told("nobody-reachable") == [("13:00:00", "")]


def test_the_last_resort_begins_with_the_administrators() -> None:
    nobody_leads = tuple(replace(p, can_act_as=()) for p in PEOPLE)
    told = Told(replace(acme(ladder=ladder((0, "person:gone"))), directory=directory(people=nobody_leads)))
    told.alert()

    assert [e.people for e in told.events(ev.NobodyReachable)] == [("henrik",)]


def test_with_nobody_reachable_at_all_the_incident_exists_and_the_siren_never_stops() -> None:
    told = Told(acme(without=EVERYBODY))
    told.alert()
    told.until("14:31:00")

    assert [f"{e.at:%H:%M}" for e in told.events(ev.NobodyReachable)] == ["13:00", "13:30", "14:00", "14:30"]
    assert told.breaches() == [], "there was no page, so there is no ack clock"


def test_nobody_known_at_all() -> None:
    told = Told(replace(acme(), directory=Directory(), rota=Rota()))
    told.alert()
    told.wait(hours=1)

    assert len(told.events(ev.NobodyReachable)) == 3


def test_people_known_to_be_out_of_reach_are_not_the_last_resort_while_there_are_others(told: Told) -> None:
    told.alert()
    for person in ("mei", "priya", "mei", "priya", "henrik"):
        if any(p.person == person for p in told.state.open_pages()):
            told.unreachable(person)

    resort = told.events(ev.NobodyReachable)
    assert [e.people for e in resort] == [("jonas", "tomas", "aisha", "ingrid")]


def test_the_ladder_is_climbed_again_when_the_severity_is_raised_after_a_dead_end() -> None:
    context = acme()
    told = Told(replace(context, directory=directory(without=("mei", "priya", "henrik"))))
    told.alert("warning")
    told.ack("jonas")
    told.context = context
    told.until("13:30:00").severity("SEV1", by="jonas")
    told.until("13:41:00")

    assert ("13:30:00", "mei") in told.pages()
    assert ("13:35:00", "priya") in told.pages()
    assert ("13:40:00", "henrik") in told.pages()


# --- it never ends by itself -----------------------------------------------------------------------------


def test_exhausted_the_last_audience_is_called_again_every_thirty_minutes(told: Told) -> None:
    told.alert()
    told.until("14:41:00")

    again = [at for at, who in told.pages() if who == "henrik"]
    assert again == ["13:10:00", "13:40:00", "14:10:00", "14:40:00"]


def test_calling_again_goes_on_for_days_and_ends_with_the_ack(told: Told) -> None:
    told.alert()
    told.wait(days=3)
    told.until("3d 13:15").ack("mei").declare("mei")
    called = len(told.pages())
    told.wait(days=3)

    assert called > 3 * 48
    assert len(told.pages()) == called
    assert not told.state.open_pages()


def test_an_empty_last_step_is_exhaustion_at_once_and_no_dead_end() -> None:
    told = Told(acme(secondary=None, ladder=LADDER[:2]))
    told.alert()
    told.until("13:34:00")

    fallback = [("13:05:00", who) for who in ("priya", "mei", "henrik")]
    assert told.pages() == [("13:00:00", "mei"), *fallback]
    assert [f"{e.at:%H:%M}" for e in told.events(ev.LadderExhausted)] == ["13:05"]
    assert not told.events(ev.NobodyReachable), "Mei is being called; the siren would cry wolf"


def test_with_an_empty_last_step_the_last_step_that_meant_somebody_is_called_again() -> None:
    told = Told(acme(secondary=None, ladder=LADDER[:2]))
    told.alert()
    told.until("14:06:00")

    assert told.pages()[4:] == [("13:35:00", "mei"), ("14:05:00", "mei")]


def test_when_the_last_one_who_could_answer_drops_out_the_last_resort_is_called_at_once() -> None:
    told = Told(acme(secondary=None, ladder=LADDER[:2], without=("priya", "henrik")))
    told.alert()
    told.until("13:20:00").unreachable("mei")

    assert [f"{e.at:%H:%M:%S}" for e in told.events(ev.NobodyReachable)] == ["13:20:00"]


def test_the_last_audience_is_not_one_that_is_known_to_be_out_of_reach() -> None:
    told = Told(acme(ladder=LADDER[:2]))
    told.alert()
    told.until("13:06:00").unreachable("priya")
    told.until("13:37:00")

    at_once = [("13:06:00", "mei"), ("13:06:00", "henrik")]
    assert told.pages() == [("13:00:00", "mei"), ("13:05:00", "priya"), *at_once, ("13:36:00", "mei")]
    assert not told.events(ev.NobodyReachable)


# --- low urgency -----------------------------------------------------------------------------------------


def test_low_urgency_calls_the_first_step_only_and_reminds(told: Told) -> None:
    told.alert("warning")
    told.until("21:01:00")

    assert told.pages() == [("13:00:00", "mei"), ("17:00:00", "mei"), ("21:00:00", "mei")]
    assert {e.urgent for e in told.events(ev.PageRequested)} == {False}


def test_low_urgency_goes_to_the_first_step_that_means_somebody() -> None:
    told = Told(acme(without=("mei",)))
    told.alert("info")
    told.until("16:00:00")

    assert told.pages() == [("13:00:00", "priya")]


def test_lowered_to_low_urgency_the_ladder_is_not_climbed_any_further(told: Told) -> None:
    told.alert()
    told.until("13:02:00").severity("SEV3", by="tomas")
    told.until("16:00:00")

    assert told.pages() == [("13:00:00", "mei")]


# --- over ------------------------------------------------------------------------------------------------


def test_when_it_is_over_every_page_has_an_outcome_and_nobody_is_called(told: Told) -> None:
    told.declare("mei")
    told.until("13:07:00").resolve("priya").wait(days=1)

    assert told.pages() == [("13:00:00", "mei"), ("13:05:00", "priya")]
    assert told.outcomes() == {1: "stopped", 2: "acked"}


def test_dismissed_nobody_is_called_any_more(told: Told) -> None:
    told.alert()
    told.until("13:02:00").do(lifecycle.dismiss, by="tomas", reason="a test of the probe")
    told.wait(days=1)

    assert told.pages() == [("13:00:00", "mei")]
    assert told.outcomes() == {1: "stopped"}


def test_a_page_that_reports_late_is_kept_and_revives_nothing(told: Told) -> None:
    told.alert()
    told.until("13:01:00").ack()
    for channel in ("mail", "text"):
        told.do(response.page_failed, page=1, person="mei", channel=channel, reason="bounced")
    told.do(response.page_sent, page=1, person="mei", channel="mail", receipt="r1")
    told.wait(minutes=50)

    assert told.outcomes() == {1: "acked"}
    assert told.pages() == [("13:00:00", "mei")]


def test_the_same_failure_told_twice_ends_the_page_once(told: Told) -> None:
    told.alert()
    for channel in ("mail", "text", "mail", "text"):
        told.do(response.page_failed, page=1, person="mei", channel=channel, reason="bounced")

    assert [e.page for e in told.events(ev.PageEnded)] == [1]


def test_a_step_of_a_policy_without_people_keeps_the_rest_of_the_ladder() -> None:
    context = acme(POLICY, ladder=ladder((0, "oncall:night"), (5, "oncall:primary")))
    told = Told(context)
    told.alert()

    assert told.pages() == [("13:00:00", "mei")]
