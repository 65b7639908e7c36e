"""Nobody answers: silence of every kind, and that it is never the end."""

from __future__ import annotations

from dataclasses import replace

from stories.cast import Script, acme_policy, live
from tocsin.domain import answering
from tocsin.domain import events as ev
from tocsin.domain.oncall.rota import Rota
from tocsin.domain.people import Method, Person, Rule
from tocsin.engine.live import Live
from tocsin.testing import Story


def persons(cast: Live, **changes: dict[str, object]) -> Live:
    """The same cast with other persons; None: gone."""
    known: dict[str, Person] = {}
    for handle, person in cast.directory.people.items():
        known[handle] = replace(person, **changes.get(handle, {}))  # type: ignore[arg-type]
    return replace(cast, directory=replace(cast.directory, people=known))


def without(cast: Live, *handles: str) -> Live:
    """Somebody has left."""
    known = {h: p for h, p in cast.directory.people.items() if h not in handles}
    return replace(cast, directory=replace(cast.directory, people=known))


def alarmed(story: Story) -> None:
    """Tuesday 13:03:30: nobody can sign in."""
    story.until("13:03:30")
    story.alert("Smoke test failed: sign-in on production", integration="smoke")


# --- both answer in the instant in which a step is due ----------------------------------------------------


def same_instant(story: Story) -> None:
    """Mei and Priya acknowledge at 13:08:30, when the second step is due."""
    alarmed(story)
    story.until_due("rung")
    story.ack("mei")
    story.ack("priya")
    story.confirm("mei")
    story.advance(minutes=14)


def check_same_instant(story: Story) -> None:
    """A person wins a tie (E17): the step does not fire, one has it, the other hears who was first."""
    assert [who for _, who in story.pages()] == ["mei"]
    assert [e.first for e in story.events(ev.AlsoAcknowledged)] == ["mei"]
    story.expect_one_outcome_per_page()


# --- the mail server hangs --------------------------------------------------------------------------------


def two_ways(cast: Live) -> Live:
    """Everybody has mail, and a text two minutes later."""
    ways = {
        handle: (Method("mail", f"{handle}@acme.example", "email"), Method("text", "+46", "sms"))
        for handle in cast.directory.people
    }
    cast = replace(cast, directory=replace(cast.directory, methods=ways))
    rules = (Rule("mail", 0), Rule("text", 120))
    return persons(cast, **{handle: {"high": rules} for handle in cast.directory.people})


def mail_hangs(story: Story) -> None:
    """The mail server takes connections and says nothing more."""
    story.hanging.add("mail")
    alarmed(story)
    story.until("13:05:00")
    story.ack("mei", via="text")
    story.hanging.clear()
    story.confirm("mei")
    story.advance(minutes=10)


def check_mail_hangs(story: Story) -> None:
    """After ten seconds the text is used (N7); nobody waits for the mail, and it is not sent to whoever has it."""
    if not story.kills:
        story.expect_page("mei", at="13:03:40", via="text")
        story.expect_pages(("13:03:40", "mei"))
    assert [(e.channel, e.instead) for e in story.events(ev.WayTried)] == [("text", "mail")]
    story.expect_one_outcome_per_page()


# --- nobody on call at all --------------------------------------------------------------------------------


def nobody(cast: Live) -> Live:
    """The schedules are empty, and everybody who may lead has left the roles."""
    cast = replace(cast, rota=Rota())
    return persons(cast, **{handle: {"can_act_as": ()} for handle in cast.directory.people})


def nobody_on_call(story: Story) -> None:
    """Every step is empty, and so is the fallback."""
    alarmed(story)
    story.until("13:40:00")
    story.ack("henrik")


def check_nobody_on_call(story: Story) -> None:
    """The incident exists, the administrator is called at once and again, and the siren rings (E5; lesson 1)."""
    assert {e.rung for e in story.events(ev.RungEmpty)} == {0, 1, 2}
    story.expect_notice("", "nobody-reachable")
    assert {who for _, who in story.pages()} == {"henrik"}
    assert len(story.events(ev.NobodyReachable)) == 2
    story.expect_one_outcome_per_page()


# --- the schedule is edited while it escalates ------------------------------------------------------------


def schedule_edited(story: Story) -> None:
    """Between the first and the second step Jonas takes Priya's week."""
    alarmed(story)
    story.until("13:05:00")
    story.change_live(live(acme_policy(), secondary="jonas"))
    story.until("13:09:00")
    story.ack("jonas")


def check_schedule_edited(story: Story) -> None:
    """Who is on call is read when the step fires (E1)."""
    assert [who for _, who in story.pages()] == ["mei", "jonas"]
    story.expect_one_outcome_per_page()


# --- acknowledged and forgotten ---------------------------------------------------------------------------


def acked_and_forgotten(story: Story) -> None:
    """Mei acknowledges in her sleep; an hour later she is called again, and takes it."""
    alarmed(story)
    story.until("13:06:10")
    story.ack("mei")
    story.until("14:07:00")
    story.ack("mei")
    story.confirm("mei", "Sign-in loops for all users")
    story.advance(minutes=65)


def check_acked_and_forgotten(story: Story) -> None:
    """Asked after 48 minutes, called anew after 60 (E10); declared and led, it does not come back any more."""
    assert len(story.events(ev.AckReminded)) == 1
    assert len(story.events(ev.AckExpired)) == 1
    story.expect_notice("mei", "ack-reminder")
    assert [who for _, who in story.pages()] == ["mei", "mei"]
    if not story.kills:
        story.expect_pages(("13:03:30", "mei"), ("14:06:10", "mei"))
    story.expect_one_outcome_per_page()


# --- whoever is called leaves -----------------------------------------------------------------------------


def responder_leaves(story: Story) -> None:
    """Mei is deactivated while her phone rings; so is Priya, the last one who was called."""
    alarmed(story)
    story.until("13:05:00")
    story.change_live(without(story.live, "mei"))
    story.until("13:06:00")
    story.change_live(without(story.live, "priya"))
    story.until("13:07:00")
    story.ack("henrik")


def check_responder_leaves(story: Story) -> None:
    """Nobody waits for somebody who is not there: the next step fires at once (E19)."""
    assert [who for _, who in story.pages()] == ["mei", "priya", "henrik"]
    assert [e.person for e in story.events(ev.PageEnded) if e.outcome == "unreachable"] == ["mei", "priya"]
    story.expect_one_outcome_per_page()


# --- silenced ---------------------------------------------------------------------------------------------


def silenced(story: Story) -> None:
    """Priya silences it until two; the silence ends and Mei answers."""
    alarmed(story)
    story.until("13:09:00")
    until = story.instant("14:00:00")
    story.do(answering.snooze, by="priya", until=until, reason="the supplier works on it")
    story.until("14:01:00")
    story.do(answering.ask_responders, by="mei", people=("jonas",), reason="knows the login")
    story.ack("mei")
    story.ack("jonas")


def check_silenced(story: Story) -> None:
    """As if it were new at the end (E11); Jonas has joined (E14)."""
    assert [who for _, who in story.pages()] == ["mei", "priya", "mei", "jonas"]
    assert len(story.events(ev.SnoozeEnded)) == 1
    assert [e.person for e in story.events(ev.ResponderJoined)] == ["jonas"]
    story.expect_one_outcome_per_page()


SCRIPTS = {
    "same_instant": Script(same_instant, check_same_instant),
    "mail_hangs": Script(mail_hangs, check_mail_hangs, people=two_ways),
    "nobody_on_call": Script(nobody_on_call, check_nobody_on_call, people=nobody),
    "schedule_edited": Script(schedule_edited, check_schedule_edited),
    "acked_and_forgotten": Script(acked_and_forgotten, check_acked_and_forgotten),
    "responder_leaves": Script(responder_leaves, check_responder_leaves),
    "silenced": Script(silenced, check_silenced),
}
