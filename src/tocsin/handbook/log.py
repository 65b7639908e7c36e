"""The incident log as text: a row per incident in its table, a row per restore and check in a second one.

Pure functions; `documents` does the reading and writing, `tables` the mechanics. A log is recognised by the header row
of a Markdown table, whatever its own columns are called. A file without such a header is a playbook and is never
written into.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from tocsin.handbook.grammar import format_duration
from tocsin.handbook.inert import inert_line
from tocsin.handbook.tables import (
    Entry,
    LogHeld,
    LogResult,
    LogWritten,
    Meanings,
    fill,
    find_tables,
    has_conflict,
    named_columns,
    naming_words,
    split_cells,
    split_lines,
    write_entry,
)

HEADER = ("Date (UTC)", "SEV", "Summary", "Impact", "Actions Taken", "Root Cause", "Follow-ups", "Owner")
"""Columns of a log that tocsin begins itself."""
RESTORE_HEADER = (
    "Date (UTC)", "Kind", "Initiator", "Reason", "Source", "Restored to", "Validation", "RPO", "RTO",
)  # fmt: skip
"""Columns of the table of restores and checks in such a log."""
HIGHEST = 999_999
"""No team counts further in a year: a larger number is a slip, and the next incident is not counted on from it."""

_DATES = r"dates?|dates? ?\(utc\)|when|time(?:stamp)?|time(?:stamp)? ?\(utc\)|started|start|date/time"
_COLUMNS = (
    ("date", rf"{_DATES}|opened|reported"),
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
_RESTORE_COLUMNS = (
    ("date", _DATES),
    ("kind", r"kind|type|what|event"),
    ("initiator", r"initiators?|initiated by|by|who|done by|performed by|operator"),
    ("reason", r"reason|why|purpose"),
    ("source", r"source|from|backup|restored from|(?:recovery|restore) point"),
    ("target", r"restored to|target|to|into|destination"),
    ("validation", r"validation(?: result)?|validated|result|outcome|verdict"),
    ("rpo", r"(?:actual |measured )?rpo(?: \([^)]*\))?|data lost|lost"),
    ("rto", r"(?:actual |measured )?rto(?: \([^)]*\))?|took|duration"),
)
_RESTORE_SIGNS = frozenset({"kind", "initiator", "target", "validation", "rpo", "rto"})
_OWN_BEGINNING = "# Incident Log\n\nNewest on top. All times are UTC.\n\n## Incidents\n\n"


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


def is_log(text: str) -> bool:
    """Whether the text holds a table whose header row is that of an incident log."""
    return next(find_tables(split_lines(text), log_columns), None) is not None


def without_rows(text: str) -> str:
    """The text without the rows of its logs: what is left is the team's own and no record of what happened."""
    lines = split_lines(text)
    tables = [*find_tables(lines, log_columns), *find_tables(lines, restore_columns)]
    rows = {at for table in tables for at in table.rows}
    return "".join(line for at, line in enumerate(lines) if at not in rows)


def new_log_text() -> str:
    """A log without rows, for a repository that has none."""
    return _OWN_BEGINNING + _head(HEADER)


def _head(names: tuple[str, ...]) -> str:
    return f"| {' | '.join(names)} |\n|{'|'.join('---' for _ in names)}|\n"


def highest_number(text: str, year: int) -> int:
    """The highest N of the `INC-<year>-N` and `CHG-<year>-N` that name a row of a log, 0 when there is none.

    What a title or any other cell says does not count, nor does a number above HIGHEST.
    """
    lines = split_lines(text)
    named = re.compile(rf"(?:INC|CHG)-{year}-(\d{{3,9}})(?!\d)")
    numbers = [0]
    for columns, name in ((log_columns, log_name), (restore_columns, restore_name)):
        for table in find_tables(lines, columns):
            at = table.meanings.index(name(table.meanings))
            found = (named.match(naming_words(lines[row], at)) for row in table.rows)
            numbers += [int(match[1]) for match in found if match is not None]
    return max(number for number in numbers if number <= HIGHEST)


def write_row(text: str, row: LogRow, previous: str | None, known_header: str | None = None) -> LogResult:
    """The log with the incident's row inserted on top, or updated where it stands.

    Args:
        text: the file as it is now.
        row: what to write.
        previous: the row as tocsin wrote it last, None when it never did.
        known_header: the header line above it as last seen, None to accept any. A row that is not there (any more) is
            written below whatever header there is.
    """
    missing = "no table with the header of an incident log; a playbook is not written into"
    entry = Entry(row.ref, log_name, partial(_log_cells, row))
    return write_entry(text, log_columns, entry, previous, known_header, missing)


def write_restore_row(
    text: str, row: RestoreRow, previous: str | None = None, known_header: str | None = None
) -> LogResult:
    """The log with a row for a restore or a check on top of its second table, or updated where it stands.

    A log that tocsin began itself gets the table with its first row; into any other a person puts the header first.
    The arguments are those of `write_row`.
    """
    columns = f"| {' | '.join(RESTORE_HEADER)} |"
    missing = f"the log has no table of restores and checks: add one with a header like {columns}"
    text = with_restore_table(text)
    entry = Entry(row.ref, restore_name, partial(_restore_cells, row))
    return write_entry(text, restore_columns, entry, previous, known_header, missing)


def with_restore_table(text: str) -> str:
    """A log that tocsin began itself with the empty second table, if it has none yet; any other text as it is."""
    if not text.startswith(_OWN_BEGINNING) or _has_restores(text) or has_conflict(text):
        return text
    gap = "" if text.endswith("\n") else "\n"
    return f"{text}{gap}\n## Restores and checks\n\n{_head(RESTORE_HEADER)}"


def _has_restores(text: str) -> bool:
    return next(find_tables(split_lines(text), restore_columns), None) is not None


def log_name(meanings: Meanings) -> str:
    """The column of a log that begins with the reference."""
    return "ref" if "ref" in meanings else "summary"


def _log_cells(row: LogRow, meanings: Meanings, old: list[str]) -> list[str]:
    values = {
        "date": _minute(row.at),
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
    return fill(values, meanings, old)


def _summary(row: LogRow, *, named: bool) -> str:
    text = inert_line(row.summary)
    if row.drill:
        text = f"DRILL: {text}"
    if named:
        text = f"{row.ref} {text}".rstrip()
    return f"{text} ([postmortem]({row.postmortem}))" if row.postmortem else text


def restore_name(meanings: Meanings) -> str:
    """The column that begins with the reference: the first of these that the table has."""
    return next(name for name in ("reason", "validation", "kind") if name in meanings)


def _restore_cells(row: RestoreRow, meanings: Meanings, old: list[str]) -> list[str]:
    values = {
        "date": _minute(row.at),
        "kind": inert_line(row.kind),
        "initiator": inert_line(row.initiator),
        "reason": inert_line(row.reason),
        "source": inert_line(row.source or ""),
        "target": inert_line(row.target or ""),
        "validation": inert_line(row.validation or ""),
        "rpo": _took(row.rpo_s),
        "rto": _took(row.rto_s),
    }
    name = restore_name(meanings)
    values[name] = f"{row.ref}: {values[name]}" if values[name] else row.ref
    return fill(values, meanings, old)


def _minute(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def _took(seconds: int | None) -> str:
    return "" if seconds is None else format_duration(seconds)


def log_columns(header: list[str]) -> Meanings | None:
    """What each column of a log holds, by synonyms; None when the header is not that of an incident log."""
    meanings = named_columns(header, _COLUMNS)
    for at, cell in enumerate(header):
        if cell.strip("* ").casefold() == "incident":
            meanings[at] = "ref" if "summary" in meanings else "summary"
    known = set(meanings)
    if not {"date", "summary"} <= known or not known & {"sev", "ref", "impact", "actions", "cause"}:
        return None
    return tuple(meanings)


def restore_columns(header: list[str]) -> Meanings | None:
    """What each column of the restore and check log holds; None when the header is not that of one."""
    meanings = named_columns(header, _RESTORE_COLUMNS)
    signs = _RESTORE_SIGNS & set(meanings)
    if "date" not in meanings or len(signs) < 2 or not {"kind", "validation"} & signs:
        return None
    return None if log_columns(header) is not None else tuple(meanings)


__all__ = [
    "HEADER",
    "HIGHEST",
    "RESTORE_HEADER",
    "LogHeld",
    "LogResult",
    "LogRow",
    "LogWritten",
    "RestoreRow",
    "highest_number",
    "is_log",
    "log_columns",
    "log_name",
    "new_log_text",
    "restore_columns",
    "restore_name",
    "split_cells",
    "with_restore_table",
    "without_rows",
    "write_restore_row",
    "write_row",
]
