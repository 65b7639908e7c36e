"""What is owed after resolve: the postmortem with its sections, the log row or a ticket, actions, legal deadlines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domain.told import Decision, Told, acme
from tocsin.domain import actions, postmortem
from tocsin.domain import events as ev
from tocsin.domain.context import Refused
from tocsin.domain.events import Text
from tocsin.engine.publishing import Looked, publishing

WHERE = "docs/ops/postmortems/INC-2026-0001.md"


@pytest.fixture
def resolved() -> Told:
    told = Told().declare("mei")
    told.until("13:28").resolve()
    return told


def happen(told: Told, *events: ev.Event) -> Told:
    told._take(list(events))
    return told


def publish(told: Told, missing: tuple[str, ...] | None = None, where: str = WHERE) -> Told:
    told.do(postmortem.publish_postmortem, by="mei", where=where, incomplete=missing)
    return told


def refusal(told: Told, **asked: object) -> Refused:
    with pytest.raises(Refused) as refused:
        publish(told, **asked)
    return refused.value


def owed(told: Told) -> list[str]:
    return postmortem.missing_for_close(told.state, told.context)


def logged(told: Told) -> Told:
    return happen(told, ev.DocumentWritten(told.now, "log", "docs/ops/incidents.md", "d"))


# --- publishing ----------------------------------------------------------------------------------------------------


def test_a_section_that_nobody_wrote_is_named_and_nothing_is_published(resolved: Told) -> None:
    refused = refusal(resolved, missing=("root cause", "preventions"))

    assert refused.reason == f"not written yet in {WHERE}: root cause, preventions"
    assert "below each of these headings" in refused.possible
    assert not resolved.state.postmortem_published


def test_whether_the_sections_were_looked_at_is_recorded(resolved: Told) -> None:
    publish(resolved, ())
    publish(resolved, None, "https://wiki.acme.example/pm")

    assert [e.checked for e in resolved.events(ev.PostmortemPublished)] == [True, False]


def test_it_needs_a_place_and_something_that_is_over(resolved: Told) -> None:
    assert refusal(resolved, where="  ").reason == "say where it is published"
    assert refusal(Told().declare()).possible == "resolve it first"
    merged = happen(Told().declare(), ev.Merged(resolved.now, "mei", "INC-2026-0009", Text("the same")))
    assert "INC-2026-0009" in refusal(merged).possible


def near_miss() -> Told:
    told = Told()
    return told.open(
        [ev.Opened(told.now, "INC-2026-0001", Text("Almost"), "pinned", "person", "", kind="near-miss")]
    )


def test_a_near_miss_owes_none_and_may_have_one() -> None:
    told = near_miss()

    assert postmortem.due_at(told.state, told.context) is None
    assert owed(told) == []
    assert publish(told, ()).state.postmortem_published


class Desk:
    """Decides at once on the told incident, in place of a sitting."""

    def __init__(self, told: Told) -> None:
        self.told = told

    def decide(self, ref: str, at: datetime, decision: Decision) -> list[ev.Event]:
        assert ref == self.told.state.ref
        return self.told.do(decision)


def verb(told: Told, found: Looked, where: str = WHERE) -> Told:
    """What the verb `postmortem` queues, with what was found before."""
    publishing(told.state.ref, "mei", where, found)(Desk(told), told.now)
    return told


def test_the_verb_names_the_sections_that_were_missing_when_it_was_asked(resolved: Told) -> None:
    with pytest.raises(Refused, match="customers told"):
        verb(resolved, Looked(("customers told",)))

    verb(resolved, Looked(()))
    assert [e.checked for e in resolved.events(ev.PostmortemPublished)] == [True]


def test_the_verb_takes_what_stands_elsewhere_and_says_that_it_did_not_look(resolved: Told) -> None:
    verb(resolved, Looked(None), "https://wiki.acme.example/pm")

    assert [e.checked for e in resolved.events(ev.PostmortemPublished)] == [False]


def test_a_file_that_could_have_been_looked_at_and_was_not_is_not_published(resolved: Told) -> None:
    unread = Looked(None, "no such file")
    with pytest.raises(Refused, match=f"{WHERE} cannot be looked at: no such file") as refused:
        verb(resolved, unread)

    assert "web address" in refused.value.possible
    assert not resolved.state.postmortem_published
    with pytest.raises(Refused, match="no postmortem to publish yet"):
        verb(Told().declare(), unread)


# --- when it is due ------------------------------------------------------------------------------------------------


def test_a_due_time_on_a_weekend_is_pointed_out_not_moved() -> None:
    thursday = Told(at=datetime(2026, 2, 5, 16, 34, tzinfo=UTC)).declare("mei")
    thursday.now += timedelta(hours=2, minutes=8)
    thursday.resolve()

    due = postmortem.due_at(thursday.state, thursday.context)
    assert due == datetime(2026, 2, 7, 18, 42, tzinfo=UTC)
    assert postmortem.weekend(due)


def test_monday_to_friday_is_no_weekend() -> None:
    monday = datetime(2026, 2, 2, 23, 59, tzinfo=UTC)

    assert [postmortem.weekend(monday + timedelta(days=n)) for n in range(7)] == [False] * 5 + [True] * 2


def test_reopened_it_is_owed_anew_from_the_new_end(resolved: Told) -> None:
    publish(resolved, ())
    resolved.until("15:00")
    happen(resolved, ev.Reopened(resolved.now, "mei", Text("it came back")))
    assert postmortem.due_at(resolved.state, resolved.context) is None
    assert resolved.due("postmortem") is None

    resolved.until("16:00").resolve()
    assert postmortem.due_at(resolved.state, resolved.context) == resolved.instant("2d 16:00")


# --- what closing wants --------------------------------------------------------------------------------------------


def test_nothing_is_missing_when_it_is_published_and_logged(resolved: Told) -> None:
    assert owed(logged(publish(resolved, ()))) == []


def test_a_ticket_stands_for_the_log_row(resolved: Told) -> None:
    publish(resolved, ())
    happen(resolved, ev.DocumentRefused(resolved.now, "log", "docs/ops/incidents.md", "the header changed"))
    assert owed(resolved) == ["the log row is not written", "the log is still owed: the header changed"]

    happen(resolved, ev.TicketLinked(resolved.now, "mei", Text("https://tickets.acme.example/77")))
    assert owed(resolved) == []


def test_a_ticket_that_another_system_refuses_blocks_nothing_once_the_row_is_there(resolved: Told) -> None:
    publish(resolved, ())
    happen(resolved, ev.DocumentRefused(resolved.now, "ticket", "", "401"))
    assert "the ticket is still owed: 401" in owed(resolved)

    assert owed(logged(resolved)) == []


def test_a_row_of_the_restore_log_is_owed_by_its_name(resolved: Told) -> None:
    logged(publish(resolved, ()))
    happen(resolved, ev.DocumentRefused(resolved.now, "check-2", "docs/ops/incidents.md", "conflict markers"))

    assert owed(resolved) == ["the row of check 2 is still owed: conflict markers"]


def test_an_action_without_owner_or_day_is_missing(resolved: Told) -> None:
    logged(publish(resolved, ()))
    resolved.do(actions.add, by="mei", text="smoke test signs in", owner="jonas")

    assert owed(resolved) == ["action 1 has no due day"]


def test_a_legal_deadline_without_a_decision_is_missing(resolved: Told) -> None:
    logged(publish(resolved, ()))
    due = resolved.now + timedelta(hours=72)
    happen(
        resolved,
        ev.LegalStarted(resolved.now, "mei", "gdpr", resolved.now, 72 * 3600, due, "henrik", Text("")),
    )
    assert owed(resolved) == ["the gdpr deadline (2026-01-23 13:28 UTC) has no decision"]

    happen(
        resolved, ev.LegalDecided(resolved.now, "henrik", "gdpr", "not notifiable", Text("restored in 2h"))
    )
    assert owed(resolved) == []


def test_a_near_miss_closes_once_its_actions_are_given_away() -> None:
    told = near_miss()
    told.do(actions.add, by="mei", text="guard the button")
    assert owed(told) == ["action 1 has no owner and no due day"]


def test_a_level_without_a_postmortem_owes_the_row_alone() -> None:
    told = Told(acme()).declare("mei", "SEV4").resolve()

    assert owed(told) == ["the log row is not written"]
