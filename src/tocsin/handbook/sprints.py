"""Reads the sprint calendar: a table of sprints with the day each begins and, where it says so, ends.

A promise like `next sprint` becomes a day by it. Days are UTC days.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from itertools import zip_longest

from tocsin.domain.policy import Sprint
from tocsin.domain.source import Source
from tocsin.handbook.document import Row, Section
from tocsin.handbook.findings import Notebook
from tocsin.handbook.people import column_names
from tocsin.handbook.rotations import YEARS

_COLUMNS = (
    ("starts", r"starts?(?: on)?|from|start date|begins?|first day|beginning"),
    ("ends", r"ends?(?: on)?|until|to|end date|last day"),
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def read_sprints(section: Section, file: str, notes: Notebook) -> list[Sprint]:
    """The sprints of a section's tables in order.

    Without a column of last days each ends the day before the next one begins; when the last one ends is then unknown.
    """
    found: list[tuple[date, date | None, Source]] = []
    for table in section.tables():
        columns = column_names(table, _COLUMNS)
        if "starts" in columns:
            rows = (_row(row, columns, Source(file, row.line), notes) for row in table.rows)
            found += [row for row in rows if row is not None]
    found.sort(key=lambda row: row[0])
    sprints = []
    nexts = [row[0] for row in found[1:]]
    for (starts, ends, source), following in zip_longest(found, nexts):
        last = ends or (following - timedelta(days=1) if following else None)
        if last is not None and last < starts:
            repair = "write the first and the last day as YYYY-MM-DD"
            notes.found("sprint-row", source, f"the sprint of {starts} ends before it begins", repair)
        elif last is not None:
            sprints.append(Sprint(starts.isoformat(), last.isoformat(), source))
    return sprints


def _row(
    row: Row, columns: dict[str, int], source: Source, notes: Notebook
) -> tuple[date, date | None, Source] | None:
    days: dict[str, date | None] = {}
    for name, at in columns.items():
        text = row.cells[at].flat
        days[name] = _day(text)
        if days[name] is None:
            notes.found("sprint-row", source, f"{text!r} is no day", "write the day as YYYY-MM-DD")
            return None
    starts = days["starts"]
    return None if starts is None else (starts, days.get("ends"), source)


def _day(text: str) -> date | None:
    match = _DATE.search(text)
    try:
        day = date.fromisoformat(match[0]) if match else None
    except ValueError:
        return None
    return day if day is not None and day.year in YEARS else None
