"""Combinations in which a call could get lost, or reach somebody twice in one instant."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from domain.test_escalation_policies import step, with_policy
from domain.told import MINUTE, REF, Told, acme
from tocsin.domain import answering, lifecycle, merging
from tocsin.domain import events as ev
from tocsin.domain.incident import Paging
from tocsin.domain.people import Method, Rule


def called(told: Told) -> list[tuple[str, str]]:
    """Every page that was ever asked for, whatever became of it."""
    return [(f"{e.at:%H:%M:%S}", e.person) for e in told.events(ev.PageRequested)]


# --- one call in one instant (S1) -------------------------------------------------------------------------


def test_whoever_is_called_in_this_instant_is_not_called_again_because_a_later_step_has_an_ic() -> None:
    several = with_policy(step("person:jonas person:tomas"), step("person:jonas person:mei"))
    told = Told(replace(several, directory=acme().directory))
    told.alert()

    assert called(told) == [("13:00:00", "jonas"), ("13:00:00", "tomas"), ("13:00:00", "mei")]


def test_the_reason_counts_steps_from_one() -> None:
    told = Told(acme(primary="jonas", secondary="mei"))
    told.alert()

    assert [e.why for e in told.events(ev.RungFired)][1] == "nobody before step 2 may be IC"


def test_an_ic_who_has_left_leads_nobody_so_that_another_one_is_called_at_once() -> None:
    told = Told(acme(primary="jonas", secondary="priya"))
    told.declare("mei", "SEV2")
    leave(told, "mei")
    told.until("13:03:00").severity("SEV1", by="jonas")

    assert ("13:03:00", "priya") in told.pages()


# --- everybody has to acknowledge (E9) --------------------------------------------------------------------


def both(*more: str) -> Told:
    steps = (step("person:mei person:priya", ack="all"), *map(step, more))
    told = Told(with_policy(*steps))
    told.alert()
    return told


def test_a_second_press_of_the_same_button_does_not_answer_for_the_others() -> None:
    told = both()
    told.until("13:02:00").ack("mei", "a link in mail").ack("mei", "a link in mail")

    assert told.state.paging is Paging.TRIGGERED
    assert [p.person for p in told.state.open_pages()] == ["priya"]
    assert len(told.events(ev.AckPartial)) == 1
    assert [e.first for e in told.events(ev.AlsoAcknowledged)] == ["mei"]


def test_what_somebody_acknowledged_before_does_not_keep_her_from_being_called_anew() -> None:
    told = both("person:mei")
    told.until("13:02:00").ack("mei")
    told.until("13:03:00").ack("jonas")
    told.until("13:10:00").do(answering.escalate, by="jonas", reason="I need somebody who knows it")

    assert told.pages()[-1] == ("13:10:00", "mei")
    told.until("13:11:00").ack("priya")
    assert told.state.paging is Paging.ACKED, "her page of before says nothing about this step"


def test_when_the_last_one_waited_for_leaves_it_is_acknowledged_by_whoever_answered() -> None:
    told = both("person:jonas")
    told.until("13:02:00").ack("mei")
    told.until("13:03:00")
    leave(told, "priya")

    assert told.state.paging is Paging.ACKED
    assert [(f"{e.at:%H:%M}", e.by) for e in told.events(ev.Acknowledged)] == [("13:03", "mei")]
    assert told.outcomes() == {1: "acked", 2: "unreachable"}
    assert [e.verdict for e in told.events(ev.ClockEnded)] == ["met"]
    told.wait(minutes=30)
    assert told.pages() == [("13:00:00", "mei"), ("13:00:00", "priya")], "the next step is not called"


def test_when_the_last_one_waited_for_cannot_be_reached_it_is_acknowledged_by_whoever_answered() -> None:
    told = both("person:jonas")
    told.until("13:02:00").ack("mei")
    told.until("13:03:00").unreachable("priya")

    assert told.state.paging is Paging.ACKED
    assert [(f"{e.at:%H:%M}", e.by) for e in told.events(ev.Acknowledged)] == [("13:03", "mei")]
    assert [e.rung for e in told.events(ev.RungFired)] == [0]


def test_while_anybody_is_still_waited_for_one_who_leaves_ends_nothing() -> None:
    told = Told(with_policy(step("person:mei person:priya person:jonas", ack="all")))
    told.alert()
    told.until("13:02:00").ack("mei")
    leave(told, "priya")
    assert told.state.paging is Paging.TRIGGERED

    told.unreachable("jonas")
    assert told.state.acked_by == "mei"


def test_where_everybody_who_acknowledged_a_part_has_left_too_the_steps_go_on() -> None:
    told = both("person:jonas")
    told.until("13:02:00").ack("mei")
    leave(told, "mei")
    leave(told, "priya")

    told.until("13:06:00")

    assert told.state.paging is Paging.TRIGGERED
    assert told.pages()[-1] == ("13:05:00", "jonas")


def test_whoever_has_acknowledged_her_part_and_was_the_only_one_left_is_asked_again_later() -> None:
    told = both()
    told.until("13:02:00").ack("mei")
    leave(told, "priya")
    told.wait(hours=2)

    assert [e.person for e in told.events(ev.AckExpired)] == ["mei"]
    assert told.state.open_pages(), "whoever can still be reached is being called"


# --- called to help (E14) ---------------------------------------------------------------------------------


def test_whoever_comes_to_help_does_not_end_the_silence_for_good() -> None:
    told = Told(acme(primary="mei"))
    told.alert("warning")
    told.until("13:10:00").do(
        answering.snooze, by="mei", until=told.now + timedelta(hours=10), reason="after the release"
    )
    told.do(answering.ask_responders, by="mei", people=("priya",), reason="have a look with me")
    told.until("13:12:00").ack("priya")

    assert told.state.paging is Paging.SNOOZED
    assert [e.person for e in told.events(ev.ResponderJoined)] == ["priya"]
    assert told.due("snooze-end") == "23:10:00"


def test_a_helper_out_of_reach_does_not_hurry_what_was_reassigned() -> None:
    told = Told(with_policy(step("person:mei")))
    told.alert()
    told.ack("mei").do(answering.reassign, by="mei", people=("tomas",), reason="yours")
    told.do(answering.ask_responders, by="mei", people=("priya",), reason="help")
    told.unreachable("priya")

    assert told.pages() == [("13:00:00", "mei"), ("13:00:00", "tomas")]


# --- acknowledged, and then everybody left (E10) ----------------------------------------------------------


def leave(told: Told, person: str) -> None:
    """From now on she is not active any more."""
    people = dict(told.context.directory.people)
    people[person] = replace(people[person], inactive_from=told.now)
    told.context = replace(told.context, directory=replace(told.context.directory, people=people))
    told.advance()


def test_when_whoever_leads_has_left_people_are_called_anew() -> None:
    told = Told(acme())
    told.declare("mei", "SEV1").ack("mei")
    told.wait(minutes=90)
    assert told.state.paging is Paging.ACKED, "somebody leads it"
    leave(told, "mei")
    told.wait(minutes=61)

    assert [e.person for e in told.events(ev.AckExpired)] == ["mei"]
    assert told.state.paging is Paging.TRIGGERED
    assert told.state.open_pages()


# --- merged (design rule 21) ------------------------------------------------------------------------------


def merged(parent: Told, child: Told) -> list[ev.Event]:
    gone = replace(child.state, ref="INC-2026-0002")
    assert parent.state.ref == REF
    return parent.do(merging.absorbed, by="tomas", child=gone)


def test_a_silence_that_came_after_an_ack_does_not_swallow_what_is_merged_into_it() -> None:
    parent, child = Told(acme()), Told(acme())
    parent.alert()
    parent.until("13:05:00").ack("mei").do(
        answering.snooze, by="mei", until=parent.now + timedelta(days=6), reason="known"
    )
    child.until("13:20:00").alert()
    parent.until("13:21:00")
    merged(parent, child)

    assert parent.state.paging is Paging.TRIGGERED
    assert parent.pages()[-1] == ("13:21:00", "mei")


def test_a_call_by_hand_that_is_merged_calls_on_where_the_ack_is_older() -> None:
    parent, child = Told(acme()), Told(acme())
    parent.alert()
    parent.until("13:05:00").ack("mei")
    child.until("13:20:00").open(
        lifecycle.open_triage(
            lifecycle.Opening(REF, "pinned", "Look", "SEV1", "person", "tomas", audience=("person:priya",)),
            child.context,
            child.now,
        )
    )
    parent.until("13:21:00")
    merged(parent, child)

    assert parent.state.paging is Paging.TRIGGERED


# --- very many people -------------------------------------------------------------------------------------


def test_a_step_of_hundreds_of_people_with_many_ways_settles_after_a_pause() -> None:
    context = acme()
    mei = context.directory.people["mei"]
    ways = tuple(Method(f"way{n}", "somebody") for n in range(4))
    rules = tuple(Rule(way.channel, n * MINUTE) for n, way in enumerate(ways))
    crowd = {f"p{n}": replace(mei, handle=f"p{n}", high=rules) for n in range(200)}
    everybody = replace(context.directory, people=crowd, methods=dict.fromkeys(crowd, ways))
    told = Told(replace(with_policy(step("role:ic", 60)), directory=everybody))
    told.alert()
    told.sleep(minutes=10)

    assert len(told.events(ev.WayTried)) == 3 * 200
