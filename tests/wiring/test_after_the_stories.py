"""What lies in the repository after the walk-throughs: the log, its second table, the drafts, the exported timeline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stories import contacts, payments, scripts
from tocsin.domain import actions, response, restricted, tasks
from tocsin.domain import events as ev
from tocsin.engine import commands
from tocsin.handbook.log import split_cells
from tocsin.testing import Story
from tocsin.wiring.export import timeline_text
from tocsin.wiring.records import MISSED_IN_ROW, log_row
from wiring.conftest import Told

Log = Callable[[], str]
OUTAGE_ACTIONS = (
    "Ack 13:06; roll back to 9f3c1ab 13:12; mitigated 13:15 (smoke 3/3, sign-in ok); "
    "resolved 13:28 (smoke is green)"
)


def cells(text: str, name: str) -> list[str]:
    """The cells of the one row whose first words are the name."""
    rows = [split_cells(line) for line in text.splitlines() if line.startswith("| 2")]
    (found,) = [row for row in rows if any(cell.startswith(name) for cell in row)]
    return found


def tell(staged: Told, name: str) -> Story:
    script = scripts.SCRIPTS[name]
    story = staged(script)
    script.tell(story)
    return story


# --- the rows ------------------------------------------------------------------------------------------------


def test_the_row_of_the_outage(staged: Told, log: Log) -> None:
    tell(staged, "sign_in_outage")
    assert cells(log(), "INC-2026-0001") == [
        "2026-01-20 13:03",
        "SEV1",
        "INC-2026-0001 Sign-in loops for all users ([postmortem](postmortems/INC-2026-0001.md))",
        "Nobody can sign in; 10m",
        OUTAGE_ACTIONS,
        "-",
        "Postmortem due 2026-01-22 13:28",
        "Mei Tanaka",
    ]


def test_the_row_of_the_lost_contacts_says_what_was_missed_and_only_that(staged: Told, log: Log) -> None:
    story = tell(staged, "lost_contacts")
    row = cells(log(), f"{story.ref} Contacts")
    assert row[4].endswith("; resolve missed by 9m")
    assert row[4].count("missed") == 1
    assert row[6] == "Migrations that delete need a dry run (Jonas Ek, 2026-02-19)"
    first = next(line for line in log().splitlines() if line.startswith("| 2"))
    assert first.startswith("| 2026-02-05 16:33 |")


def test_every_check_and_restore_has_a_row_in_the_second_table(staged: Told, log: Log) -> None:
    story = tell(staged, "lost_contacts")
    second = log().partition("## Restores and checks")[2]
    names = [cell for line in second.splitlines() for cell in split_cells(line)[3:4]]
    ours = [name.partition(":")[0] for name in names if name.startswith(("INC", "CHG"))]
    assert ours == [
        f"{story.ref} check 2",
        f"{story.ref} restore 1",
        f"{story.ref} check 1",
        "CHG-2026-0001 check 1",
    ]
    assert cells(log(), f"{story.ref} restore 1")[4:] == [
        "recovery point 16:19:40",
        "new project",
        "Passed: 1,842 of 1,842 contacts found, access rules complete",
        "25s",
        "48m",
    ]


def test_a_planned_change_has_no_row_among_the_incidents(staged: Told, log: Log) -> None:
    story = staged(scripts.SCRIPTS["lost_contacts"])
    ref = contacts.planned_change(story)
    incidents = log().partition("## Restores and checks")[0]
    assert ref.startswith("CHG-")
    assert ref not in incidents


def test_many_broken_promises_do_not_fill_the_row(staged: Told) -> None:
    story = tell(staged, "sign_in_outage")
    missed = [f"update {number} missed by 2m" for number in range(1, 10)]
    row = log_row(story.state(), story.context(), story.store.timeline(story.ref), None, missed)
    assert row.actions is not None
    assert row.actions.count("missed by") == MISSED_IN_ROW - 1
    assert row.actions.endswith("5 more promises missed")


def test_what_was_merged_says_where_it_goes_on(staged: Told, log: Log) -> None:
    story = tell(staged, "sign_in_outage")
    story.declare("Sign-in is slow", by="mei", sev="SEV3")
    child = story.ref
    story.declare("Sign-in is broken again", by="mei", sev="SEV1")
    story.run(commands.merging(child, story.ref, by="mei", reason="the same"))
    assert cells(log(), child)[4].endswith(f"merged into {story.ref}")


def test_of_a_restricted_incident_the_row_says_its_codename_and_times(
    staged: Told, log: Log, tree: Path
) -> None:
    story = staged(scripts.SCRIPTS["sign_in_outage"])
    story.declare("Leak at Miller and Sons", by="mei", sev="SEV1")
    story.until("13:06")
    story.ack("mei")
    story.update("mei", "Miller is angry")
    story.do(restricted.restrict, by="mei", codename="Bluebird", reason="names")
    story.until("13:12")
    story.mitigate("mei", "Miller's key is off")
    story.until("13:28")
    story.resolve("mei", "the key is off", "now", "none")
    row = cells(log(), story.ref)
    assert row[2] == f"{story.ref} Bluebird"
    assert row[3:7] == ["-", "Ack 13:06; mitigated 13:12; resolved 13:28", "-", "-"]
    assert "Miller" not in log()
    assert not list((tree / "docs/ops/postmortems").glob(f"{story.ref}*"))
    story.do(restricted.lift, by="mei", reason="it is public")
    assert "Miller" in cells(log(), story.ref)[2]
    assert list((tree / "docs/ops/postmortems").glob(f"{story.ref}*"))


# --- the drafts ------------------------------------------------------------------------------------------------


def draft(tree: Path, ref: str) -> Path:
    return tree / "docs" / "ops" / "postmortems" / f"{ref}.md"


@pytest.mark.parametrize("name", ["sign_in_outage", "late_payments", "lost_contacts"])
def test_the_draft_holds_timeline_promises_and_what_people_must_say(
    staged: Told, tree: Path, name: str
) -> None:
    story = tell(staged, name)
    text = draft(tree, story.ref).read_text("utf-8")
    for section in ("## Timeline", "## Root cause", "## Preventions", "## Promises"):
        assert section in text
    assert "| resolve (" in text
    assert f"# {story.ref}: " in text


def test_a_draft_that_a_person_goes_on_with_stays_and_nothing_is_owed(staged: Told, tree: Path) -> None:
    story = tell(staged, "sign_in_outage")
    path = draft(tree, story.ref)
    written = path.read_text("utf-8").replace("Status: draft", "Status: with Priya")
    path.write_text(written, "utf-8")
    story.do(
        actions.add, by="mei", text="Smoke test signs in", owner="priya", due=story.instant("2d 0:00").date()
    )
    assert path.read_text("utf-8") == written
    assert not story.events(ev.DocumentRefused)
    assert not story.state().documents_owed
    assert not story.store.alarms()


def test_a_draft_that_nobody_touched_follows_the_facts(staged: Told, tree: Path) -> None:
    story = tell(staged, "sign_in_outage")
    story.do(
        actions.add, by="mei", text="Smoke test signs in", owner="priya", due=story.instant("2d 0:00").date()
    )
    assert "Smoke test signs in" in draft(tree, story.ref).read_text("utf-8")


# --- the exported timeline ------------------------------------------------------------------------------------


def test_a_later_export_begins_with_every_earlier_one(staged: Told) -> None:
    story = staged(scripts.SCRIPTS["late_payments"])
    payments.until_mitigated(story)
    earlier = timeline_text(story.store.timeline(story.ref, limit=10_000))
    story.do(tasks.open_task, by="priya", text="Resend 23 events", owner="jonas")
    story.correct("priya", "detected", "09:40", "the mail came a minute before")
    later = timeline_text(story.store.timeline(story.ref, limit=10_000))
    assert later.startswith(earlier)
    assert len(later) > len(earlier)
    assert later == timeline_text(story.store.timeline(story.ref, limit=10_000))


def test_the_export_is_one_entry_per_line_in_utc(staged: Told) -> None:
    story = tell(staged, "sign_in_outage")
    records = story.store.timeline(story.ref, limit=10_000)
    lines = timeline_text(records).splitlines()
    assert len(lines) == len(records)
    assert lines[-1].startswith(f"{story.ref} ")
    assert any("2026-01-20T13:12:00Z mei: " in line and "roll back to 9f3c1ab" in line for line in lines)
    assert not any("Mei Tanaka" in line for line in lines), "names are live, handles are not"


def test_a_back_dated_note_says_both_times(staged: Told) -> None:
    story = staged(scripts.SCRIPTS["sign_in_outage"])
    story.declare("Sign-in loops", by="mei", sev="SEV1")
    story.until("13:30")
    happened = story.instant("13:10:00")
    said = "the release went live\x1b[2J\n\u202ebackwards"
    story.do(response.note, by="mei", text=said, happened=happened)
    last = timeline_text(story.store.timeline(story.ref, limit=10_000)).splitlines()
    (line,) = [entry for entry in last if "went live" in entry]
    assert "2026-01-20T13:10:00Z" in line
    assert line.endswith("[recorded 2026-01-20T13:30:00Z]")
    assert "\x1b" not in line
    assert "\u202e" not in line
