"""Action items: who may say what, when the owner hears of it, what closing wants, what a cosmetic level becomes."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.told import SEV4, Told, acme, changed
from tocsin.domain import actions, clocks, lifecycle
from tocsin.domain import events as ev
from tocsin.domain.context import Refused
from tocsin.domain.policy import Sprint
from tocsin.domain.source import BUILT_IN
from tocsin.domain.work import ActionItem

NEXT_WEEK = date(2026, 1, 27)
SPRINTS = (Sprint("2026-01-12", "2026-01-23", BUILT_IN), Sprint("2026-01-26", "2026-02-06", BUILT_IN))


@pytest.fixture
def resolved() -> Told:
    told = Told().declare("mei")
    told.until("13:28").resolve()
    return told


def added(told: Told, **asked: object) -> Told:
    told.do(actions.add, **{"by": "mei", "text": "smoke test signs in", **asked})
    return told


def said(told: Told) -> list[str]:
    kinds = (ev.ActionReminded, ev.ActionOverdue)
    return [f"{type(e).__name__[6:]} {e.at:%d %H:%M}" for e in told.timeline if isinstance(e, kinds)]


def refused(told: Told, decision: object, **asked: object) -> Refused:
    before = len(told.timeline)
    with pytest.raises(Refused) as refusal:
        told.do(decision, **{"by": "mei", **asked})
    assert len(told.timeline) == before
    return refusal.value


# --- adding and changing -------------------------------------------------------------------------------------------


def test_actions_are_numbered_and_may_come_without_owner_and_day(resolved: Told) -> None:
    added(resolved)
    added(resolved, text="alert on 400s", kind="detect", owner="@jonas", due=NEXT_WEEK)

    first, second = resolved.state.duties.actions
    assert (first.number, first.kind, first.owner, first.due) == (1, "prevent", None, None)
    assert (second.number, second.kind, second.owner, second.due) == (2, "detect", "jonas", NEXT_WEEK)
    assert [who for _, who in resolved.told("action")] == ["jonas"]


def test_from_the_declare_on_and_also_when_it_is_closed(told: Told) -> None:
    told.alert()
    assert refused(told, actions.add, text="x").possible == "declare it first"

    added(told.declare())
    told.resolve()
    told.timeline.append(closed := ev.Closed(told.now, "mei"))
    told._take([closed])
    added(told, text="one more")

    assert [a.text for a in told.state.duties.actions] == ["smoke test signs in", "one more"]


def test_a_dismissed_and_a_merged_incident_take_none(told: Told) -> None:
    told.alert()
    told.do(lifecycle.dismiss, by="mei", reason="a test")
    assert "dismissed" in refused(told, actions.add, text="x").reason

    other = Told().declare()
    other._take([ev.Merged(other.now, "mei", "INC-2026-0002", ev.Text("the same"))])
    assert refused(other, actions.add, text="x").possible == "add it to INC-2026-0002"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"text": "  "}, "the action is empty"),
        ({"text": "x" * 301}, "longer than 300 characters"),
        ({"kind": "wish"}, "kind 'wish'"),
        ({"owner": "nobody-we-know"}, "nobody is known as"),
        ({"due": date(2026, 1, 19)}, "2026-01-19 has passed"),
        ({"due": date(9999, 12, 31)}, "more than ten years"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(
    resolved: Told, asked: dict[str, object], words: str
) -> None:
    refusal = refused(resolved, actions.add, **{"text": "x", **asked})

    assert words in refusal.reason
    assert refusal.possible


def test_a_change_keeps_what_is_not_named_and_tells_the_new_owner(resolved: Told) -> None:
    added(resolved, owner="jonas", due=NEXT_WEEK)
    resolved.do(actions.change, by="mei", action=1, owner="priya")
    resolved.do(actions.change, by="mei", action=1, kind="process")

    item = resolved.state.duties.action(1)
    assert item is not None
    assert (item.owner, item.due, item.kind) == ("priya", NEXT_WEEK, "process")
    assert ("13:28:00", "priya") in resolved.told("action")


def test_a_change_that_changes_nothing_and_an_unknown_action_are_refused(resolved: Told) -> None:
    added(resolved, owner="jonas")

    assert "says so already" in refused(resolved, actions.change, action=1, owner="jonas").reason
    assert refused(resolved, actions.change, action=7, owner="jonas").possible == "its actions: 1"


def test_it_ends_with_a_proof_or_a_reason_and_only_once(resolved: Told) -> None:
    added(added(resolved), text="another")

    assert "needs a proof" in refused(resolved, actions.prove, action=1, proof=" ").reason
    assert "needs a reason" in refused(resolved, actions.drop, action=2, reason="").reason
    resolved.do(actions.prove, by="jonas", action=1, proof="the test ran red on the bad cookie")
    resolved.do(actions.drop, by="mei", action=2, reason="the feature goes away")

    assert [a.state for a in resolved.state.duties.actions] == ["proven", "dropped"]
    for number in (1, 2):
        assert "action" in refused(resolved, actions.change, action=number, owner="mei").reason
        assert refused(resolved, actions.prove, action=number, proof="again").possible


def test_there_is_an_end_to_how_many(resolved: Told) -> None:
    for number in range(200):
        added(resolved, text=f"step {number}")

    assert "link a ticket" in refused(resolved, actions.add, text="one more").possible


# --- when the owner hears of it ------------------------------------------------------------------------------------


def test_reminded_on_the_day_overdue_the_morning_after_and_every_week(resolved: Told) -> None:
    added(resolved, owner="jonas", due=NEXT_WEEK)
    resolved.until("23d 00:00")

    assert said(resolved) == ["Reminded 27 08:00", "Overdue 28 08:00", "Overdue 04 08:00", "Overdue 11 08:00"]
    assert [e.times for e in resolved.events(ev.ActionOverdue)] == [1, 2, 3]
    assert {e.people for e in resolved.events(ev.ActionOverdue)} == {("jonas",)}


def test_proven_dropped_or_moved_nobody_hears_of_the_old_day(resolved: Told) -> None:
    for number in range(3):
        added(resolved, text=f"step {number}", owner="jonas", due=NEXT_WEEK)
    resolved.do(actions.prove, by="jonas", action=1, proof="seen")
    resolved.do(actions.drop, by="mei", action=2, reason="no")
    resolved.do(actions.change, by="mei", action=3, due=date(2026, 1, 30))
    resolved.until("10d 09:00")

    assert said(resolved) == ["Reminded 30 08:00"]


def test_what_is_said_on_the_day_itself_reminds_nobody_but_is_overdue_the_next_morning(
    resolved: Told,
) -> None:
    added(resolved, owner="jonas", due=date(2026, 1, 20))
    resolved.until("1d 09:00")

    assert said(resolved) == ["Overdue 21 08:00"]


def test_an_action_that_nobody_has_is_told_to_the_lead(resolved: Told) -> None:
    added(resolved, due=NEXT_WEEK)
    resolved.until("7d 09:00")

    assert resolved.events(ev.ActionReminded)[0].people == ("mei",)


def test_it_is_followed_after_the_close_and_days_slept_through_are_counted(resolved: Told) -> None:
    added(resolved, owner="jonas", due=NEXT_WEEK)
    resolved._take(
        [ev.PostmortemPublished(resolved.now, "mei", ev.Text("x")), ev.Closed(resolved.now, "mei")]
    )
    resolved.sleep(days=23)

    assert [e.times for e in resolved.events(ev.ActionOverdue)] == [3]
    assert not resolved.events(ev.ActionReminded)
    resolved.wait(days=7)
    assert [e.times for e in resolved.events(ev.ActionOverdue)] == [3, 4]


@given(st.lists(st.integers(1, 40 * 24), max_size=6), st.integers(0, 30))
def test_however_often_somebody_looks_the_count_of_overdue_weeks_is_the_same(
    naps: list[int], days: int
) -> None:
    def tell() -> Told:
        told = Told().declare("mei", "SEV3")
        return added(told, owner="jonas", due=told.now.date() + timedelta(days=days))

    often, seldom = tell(), tell()
    for hours in naps:
        often.wait(hours=hours)
        seldom.now += timedelta(hours=hours)
    seldom.advance()

    assert often.now == seldom.now
    for told in (often, seldom):
        assert clocks.advance(told.state, told.context, told.now) == []
    counts = [told.state.duties.actions[0].overdue for told in (often, seldom)]
    assert counts[0] == counts[1]


# --- what closing wants --------------------------------------------------------------------------------------------


def test_closing_wants_an_owner_and_a_day_of_every_open_action(resolved: Told) -> None:
    added(resolved)
    added(resolved, text="b", owner="jonas")
    added(resolved, text="c", due=NEXT_WEEK)
    added(resolved, text="d")
    resolved.do(actions.drop, by="mei", action=4, reason="no")

    assert actions.missing(resolved.state) == [
        "action 1 has no owner and no due day",
        "action 2 has no due day",
        "action 3 has no owner",
    ]


# --- a level that promises a plan ----------------------------------------------------------------------------------


def planned(calendar: str = "next sprint", sprints: tuple[Sprint, ...] = ()) -> ActionItem:
    """The action that a declare at the lowest level left behind."""
    told = Told(acme(severities=changed(SEV4, calendar=calendar), sprints=sprints))
    told.declare("mei", "SEV4", "Wrong week number in the calendar header")
    (item,) = told.state.duties.actions
    return item


def test_a_cosmetic_incident_becomes_an_action_for_the_next_sprint() -> None:
    item = planned()

    assert (item.text, item.kind) == ("Wrong week number in the calendar header", "mitigate")
    assert (item.calendar, item.due, item.owner) == ("next sprint", None, None)


def test_with_a_calendar_of_sprints_it_is_due_on_the_last_day_of_the_next_one() -> None:
    assert planned(sprints=SPRINTS).due == date(2026, 2, 6)
    assert planned(sprints=SPRINTS[:1]).due is None


def test_a_phrase_that_is_no_sprint_gets_no_day() -> None:
    item = planned("best effort", SPRINTS)

    assert (item.due, item.calendar) == (None, "best effort")


def test_a_level_with_times_or_without_any_plan_makes_no_action_by_itself() -> None:
    for level in ("SEV1", "SEV4"):
        assert Told().declare("mei", level).state.duties.actions == ()


def test_the_phrase_stands_for_the_day_at_the_close() -> None:
    told = Told(acme(severities=changed(SEV4, calendar="next sprint"))).declare("mei", "SEV4")

    assert actions.missing(told.state) == ["action 1 has no owner"]
