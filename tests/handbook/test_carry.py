"""Rows that are carried from one version of the log to another: whose they are is asked, all else stays as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.handbook.carry import OwnRow, carry_row, holds, line_of, refs_changed
from tocsin.handbook.log import LogHeld, LogWritten, new_log_text

HEADER = "| Date (UTC) | SEV | Summary | Owner |"
LOG = f"# Ours\n\n{HEADER}\n|---|---|---|---|\n| 2026-01-01 10:00 | SEV3 | INC-2026-0001 Slow | ann |\n\nThe end\n"
ROW = OwnRow("INC-2026-0002", "log", "| 2026-01-02 10:00 | SEV1 | INC-2026-0002 Down | bea |", HEADER)
CHECKS = "| Date | Kind | Initiator | Reason | Validation |"
CHECK = OwnRow(
    "INC-2026-0002 check 1",
    "check-1",
    "| 2026-01-02 | Check | ann | INC-2026-0002 check 1: x | Passed |",
    CHECKS,
)


def written(text: str, own: OwnRow = ROW, may: bool = True) -> str:
    result = carry_row(text, own, lambda _: may)
    assert isinstance(result, LogWritten), result
    return result.text


def held(text: str, own: OwnRow = ROW, may: bool = True) -> LogHeld:
    result = carry_row(text, own, lambda _: may)
    assert isinstance(result, LogHeld)
    return result


def test_a_new_row_stands_on_top_as_it_was_written():
    text = written(LOG)
    assert text.replace(f"{ROW.row}\n", "") == LOG
    assert text.index(ROW.row) < text.index("INC-2026-0001")


def test_what_stands_there_already_changes_nothing():
    text = written(LOG)
    assert written(text, may=False) == text


def test_the_row_of_that_name_gives_way_only_if_it_may():
    older = written(LOG).replace("Down", "Slow")
    assert written(older) == written(LOG)
    assert held(older, may=False).rule == "edited-by-hand"


def test_the_line_itself_is_what_is_asked_about():
    older = written(LOG).replace("Down", "Slow")
    asked = []
    carry_row(older, ROW, lambda line: asked.append(line) or False)
    assert asked == ["| 2026-01-02 10:00 | SEV1 | INC-2026-0002 Slow | bea |"]


def test_columns_that_moved_take_their_cells_along():
    moved = LOG.replace(HEADER, "| SEV | Date (UTC) | Summary | Ours | Owner |").replace(
        "|---|", "|---|---|", 1
    )
    assert "| SEV1 | 2026-01-02 10:00 | INC-2026-0002 Down | - | bea |" in written(moved)


def test_no_table_no_header_and_conflicts_hold_it():
    assert held("# A playbook\n").rule == "no-header"
    assert held(f"<<<<<<< HEAD\n{LOG}>>>>>>> x\n").rule == "conflict"
    assert held(written(LOG).replace("| Owner |", "| Who |")).rule == "header-changed"
    broken = OwnRow(ROW.name, "log", ROW.row, "| a | b | c | d |")
    assert held(LOG, broken).rule == "header-changed"


def test_checks_go_into_the_second_table_and_a_log_of_tocsins_own_gets_one():
    text = written(new_log_text(), CHECK)
    assert "## Restores and checks" in text
    assert holds(text, CHECK) or "check 1" in text
    assert held(LOG, CHECK).rule == "no-header"


def test_check_2_is_not_check_20():
    twenty = OwnRow(CHECK.name + "0", "check-10", CHECK.row.replace("check 1:", "check 10:"), CHECKS)
    text = f"{LOG}\n{CHECKS}\n|---|---|---|---|---|\n"
    both = written(written(text, twenty), CHECK)
    assert line_of(both, twenty) == twenty.row
    assert line_of(both, CHECK) == CHECK.row


def test_what_changed_is_named_lowest_line_first():
    new = written(written(LOG), OwnRow("INC-2026-0003", "log", ROW.row.replace("0002", "0003"), HEADER))
    assert refs_changed(LOG, new) == ["INC-2026-0002", "INC-2026-0003"]
    assert refs_changed(new, LOG) == ["INC-2026-0003", "INC-2026-0002"]
    assert refs_changed(new, new) == []


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_are_kept(end: str):
    text = written(LOG.replace("\n", end))
    assert text.count("\r\n") == (text.count("\n") if end == "\r\n" else 0)


@given(st.permutations(list(range(2, 7))))
def test_rows_carried_in_any_order_all_stand_there_and_nothing_else_moves(order: list[int]):
    text = LOG
    rows = [OwnRow(f"INC-2026-000{n}", "log", ROW.row.replace("0002", f"000{n}"), HEADER) for n in order]
    for row in rows:
        text = written(text, row)
    for row in rows:
        assert holds(text, row)
        assert text.count(row.row) == 1
        text = text.replace(f"{row.row}\n", "")
    assert text == LOG
