"""How one person is called: her rules in time, ways that fail or keep silent, quiet hours, shadows, people who go."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from domain.test_escalation_policies import step, with_policy
from domain.told import DAY, MINUTE, Told
from tocsin.domain import events as ev
from tocsin.domain import response
from tocsin.domain.context import Context
from tocsin.domain.effects import Send
from tocsin.domain.oncall.rota import Rota
from tocsin.domain.people import Method, Quiet, Rule
from tocsin.domain.schedules import Layer, Schedule, Shift

METHODS = (
    Method("mail", "m@acme.example", "email"),
    Method("push", "mei", "ntfy"),
    Method("text", "+46", "sms"),
)
LADDER_OF_RULES = (Rule("mail", 0), Rule("push", 2 * MINUTE), Rule("text", 5 * MINUTE))


def people(context: Context, **changes: dict[str, Any]) -> Context:
    """Changes to persons by handle; everybody has mail, push and text."""
    known = {h: replace(p, **changes.get(h, {})) for h, p in context.directory.people.items()}
    return replace(
        context, directory=replace(context.directory, people=known, methods=dict.fromkeys(known, METHODS))
    )


def one_step(**changes: dict[str, Any]) -> Context:
    return people(with_policy(step("person:mei", 30), step("person:priya", 30)), **changes)


def sends(told: Told) -> list[tuple[str, str, str]]:
    """(time, person, channel) of everything that went out as a page."""
    return [
        (f"{at:%H:%M:%S}", e.person, e.lane)
        for at, e in told.effects
        if isinstance(e, Send) and e.about == "page"
    ]


def took(told: Told, channel: str, page: int = 1, person: str = "mei") -> None:
    told.do(response.page_sent, page=page, person=person, channel=channel, receipt="r")


def failed(told: Told, channel: str, page: int = 1, person: str = "mei") -> None:
    told.do(response.page_failed, page=page, person=person, channel=channel, reason="no such address")


# --- rules (N1, N2, N8) -----------------------------------------------------------------------------------


def test_her_rules_are_used_each_at_its_time_after_the_page() -> None:
    told = Told(one_step(mei={"high": LADDER_OF_RULES}))
    told.alert()
    took(told, "mail")
    told.until("13:02:00").wait(seconds=1)
    took(told, "push")
    told.until("13:06:00")

    assert sends(told) == [
        ("13:00:00", "mei", "mail"),
        ("13:02:00", "mei", "push"),
        ("13:05:00", "mei", "text"),
    ]


def test_a_rule_whose_method_she_does_not_have_gives_its_time_to_the_next() -> None:
    rules = (Rule("pager", 0), Rule("push", 5 * MINUTE), Rule("fax", 6 * MINUTE), Rule("text", 9 * MINUTE))
    told = Told(one_step(mei={"high": rules}))
    told.alert()
    took(told, "push")
    told.until("13:07:00")

    assert sends(told) == [("13:00:00", "mei", "push"), ("13:06:00", "mei", "text")]


def test_when_all_ways_of_her_rules_have_failed_her_other_ways_are_tried_before_she_is_given_up() -> None:
    told = Told(one_step(mei={"high": (Rule("mail", 0),)}))
    told.alert()
    failed(told, "mail")
    failed(told, "push")

    assert sends(told) == [("13:00:00", "mei", way) for way in ("mail", "push", "text")]
    assert not told.events(ev.PageEnded)
    failed(told, "text")
    assert [(e.person, e.outcome) for e in told.events(ev.PageEnded)] == [("mei", "unreachable")]
    assert told.pages()[-1] == ("13:00:00", "priya")


def test_an_answer_ends_the_rules_that_are_still_to_come() -> None:
    told = Told(one_step(mei={"high": LADDER_OF_RULES}))
    told.alert()
    took(told, "mail")
    told.until("13:01:00").ack().wait(minutes=30)

    assert sends(told) == [("13:00:00", "mei", "mail")]


def test_lesson_5_without_rules_for_that_urgency_every_method_is_used_and_nobody_is_skipped() -> None:
    told = Told(one_step(mei={"low": (Rule("mail", 0),)}))
    told.alert()
    for channel in ("mail", "push"):
        took(told, channel)
    told.until("13:02:00")

    assert sends(told) == [
        ("13:00:00", "mei", "mail"),
        ("13:00:00", "mei", "push"),
        ("13:01:00", "mei", "text"),
    ]


def test_lesson_4_the_rules_of_an_earlier_step_go_on_when_the_next_one_fires() -> None:
    slow = (Rule("mail", 0), Rule("text", 10 * MINUTE))
    context = people(with_policy(step("person:mei"), step("person:priya", 30)), mei={"high": slow})
    told = Told(context)
    told.alert()
    took(told, "mail")
    told.until("13:11:00")

    assert ("13:10:00", "mei", "text") in sends(told)


# --- a way that fails or keeps silent (N7, N8; lesson 27) -------------------------------------------------


def test_a_way_that_fails_for_good_pulls_the_next_one_forward_to_now() -> None:
    told = Told(one_step(mei={"high": LADDER_OF_RULES}))
    told.alert()
    told.until("13:00:03")
    failed(told, "mail")

    assert [(f"{e.at:%H:%M:%S}", e.channel, e.instead) for e in told.events(ev.WayTried)] == [
        ("13:00:03", "push", "mail")
    ]


def test_a_way_that_nobody_took_in_time_pulls_the_next_one_forward_once_and_goes_on_itself() -> None:
    told = Told(one_step(mei={"high": LADDER_OF_RULES}))
    told.alert()
    told.until("13:00:20")
    took(told, "push")
    told.until("13:00:40")
    took(told, "mail")
    told.until("13:04:00")
    failed(told, "mail")  # it has pulled already

    assert sends(told) == [("13:00:00", "mei", "mail"), ("13:00:10", "mei", "push")]


def test_lesson_27_a_provider_that_took_it_is_no_answer_and_the_steps_go_on() -> None:
    told = Told(one_step())
    told.alert()
    for channel in ("mail", "push", "text"):
        took(told, channel)
    told.until("13:31:00")

    assert ("13:30:00", "priya") in told.pages()
    assert told.outcomes() == {}


def test_when_the_last_way_has_failed_she_is_out_of_reach_and_the_next_step_fires_at_once() -> None:
    told = Told(one_step(mei={"high": LADDER_OF_RULES}))
    told.alert()
    told.until("13:00:04")
    for channel in ("mail", "push", "text"):
        failed(told, channel)

    assert told.outcomes() == {1: "unreachable"}
    assert told.pages() == [("13:00:00", "mei"), ("13:00:04", "priya")]


def test_a_way_that_was_taken_out_of_the_configuration_meanwhile_is_passed_over() -> None:
    context = one_step(mei={"high": LADDER_OF_RULES})
    told = Told(context)
    told.alert()
    took(told, "mail")
    fewer = {**context.directory.methods, "mei": (METHODS[0], METHODS[2])}
    told.context = replace(context, directory=replace(context.directory, methods=fewer))
    told.until("13:03:00")

    assert [(f"{e.at:%H:%M:%S}", e.channel) for e in told.events(ev.WayTried)] == [("13:02:00", "text")]


# --- quiet hours (N4), low urgency (E21) ------------------------------------------------------------------

NIGHT = {"quiet": Quiet("12:00", "15:30"), "tz": "Europe/Stockholm"}
"""In Stockholm it is 14:00 when the story begins; the quiet ends at 14:30 UTC."""


def test_low_urgency_waits_for_the_end_of_her_quiet_hours_and_high_urgency_does_not() -> None:
    low, high = Told(one_step(mei=NIGHT)), Told(one_step(mei=NIGHT))
    low.alert("warning")
    high.alert()
    low.until("14:29:59")

    assert low.pages() == []
    assert [f"{e.until:%H:%M}" for e in low.events(ev.PageDeferred)] == ["14:30"]
    assert high.pages() == [("13:00:00", "mei")]
    low.wait(minutes=1)
    assert low.pages() == [("14:30:00", "mei")]
    assert [e.page for e in low.events(ev.PageRequested)] == [1], "the page that waited goes under its number"


def test_an_ack_while_it_waits_ends_it() -> None:
    told = Told(one_step(mei=NIGHT))
    told.alert("warning")
    told.until("13:10:00").ack("priya").wait(days=1)

    assert told.pages() == []
    assert told.outcomes() == {1: "stopped"}


def test_a_severity_raised_while_it_waits_calls_her_at_once() -> None:
    told = Told(one_step(mei=NIGHT))
    told.alert("warning")
    told.until("13:10:00").severity("SEV1", by="tomas")
    told.until("13:11:00")

    assert told.pages() == [("13:10:00", "mei")]
    assert told.outcomes() == {1: "superseded"}


def test_what_waited_past_her_hand_over_goes_to_whoever_is_on_call_then() -> None:
    noon = DAY.replace(hour=14)
    shifts = (
        Shift(("mei",), DAY - timedelta(hours=1), noon),
        Shift(("priya",), noon, noon + timedelta(days=1)),
    )
    rota = Rota((Schedule("portal", "UTC", (Layer("a", 1, "UTC", shifts=shifts),)),))
    context = people(with_policy(step("schedule:portal")), mei=NIGHT)
    told = Told(replace(context, rota=rota))
    told.alert("warning")
    told.until("14:31:00")

    assert told.pages() == [("14:30:00", "priya")]
    assert told.outcomes() == {1: "superseded"}
    assert "the quiet hours of mei are over" in told.events(ev.RungFired)[-1].why


def test_a_reminder_of_low_urgency_waits_for_the_morning() -> None:
    told = Told(one_step())
    told.alert("warning")
    told.until("1d 12:00")

    assert [at for at, _ in told.pages()] == ["13:00:00", "17:00:00", "21:00:00", "06:00:00", "10:00:00"]


def test_low_urgency_never_climbs() -> None:
    told = Told(one_step())
    told.alert("warning")
    told.until("21:30")

    assert {who for _, who in told.pages()} == {"mei"}


# --- people who go ----------------------------------------------------------------------------------------


def gone(context: Context, *handles: str) -> Context:
    known = {h: p for h, p in context.directory.people.items() if h not in handles}
    return replace(context, directory=replace(context.directory, people=known))


def test_whoever_leaves_while_being_called_is_out_of_reach_and_the_next_step_fires_at_once() -> None:
    context = one_step()
    told = Told(context)
    told.alert()
    told.until("13:04:00")
    told.context = gone(context, "mei")
    told.advance()

    assert told.outcomes() == {1: "unreachable"}
    assert told.pages() == [("13:00:00", "mei"), ("13:04:00", "priya")]


def test_whoever_is_deactivated_at_a_time_that_is_known_is_out_of_reach_at_that_time() -> None:
    told = Told(one_step(mei={"inactive_from": DAY + timedelta(minutes=3)}))
    told.alert()
    told.until("13:10:00")

    assert told.pages() == [("13:00:00", "mei"), ("13:03:00", "priya")]


def test_when_everybody_who_was_called_is_gone_the_last_resort_is_called() -> None:
    context = one_step()
    told = Told(context)
    told.alert()
    told.until("13:04:00")
    told.context = gone(context, "mei", "priya")
    told.advance()

    assert told.pages()[-1] == ("13:04:00", "henrik")


# --- shadows (L6; lesson 3) -------------------------------------------------------------------------------


def learning() -> Context:
    layers = (
        Layer("a", 1, "UTC", shifts=(Shift(("mei",), DAY - timedelta(days=1), DAY + timedelta(days=9)),)),
        Layer(
            "learns",
            9,
            "UTC",
            role="shadow",
            shifts=(Shift(("tomas",), DAY - timedelta(days=1), DAY + timedelta(days=9)),),
        ),
    )
    context = people(with_policy(step("schedule:portal"), step("person:priya", 30)))
    return replace(context, rota=Rota((Schedule("portal", "UTC", layers),)))


def test_lesson_3_a_shadow_is_told_after_a_provider_took_the_page_of_whoever_answers_for_it() -> None:
    told = Told(learning())
    told.alert()
    assert sends(told)[0][1] == "mei"
    assert "tomas" not in {who for _, who, _ in sends(told)}
    told.until("13:00:02")
    took(told, "mail")
    took(told, "push")

    assert [(e.person, e.shadow) for e in told.events(ev.PageRequested)] == [("mei", False), ("tomas", True)]


def test_lesson_3_a_shadow_s_broken_channels_hold_up_nothing() -> None:
    told = Told(learning())
    told.alert()
    took(told, "mail")
    for channel in ("mail", "push", "text"):
        failed(told, channel, page=2, person="tomas")
    told.until("13:05:01")

    assert told.outcomes() == {2: "unreachable"}
    assert told.pages() == [("13:00:00", "mei"), ("13:05:00", "priya")], "no step is pulled forward"


def test_a_shadow_s_ack_is_kept_and_stops_nothing() -> None:
    told = Told(learning())
    told.alert()
    took(told, "mail")
    told.until("13:01:00").ack("tomas")
    told.until("13:06:00")

    assert [e.by for e in told.events(ev.ShadowAcknowledged)] == ["tomas"]
    assert not told.events(ev.Acknowledged)
    assert ("13:05:00", "priya") in told.pages()
