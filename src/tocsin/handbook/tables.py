"""One row in a Markdown table that people keep: found by its header, inserted on top or updated, all else left alone.

Pure text mechanics, shared by the tables of the log. What a table is called and what its columns mean is `log`'s.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tocsin.handbook.blanks import is_empty

MOST_COLUMNS = 40
"""A wider table is no log; columns are compared with each other."""

_SEPARATOR = re.compile(r"\s{0,3}\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*")
_LINES = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+\Z")
_CONFLICT = re.compile(r"(?m)^(?:<{7}|>{7})(?: |$)")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")

Meanings = tuple[str | None, ...]
"""What each column of a table holds; None where that is not known."""
Columns = Callable[[list[str]], Meanings | None]
"""The meanings of a header's cells, or None when it is not the header that is looked for."""


@dataclass(frozen=True, slots=True)
class LogWritten:
    """The new text of the file; `row` is what to hand in as `previous` next time, `header` as `known_header`."""

    text: str
    row: str
    header: str
    changed: bool


@dataclass(frozen=True, slots=True)
class LogHeld:
    """Nothing may be written now. `rule`: `conflict`, `header-changed`, `no-header`, `edited-by-hand`."""

    rule: str
    reason: str


LogResult = LogWritten | LogHeld


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be written: known again by `ref`, the first words of the column `named` of a table.

    `cells` gives one cell per column, from the meanings and the cells that stand there now.
    """

    ref: str
    named: Callable[[Meanings], str]
    cells: Callable[[Meanings, list[str]], list[str]]


@dataclass(frozen=True, slots=True)
class Table:
    """A table: index of its header among the lines, the meaning of each column, indices of its rows."""

    header: int
    meanings: Meanings
    rows: tuple[int, ...]


def write_entry(
    text: str, columns: Columns, entry: Entry, previous: str | None, known_header: str | None, missing: str
) -> LogResult:
    """The text with the entry's row inserted on top of the first such table, or updated where it stands.

    Args:
        text: the file as it is now.
        columns: knows the header.
        entry: what to write.
        previous: the row as tocsin wrote it last, None when it never did.
        known_header: the header line above it as last seen, None to accept any. A row that is not there (any more) is
            written below whatever header there is.
        missing: what to say when there is no such table.
    """
    if has_conflict(text):
        return LogHeld("conflict", "the log holds conflict markers; solve the merge first")
    lines = split_lines(text)
    tables = list(find_tables(lines, columns))
    if not tables:
        return LogHeld("no-header", missing)
    own = [(table, at) for table in tables for at in table.rows if _is_own(lines[at], table, entry)]
    if len(own) > 1:
        return LogHeld("edited-by-hand", f"{entry.ref} has {len(own)} rows: leave one of them")
    if own:
        header = _content(lines[own[0][0].header])
        if known_header is not None and split_cells(known_header) != split_cells(header):
            reason = f"the header above the row of {entry.ref} was changed: put it back, or take the row out"
            return LogHeld("header-changed", reason)
        return _update(lines, own[0][0], own[0][1], entry, previous)
    return _insert(lines, tables[0], entry)


def has_conflict(text: str) -> bool:
    """Whether the text holds the markers of a merge that nobody has solved yet."""
    return _CONFLICT.search(text) is not None


def _update(lines: list[str], table: Table, at: int, entry: Entry, previous: str | None) -> LogResult:
    old, end = _content(lines[at]), _line_end(lines[at])
    cells = entry.cells(table.meanings, split_cells(old))
    if split_cells(old) == cells:
        # Also the repeat after a crash: the row was written, but that was not recorded any more.
        return LogWritten("".join(lines), old, _content(lines[table.header]), changed=False)
    if previous is None or split_cells(previous) != split_cells(old):
        reason = f"the row of {entry.ref} is not as it was written last: put it back, or take it out"
        return LogHeld("edited-by-hand", reason)
    new = _join(cells, old)
    lines[at] = new + end
    return LogWritten("".join(lines), new, _content(lines[table.header]), changed=True)


def _insert(lines: list[str], table: Table, entry: Entry) -> LogWritten:
    header = _content(lines[table.header])
    end = _line_end(lines[table.header])
    new = _join(entry.cells(table.meanings, []), header)
    for at in reversed(table.rows):
        if all(map(is_empty, split_cells(_content(lines[at])))):
            del lines[at]
    below = table.header + 2
    if not _line_end(lines[below - 1]):
        lines[below - 1] += end
    lines.insert(below, new + end)
    return LogWritten("".join(lines), new, header, changed=True)


def _is_own(line: str, table: Table, entry: Entry) -> bool:
    """Whether a row is about the reference: the first words of its column."""
    words = naming_words(line, table.meanings.index(entry.named(table.meanings)))
    return re.match(rf"{re.escape(entry.ref)}(?![\w-])", words) is not None


def naming_words(line: str, column: int) -> str:
    """What a row says in that column, without the marks of emphasis or of a link before it."""
    cells = split_cells(_content(line))
    return cells[column].lstrip("[*`_ ") if column < len(cells) else ""


def find_tables(lines: list[str], columns: Columns) -> Iterator[Table]:
    """Tables whose header is known, outside of code fences and comments, from the top."""
    hidden = _hidden_lines(lines)
    for at in range(len(lines) - 1):
        if hidden[at] or "|" not in lines[at] or not _SEPARATOR.fullmatch(_content(lines[at + 1])):
            continue
        header = split_cells(_content(lines[at]))
        if len(header) > MOST_COLUMNS or len(header) != len(split_cells(_content(lines[at + 1]))):
            continue
        meanings = columns(header)
        if meanings is not None:
            end = at + 2
            while end < len(lines) and "|" in lines[end] and not hidden[end]:
                end += 1
            yield Table(at, meanings, tuple(range(at + 2, end)))


def named_columns(header: list[str], synonyms: tuple[tuple[str, str], ...]) -> list[str | None]:
    """What each column holds, by the synonyms of its heading; each meaning once."""
    meanings: list[str | None] = []
    for cell in header:
        words = " ".join(cell.replace("*", "").replace("`", "").split())
        found = next((m for m, p in synonyms if m not in meanings and re.fullmatch(p, words, re.I)), None)
        meanings.append(found)
    return meanings


def fill(values: dict[str, str], meanings: Meanings, old: list[str]) -> list[str]:
    """One cell per column; a column without a meaning keeps what stands there, an empty cell becomes a dash."""
    cells = []
    for at, meaning in enumerate(meanings):
        text = values[meaning] if meaning else (old[at] if at < len(old) else "")
        cells.append(text or "-")
    return cells


def _hidden_lines(lines: list[str]) -> list[bool]:
    """For each line whether it stands in a code fence or an HTML comment."""
    hidden, fence, comment = [], "", False
    for line in lines:
        opened = _FENCE.match(line)
        hidden.append(bool(fence) or comment or opened is not None)
        if opened is not None and not comment:
            mark = opened[1]
            fence = mark if not fence else ("" if mark.startswith(fence) else fence)
        elif not fence:
            start, end = line.rfind("<!--"), line.rfind("-->")
            comment = start > end or (comment and end < 0)
    return hidden


def split_cells(line: str) -> list[str]:
    """Cells of a table row without surrounding blanks; an escaped pipe stays in its cell."""
    body = line.removeprefix("\ufeff").strip().removeprefix("|")
    if body.endswith("|") and not body.endswith("\\|"):
        body = body[:-1]
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", body)]


def _join(cells: list[str], like: str) -> str:
    row = like.removeprefix("\ufeff")
    indent = row[: len(row) - len(row.lstrip(" "))]
    return f"{indent}| {' | '.join(cells)} |"


def split_lines(text: str) -> list[str]:
    """The lines of a text, each with its own line end."""
    return _LINES.findall(text)


def _content(line: str) -> str:
    return line.rstrip("\r\n")


def _line_end(line: str) -> str:
    return line[len(_content(line)) :]
