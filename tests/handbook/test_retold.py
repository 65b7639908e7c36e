"""The timeline as a person would tell it: who did what, by name; no plumbing, nothing twice, nobody blamed."""

from datetime import timedelta

import pytest

from handbook.told_events import DECLARED, LOST_CONTACTS, NAMES, REF, on
from tocsin.domain import events as ev
from tocsin.domain.narrate import sentence
from tocsin.handbook.retold import TELLINGS, told


def lines(events):
    return [(f"{line.at:%H:%M:%S}", line.who, line.text) for line in told(events, NAMES)]


def texts(events):
    return [line.text for line in told(events, NAMES)]


def test_the_first_minutes_read_like_a_story():
    assert lines(LOST_CONTACTS)[:9] == [
        ("16:34:00", "Tomás Ferreira", "Declared SEV1: Contacts missing"),
        ("16:34:00", "tocsin", "Called Jonas Ek"),
        ("16:34:00", "tocsin", "Called Mei Tanaka (nobody called before may lead)"),
        ("16:34:00", "tocsin", "Mei Tanaka could not be reached by sms: no such number"),
        ("16:35:00", "Tomás Ferreira", "Took the Comms Lead seat"),
        ("16:36:10", "Jonas Ek", "Acknowledged"),
        ("16:37:00", "Jonas Ek", "Suspected a change: migration merge_contacts (in place since 16:20:05)"),
        ("16:38:00", "Mei Tanaka", "Took the IC seat"),
        ("16:38:00", "Mei Tanaka", "Gave Ops/Infra to Jonas Ek"),
    ]


def test_plumbing_is_left_out():
    plumbing = (
        ev.PageRequested,
        ev.PageSent,
        ev.PageDelayed,
        ev.PageEnded,
        ev.DocumentWritten,
        ev.ClockEnded,
    )
    plumbing += (ev.UpdateReminded, ev.TimeLeft, ev.GateLapsing, ev.GateAnswered, ev.HandoverReminded)
    assert not set(plumbing) & TELLINGS.keys()
    assert len(told(LOST_CONTACTS, NAMES)) < len(LOST_CONTACTS) * 2 // 3


def test_no_handles_in_what_is_told():
    for line in told(LOST_CONTACTS, NAMES):
        assert line.who in {*NAMES.people.values(), "tocsin"}
        assert not set(line.text.split()) & NAMES.people.keys()


def test_who_made_a_suspected_change_is_not_said():
    event = ev.ChangeSuspected(DECLARED, "mei", "release 4e81b7d", "jonas", None)
    assert lines([event]) == [("16:34:00", "Mei Tanaka", "Suspected a change: release 4e81b7d")]


def test_a_check_says_what_was_not_plain():
    way_out = "point 1 by its exception: newest point 16:44:29, nothing written since"
    assert [text for text in texts(LOST_CONTACTS) if text.startswith("Backup check")] == [
        "Backup check 1 passed (restore point 16:19:40; counts until 17:24)",
        "Backup check 1 ran out while a change waited",
        f"Backup check 2 passed ({way_out}; restore point 17:55:00; counts until 18:26)",
    ]


def test_a_check_that_ran_out_unneeded_is_not_told():
    assert texts([ev.GateLapsed(on("18:26"), "backup", 2, on("18:26"))]) == []


def test_the_same_update_again_is_said_in_two_words():
    again = [ev.UpdatePosted(on(time), "tomas", "some", "unknown", "we look") for time in ("17:01", "17:16")]
    assert texts(again) == ["Update: some. Expected end: unknown. Next: we look.", "Update: as before"]


def test_a_check_that_failed_says_where():
    events = [
        ev.GateAnswered(DECLARED, "jonas", "backup", 1, 3, "failed", "checksum differs"),
        ev.GateChecked(DECLARED, "jonas", "backup", 1, False, False, failed=(3,)),
    ]
    assert texts(events) == ["Backup check 1 FAILED (point 3 failed: checksum differs)"]


def test_going_past_a_check_is_strong():
    events = [
        ev.TaskOpened(on("17:00"), "jonas", 1, "Drop the index", "jonas", gate="backup"),
        ev.GateOverridden(on("17:01"), "mei", "backup", 1, "the disk is full"),
        ev.TaskStarted(on("17:02"), "jonas", 1, "override"),
    ]
    assert [(line.text, line.strong) for line in told(events, NAMES)] == [
        ("To do (a database change): Drop the index", False),
        ("Went past the backup check for: Drop the index: the disk is full", True),
        ("Began: Drop the index", False),
    ]


def test_a_corrected_note_stands_as_it_was_corrected_last():
    events = [
        ev.Noted(on("17:00"), "mei", "rolled back to 213"),
        ev.NoteEdited(on("17:05"), "mei", 1, "rolled back to 214"),
        ev.NoteEdited(on("17:06"), "mei", 2, "rolled back to 212"),
    ]
    assert lines(events) == [("17:00:00", "Mei Tanaka", "rolled back to 212")]


def test_what_belongs_together_is_one_line():
    events = [
        ev.Opened(on("13:03:30"), REF, "Smoke failed", "p", "alert", "SEV1"),
        ev.Signalled(on("13:03:30"), "ci", "k", True, "Smoke failed", "SEV1"),
        ev.Acknowledged(on("13:06"), "mei", "link"),
        ev.SeatTaken(on("13:06"), "ic", "mei", "acked", "mei"),
        ev.TaskOpened(on("13:10"), "mei", 1, "Roll back.", "priya", 15),
        ev.TaskStarted(on("13:10"), "mei", 1),
    ]
    assert texts(events) == [
        "Alert from ci: Smoke failed",
        "Acknowledged and took the IC seat",
        "Began (for Priya Natarajan, 15 min): Roll back",
    ]


def test_a_seat_that_changes_hands_says_from_whom():
    events = [
        ev.HandoverOffered(on("13:10"), "ic", "priya", "mei", "long brief"),
        ev.SeatTaken(on("13:12"), "ic", "mei", "accepted", "mei", "priya"),
    ]
    assert texts(events) == ["Offered IC to Mei Tanaka", "Took IC over from Priya Natarajan"]


def test_back_dated_notes_stand_where_they_belong():
    events = [ev.Acknowledged(on("17:00"), "mei", "web"), ev.Noted(on("16:50"), "mei", "looked at the graph")]
    assert texts(events) == ["looked at the graph", "Acknowledged"]


def test_what_was_corrected_stands_at_its_corrected_time():
    events = [
        ev.Acknowledged(on("16:36"), "mei", "web"),
        ev.Decided(on("16:37"), "mei", "we wait", ""),
        ev.TimeCorrected(on("17:00"), "mei", "acked", on("16:36"), on("16:38:30"), "the watch was wrong"),
        ev.TimeCorrected(on("17:01"), "mei", "impact_start", None, on("16:20"), "first error"),
    ]
    assert [line[::2] for line in lines(events)] == [
        ("16:37:00", "Decided: we wait"),
        ("16:38:30", "Acknowledged"),
    ]


@pytest.mark.parametrize(
    ("verdict", "said"), [("met", "met"), ("running", "still running"), ("void", "nobody had to answer")]
)
def test_a_breach_that_a_correction_took_back_is_not_left_as_a_fact(verdict, said):
    events = [
        ev.ClockBreached(on("17:00"), "ack", "SEV1", on("17:00")),
        ev.TimeCorrected(on("18:00"), "mei", "acked", on("17:05"), on("16:59"), "it was by phone"),
        ev.ClockRejudged(on("18:00"), 0, "ack", "SEV1", "missed", verdict, 240, on("17:00")),
    ]
    assert lines(events) == [
        ("17:00:00", "tocsin", "The time to acknowledge a SEV1 was over"),
        ("18:00:00", "tocsin", f"The time to acknowledge a SEV1 was judged anew: {said}"),
    ]


def test_people_whom_the_roster_does_not_hold_keep_their_handle():
    assert lines([ev.Acknowledged(DECLARED, "guest", "web", stranger=True)]) == [
        ("16:34:00", "guest", "Acknowledged (not in the roster)")
    ]


@pytest.mark.parametrize("event", LOST_CONTACTS, ids=lambda e: type(e).__name__)
def test_every_line_is_one_line(event):
    for line in told([event], NAMES):
        assert line.text == " ".join(line.text.split())
    assert sentence(event)


def test_the_deadline_of_the_law_is_told_once_when_it_passes():
    overdue = [
        ev.LegalOverdue(DECLARED + timedelta(days=n), "gdpr", DECLARED, ("henrik",), n) for n in (1, 2, 3)
    ]
    assert texts(overdue) == ["The GDPR deadline passed without a decision"]
