"""Carries a row of tocsin's from one version of the log to another: into the last commit, into what others pushed.

Pure text. The row is taken as it was written; whatever else the other version says stays as it is. Which rows are
tocsin's, and which versions there are, is the caller's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tocsin.handbook import log
from tocsin.handbook.log import LogHeld, LogResult
from tocsin.handbook.tables import Columns, Entry, Meanings, fill, find_tables, split_lines, write_entry

_REF = re.compile(r"(?<![A-Za-z0-9-])[A-Z]{2,8}-\d{4}-\d{1,9}(?!\d)")


@dataclass(frozen=True, slots=True)
class OwnRow:
    """A row as tocsin wrote it last. `name`: what it is known by (`INC-2026-0007`, `INC-2026-0003 check 2`).

    `document`: `log`, `check-N` or `restore-N`; the latter two stand in the second table.
    """

    name: str
    document: str
    row: str
    header: str

    @property
    def columns(self) -> Columns:
        """What the header of its table means."""
        return log.log_columns if self.document == "log" else log.restore_columns

    @property
    def named(self) -> Callable[[Meanings], str]:
        """The column that begins with its name."""
        return log.log_name if self.document == "log" else log.restore_name


def refs_changed(old: str, new: str) -> list[str]:
    """References on lines that only one version has, the lowest line of the new one first."""
    before, after = set(split_lines(old)), set(split_lines(new))
    lines = [line for line in reversed(split_lines(new)) if line not in before]
    lines += [line for line in split_lines(old) if line not in after]
    return list(dict.fromkeys(ref for line in lines for ref in _REF.findall(line)))


def holds(text: str, own: OwnRow) -> bool:
    """Whether the row stands in this text exactly as it was written last."""
    return standing(text, own) == log.split_cells(own.row)


def standing(text: str, own: OwnRow) -> list[str] | None:
    """The cells of the row of that name in this text; None when there is none."""
    lines = split_lines(text)
    for table in find_tables(lines, own.columns):
        at = table.meanings.index(own.named(table.meanings))
        for row in table.rows:
            cells = log.split_cells(lines[row].rstrip("\r\n"))
            if at < len(cells) and _begins(cells[at], own.name):
                return cells
    return None


def line_of(text: str, own: OwnRow) -> str | None:
    """The line of the row of that name in this text, without its line end."""
    cells = standing(text, own)
    lines = (line.rstrip("\r\n") for line in split_lines(text))
    return next((x for x in lines if cells is not None and log.split_cells(x) == cells), None)


def carry_row(text: str, own: OwnRow, may_replace: Callable[[str], bool]) -> LogResult:
    """The text with this row put in on top, or in the place of the one of that name.

    `may_replace` is asked with the line that stands there: False when it is not tocsin's own, and nothing is changed.
    """
    there = line_of(text, own)
    previous = there if there is not None and may_replace(there) else None
    meanings = own.columns(log.split_cells(own.header))
    if meanings is None:
        return LogHeld(
            "header-changed", f"the header that {own.name} was written below is no header of a log"
        )
    if own.document != "log":
        text = log.with_restore_table(text)
    entry = Entry(own.name, own.named, lambda target, old: _cells(own, meanings, target, old))
    missing = f"no table that a row of {own.name} belongs into"
    return write_entry(text, own.columns, entry, previous, own.header, missing)


def _cells(own: OwnRow, meanings: Meanings, target: Meanings, old: list[str]) -> list[str]:
    cells = log.split_cells(own.row)
    values = {meaning: cell for meaning, cell in zip(meanings, cells, strict=False) if meaning}
    known = dict.fromkeys((meaning for meaning in target if meaning), "")
    # In a table without the columns of its own a new row keeps what it had in those that nobody knows.
    here = old or (cells if target == meanings else [])
    return fill(known | values, target, here)


def _begins(cell: str, name: str) -> bool:
    return re.match(rf"{re.escape(name)}(?![\w-])", cell.lstrip("[*`_ ")) is not None
