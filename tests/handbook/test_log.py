"""The log: recognised by its header, one row touched, every other byte kept, nothing untrusted comes alive."""

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
    highest_number,
    is_log,
    log_columns,
    new_log_text,
    split_cells,
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


def test_the_highest_number_of_a_year():
    text = "INC-2026-001 INC-2026-0012 INC-2025-900 XINC-2026-700 INC-2026-0013x"
    assert highest_number(text, 2026) == 13
    assert highest_number(text, 2024) == 0


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
