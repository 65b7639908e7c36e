"""The log: recognised by its header, one row touched, every other byte kept, nothing untrusted comes alive."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tocsin.handbook.document import Table, parse_document
from tocsin.handbook.log import (
    LogHeld,
    LogRow,
    LogWritten,
    RestoreRow,
    highest_number,
    is_log,
    log_columns,
    new_log_text,
    restore_columns,
    split_cells,
    without_rows,
    write_restore_row,
    write_row,
)

AT = datetime(2026, 1, 20, 13, 6, 40, tzinfo=UTC)
HEADER = "| Date (UTC) | SEV | Summary | Impact | Actions Taken | Root Cause | Follow-ups | Owner |"
LOG = f"""# Incident Log

{HEADER}
|------------|-----|---------|--------|---------------|------------|------------|-------|
| 2026-01-08 06:41 | SEV3 | INC-2026-001 PDF | 12 of 41 | x \\| y | memory | - | Mei |

## Restore log

| Date (UTC) | Kind | Reason |
|---|---|---|
| 2025-12-15 | Drill | Quarterly |
"""
ROW = LogRow("INC-2026-0007", AT, "SEV1", "Sign-in loops")
LINE = "| 2026-01-20 13:06 | SEV1 | INC-2026-0007 Sign-in loops | - | - | - | - | - |"


def written(text, row=ROW, previous=None, header=None):
    result = write_row(text, row, previous, header)
    assert isinstance(result, LogWritten), result
    return result


def held(text, row=ROW, previous=None, header=None):
    result = write_row(text, row, previous, header)
    assert isinstance(result, LogHeld), result
    return result.rule


def cells_of(text):
    table = next(b for s in parse_document("x", text).sections for b in s.blocks if isinstance(b, Table))
    return [[c.flat for c in r.cells] for r in table.rows]


def test_the_newest_row_is_on_top_and_every_other_byte_stays():
    result = written(LOG)
    assert result.row == LINE
    assert result.text == LOG.replace("-------|\n| 2026", f"-------|\n{LINE}\n| 2026")
    assert result.header == HEADER


def test_an_update_replaces_the_own_row_in_place():
    first = written(LOG)
    other = written(first.text, LogRow("INC-2026-0008", AT, "SEV2", "Later"))
    after = LogRow("INC-2026-0007", AT, "SEV1", "Sign-in loops", impact="all", owner="Mei")
    result = written(other.text, after, first.row)
    assert result.text == other.text.replace(LINE, result.row)
    assert result.row.endswith("| all | - | - | - | Mei |")


def test_the_same_row_again_changes_nothing_even_after_a_lost_record():
    first = written(LOG)
    for previous in (first.row, None, "| something else |"):
        again = written(first.text, ROW, previous)
        assert not again.changed
        assert again.text == first.text


def test_the_postmortem_is_linked_behind_the_summary():
    row = LogRow("INC-2026-0007", AT, "SEV1", "x", postmortem="postmortems/INC-2026-0007.md")
    assert "INC-2026-0007 x ([postmortem](postmortems/INC-2026-0007.md)) |" in written(LOG, row).row


def test_times_are_utc():
    row = LogRow("INC-2026-0007", AT.astimezone(timezone(timedelta(hours=9))), "SEV1", "x")
    assert written(LOG, row).row.startswith("| 2026-01-20 13:06 |")


def test_own_columns_of_a_repository():
    text = (
        "| ID | date | symptom | cause | action | guard | state | mood |\n|:--|---|---|---|---|---|---|--:|\n"
        "| 41 | 2026-01-01 | slow | cache | restart | test | closed | calm |\n"
    )
    row = LogRow("INC-2026-0007", AT, "SEV1", "Loops", cause="cookie", actions="rollback", state="open")
    result = written(text, row)
    assert result.row == "| INC-2026-0007 | 2026-01-20 13:06 | Loops | cookie | rollback | - | open | - |"


def test_unknown_columns_are_kept_on_update_and_dashes_at_first():
    text = "| Date | SEV | Summary | Ticket |\n|---|---|---|---|\n"
    first = written(text)
    assert first.row.endswith("| - |")
    later = written(first.text, LogRow("INC-2026-0007", AT, "SEV2", "Loops"), first.row)
    assert later.row.endswith("| - |")


@pytest.mark.parametrize("row", ["| - | - | - | - | - | - | - | - |", "| — |  | - | - | ... | - | - | - |"])
def test_the_row_of_dashes_goes(row):
    text = f"{HEADER}\n|{'---|' * 8}\n{row}\n"
    assert written(text).text == f"{HEADER}\n|{'---|' * 8}\n{LINE}\n"


def test_crlf_byte_order_mark_and_indent_are_kept():
    text = "\ufeff" + "  " + LOG.split("\n\n")[1].replace("\n", "\r\n  ").rstrip(" ")
    result = written(text)
    assert f"\r\n  {LINE}\r\n" in result.text
    assert "\n" not in result.text.replace("\r\n", "")
    assert result.text.startswith("\ufeff  | Date")


def test_a_file_that_ends_with_the_separator():
    text = f"{HEADER}\n|{'---|' * 8}"
    assert written(text).text == f"{text}\n{LINE}\n"


def test_the_second_table_is_never_touched():
    tail = LOG[LOG.index("## Restore log") :]
    assert written(LOG).text.endswith(tail)


def test_a_playbook_is_not_written_into():
    assert held("# What to do\n\n| Step | Who |\n|---|---|\n| 1 | IC |\n") == "no-header"


@pytest.mark.parametrize("wrap", ["```\n{}```\n", "<!--\n{}-->\n", "~~~~md\n{}~~~~\n"])
def test_a_table_in_a_fence_or_comment_is_no_log(wrap):
    assert not is_log(wrap.format(f"{HEADER}\n|{'---|' * 8}\n"))


@pytest.mark.parametrize("marker", ["<<<<<<< HEAD", ">>>>>>> theirs"])
def test_conflict_markers_hold_the_row(marker):
    assert held(f"{LOG}{marker}\n") == "conflict"


def test_a_changed_header_holds_the_row():
    first = written(LOG)
    changed = first.text.replace("Impact", "Effect on customers")
    assert held(changed, previous=first.row, header=first.header) == "header-changed"


def test_a_row_that_is_not_there_any_more_is_written_below_the_header_there_is():
    first = written(LOG)
    changed = LOG.replace("Impact", "Effect on customers")
    assert written(changed, previous=first.row, header=first.header).changed


def test_a_header_with_other_blanks_is_the_same():
    assert written(LOG.replace("| SEV |", "|  SEV   |"), header=HEADER).changed


def test_an_own_row_edited_by_hand_is_not_overwritten():
    first = written(LOG)
    edited = first.text.replace("Sign-in loops", "Sign-in loops (mostly)")
    after = LogRow("INC-2026-0007", AT, "SEV2", "Sign-in loops")
    assert held(edited, after, first.row) == "edited-by-hand"


def test_a_row_written_by_hand_under_our_reference_is_not_overwritten():
    assert held(LOG, LogRow("INC-2026-001", AT, "SEV1", "x")) == "edited-by-hand"


def test_a_formatter_that_only_moves_blanks_is_no_edit():
    first = written(LOG)
    padded = first.text.replace("| SEV1 |", "|   SEV1    |")
    assert written(padded, LogRow("INC-2026-0007", AT, "SEV2", "Sign-in loops"), first.row).changed


def test_a_row_that_is_gone_is_written_again():
    first = written(LOG)
    assert written(LOG, ROW, first.row).text == first.text


def test_a_reference_twice_is_held():
    twice = LOG.replace("| 2026-01-08", f"{LINE}\n{LINE}\n| 2026-01-08")
    assert held(twice, LogRow("INC-2026-0007", AT, "SEV2", "x"), LINE) == "edited-by-hand"


def test_a_mention_of_the_reference_is_no_own_row():
    text = LOG.replace("INC-2026-001 PDF", "INC-2026-001 as INC-2026-0007")
    assert written(text).text.count("\n") == text.count("\n") + 1


def test_references_with_a_common_beginning_are_different():
    first = written(LOG, LogRow("INC-2026-00071", AT, "SEV1", "x"))
    assert written(first.text).text.count("INC-2026-0007") == 2


def test_an_old_row_that_was_moved_to_a_yearly_table_is_updated_there():
    text = f"{LOG}\n## 2025\n\n{HEADER}\n|{'---|' * 8}\n{LINE}\n"
    result = written(text, LogRow("INC-2026-0007", AT, "SEV3", "Sign-in loops"), LINE)
    assert result.text == text.replace(LINE, result.row)


NASTY = [
    "a | b",
    "a \\| b \\",
    "line one\nline two\r\nline three\u2028four",
    "<!-- hidden",
    "--> <script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "![x](https://evil.example/x.png)",
    "`code` **bold** __bold__ _it_ ~~no~~ $math$",
    "<https://evil.example> &lt;b&gt;",
    "\u202eevil\u202c \u2066x\u2069 \u200bzero",
    "bell\x07 esc\x1b[31m nul\x00",
    "<<<<<<< HEAD",
    "| --- | --- |",
    "INC-2026-0007 [[wiki]]",
]


def assert_inert(text, columns=8):
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    kinds = {c.type for t in tokens for c in (t.children or [])}
    assert kinds <= {"text", "softbreak"}, kinds
    assert all(len(row) == columns for row in cells_of(text))


@pytest.mark.parametrize("text", NASTY)
def test_untrusted_text_is_inert_and_still_readable(text):
    row = LogRow("INC-2026-0009", AT, "SEV1", text, impact=text, actions=text, cause=text, owner=text)
    result = written(new_log_text(), row)
    assert_inert(result.text)
    assert "<" not in result.text
    assert not any(ch in result.row for ch in "\u202e\u2066\u200b\x07\x1b\x00\u2028\r\n")
    again = written(result.text, LogRow("INC-2026-0009", AT, "SEV2", text), result.row)
    assert len(cells_of(again.text)) == 1


@pytest.mark.parametrize(
    "text", ["a | b", "x_y_z", "back\\slash", "5 < 6 & 7", "[x](y)", "*", "naïve – ok 🙂"]
)
def test_what_is_read_is_what_was_said(text):
    row = LogRow("INC-2026-0009", AT, "SEV1", text, impact=text)
    assert cells_of(written(new_log_text(), row).text)[0][3] == text


@given(st.text(), st.text(), st.text())
def test_any_text_gives_one_row_that_is_found_again(summary, impact, owner):
    row = LogRow("INC-2026-0009", AT, "SEV1", summary, impact=impact, owner=owner)
    result = written(LOG, row)
    assert_inert(result.text.split("## Restore log")[0])
    assert result.text.replace(result.row + "\n", "", 1) == LOG
    assert not written(result.text, row, result.row).changed


@given(st.lists(st.tuples(st.integers(1, 9), st.sampled_from(["a", "b | c", "d\ne"])), max_size=12))
def test_any_order_of_writes_leaves_one_row_per_incident(writes):
    text, last = LOG, {}
    for number, summary in writes:
        ref = f"INC-2026-100{number}"
        result = written(text, LogRow(ref, AT, "SEV1", summary), last.get(ref))
        text, last[ref] = result.text, result.row
    assert len(cells_of(text)) == 1 + len(last)
    assert all(text.count(row) == 1 for row in last.values())


def test_a_new_log_is_a_log():
    assert is_log(new_log_text())
    assert written(new_log_text()).text.endswith(f"{LINE}\n")


def rows(*named):
    return "".join(f"| 2026-01-08 06:41 | SEV3 | {summary} | - | - | - | - | Mei |\n" for summary in named)


def test_the_highest_number_of_a_year():
    text = LOG.replace(
        "\n\n## Restore", f"\n{rows('**INC-2026-0012** x', '[INC-2026-0013](x.md) y')}\n## Restore"
    )
    assert highest_number(text, 2026) == 13
    assert highest_number(text, 2024) == 0
    assert highest_number("", 2026) == 0
    checks = f"{text}| 2026-01-15 | Backup check | CHG-2026-0014 check 1: before a change |\n"
    checks = checks.replace("| Kind | Reason |", "| Kind | Reason | Validation |").replace(
        "|---|---|---|\n| 2025", "|---|---|---|---|\n| 2025"
    )
    assert highest_number(checks, 2026) == 14, "changes count in the same row of numbers"


@pytest.mark.parametrize(
    "said",
    [
        "INC-2026-0003 Same as INC-2026-999999?",
        "Same as INC-2026-0500",
        "XINC-2026-700 x",
        "INC-2025-900 x",
        "INC-2026-1000000 x",
        "INC-2026-999999999 x",
        "INC-2026-12 x",
    ],
)
def test_a_number_in_a_title_and_one_that_nobody_counts_to_are_no_number_of_a_row(said):
    assert highest_number(LOG.replace("\n\n## Restore", f"\n{rows(said)}\n## Restore"), 2026) <= 3
    assert highest_number(f"Read INC-2026-0400 first.\n\n{LOG}", 2026) == 1


def test_with_a_column_of_its_own_only_that_one_names_the_row():
    head = "| ID | Date | SEV | Summary |\n|---|---|---|---|\n"
    text = f"{head}| INC-2026-0021 | 2026-01-08 | SEV3 | INC-2026-0700 again |\n"
    assert highest_number(text, 2026) == 21


@pytest.mark.parametrize(
    ("header", "known"),
    [
        (["Date", "Severity", "Title"], True),
        (["When", "Incident", "Impact"], True),
        (["ID", "Date", "Incident", "Summary"], True),
        (["Date (UTC)", "Kind", "Initiator", "Reason"], False),
        (["Week", "Starts", "Primary"], False),
        (["Level", "Description", "Response"], False),
    ],
)
def test_headers(header, known):
    assert (log_columns(header) is not None) is known


def test_cells():
    assert split_cells("| a \\| b |c|  |") == ["a \\| b", "c", ""]
    assert split_cells("a | b") == ["a", "b"]


def test_the_specimen_log(shared):
    text = (shared / "specimens" / "docs" / "ops" / "incidents.md").read_text("utf-8")
    result = written(text)
    assert result.text.replace(LINE + "\n", "", 1) == text
    assert highest_number(text, 2025) == 6


# --- the second table: restores and checks ---------------------------------------------------------------------------

RESTORES = "| Date (UTC) | Kind | Initiator | Reason | Source | Restored to | Validation | RPO | RTO |"
SECOND = f"""{LOG.split("## Restore log", maxsplit=1)[0]}## Restore log

{RESTORES}
|------------|------|-----------|--------|--------|-------------|------------|-----|-----|
| 2025-12-15 13:00 | Drill | Jonas Ek | Quarterly | PITR | New project | Passed | 2m | 1h 12m |

## Validation checklist

- Newest first.
"""
CHECK = RestoreRow(
    "INC-2026-0007 check 2",
    AT,
    "Backup check",
    "Jonas Ek",
    'before "Copy contacts back"',
    source="restore point 2026-01-20 13:05:00",
    validation="Passed",
    rpo_s=571,
)
CHECK_LINE = (
    '| 2026-01-20 13:06 | Backup check | Jonas Ek | INC-2026-0007 check 2: before "Copy contacts back" | '
    "restore point 2026-01-20 13:05:00 | - | Passed | 9m 31s | - |"
)


def restored(text, row=CHECK, previous=None, header=None):
    result = write_restore_row(text, row, previous, header)
    assert isinstance(result, LogWritten), result
    return result


def restore_held(text, row=CHECK, previous=None, header=None):
    result = write_restore_row(text, row, previous, header)
    assert isinstance(result, LogHeld), result
    return result


def test_a_check_stands_on_top_of_the_second_table_and_every_other_byte_stays():
    result = restored(SECOND)
    assert result.row == CHECK_LINE
    assert result.text == SECOND.replace("-----|-----|\n| 2025", f"-----|-----|\n{CHECK_LINE}\n| 2025")
    assert result.header == RESTORES


def test_the_two_tables_do_not_touch_each_other():
    both = written(restored(SECOND).text).text
    assert both.replace(f"{LINE}\n", "").replace(f"{CHECK_LINE}\n", "") == SECOND
    again = restored(both, CHECK, CHECK_LINE, RESTORES)
    assert (again.changed, again.text) == (False, both)


def test_the_very_same_restore_row_is_not_written_twice_even_after_a_lost_record():
    first = restored(SECOND)
    for previous in (first.row, None, "| something else |"):
        again = restored(first.text, CHECK, previous)
        assert (again.changed, again.text) == (False, first.text)


def test_a_check_that_is_confirmed_later_is_updated_in_place():
    first = restored(SECOND)
    other = restored(first.text, replace(CHECK, ref="INC-2026-0007 check 3"))
    confirmed = replace(CHECK, validation="Passed; confirmed by Mei Tanaka")
    result = restored(other.text, confirmed, first.row, first.header)
    assert result.text == other.text.replace(CHECK_LINE, result.row)


def test_numbers_with_a_common_beginning_are_different_rows():
    first = restored(SECOND, replace(CHECK, ref="INC-2026-0007 check 21"))
    assert restored(first.text).text.count("INC-2026-0007 check 2") == 2


def test_conflict_markers_hold_the_restore_row():
    assert restore_held(f"{SECOND}<<<<<<< HEAD\n").rule == "conflict"
    assert restore_held(f"{new_log_text()}>>>>>>> theirs\n").rule == "conflict"


def test_a_changed_header_of_the_second_table_holds_its_rows():
    first = restored(SECOND)
    changed = first.text.replace("Restored to", "Brought to")
    assert (
        restore_held(changed, replace(CHECK, validation="x"), first.row, first.header).rule
        == "header-changed"
    )
    assert written(changed).changed, "the first table is as it was"


def test_a_changed_header_of_the_first_table_does_not_hold_the_second():
    first = restored(SECOND)
    changed = first.text.replace("| Impact |", "| Effect |")
    assert restored(changed, replace(CHECK, validation="x"), first.row, first.header).changed


def test_a_restore_row_edited_by_hand_is_not_overwritten():
    first = restored(SECOND)
    edited = first.text.replace("9m 31s", "9m 40s")
    assert restore_held(edited, replace(CHECK, validation="x"), first.row).rule == "edited-by-hand"


def test_a_restore_row_taken_out_by_hand_is_written_again():
    first = restored(SECOND)
    assert restored(SECOND, CHECK, first.row, first.header).text == first.text


def test_a_log_without_a_second_table_says_which_header_to_add():
    held = restore_held(LOG.split("## Restore log", maxsplit=1)[0])
    assert held.rule == "no-header"
    assert RESTORES in held.reason


def test_a_playbook_gets_no_restore_row():
    assert restore_held("# What to do\n\n| Step | Who |\n|---|---|\n| 1 | IC |\n").rule == "no-header"


def test_a_log_of_our_own_gets_the_table_with_its_first_row():
    result = restored(written(new_log_text()).text)
    assert result.text.endswith(f"## Restores and checks\n\n{RESTORES}\n|{'---|' * 9}\n{CHECK_LINE}\n")
    second = restored(result.text, replace(CHECK, ref="INC-2026-0008 check 1"))
    assert second.text.count("## Restores and checks") == 1
    assert len(cells_of(second.text)) == 1, "the incidents stay one row"


def test_a_table_with_few_columns_of_its_own():
    text = "| Timestamp | By | Reason | Validation result |\n|---|---|---|---|\n"
    assert restored(text).row == (
        '| 2026-01-20 13:06 | Jonas Ek | INC-2026-0007 check 2: before "Copy contacts back" | Passed |'
    )


def test_a_table_without_a_reason_is_known_by_what_came_of_it():
    text = "| Date | Kind | Result |\n|---|---|---|\n"
    first = restored(text)
    assert first.row == "| 2026-01-20 13:06 | Backup check | INC-2026-0007 check 2: Passed |"
    assert not restored(first.text, CHECK, first.row).changed


@pytest.mark.parametrize(
    ("header", "known"),
    [
        (["Date (UTC)", "Kind", "Initiator", "Reason", "Validation"], True),
        (["When", "Type", "Result"], True),
        (["Date", "Initiator", "Validation result"], True),
        (["Date (UTC)", "SEV", "Summary", "Impact", "Type", "Result"], False),
        (["Week", "Starts", "Primary"], False),
        (["Date", "Kind", "Amount"], False),
        (["Kind", "Validation", "RPO"], False),
    ],
)
def test_headers_of_the_second_table(header, known):
    assert (restore_columns(header) is not None) is known


@pytest.mark.parametrize("text", NASTY)
def test_untrusted_text_in_the_second_table_is_inert(text):
    row = RestoreRow("INC-2026-0009 restore 1", AT, text, text, text, text, text, text)
    result = restored(f"{RESTORES}\n|{'---|' * 9}\n", row)
    assert_inert(result.text, columns=9)
    assert not restored(result.text, row, result.row).changed


@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.sampled_from(["a", "b | c", "d\ne"]), st.booleans()), max_size=12
    )
)
def test_any_order_of_writes_to_both_tables_leaves_one_row_each(writes):
    text, last = SECOND, {}
    for number, said, incident in writes:
        if incident:
            row = LogRow(f"INC-2026-100{number}", AT, "SEV1", said)
            result = written(text, row, last.get(row.ref))
        else:
            check = replace(CHECK, ref=f"INC-2026-0007 check {number}", validation=said)
            row, result = check, restored(text, check, last.get(check.ref))
        text, last[row.ref] = result.text, result.row
    assert all(text.count(row) == 1 for row in last.values())
    for row in last.values():
        text = text.replace(f"{row}\n", "", 1)
    assert text == SECOND


def test_rows_of_both_tables_are_no_part_of_the_handbook():
    assert without_rows(restored(SECOND).text) == without_rows(SECOND)


def test_the_specimen_log_has_both_tables(shared):
    text = (shared / "specimens" / "docs" / "ops" / "incidents.md").read_text("utf-8")
    result = restored(text)
    assert result.text.replace(CHECK_LINE + "\n", "", 1) == text


def test_a_drill_is_marked_in_the_summary():
    row = LogRow("INC-2026-0007", AT, "SEV1", "Sign-in loops", drill=True)
    assert "| INC-2026-0007 DRILL: Sign-in loops |" in written(LOG, row).row
