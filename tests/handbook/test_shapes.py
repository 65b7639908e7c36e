"""Handbooks in other shapes: tables, numbered points, words, and what is refused as a whole."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.domain.oncall.tables import on_call
from tocsin.domain.source import Source
from tocsin.handbook.document import parse_document
from tocsin.handbook.findings import Notebook
from tocsin.handbook.levels import merge_drafts
from tocsin.handbook.people import read_ladder
from tocsin.handbook.read import exit_code, read_handbook
from tocsin.handbook.severities import read_drafts

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
def read(tmp_path):
    def read(text, **others):
        ops = tmp_path / "docs" / "ops"
        ops.mkdir(parents=True, exist_ok=True)
        (ops / "incident_response.md").write_text(text, "utf-8")
        for name, content in others.items():
            (ops / f"{name}.md").write_text(content, "utf-8")
        return read_handbook(tmp_path, ops, NOW)

    return read


def rules(reading):
    return [f.rule for f in reading.findings]


def test_table_with_synonyms(read):
    reading = read(
        "# IR\n\n## Incident Classification\n\n"
        "| Severity | Description | Examples | Response Time | Resolution | Updates | Escalation |\n"
        "|---|---|---|---|---|---|---|\n"
        "| 🔴 **P0 - Critical** | Down \\| lost | login | Immediate (< 15 min) | 4h | every 30 min | CTO |\n"
        "| P1 | Slow | reports | 1 hour | 2d | - | - |\n"
    )
    first, second = reading.policy.severities
    assert (first.level, first.name, first.rank) == ("P0", "Critical", 1)
    assert first.criteria == ("Down | lost", "login")
    assert (first.ack.seconds, first.ack.inclusive, first.resolve.seconds) == (900, False, 14_400)
    assert (first.update.remind_s, first.update.overdue_s) == (None, 1800)
    assert first.other == (("Escalation", "CTO"),)
    assert (second.level, second.ack.seconds, second.update) == ("P1", 3600, None)
    assert 'line 5: "Response Time" read as acknowledge' in reading.report
    assert reading.findings == ()


def test_numbered_points(read):
    reading = read(
        "# IR\n\n## Severity\n\n1) **SEV-1:** down. Response: 15 minutes.\n2) **SEV-2:** slow. Ack: 1h.\n"
    )
    assert [(s.level, s.ack.seconds) for s in reading.policy.severities] == [("SEV1", 900), ("SEV2", 3600)]
    assert 'line 5: "Response" read as acknowledge' in reading.report


def test_nested_bullets(read):
    reading = read(
        "# IR\n\n## Severity\n\n- **Critical**\n  - Everything is down\n  - Ack: 5m\n- **High**\n  - Slow\n"
    )
    first, second = reading.policy.severities
    assert (first.level, first.criteria, first.ack.seconds) == ("Critical", ("Everything is down",), 300)
    assert (second.level, second.ack) == ("High", None)


def test_two_tables_are_merged(read):
    reading = read(
        "# IR\n\n## Severity levels\n\n| Level | Definition |\n|---|---|\n| SEV1 | down |\n\n"
        "## Severity targets\n\n| Level | Ack |\n|---|---|\n| SEV1 | 5m |\n"
    )
    severity = reading.policy.severities[0]
    assert (severity.criteria, severity.ack.seconds) == (("down",), 300)
    assert reading.findings == ()


def test_the_same_cell_twice_names_both_lines(read):
    reading = read(
        "# IR\n\n## Severity levels\n\n| Level | Ack |\n|---|---|\n| SEV1 | 5m |\n\n"
        "## Severity targets\n\n| Level | Ack |\n|---|---|\n| SEV1 | 10m |\n"
    )
    conflict = reading.findings[0]
    assert (conflict.rule, conflict.line) == ("severity-conflict", 13)
    assert "line 7" in conflict.message
    assert reading.blocked
    assert exit_code(reading) == 1


def test_absent_is_absent(read):
    severity = read("# IR\n\n## Severity\n\n- **SEV1:** down.\n").policy.severities[0]
    assert (severity.ack, severity.mitigate, severity.resolve) == (None, None, None)
    assert (severity.update, severity.postmortem, severity.calendar, severity.name) == (
        None,
        None,
        None,
        None,
    )


def test_a_playbook_is_refused_with_the_headings_seen(read):
    reading = read("# Restarting\n\n## Before you start\n\nBreathe.\n")
    assert reading.policy is None
    assert exit_code(reading) == 2
    finding = reading.findings[0]
    assert (finding.rule, finding.file, finding.line) == (
        "severity-missing",
        "docs/ops/incident_response.md",
        1,
    )
    assert "'Before you start'" in finding.message
    assert finding.repair


def test_an_empty_file_and_an_empty_folder(read, tmp_path):
    assert exit_code(read("")) == 2
    (tmp_path / "none").mkdir()
    empty = read_handbook(tmp_path, tmp_path / "none", NOW)
    assert empty.policy is None
    assert empty.findings[0].rule == "severity-missing"


def test_a_section_that_defines_nothing_is_named(read):
    finding = read("# IR\n\n## Severity\n\nTo be written.\n").findings[0]
    assert (finding.rule, finding.line) == ("severity-missing", 3)


def test_levels_as_headings_are_refused_with_the_lines_and_the_line_to_write(read):
    finding = read(
        "# IR\n\n## Severity levels\n\n### SEV1 - Critical\n\nNobody can sign in.\n\n- Ack within 5m\n\n"
        "### 🟠 Sev 2\n\nSlow.\n"
    ).findings
    (finding,) = finding
    assert (finding.rule, finding.level, finding.line) == ("severity-missing", "error", 5)
    assert "headings ('SEV1 - Critical' in line 5, '🟠 Sev 2' in line 11)" in finding.message
    assert "bullets, numbered lists and tables" in finding.message
    assert "`- **SEV1 - Critical:** Nobody can sign in. Target: ack < 5m, resolve < 2h.`" in finding.repair


def test_words_as_headings_are_refused_too_and_the_line_to_write_is_read(read):
    finding = read("# IR\n\n## Severity\n\n### Critical\n\nDown.\n\n### Low\n\nSlow.\n").findings[0]
    assert "'Critical' in line 5, 'Low' in line 9" in finding.message
    line = finding.repair.split("`")[-2]
    severity = read(f"# IR\n\n## Severity\n\n{line}\n").policy.severities[0]
    assert (severity.level, severity.criteria, severity.ack.seconds) == ("Critical", ("Down",), 300)


def test_roster_in_a_neighbouring_file(read):
    reading = read(
        "# IR\n\n## Severity\n\n- **SEV1:** down. Target: ack < 5m.\n",
        people="## Roster\n\n| Name | Role | Email |\n|---|---|---|\n| Ada Berg | IC | ada@acme.example |\n",
    )
    person = reading.policy.roster[0]
    assert (person.handle, person.can_act_as, person.source.file) == ("ada", ("ic",), "docs/ops/people.md")


def test_a_file_that_is_not_utf8_is_named_and_left_out(read, tmp_path):
    text = "# IR\n\n## Severity\n\n- **SEV1:** down. Target: ack < 5m.\n"
    read(text)
    (tmp_path / "docs" / "ops" / "old.md").write_bytes(b"# Old\n\ncaf\xe9\n")
    reading = read(text)
    finding = reading.findings[0]
    assert (finding.rule, finding.file, finding.line, finding.level) == (
        "encoding",
        "docs/ops/old.md",
        3,
        "error",
    )
    assert reading.policy is not None


def test_links_out_of_the_tree_are_never_followed(read, tmp_path):
    (tmp_path.parent / "outside.md").write_text("# Outside\n", "utf-8")
    ops = tmp_path / "docs" / "ops"
    ops.mkdir(parents=True)
    (ops / "away.md").symlink_to(tmp_path.parent / "outside.md")
    reading = read(
        "# IR\n\n## Severity\n\n- **SEV1:** down. Target: ack < 5m.\n\n## Runbooks\n\n- A (`docs/ops/away.md`)\n"
    )
    assert rules(reading) == ["link-outside"]
    assert "docs/ops/away.md" not in reading.files


def test_templates_and_code_hold_fields_not_blanks(read):
    reading = read(
        "# IR\n\n## Severity\n\n- **SEV1:** down. Target: ack < 5m.\n\n## Templates\n\nFirst:\n\n> TBD [Name] {sev}\n\n"
        "```\n<TODO> {id}\n```\n\n## Communication channels\n\n- Rollback: run `deploy <name>` and `TBD`\n"
    )
    assert rules(reading) == []
    assert [t.fields for t in reading.policy.templates] == [("sev",), ("id",)]


@pytest.mark.parametrize(
    "blank", ["TBD", "todo", "[To be configured]", "[Name]", "<name>", "@handle", "REPLACE_ME"]
)
def test_blanks_in_channels(read, blank):
    reading = read(
        f"# IR\n\n## Severity\n\n- **SEV1:** x. Target: ack < 5m.\n\n## Channels\n\n- Primary: {blank}\n"
    )
    assert [(f.rule, f.line) for f in reading.findings] == [("placeholder", 9)]


def test_owner_and_replace_with_actual(read):
    reading = read(
        "# IR\n\nOwner: TBD\n\n## Severity\n\n- **SEV1:** x. Target: ack < 5m.\n\n## Channels\n\n"
        "- Primary: #status (replace with actual channel)\n"
    )
    assert [(f.rule, f.line) for f in reading.findings] == [("placeholder", 3), ("placeholder", 11)]


def test_ticked_open_items_are_done(read):
    reading = read(
        "# IR\n\n## Severity\n\n- **SEV1:** x. Target: ack < 5m.\n\n"
        "## Open Items\n\n- [x] done\n- [ ] still to do\n- None.\n"
    )
    assert [n.text for n in reading.policy.open_items] == ["still to do"]
    assert rules(reading) == ["open-item"]


def test_cadence_and_deadlines_of_several_levels(read):
    reading = read(
        "# IR\n\n## Severity\n\n- **SEV1:** x. Target: ack < 5m.\n- **SEV2:** y. Target: ack < 1h.\n\n## Process\n\n"
        "1. **Tell:** Update every 30m for SEV1, every 2 hours for SEV2.\n"
        "2. **Postmortem:** SEV1: 24-48h, SEV2: five business days.\n"
    )
    first, second = reading.policy.severities
    assert (first.update.overdue_s, second.update.overdue_s) == (1800, 7200)
    assert first.postmortem.seconds == 172_800
    assert (second.postmortem.seconds, second.postmortem.business_days) == (None, 5)


TABLE = "# IR\n\n## Severity\n\n| Level | Ack |\n|---|---|\n| SEV1 | {} |\n"


def test_window_in_a_cell(read):
    target = read(TABLE.format("15m (09:00-17:00 CET)")).policy.severities[0].ack
    assert target.seconds == 900
    assert (target.window.start, target.window.end, target.window.tz) == ("09:00", "17:00", "CET")


def test_a_blank_target_is_a_placeholder(read):
    reading = read(TABLE.format("TBD"))
    assert rules(reading) == ["placeholder"]
    assert reading.policy.severities[0].ack is None


def test_escalation_section_as_numbered_points(read):
    reading = read(
        "# IR\n\n## Severity\n\n- **SEV1:** x. Target: ack < 5m.\n\n## Escalation\n\n1. Page the primary on-call.\n"
        "2. After 10m without an answer, the secondary.\n3. After 20 min, all ICs.\n"
    )
    assert [(r.after_s, r.targets) for r in reading.policy.ladder] == [
        (0, ("oncall:primary",)),
        (600, ("oncall:secondary",)),
        (1200, ("role:ic",)),
    ]


def test_what_a_policy_block_cannot_say_is_named_and_the_prose_is_read(read):
    reading = read(
        "# IR\n\n## Severity\n\n- **SEV1:** x. Target: ack < 5m.\n\n"
        '~~~ TOML  tocsin\n[severity.SEV1]\nack = "3m"\n~~~\n\n```toml\nSEV = 1\n```\n'
    )
    finding = next(f for f in reading.findings if f.rule == "block-key")
    assert (rules(reading), finding.level, finding.line) == (["block-key"], "error", 8)
    assert reading.blocked
    assert reading.policy.severities[0].ack.seconds == 300


@pytest.mark.parametrize(
    ("sentence", "via"),
    [
        ("mail the primary on-call", ("email",)),
        ("E-mail the primary", ("email",)),
        ("email the primary on call", ("email",)),
        ("write to the on-call engineer", ("email",)),
        ("page the primary on-call", ("page",)),
        ("push to the primary", ("push",)),
        ("phone and text the primary on-call", ("call", "sms")),
        ("call the primary on-call", ("call",)),
        ("mail, then call the primary", ("email", "call")),
        ("no answer 5m after the first page, mail the secondary", ("email",)),
        ("the primary on-call", ()),
    ],
)
def test_how_people_are_called_follows_the_verb(sentence, via):
    (rung,) = read_ladder(sentence, Source("a.md", 1), ()).rungs
    assert rung.via == via


SEV1 = "# IR\n\n## Severity\n\n- SEV1 – down. Target: ack < 5m.\n\n"


def test_a_table_of_roles_is_no_roster_and_a_contact_table_no_list_of_roles(read):
    roles = read(
        SEV1 + "## Roles\n\n| Name | Responsibilities |\n|---|---|\n| Incident Commander | leads |\n"
    ).policy
    assert ([r.key for r in roles.roles], roles.roster) == (["ic"], ())
    people = read(
        SEV1 + "## Roles\n\n| Role | Name | Email |\n|---|---|---|\n| IC | Ada Berg | ada@acme.example |\n"
    ).policy
    assert (people.roles, [p.can_act_as for p in people.roster]) == ((), [("ic",)])


@pytest.mark.parametrize(
    ("sentence", "seconds"),
    [
        ("If there is no IC after 10m, all are called.", 600),
        ("The IC seat may be empty for 2m.", 120),
        ("Breathe.", 300),
    ],
)
def test_how_long_the_seat_may_be_empty(read, sentence, seconds):
    assert read(f"{SEV1}## Roles\n\n{sentence}\n").policy.seat_empty_s == seconds


def test_a_log_inside_the_policy_document_does_not_count_towards_the_hash(read):
    text = SEV1 + "## Incidents\n\n| Date | SEV | Summary |\n|---|---|---|\n"
    before = read(text)
    assert before.log_path == "docs/ops/incident_response.md"
    assert read(text + "| 2026-01-20 | SEV1 | INC-2026-0007 x |\n").hash == before.hash
    assert read(text + "\nA rule.\n").hash != before.hash


def severities_of(text):
    notes = Notebook()
    drafts = [
        d for s in parse_document("x.md", text).of_kind("severity") for d in read_drafts(s, "x.md", notes)
    ]
    return merge_drafts(drafts, notes)


@settings(max_examples=200)
@given(st.text(alphabet="SEVP12-*:|.,<() mhd\nTargetack", max_size=200))
def test_no_text_breaks_the_severity_readers(text):
    severities_of("## Severity\n\n- **SEV1:** " + text)
    severities_of("## Severity\n\n| Level | Ack |\n|---|---|\n| SEV1 | " + text)


@pytest.mark.parametrize("year", ["0001", "9999"])
def test_a_row_at_the_end_of_the_calendar_is_a_finding_and_stops_nobody(read, year):
    """Whoever writes "for ever" as a date must not make it impossible to say who is on call."""
    reading = read(
        "# Incidents\n\n## Severity\n\n- **SEV1:** down. Target: ack < 5m.\n\n"
        "## On-call\n\nWeekly, handover Monday 09:00 Europe/Stockholm.\n\n"
        f"| Starts | Primary |\n|---|---|\n| 2026-01-12 | Mei |\n| {year}-12-31 | Mei |\n"
    )

    assert [f.line for f in reading.findings if f.rule == "rotation-row"] == [14]
    assert on_call(reading.policy.rotations, "primary", datetime(2026, 1, 14, tzinfo=UTC)) == ("mei",)
