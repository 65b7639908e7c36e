"""The incident log as text: recognises its table, inserts or updates one row, leaves every other byte alone.

Pure functions; `documents` does the reading and writing. A log is recognised by the header row of a Markdown table,
whatever its own columns are called. A file without such a header is a playbook and is never written into.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from tocsin.handbook.blanks import is_empty
from tocsin.handbook.inert import inert_line

HEADER = ("Date (UTC)", "SEV", "Summary", "Impact", "Actions Taken", "Root Cause", "Follow-ups", "Owner")
"""Columns of a log that tocsin begins itself."""

MOST_COLUMNS = 40
"""A wider table is no log; columns are compared with each other."""

_COLUMNS = (
    ("date", r"dates?|dates? ?\(utc\)|when|time|started|start|date/time|opened|reported"),
    ("ref", r"id|incident id|ref|reference|incident ref|incident no\.?|#|no\.?"),
    ("sev", r"sev|severity|level|priority|prio"),
    ("summary", r"summary|title|symptoms?|description|what happened|incident summary|event"),
    ("impact", r"(?:(?:user|customer|business) )?impact"),
    ("actions", r"actions? taken|actions?|mitigation|resolution|fix|response"),
    ("cause", r"root cause|causes?"),
    ("follow_ups", r"follow[- ]?ups?|action items|guards?|prevention|lessons?"),
    ("owner", r"owner|ic|commander|incident commander|lead|responder"),
    ("state", r"state|status"),
)
_SEPARATOR = re.compile(r"\s{0,3}\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*")
_LINES = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+\Z")
_CONFLICT = re.compile(r"(?m)^(?:<{7}|>{7})(?: |$)")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


@dataclass(frozen=True, slots=True)
class LogRow:
    """An incident's row. `at` is aware; texts are untrusted and escaped when written; None is shown as a dash.

    `postmortem` is a link target relative to the log's folder and is written as a link behind the summary. A `drill`
    is marked in the summary.
    """

    ref: str
    at: datetime
    sev: str
    summary: str
    impact: str | None = None
    actions: str | None = None
    cause: str | None = None
    follow_ups: str | None = None
    owner: str | None = None
    state: str | None = None
    postmortem: str | None = None
    drill: bool = False


@dataclass(frozen=True, slots=True)
class RestoreRow:
    """A row of the restore and check log. `at` is aware; texts are untrusted; None is shown as a dash.

    `ref` is what the row is known by again (`INC-2026-0003 check 2`, `INC-2026-0003 restore 1`); it leads the reason.
    `kind` as a person would say it: `Backup check`, `Restore`, `Drill`. `initiator` is a name.
    """

    ref: str
    at: datetime
    kind: str
    initiator: str
    reason: str
    source: str | None = None
    target: str | None = None
    validation: str | None = None
    rpo_s: int | None = None
    rto_s: int | None = None


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
class _Table:
    """A log table: index of its header among the lines, the meaning of each column, indices of its rows."""

    header: int
    meanings: tuple[str | None, ...]
    rows: tuple[int, ...]


def is_log(text: str) -> bool:
    """Whether the text holds a table whose header row is that of an incident log."""
    return next(_tables(_split_lines(text)), None) is not None


def without_rows(text: str) -> str:
    """The text without the rows of its logs: what is left is the team's own and no record of incidents."""
    lines = _split_lines(text)
    rows = {at for table in _tables(lines) for at in table.rows}
    return "".join(line for at, line in enumerate(lines) if at not in rows)


def new_log_text() -> str:
    """A log without rows, for a repository that has none."""
    head = f"| {' | '.join(HEADER)} |\n|{'|'.join('---' for _ in HEADER)}|\n"
    return f"# Incident Log\n\nNewest on top. All times are UTC.\n\n## Incidents\n\n{head}"


def highest_number(text: str, year: int) -> int:
    """The highest N of any `INC-<year>-N` in the text, 0 when there is none."""
    numbers = re.findall(rf"(?<![A-Za-z0-9-])INC-{year}-(\d{{3,9}})(?!\d)", text)
    return max(map(int, numbers), default=0)


def write_row(text: str, row: LogRow, previous: str | None, known_header: str | None = None) -> LogResult:
    """The log with the incident's row inserted on top, or updated where it stands.

    Args:
        text: the file as it is now.
        row: what to write.
        previous: the row as tocsin wrote it last, None when it never did.
        known_header: the header line above it as last seen, None to accept any. A row that is not there (any more) is
            written below whatever header there is.
    """
    if _CONFLICT.search(text):
        return LogHeld("conflict", "the log holds conflict markers; solve the merge first")
    lines = _split_lines(text)
    tables = list(_tables(lines))
    if not tables:
        return LogHeld(
            "no-header", "no table with the header of an incident log; a playbook is not written into"
        )
    own = [(table, at) for table in tables for at in table.rows if _is_own(lines[at], table, row.ref)]
    if len(own) > 1:
        return LogHeld("edited-by-hand", f"{row.ref} has {len(own)} rows")
    if own:
        header = _content(lines[own[0][0].header])
        if known_header is not None and split_cells(known_header) != split_cells(header):
            reason = f"the header above the row of {row.ref} was changed: put it back, or take the row out"
            return LogHeld("header-changed", reason)
        return _update(lines, own[0][0], own[0][1], row, previous)
    return _insert(lines, tables[0], row)


def _update(lines: list[str], table: _Table, at: int, row: LogRow, previous: str | None) -> LogResult:
    old, end = _content(lines[at]), _line_end(lines[at])
    cells = _cells(row, table.meanings, split_cells(old))
    if split_cells(old) == cells:
        # Also the repeat after a crash: the row was written, but that was not recorded any more.
        return LogWritten("".join(lines), old, _content(lines[table.header]), changed=False)
    if previous is None or split_cells(previous) != split_cells(old):
        reason = f"the row of {row.ref} is not as it was written last: put it back, or take it out"
        return LogHeld("edited-by-hand", reason)
    new = _join(cells, old)
    lines[at] = new + end
    return LogWritten("".join(lines), new, _content(lines[table.header]), changed=True)


def _insert(lines: list[str], table: _Table, row: LogRow) -> LogWritten:
    header = _content(lines[table.header])
    end = _line_end(lines[table.header])
    new = _join(_cells(row, table.meanings, None), header)
    for at in reversed(table.rows):
        if all(map(is_empty, split_cells(_content(lines[at])))):
            del lines[at]
    below = table.header + 2
    if not _line_end(lines[below - 1]):
        lines[below - 1] += end
    lines.insert(below, new + end)
    return LogWritten("".join(lines), new, header, changed=True)


def _cells(row: LogRow, meanings: tuple[str | None, ...], old: list[str] | None) -> list[str]:
    """One cell per column; a column without a meaning keeps what stands there."""
    values = {
        "date": row.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M"),
        "ref": row.ref,
        "sev": inert_line(row.sev),
        "summary": _summary(row, named="ref" not in meanings),
        "impact": inert_line(row.impact or ""),
        "actions": inert_line(row.actions or ""),
        "cause": inert_line(row.cause or ""),
        "follow_ups": inert_line(row.follow_ups or ""),
        "owner": inert_line(row.owner or ""),
        "state": inert_line(row.state or ""),
    }
    kept = old or []
    cells = []
    for at, meaning in enumerate(meanings):
        text = values[meaning] if meaning else (kept[at] if at < len(kept) else "")
        cells.append(text or "-")
    return cells


def _summary(row: LogRow, *, named: bool) -> str:
    text = inert_line(row.summary)
    if named:
        text = f"{row.ref} {text}".rstrip()
    return f"{text} ([postmortem]({row.postmortem}))" if row.postmortem else text


def _is_own(line: str, table: _Table, ref: str) -> bool:
    """Whether a row is about the reference: in its own column, else as the first word of the summary."""
    cells = split_cells(_content(line))
    named = "ref" if "ref" in table.meanings else "summary"
    at = table.meanings.index(named)
    words = cells[at].lstrip("[*`_ ") if at < len(cells) else ""
    return re.match(rf"{re.escape(ref)}(?![\w-])", words) is not None


def _tables(lines: list[str]) -> Iterator[_Table]:
    """Log tables outside of code fences and comments, from the top."""
    hidden = _hidden_lines(lines)
    for at in range(len(lines) - 1):
        if hidden[at] or "|" not in lines[at] or not _SEPARATOR.fullmatch(_content(lines[at + 1])):
            continue
        header = split_cells(_content(lines[at]))
        if len(header) > MOST_COLUMNS or len(header) != len(split_cells(_content(lines[at + 1]))):
            continue
        meanings = log_columns(header)
        if meanings is not None:
            end = at + 2
            while end < len(lines) and "|" in lines[end] and not hidden[end]:
                end += 1
            yield _Table(at, meanings, tuple(range(at + 2, end)))


def log_columns(header: list[str]) -> tuple[str | None, ...] | None:
    """What each column of a log holds, by synonyms; None when the header is not that of an incident log."""
    meanings: list[str | None] = []
    for cell in header:
        words = " ".join(cell.replace("*", "").replace("`", "").split())
        found = next((m for m, p in _COLUMNS if m not in meanings and re.fullmatch(p, words, re.I)), None)
        meanings.append(found)
    for at, cell in enumerate(header):
        if cell.strip("* ").casefold() == "incident":
            meanings[at] = "ref" if "summary" in meanings else "summary"
    known = set(meanings)
    if not {"date", "summary"} <= known or not known & {"sev", "ref", "impact", "actions", "cause"}:
        return None
    return tuple(meanings)


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


def _split_lines(text: str) -> list[str]:
    return _LINES.findall(text)


def _content(line: str) -> str:
    return line.rstrip("\r\n")


def _line_end(line: str) -> str:
    return line[len(_content(line)) :]
