"""The check before a database change, the sprint calendar, the time to reopen: as handbooks say them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tocsin.handbook.gates import LONGEST_SENTENCE
from tocsin.handbook.labels import section_kind
from tocsin.handbook.read import exit_code, read_handbook
from tocsin.handbook.render_policy import policy_json, policy_text

ACME = Path(__file__).resolve().parents[2] / "examples" / "acme"
NOW = datetime(2026, 1, 20, tzinfo=UTC)
BASE = """# Incident response

## Severity Matrix

- **SEV1:** down. Target: ack < 5m.

## Roles

- **Incident Commander (IC):** leads.
- **Ops/Infra:** repairs.
- **Data Keeper:** keeps the backups.

"""


@pytest.fixture
def read(tmp_path):
    def reading(text, **siblings):
        ops = tmp_path / "docs" / "ops"
        ops.mkdir(parents=True)
        (ops / "incident_response.md").write_text(BASE + text, "utf-8")
        for name, body in siblings.items():
            (ops / f"{name}.md").write_text(body, "utf-8")
        return read_handbook(tmp_path, ops, NOW)

    return reading


def gate_of(reading):
    gate = reading.policy.gate("backup")
    assert gate is not None
    return gate


def rules(reading):
    return {f.rule for f in reading.findings}


def test_the_specimen_has_five_points_one_with_a_way_out(shared):
    reading = read_handbook(shared / "specimens", shared / "specimens" / "docs" / "ops", NOW)
    gate = gate_of(reading)
    assert (gate.name, gate.valid_s, gate.done_by, gate.confirmed_by) == ("Backup check", 1800, "ops", "ic")
    assert [p.exceptions for p in gate.points] == [("there were no writes since",), (), (), (), ()]
    assert [p.source.line for p in gate.points] == [30, 31, 32, 33, 34]
    assert gate.points[1].text == "The recovery window reaches back to before the incident started."
    assert gate.source.file == "docs/ops/backup_dr.md"
    assert exit_code(reading) == 0


def test_acme_says_the_same_in_its_own_words():
    reading = read_handbook(ACME, ACME / "docs" / "ops", datetime(2026, 11, 20, tzinfo=UTC))
    gate = gate_of(reading)
    assert (gate.valid_s, gate.done_by, gate.confirmed_by, len(gate.points)) == (1800, "ops", "ic", 5)
    assert gate.points[0].exceptions == ("nothing was written since",)
    assert reading.findings == ()


def test_a_step_alone_is_a_check_of_one_point_for_one_change(shared):
    gate = gate_of(read_handbook(None, shared / "seed" / "incident_response.md", NOW))
    assert [p.text for p in gate.points] == ["If DB change, ensure backup is intact beforehand."]
    assert (gate.valid_s, gate.done_by, gate.confirmed_by) == (None, None, None)
    assert gate.source.line == 30


def test_a_handbook_that_asks_for_nothing_has_none(read):
    reading = read(
        "## Process\n\n1. **Repair:** Restore the database from the backup, then look at it first.\n"
    )
    assert reading.policy.gates == ()
    assert "absent: backup check\n" in policy_text(reading.policy)


CHECK = "## Backup check before every DB change\n\n{}\n\n- [ ] The backup is there.\n"


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("Valid for 30m.", 1800),
        ("It is good for one hour, no longer.", 3600),
        ("A check counts for 45 minutes. Then do it again.", 2700),
        ("It expires after 1h 30m.", 5400),
        ("After that has passed: it has to be done again after 20m.", 1200),
        ("No change without a check not older than 15m.", 900),
        ("The check must have passed within the last 30m.", 1800),
        ("Dumps are kept for 12 weeks. Valid for 30m.", 1800),
    ],
)
def test_how_long_it_counts(read, said, seconds):
    reading = read("", backup_dr=CHECK.format(said))
    assert gate_of(reading).valid_s == seconds
    assert not {"gate-validity", "gate-points"} & rules(reading)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("The check was passed in the last 5m of the demo. Valid for 30m.", 1800),
        ("The check was passed in the last 5m of the demo. Valid for 0m.", None),
        ("The check was passed in the last 5m.", None),
        ("Only one check was seen in the last 5m of the demo.", None),
        ("No change without a check not older than 15m, whoever asks. It lapses after 20m.", 1200),
        ("Valid for 1.5h.", 5400),
    ],
)
def test_what_is_told_of_some_check_is_not_how_long_it_counts(read, said, seconds):
    assert gate_of(read("", backup_dr=CHECK.format(said))).valid_s == seconds


NIGHTLY = "# Nightly jobs\n\n## Nightly backup checks\n\n- [ ] Rotate the tapes.\n\nValid for 24h.\n"


def several(reading):
    return [(f.file, f.line, f.message) for f in reading.findings if f.rule == "gate-several"]


def test_a_heading_that_names_the_change_goes_before_one_in_an_earlier_file(read):
    reading = read("", aaa_nightly=NIGHTLY, backup_dr=CHECK.format("Valid for 30m."))
    gate = gate_of(reading)
    assert (gate.source.file, gate.valid_s) == ("docs/ops/backup_dr.md", 1800)
    ((file, line, message),) = several(reading)
    assert (file, line) == ("docs/ops/aaa_nightly.md", 3)
    assert "docs/ops/backup_dr.md:1" in message
    assert not reading.blocked


def test_a_file_that_the_policy_document_links_goes_before_an_earlier_one(read):
    text = "## Backup check\n\nValid for 30m.\n\n- [ ] The backup is there.\n"
    reading = read("## Related\n\n- Data: `docs/ops/zzz.md`\n", aaa_nightly=NIGHTLY, zzz=text)
    assert gate_of(reading).source.file == "docs/ops/zzz.md"
    assert len(several(reading)) == 1


def test_the_policy_document_itself_goes_before_its_neighbours(read):
    text = "## Backup check\n\nValid for 30m.\n\n- [ ] The backup is there.\n"
    assert gate_of(read(text, aaa_nightly=NIGHTLY)).source.file == "docs/ops/incident_response.md"


def test_a_check_in_old_notes_is_not_the_one(read):
    old = "# Notes\n\n## Known gaps\n\n### Backup checklist of the old provider\n\n- unused\n"
    reading = read("", aaa_notes=old, backup_dr=CHECK.format("Valid for 30m."))
    assert gate_of(reading).source.file == "docs/ops/backup_dr.md"
    assert [place[:2] for place in several(reading)] == [("docs/ops/aaa_notes.md", 5)]


def test_a_section_without_points_is_no_rival(read):
    empty = "# Notes\n\n## Backup check\n\nNothing yet.\n"
    reading = read("", aaa_notes=empty, backup_dr=CHECK.format("Valid for 30m."))
    assert not {"gate-several", "gate-points"} & rules(reading)


def test_sections_below_different_headings_are_not_one_check(read):
    text = (
        "# N\n\n## Backup check\n\n- [ ] One.\n\nValid for 30m.\n\n## Something else\n\nText.\n\n"
        "### Backup checks that we never do\n\n- [ ] Two.\n"
    )
    reading = read("", backup_dr=text)
    assert [p.text for p in gate_of(reading).points] == ["One."]
    assert [place[:2] for place in several(reading)] == [("docs/ops/backup_dr.md", 13)]


def test_two_checks_below_the_title_of_a_file_are_not_one(read):
    text = (
        "# Checks before a database change\n\n## Backup check\n\n- [ ] One.\n\nValid for 30m.\n\n"
        "## Monthly backup checks\n\n- [ ] Two.\n"
    )
    reading = read("", backup_dr=text)
    assert [p.text for p in gate_of(reading).points] == ["One."]
    assert len(several(reading)) == 1


@pytest.mark.parametrize(("before", "seconds"), [(0, 1800), (LONGEST_SENTENCE, None)])
def test_of_a_sentence_only_so_much_is_looked_at(read, before, seconds):
    said = f"It is {'quite ' * (before // 6)}valid for 30m."
    assert gate_of(read("", backup_dr=CHECK.format(said))).valid_s == seconds


def test_a_page_of_one_word_is_read_like_any_other(read):
    """Every pattern sees one heading or sentence of bounded length: no text makes it look at a page again and again."""
    text = CHECK.format("check " * 50_000).replace(
        "## Backup check before", f"## {'check before ' * 5_000}\n\n## DB gate"
    )
    assert "gate-validity" in rules(read("", backup_dr=text))


@pytest.mark.parametrize(
    "said", ["Somebody does it.", "Valid for 2 business days.", "Valid for 9d.", "Valid for ever."]
)
def test_no_length_of_time_is_a_finding_and_the_check_lets_one_change_start(read, said):
    reading = read("", backup_dr=CHECK.format(said))
    assert gate_of(reading).valid_s is None
    assert "gate-validity" in rules(reading)
    assert not reading.blocked


@pytest.mark.parametrize(
    ("said", "people"),
    [
        ("Done by Ops/Infra, confirmed by the IC.", ("ops", "ic")),
        ("Ops goes through it, the IC confirms it.", ("ops", "ic")),
        ("The Data Keeper performs it and the Incident Commander signs it.", ("data-keeper", "ic")),
        ("Run by the operator.", ("ops", None)),
        ("Approved by the commander.", (None, "ic")),
        ("Done by whoever is awake.", (None, None)),
    ],
)
def test_who_does_it_and_who_confirms_it(read, said, people):
    gate = gate_of(read("", backup_dr=CHECK.format(f"Valid for 30m. {said}")))
    assert (gate.done_by, gate.confirmed_by) == people


@pytest.mark.parametrize(
    ("point", "ways"),
    [
        ("It is fresh (or there were no writes since).", ("there were no writes since",)),
        ("It is fresh (unless the database is read-only).", ("the database is read-only",)),
        ("It is fresh, unless nothing was written since.", ("nothing was written since",)),
        ("It is fresh (except when the site is closed).", ("the site is closed",)),
        ("It is fresh (UTC), or older but complete.", ()),
        ("The change can be undone, or the moment (UTC) is written down.", ()),
    ],
)
def test_only_ways_out_that_a_point_names_as_such(read, point, ways):
    text = f"## Backup check (gate)\n\nValid for 30m.\n\n- [ ] {point}\n"
    found = gate_of(read("", backup_dr=text)).points[0]
    assert (found.text, found.exceptions) == (point, ways)


def test_points_without_boxes_and_rules_among_them(read):
    text = "## Check before a database change\n\n- Valid for 30m.\n- One.\n  - detail\n- Two.\n"
    gate = gate_of(read("", backup_dr=text))
    assert [p.text for p in gate.points] == ["One.", "Two."]
    assert gate.valid_s == 1800


def test_points_below_a_heading_of_their_own(read):
    text = "## Backup check before a DB change\n\nValid for 30m.\n\n### What has to hold\n\n- [ ] One.\n"
    gate = gate_of(read("", backup_dr=text))
    assert (len(gate.points), gate.valid_s, gate.name) == (1, 1800, "Backup check before a DB change")


def test_a_section_without_points_is_a_finding_and_the_step_holds(read):
    text = "## Process\n\n1. **Fix:** Ensure the backup is there before a DB change.\n"
    reading = read(text, backup_dr="## Backup check before a DB change\n\nLook at it.\n")
    assert {"gate-points", "gate-step"} <= rules(reading)
    assert gate_of(reading).source.file == "docs/ops/incident_response.md"


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("Backup check (gate before every DB change)", "gate"),
        ("Check before the database is changed", "gate"),
        ("4. Before changing the database", "gate"),
        ("DB gate", "gate"),
        ("Backup checklist", "gate"),
        ("Backup strategy", None),
        ("Validation checklist", "checklist"),
        ("Database health checks", None),
        ("Migrations", None),
        ("Sprint calendar", "sprints"),
    ],
)
def test_headings(heading, kind):
    assert section_kind(heading) == kind


def test_the_public_shape(read):
    shape = policy_json(read("", backup_dr=CHECK.format("Valid for 30m. Confirmed by the IC.")).policy)
    gate = shape["gates"][0]
    assert (gate["key"], gate["valid_s"], gate["confirmed_by"], gate["done_by"]) == (
        "backup",
        1800,
        "ic",
        None,
    )
    assert gate["points"] == [
        {"text": "The backup is there.", "exceptions": [], "file": "docs/ops/backup_dr.md", "line": 5}
    ]
    assert (shape["sprints"], shape["reopen_s"]) == ([], 86_400)


def test_what_was_understood_of_the_check(read):
    text = policy_text(read("", backup_dr=CHECK.format("Valid for 30m. Done by Ops.")).policy)
    assert "backup_dr.md:1  check before a database change: 1 point, valid for 30m, done by ops\n" in text


SPRINTS = "## Sprint calendar\n\n| Sprint | Starts | Ends |\n|---|---|---|\n"


def days(reading):
    return [(s.starts, s.ends) for s in reading.policy.sprints]


def test_sprints_with_both_days_in_order(read):
    rows = "| 2 | 2026-01-19 | 2026-01-30 |\n| 1 | Mon 2026-01-05 | 2026-01-16 |\n"
    reading = read(SPRINTS + rows)
    assert days(reading) == [("2026-01-05", "2026-01-16"), ("2026-01-19", "2026-01-30")]
    assert reading.findings == ()


def test_sprints_without_last_days_run_until_the_next(read):
    text = "## Sprints\n\n| Sprint | Starts |\n|---|---|\n| 1 | 2026-01-05 |\n| 2 | 2026-01-19 |\n"
    reading = read(text)
    assert days(reading) == [("2026-01-05", "2026-01-18")]
    assert reading.findings == ()


@pytest.mark.parametrize(
    "row", ["| 1 | soon | 2026-01-16 |", "| 1 | 2026-01-05 | - |", "| 1 | 2026-02-30 | 2026-03-02 |"]
)
def test_a_sprint_without_its_days_is_a_finding(read, row):
    reading = read(f"{SPRINTS}{row}\n")
    assert (days(reading), rules(reading)) == ([], {"sprint-row"})


def test_a_sprint_that_ends_before_it_begins_is_a_finding(read):
    assert rules(read(f"{SPRINTS}| 1 | 2026-01-16 | 2026-01-05 |\n")) == {"sprint-row"}


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("It can be reopened within 24h.", 86_400),
        ("Whoever sees it again reopens it, up to 2 days after the end.", 172_800),
        ("Re-open it within 4h; later it is a new incident.", 14_400),
        ("Nobody reopens anything.", 86_400),
    ],
)
def test_how_long_an_incident_can_be_reopened(read, said, seconds):
    assert read(f"## Process\n\n5. **Close:** All is well. {said}\n").policy.reopen_s == seconds
