"""Escalation policies of a block: delays from the real firing, repeats, fallback, turns, people called by hand."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from domain.told import DAY, MINUTE, REF, Told, acme, directory
from tocsin.domain import answering, escalation, lifecycle
from tocsin.domain import events as ev
from tocsin.domain.context import Context, Refused
from tocsin.domain.incident import Paging
from tocsin.domain.oncall.rota import Rota
from tocsin.domain.policy import Escalation, MonitoredService, Rung
from tocsin.domain.source import BUILT_IN

EVERYBODY = tuple(acme().directory.people)


def step(targets: str, minutes: int = 5, **said: Any) -> Rung:
    """A step by its targets, and how long it waits."""
    return Rung(0, tuple(targets.split()), BUILT_IN, delay_s=minutes * MINUTE, **said)


def policy(*steps: Rung, fallback: str = "", name: str = "default", **said: Any) -> Escalation:
    return Escalation(name, steps, BUILT_IN, fallback=tuple(fallback.split()), **said)


def with_policy(*steps: Rung, fallback: str = "", without: tuple[str, ...] = (), **said: Any) -> Context:
    """The example handbook with this escalation policy instead of its sentence. Nobody may lead, so that no step is
    called for that alone."""
    context = acme(escalations=(policy(*steps, fallback=fallback, **said),), ladder=(), without=without)
    plain = {h: replace(p, can_act_as=()) for h, p in context.directory.people.items()}
    return replace(context, directory=replace(context.directory, people=plain))


def fired(told: Told) -> list[tuple[str, int]]:
    return [(f"{e.at:%H:%M}", e.rung) for e in told.events(ev.RungFired)]


# --- delays (E2), repeats and the end (E6) ----------------------------------------------------------------


def test_a_delay_counts_from_the_real_firing_and_not_from_when_it_should_have_been() -> None:
    told = Told(with_policy(step("person:mei", 5), step("person:priya", 10), step("person:jonas", 5)))
    told.alert()
    told.sleep(minutes=8)  # nobody looks at the clock: the second step fires three minutes late
    told.wait(minutes=11)

    assert fired(told) == [("13:00", 0), ("13:08", 1), ("13:18", 2)]
    assert [e.late_s for e in told.events(ev.RungFired)] == [0, 3 * MINUTE, 0]


def test_after_an_hour_of_silence_one_step_fires_and_the_next_keeps_its_delay() -> None:
    told = Told(with_policy(step("person:mei", 5), step("person:priya", 5), step("person:jonas", 5)))
    told.alert()
    told.sleep(hours=1)

    assert told.pages() == [("13:00:00", "mei"), ("14:00:00", "priya")]


def test_who_comes_next_is_whoever_is_really_called_then() -> None:
    """An empty step is passed at once; when nobody is left, the last resort is who comes."""
    told = Told(
        with_policy(
            step("person:mei", 5), step("person:jonas", 5), step("person:priya", 5), without=("jonas",)
        )
    )
    told.alert()
    coming = escalation.coming(told.state, told.context)
    assert coming is not None
    assert (f"{coming.at:%H:%M}", coming.people) == ("13:05", ("priya",))
    told.until("13:06:00")
    assert told.pages()[-1] == ("13:05:00", "priya")

    alone = Told(with_policy(step("person:jonas", 5), without=("jonas",)))
    alone.alert()
    coming = escalation.coming(alone.state, alone.context)
    assert coming is not None
    assert coming.again
    assert coming.people == tuple(person for _, person in alone.pages())


def test_after_the_last_step_the_pass_is_repeated_as_often_as_said_and_then_the_fallback_is_called_once() -> (
    None
):
    told = Told(with_policy(step("person:mei"), step("person:priya", 10), fallback="person:henrik", repeat=1))
    told.alert()
    told.wait(hours=1)

    assert [e.number for e in told.events(ev.PassRepeated)] == [1]
    calls = [("13:00:00", "mei"), ("13:05:00", "priya"), ("13:15:00", "mei"), ("13:20:00", "priya")]
    assert told.pages() == [*calls, ("13:30:00", "henrik"), ("14:00:00", "priya")]
    assert [(f"{e.at:%H:%M}", e.people) for e in told.events(ev.LadderExhausted)] == [("13:30", ("priya",))]


def test_a_fallback_that_is_the_last_audience_anyway_is_not_called_twice() -> None:
    told = Told(with_policy(step("person:mei"), step("person:henrik"), fallback="person:henrik"))
    told.alert()
    told.wait(minutes=34)

    assert not told.events(ev.FallbackCalled)
    assert told.pages() == [("13:00:00", "mei"), ("13:05:00", "henrik")]


def test_reminders_come_as_often_as_the_policy_says_and_never_stop_by_themselves() -> None:
    told = Told(with_policy(step("person:mei"), remind_every_s=10 * MINUTE))
    told.alert()
    told.wait(days=2)

    calls = [at for at, who in told.pages() if who == "mei"]
    assert len(calls) == 2 * 24 * 6 + 1


def test_after_a_day_the_administrators_hear_it_too_once_a_day() -> None:
    told = Told(with_policy(step("person:mei")))
    told.alert()
    told.wait(days=3)

    assert [e.at.day for e in told.events(ev.PageRequested) if e.person == "henrik"] == [21, 22, 23]


# --- empty steps, dead ends (E4, E5; lessons 1 and 2) -----------------------------------------------------


def test_lesson_2_an_empty_step_does_not_wait_out_its_delay() -> None:
    told = Told(with_policy(step("person:gone", 60), step("person:priya")))
    told.alert()

    assert told.pages() == [("13:00:00", "priya")]
    assert [(e.rung, e.why) for e in told.events(ev.RungEmpty)] == [(0, "gone is not known")]


def test_a_step_that_is_told_to_wait_waits_even_when_it_is_empty() -> None:
    told = Told(with_policy(step("person:gone", 7, skip_if_empty=False), step("person:priya")))
    told.alert()
    told.wait(minutes=8)

    assert told.pages() == [("13:07:00", "priya")]


def test_a_step_that_is_told_to_wait_does_not_when_no_step_means_anybody() -> None:
    told = Told(with_policy(step("person:gone", 7, skip_if_empty=False), fallback="person:mei"))
    told.alert()

    assert told.pages() == [("13:00:00", "mei")]


def test_lesson_1_nobody_on_call_in_the_whole_policy_calls_the_fallback_and_the_incident_exists() -> None:
    context = with_policy(step("schedule:night"), step("oncall:primary"), fallback="person:aisha", repeat=9)
    told = Told(replace(context, rota=Rota()))
    told.alert()

    assert told.pages() == [("13:00:00", "aisha")]
    assert [e.why for e in told.events(ev.RungEmpty)] == [
        "there is no schedule night",
        "there is no schedule primary",
    ]
    assert [e.why for e in told.events(ev.FallbackCalled)] == [escalation.NO_STEP]


def test_lesson_1_without_a_fallback_the_administrators_are_called_and_the_siren_rings() -> None:
    told = Told(with_policy(step("person:gone")))
    told.alert()

    assert told.pages() == [("13:00:00", "henrik")]
    assert told.told("nobody-reachable") == [("13:00:00", "")]


def test_lesson_1_with_nobody_at_all_the_incident_is_created_and_the_siren_goes_on() -> None:
    told = Told(with_policy(step("person:gone"), without=EVERYBODY))
    told.alert()
    told.wait(hours=1)

    assert [f"{e.at:%H:%M}" for e in told.events(ev.NobodyReachable)] == ["13:00", "13:30", "14:00"]


def test_whoever_comes_on_call_after_a_dead_end_is_reminded_instead_of_the_fallback() -> None:
    context = with_policy(step("oncall:primary"), fallback="person:aisha")
    told = Told(replace(context, rota=Rota()))
    told.alert()
    told.context = context
    told.wait(minutes=31)

    assert told.pages() == [("13:00:00", "aisha"), ("13:30:00", "mei")]


def test_somebody_who_is_not_active_counts_as_not_there_and_it_is_said_who() -> None:
    context = with_policy(step("person:mei"), step("person:priya"))
    people = {**context.directory.people}
    people["mei"] = replace(people["mei"], inactive_from=DAY)
    told = Told(replace(context, directory=replace(context.directory, people=people)))
    told.alert()

    assert told.pages() == [("13:00:00", "priya")]
    assert [e.why for e in told.events(ev.RungEmpty)] == ["mei is not active"]


# --- which policy holds (E3) ------------------------------------------------------------------------------


def opening(**said: Any) -> lifecycle.Opening:
    return lifecycle.Opening(REF, "pinned", "Queue stands still", "SEV1", "alert", **said)


def test_a_route_s_choice_goes_before_the_service_s_and_that_before_the_default_one() -> None:
    named = (policy(step("person:mei")), policy(step("person:priya"), name="queues"))
    named += (policy(step("person:jonas"), name="night"),)
    service = MonitoredService("Queue", BUILT_IN, escalation="queues")
    context = acme(escalations=named, services=(service,), ladder=())
    context = replace(context, directory=with_policy(step("x")).directory)

    def first(**said: Any) -> str:
        told = Told(context)
        told.open(lifecycle.open_triage(opening(**said), context, DAY))
        return told.pages()[0][1]

    assert [first(), first(service="queue"), first(service="queue", escalation="night")] == [
        "mei",
        "priya",
        "jonas",
    ]


def test_a_policy_that_the_handbook_does_not_know_is_no_reason_to_call_nobody() -> None:
    context = with_policy(step("person:mei"))
    told = Told(context)
    told.open(lifecycle.open_triage(opening(escalation="gone"), context, DAY))

    assert told.pages() == [("13:00:00", "mei")]


def test_earlier_pages_go_on_unless_the_policy_ends_them() -> None:
    goes_on, ends = (
        Told(with_policy(step("person:mei"), step("person:priya"), stop_earlier=stop))
        for stop in (False, True)
    )
    for told in (goes_on, ends):
        told.alert()
        told.wait(minutes=6)

    assert goes_on.outcomes() == {}
    assert ends.outcomes() == {1: "superseded"}


# --- round robin (E15) ------------------------------------------------------------------------------------


def turns(context: Context, times: int) -> list[str]:
    """Whom so many incidents call first, one after the other, with the cursor kept between them."""
    found = []
    for _ in range(times):
        told = Told(context)
        told.alert()
        found.append(told.pages()[0][1])
        chosen = told.events(ev.RoundRobinChosen)[0]
        key = escalation.cursor_key(chosen.escalation, chosen.rung)
        context = replace(context, cursors={key: chosen.position + 1})
    return found


def test_everybody_has_a_turn_and_each_the_same_number_of_them() -> None:
    context = with_policy(step("person:mei person:priya person:jonas", mode="round_robin"))

    assert turns(context, 3) == ["mei", "priya", "jonas"]
    assert set(Counter(turns(context, 12)).values()) == {4}


def test_a_target_that_means_nobody_is_passed_over() -> None:
    context = with_policy(step("person:mei person:gone person:jonas", mode="round_robin"))

    assert turns(context, 4) == ["mei", "jonas", "mei", "jonas"]


def test_one_incident_asks_nobody_twice_while_others_have_not_been_asked() -> None:
    robin = step("person:mei person:priya person:jonas", mode="round_robin")
    told = Told(with_policy(robin, repeat=3))
    told.alert()
    told.context = replace(
        told.context, cursors={escalation.cursor_key("default", 0): 0}
    )  # others had their turn
    told.wait(minutes=16)

    assert [who for _, who in told.pages()] == ["mei", "priya", "jonas", "mei"]


def may_lead(*steps: Rung) -> Context:
    """These steps with the people of the example: Mei, Priya and Henrik may be IC."""
    return replace(with_policy(*steps), directory=acme().directory)


def test_whether_anybody_called_may_be_ic_is_asked_of_whoever_has_the_turn() -> None:
    told = Told(may_lead(step("person:jonas person:mei", mode="round_robin"), step("person:priya")))
    told.alert()

    assert told.pages() == [("13:00:00", "jonas"), ("13:00:00", "priya")]


def test_a_later_step_whose_turn_is_with_nobody_who_may_be_ic_is_not_called_for_that() -> None:
    robin = step("person:tomas person:mei", mode="round_robin")
    told = Told(may_lead(step("person:jonas"), robin, step("person:priya")))
    told.alert()

    assert told.pages() == [("13:00:00", "jonas"), ("13:00:00", "priya")]
    assert not told.events(ev.RoundRobinChosen)


# --- called by hand ---------------------------------------------------------------------------------------


def test_called_by_hand_exactly_those_are_called_and_the_fallback_is_that_of_the_policy() -> None:
    context = with_policy(step("person:mei", 10), fallback="person:henrik")
    told = Told(context)
    by_hand = opening(by="tomas", audience=("person:priya", "oncall:secondary", "person:aisha"))
    told.open(lifecycle.open_triage(by_hand, context, DAY))
    told.wait(minutes=11)

    both = [("13:00:00", "priya"), ("13:00:00", "aisha")]
    assert told.pages() == [*both, ("13:10:00", "henrik")]


@pytest.mark.parametrize("target", ["person:nobody", "schedule:nowhere", "role:king", "mei"])
def test_called_by_hand_a_name_that_means_nobody_is_an_error(target: str) -> None:
    context = with_policy(step("person:mei"))
    with pytest.raises(Refused):
        lifecycle.open_triage(opening(audience=(target,)), context, DAY)


def test_a_person_has_the_next_step_called_at_once_and_behind_the_last_one_the_first() -> None:
    told = Told(with_policy(step("person:mei", 10), step("person:priya", 10)))
    told.alert()
    told.until("13:01:00").do(answering.escalate, by="mei", reason="needs the database people")
    told.until("13:02:00").do(answering.escalate, by="mei", reason="nobody there")

    assert told.pages() == [("13:00:00", "mei"), ("13:01:00", "priya"), ("13:02:00", "mei")]
    assert not told.events(ev.PassRepeated), "wrapping uses up no repeat"
    told.wait(minutes=11)
    assert told.pages()[-1] == ("13:12:00", "priya"), "the delay counts from the call by hand (E2)"


def test_escalating_what_was_acknowledged_calls_people_again(told: Told) -> None:
    told.alert()
    told.until("13:02:00").ack("mei")
    told.until("13:40:00").do(answering.escalate, by="mei", reason="it is bigger than me")

    assert told.state.paging is Paging.TRIGGERED
    assert told.pages()[-1] == ("13:40:00", "priya")
    told.until("13:44:59")
    assert told.pages()[-1] == ("13:40:00", "priya"), "the sentence's instants from the first page are over"
    told.until("13:46:00")
    assert told.pages()[-1] == ("13:45:00", "henrik")


def test_passing_on_ends_her_page_and_does_not_call_her_again() -> None:
    told = Told(with_policy(step("person:mei", 10), step("person:mei person:priya", 10)))
    told.alert()
    told.until("13:01:00").do(answering.pass_on, by="mei", reason="on a train")

    assert told.outcomes() == {1: "superseded"}
    assert told.pages() == [("13:00:00", "mei"), ("13:01:00", "priya")]


def test_passing_on_goes_to_the_next_step_that_means_somebody_else() -> None:
    told = Told(with_policy(*map(step, ("person:mei", "person:mei", "person:priya", "person:mei"))))
    told.alert()
    told.until("13:01:00").do(answering.pass_on, by="mei", reason="on a train")

    assert told.pages() == [("13:00:00", "mei"), ("13:01:00", "priya")]
    assert [e.rung for e in told.events(ev.Escalated)] == [2]
    told.until("13:07:00")
    assert told.pages()[-1] == ("13:06:00", "mei"), "from there the steps go on"


def test_passing_on_what_only_means_her_calls_the_fallback_without_her() -> None:
    told = Told(with_policy(step("person:mei"), fallback="person:mei person:henrik"))
    told.alert()
    told.until("13:01:00").do(answering.pass_on, by="mei", reason="on a train")

    assert told.pages() == [("13:00:00", "mei"), ("13:01:00", "henrik")]
    assert told.outcomes() == {1: "superseded"}


def test_passing_on_where_nobody_else_can_be_called_is_refused_and_her_page_goes_on() -> None:
    told = Told(with_policy(step("person:mei"), step("person:priya"), fallback="role:ic", without=("priya",)))
    told.alert()
    with pytest.raises(Refused, match="nobody else") as refused:
        told.until("13:01:00").do(answering.pass_on, by="mei", reason="on a train")

    assert "ask" in refused.value.possible
    assert [p.person for p in told.state.open_pages()] == ["mei"]


def test_passing_on_to_people_in_turn_passes_over_her_own_turn() -> None:
    robin = step("person:mei person:priya", mode="round_robin")
    told = Told(with_policy(step("person:mei"), robin))
    told.alert()
    told.until("13:01:00").do(answering.pass_on, by="mei", reason="on a train")

    assert told.pages()[1:] == [("13:01:00", "priya")]


def test_whoever_is_not_called_has_nothing_to_pass_on() -> None:
    told = Told(with_policy(step("person:mei")))
    told.alert()
    with pytest.raises(Refused, match="not being called"):
        told.do(answering.pass_on, by="priya", reason="no")


def test_nobody_on_the_directory_leaves_the_incident_and_the_siren() -> None:
    told = Told(replace(with_policy(step("person:mei")), directory=directory(people=())))
    told.alert()

    assert told.events(ev.NobodyReachable)
    assert told.state.paging is Paging.TRIGGERED


def test_when_whoever_has_the_turn_is_out_of_reach_nobody_of_an_earlier_turn_keeps_the_next_step_waiting() -> (
    None
):
    robin = step("person:mei person:priya", 10, mode="round_robin")
    told = Told(with_policy(robin, step("person:jonas", 10), repeat=1))
    told.alert()
    told.until("13:21:00").unreachable("priya")

    assert told.pages() == [
        ("13:00:00", "mei"),
        ("13:10:00", "jonas"),
        ("13:20:00", "priya"),
        ("13:21:00", "jonas"),
    ]
