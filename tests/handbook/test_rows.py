"""What the cells of the log say: short, in words, with what must never be left out."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbook.told_events import LOST_CONTACTS, NAMES, REF, on
from tocsin.domain import events as ev
from tocsin.domain.fold import fold
from tocsin.domain.work import ActionItem
from tocsin.handbook.log import new_log_text, write_restore_row
from tocsin.handbook.postmortem import PostmortemFacts, SuspectedChange, draft
from tocsin.handbook.rows import (
    actions_cell,
    brief,
    cause_cell,
    check_row,
    follow_ups_cell,
    impact_cell,
    lasted,
    restore_row,
    times_cell,
    written_cause,
)

STATE = replace(fold(LOST_CONTACTS), impact_start=on("16:20:05"))


def test_the_impact_is_what_was_felt_and_for_how_long():
    assert impact_cell(STATE, LOST_CONTACTS) == "Some contacts are missing; 1h 51m"


def test_what_is_said_after_the_mitigation_is_no_impact():
    updates = [
        ev.UpdatePosted(on("16:35"), "tomas", "a few customers", "unknown", "we look"),
        ev.UpdatePosted(on("16:40"), "tomas", "9 tenants miss contacts", "unknown", "we look"),
        ev.UpdatePosted(on("17:00"), "tomas", "all is well again", "done", "we watch"),
    ]
    assert impact_cell(STATE, updates) == "9 tenants miss contacts; 1h 51m"


def test_without_an_update_only_the_time_and_before_the_end_nothing():
    assert impact_cell(STATE, []) == "1h 51m"
    assert impact_cell(replace(STATE, impact_end=None, resolved_at=None), []) is None


def test_the_actions_in_a_persons_words():
    assert actions_cell(LOST_CONTACTS, ["resolve missed by 9m"]) == (
        "Ack 16:36; mitigated 16:44 (writes are off: no further loss; contained); "
        "restore to a new project passed 17:45; copy back contacts only 17:50; "
        "Copy 1,842 contacts back: 1,842 rows, verified 18:08; "
        "resolved 18:42 (30m watched, payments sent again); 1 more step in the timeline; resolve missed by 9m"
    )


def test_an_override_is_never_left_out():
    many = [ev.Decided(on(f"17:{n:02}"), "mei", f"decision {n}", "") for n in range(20)]
    over = ev.GateOverridden(on("17:30"), "mei", "backup", 1, "the disk is full")
    cell = actions_cell([ev.Acknowledged(on("16:36"), "mei", "web"), *many, over])
    assert "backup check OVERRIDDEN 17:30 (the disk is full)" in cell
    assert cell.startswith("Ack 16:36; decision 14 17:14; decision 15 17:15")
    assert cell.endswith("; 14 more steps in the timeline"), (
        "and what made room is not passed over in silence"
    )
    assert actions_cell([]) is None


def task(number, text, result, at, gate=None):
    return [
        ev.TaskOpened(on(at), "jonas", number, text, "jonas", gate=gate),
        ev.TaskDone(on(at), "jonas", number, result),
    ]


LONG_NIGHT = [
    ev.Acknowledged(on("16:36"), "mei", "web"),
    ev.Decided(on("16:40"), "mei", "turn writes off", ""),
    *[e for n in range(1, 8) for e in task(n, f"Look at shard {n}", "fine", f"16:5{n}")],
    ev.GateOverridden(on("17:10"), "mei", "backup", 1, "the disk is full"),
    *task(9, "Drop the index", "done", "17:12", gate="backup"),
    ev.Mitigated(on("17:20"), "mei", "no more errors"),
    ev.RestoreRecorded(on("17:30"), "jonas", 1, "restore", "point", "copy", "lost rows", "all there", True),
    ev.Decided(on("17:40"), "mei", "copy back by hand", ""),
    ev.Resolved(on("18:00"), "mei", "smoke is green", "17:20", "ordinary"),
]


def test_small_steps_make_room_for_what_ended_it_and_decisions_stay():
    weighty = [
        "Ack ",
        "turn writes",
        "OVERRIDDEN",
        "Drop the index",
        "mitigated",
        "passed",
        "copy back",
        "resolved",
    ]
    said: set[str] = set()
    for end in range(1, len(LONG_NIGHT) + 1):
        told = actions_cell(LONG_NIGHT[:end])
        said |= {word for word in weighty if word in told}
        assert not [word for word in said if word not in told], f"gone from the row: {told}"
    assert said == set(weighty)
    assert actions_cell(LONG_NIGHT) == (
        "Ack 16:36; turn writes off 16:40; backup check OVERRIDDEN 17:10 (the disk is full); "
        "Drop the index: done 17:12; mitigated 17:20 (no more errors); restore to copy passed 17:30; "
        "copy back by hand 17:40; resolved 18:00 (smoke is green); 7 more steps in the timeline"
    )


REOPENED = [
    ev.Acknowledged(on("10:26"), "mei", "web"),
    ev.Mitigated(on("10:44"), "mei", "Miller's key is off"),
    ev.Resolved(on("11:02"), "mei", "Miller agrees", "10:44", "ordinary"),
    ev.TimeCorrected(on("11:03"), "mei", "acked", on("10:26"), on("10:21"), "it was by phone"),
    ev.Reopened(on("11:10"), "mei", "Miller is back"),
    ev.Acknowledged(on("11:15"), "mei", "web"),
    ev.Mitigated(on("11:20"), "mei", "off again"),
    ev.Resolved(on("11:40"), "mei", "off", "11:20", "ordinary"),
    ev.TimeCorrected(on("11:50"), "mei", "mitigated", on("11:20"), on("11:18"), "by the graph"),
    ev.TimeCorrected(on("11:51"), "mei", "resolved", on("11:40"), on("11:30"), "by the graph"),
    ev.TimeCorrected(on("11:52"), "mei", "resolved", on("11:30"), on("11:31"), "the log says so"),
]


def test_the_row_says_the_corrected_times_each_of_its_own_turn():
    assert actions_cell(REOPENED) == (
        "Ack 10:21; mitigated 10:44 (Miller's key is off); resolved 11:02 (Miller agrees); "
        "reopened 11:10 (Miller is back); Ack 11:15; mitigated 11:18 (off again); resolved 11:31 (off)"
    )


def test_the_times_alone_say_nothing_that_people_wrote():
    assert times_cell(REOPENED) == (
        "Ack 10:21; mitigated 10:44; resolved 11:02; reopened 11:10; Ack 11:15; mitigated 11:18; resolved 11:31"
    )
    assert times_cell(REOPENED[:2]) == "Ack 10:26; mitigated 10:44"
    assert times_cell([]) is None


def test_a_length_of_time_is_rounded_down():
    assert lasted(on("10:00:00"), on("10:09:59") + timedelta(milliseconds=900)) == "9m 59s"
    assert lasted(on("10:00:00"), on("10:14:59")) == "14m"


def test_the_cause_is_what_was_suspected_until_somebody_wrote_it():
    assert cause_cell(STATE, None) == "suspected: migration merge_contacts"
    assert cause_cell(replace(STATE, room=fold(LOST_CONTACTS[:1]).room), None) is None
    text = "# x\n\n## Root cause\n\nThe key was not unique. Nobody knew.\n"
    assert cause_cell(STATE, text) == "The key was not unique. Nobody knew"


def test_the_questions_and_lists_of_a_draft_are_no_cause():
    suspects = (SuspectedChange("migration merge_contacts", on("16:20:05")), SuspectedChange("flag"))
    text = draft(PostmortemFacts(REF, "x", "SEV1", suspects=suspects))
    assert written_cause(text) is None
    written = text.replace("until then?_\n", "until then?_\n\nThe key was not unique.\n")
    assert written_cause(written) == "The key was not unique."


def items(*states):
    return tuple(
        ActionItem(n, f"Do {n}", "prevent", "jonas", date(2026, 2, 19), state=state)
        for n, state in enumerate(states, 1)
    )


def with_actions(*actions):
    return replace(STATE, duties=replace(STATE.duties, actions=actions))


def test_follow_ups_with_owner_and_day():
    said = follow_ups_cell(STATE, LOST_CONTACTS, NAMES, on("18:42", 7))
    assert (
        said
        == "Migrations that delete need a dry run (Jonas Ek, 2026-02-19); Postmortem due 2026-02-07 18:42"
    )


def test_done_ones_say_when_dropped_ones_go():
    state = with_actions(*items("proven", "dropped", "open"))
    proven = [ev.ActionProven(on("10:00", 12), "jonas", 1, "ran 3 times")]
    assert (
        follow_ups_cell(state, proven, NAMES, None)
        == "Do 1 (Jonas Ek, done 2026-02-12); Do 3 (Jonas Ek, 2026-02-19)"
    )


def test_an_action_without_owner_or_day_says_so():
    bare = (ActionItem(1, "Do it", "prevent"), ActionItem(2, "Paint it", "process", calendar="next sprint"))
    assert follow_ups_cell(with_actions(*bare), [], NAMES, None) == (
        "Do it (nobody yet); Paint it (nobody yet, next sprint)"
    )


def test_of_many_the_open_ones_come_first():
    said = follow_ups_cell(with_actions(*items(*["proven"] * 3, *["open"] * 6)), [], NAMES, None)
    assert said.startswith("Do 4 (")
    assert said.endswith("; and 3 more")


def test_a_check_says_before_what_it_was_made():
    row = check_row(STATE, LOST_CONTACTS, 2, NAMES)
    assert (row.ref, row.kind, row.initiator) == (f"{REF} check 2", "Backup check", "Jonas Ek")
    assert row.reason == 'before "Copy 1,842 contacts back"'
    assert row.source == "restore point 2026-02-05 17:55:00"
    assert row.validation == "Passed; point 1 by its exception (newest point 16:44:29, nothing written since)"
    assert check_row(STATE, LOST_CONTACTS, 1, NAMES).validation == "Passed; confirmed by Mei Tanaka"
    assert check_row(STATE, LOST_CONTACTS, 3, NAMES) is None


def test_a_check_that_failed_or_waits_says_so():
    failed = [
        ev.GateAnswered(on("17:00"), "jonas", "backup", 1, 3, "failed", "checksum differs"),
        ev.GateChecked(on("17:00"), "jonas", "backup", 1, False, False, failed=(3,)),
    ]
    assert check_row(STATE, failed, 1, NAMES).validation == "Failed: point 3: checksum differs"
    waits = [ev.GateChecked(on("17:00"), "jonas", "backup", 1, True, False)]
    assert check_row(STATE, waits, 1, NAMES).validation == "Passed; not confirmed"


CHECKED = ev.GateChecked(on("17:00"), "jonas", "backup", 1, True, False)


def waiting(*texts):
    return [
        ev.TaskOpened(on("16:50"), "jonas", n, text, "jonas", gate="backup")
        for n, text in enumerate(texts, 1)
    ]


def reason_of(*events, state=STATE):
    return check_row(state, [*events, CHECKED], 1, NAMES).reason


def test_a_check_that_no_task_waited_for_has_no_reason_but_itself():
    assert reason_of() == ""
    begun = ev.TaskStarted(on("16:55"), "jonas", 1, "check 1")
    assert reason_of(*waiting("Drop the index"), begun) == ""
    row = write_restore_row(new_log_text(), check_row(STATE, [CHECKED], 1, NAMES)).row
    assert f"| {REF} check 1 |" in row


def test_a_check_names_every_task_that_waited_for_it():
    assert reason_of(*waiting("Drop the index", "Copy rows.")) == 'before "Drop the index" and "Copy rows"'
    assert reason_of(*waiting("A", "B", "C", "D", "E")) == 'before "A", "B", "C" and 2 more'


def test_the_check_of_a_planned_change_is_for_that_change():
    change = replace(STATE, kind="change", title="Migration merge_contacts")
    assert reason_of(state=change) == 'before "Migration merge_contacts"'


def test_a_restore_with_what_it_took():
    row = restore_row(STATE, LOST_CONTACTS, 1, NAMES)
    assert (row.kind, row.target, row.rpo_s, row.rto_s) == ("Restore", "a new project", 25, 2880)
    assert row.validation == "Passed: 1,842 of 1,842 contacts found"
    assert restore_row(STATE, LOST_CONTACTS, 2, NAMES) is None


def test_a_drill_is_marked_in_the_kind():
    drill = replace(STATE, drill=True)
    assert restore_row(drill, LOST_CONTACTS, 1, NAMES).kind == "Restore (drill)"
    assert check_row(drill, LOST_CONTACTS, 1, NAMES).kind == "Backup check (drill)"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("short.", "short"),
        (
            "One sentence that is enough. And a second one which makes it far too long for a cell.",
            "One sentence that is enough",
        ),
        (
            "first part of it, then a long second part of it, then a third one that does not fit",
            "first part of it, then a long second part of it",
        ),
        ("word " * 30, "word word word word word word word word word word word word word…"),
        ("line\nbreak", "line break"),
    ],
)
def test_shortened_by_meaning(text, said):
    assert brief(text) == said


@given(st.text(), st.integers(10, 200))
def test_never_longer_than_asked(text, limit):
    assert len(brief(text, limit)) <= limit
