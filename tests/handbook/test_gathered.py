"""What a draft gets from the timeline, read as somebody who writes the postmortem reads it."""

from dataclasses import replace

from handbook.told_events import LOST_CONTACTS, NAMES, REF, on
from tocsin.domain import events as ev
from tocsin.domain.fold import fold
from tocsin.handbook.gathered import gathered
from tocsin.handbook.postmortem import PostmortemFacts, draft
from tocsin.handbook.sections import incomplete

BLANK = PostmortemFacts(
    REF, "Contacts missing", "SEV1", ("timeline", "root cause", "blast radius", "fixes", "preventions")
)


def facts(*more, impact_start="16:20:05"):
    events = [*LOST_CONTACTS, *more]
    state = replace(fold(events), impact_start=on(impact_start))
    return gathered(BLANK, state, events, NAMES)


def test_everything_that_is_known_is_filled_in():
    found = facts()
    assert found.impact == "Some contacts are missing. It lasted 1h 51m."
    assert found.mitigation == (
        "Seen when it was mitigated: writes are off: no further loss; contained, data not back yet. "
        "Restore to a new project (17:35). Copy back contacts only (17:50). Copy 1,842 contacts back (18:08). "
        "Seen at the end: 30m watched, payments sent again."
    )
    assert [(s.what, s.happened) for s in found.suspects] == [("migration merge_contacts", on("16:20:05"))]
    assert [(d.who, d.text, d.why) for d in found.decisions] == [
        ("Mei Tanaka", "copy back contacts only", "nine tenants")
    ]
    assert [(a.text, a.kind, a.owner, a.due, a.state) for a in found.actions] == [
        ("Migrations that delete need a dry run", "prevent", "Jonas Ek", "2026-02-19", "open")
    ]
    assert [(s.audience, s.data) for s in found.statements] == [("status page", "nothing exposed")]
    assert found.impact_end == on("18:12")


def test_a_long_time_unseen_is_said_a_short_one_is_not():
    assert facts().contributing == ("It went unseen for 12m 55s, until a person noticed.",)
    assert facts(impact_start="16:30").contributing == ()


def test_what_the_timeline_shows_by_itself_stands_under_contributing():
    found = facts(
        ev.NobodyReachable(on("16:50"), ("henrik",), "no method works"),
        ev.GateChecked(on("16:51"), "jonas", "backup", 3, False, False, failed=(3,)),
        ev.SeatConflict(on("16:52"), "mei", ("ic", "ops"), 4),
        ev.SeatConflict(on("16:53"), "mei", ("ic", "ops"), 4),
        impact_start="16:30",
    )
    assert found.contributing == (
        "Nobody on the ladder could be reached: no method works.",
        "The backup check of 16:51 did not pass.",
        "One person held IC and Ops/Infra while 4 people worked on it.",
    )


def test_a_correction_carries_the_verdicts_it_changed():
    found = facts(
        ev.TimeCorrected(on("19:00"), "mei", "resolved", on("18:42"), on("18:30"), "the copy was done"),
        ev.ClockRejudged(on("19:00"), 2, "resolve", "SEV1", "missed", "met", 7020, on("18:33")),
    ).corrections
    assert [(c.name, c.verdicts) for c in found] == [
        ("impact_end", ()),
        ("resolved", ("resolve: met, before missed",)),
    ]


def test_an_override_names_the_work_and_the_reason():
    found = facts(ev.GateOverridden(on("16:55"), "mei", "backup", 1, "the disk is full")).overrides
    assert [(o.who, o.task, o.reason) for o in found] == [
        ("Mei Tanaka", "Insert the contacts from memory", "the disk is full")
    ]


def test_proven_and_dropped_actions_say_why():
    found = facts(
        ev.ActionAdded(on("19:00"), "mei", 2, "Ask them", "prevent", "jonas"),
        ev.ActionProven(on("10:00", 9), "jonas", 1, "ran 3 times"),
        ev.ActionDropped(on("10:00", 9), "mei", 2, "they moved"),
    ).actions
    assert [(a.state, a.proof) for a in found] == [("proven", "ran 3 times"), ("dropped", "they moved")]


def test_nobody_who_made_a_suspected_change_is_named_under_the_cause():
    text = draft(facts())
    assert "Jonas" not in text.split("## Root cause")[1].split("\n## ")[0]


def test_of_a_draft_as_it_comes_only_what_people_know_is_left_to_write():
    assert incomplete(draft(facts()), BLANK.sections) == ("root cause",)
