"""Reads rotation tables with their hand-over rule.

`Weekly, handover Monday 09:00 Europe/Stockholm.` above a table of starts and people; `The table repeats.` makes it
cyclic from its first row. A cell says one handle per column.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tocsin.domain.policy import RosterEntry, RotationRow, RotationTable
from tocsin.domain.source import Source
from tocsin.handbook.blanks import is_empty
from tocsin.handbook.document import Inline, Section, Table
from tocsin.handbook.findings import Notebook
from tocsin.handbook.labels import slug
from tocsin.handbook.people import column_names, find_person, report_blank

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY = re.compile(rf"\b(?:{'|'.join(WEEKDAYS)}|mon|tue|wed|thu|fri|sat|sun)\b", re.I)
_CLOCK = re.compile(r"\b(?:[01]?\d|2[0-3]):[0-5]\d\b")
_ZONE = re.compile(r"\b(?:[A-Z][A-Za-z_]+/[A-Za-z_+-]+(?:/[A-Za-z_+-]+)?|UTC|GMT|Z)\b")
_LENGTHS = (
    (14, r"\bevery (?:two|2) weeks\b|\bbi-?weekly\b|\bfortnight"),
    (7, r"\bweekly\b"),
    (1, r"\bdaily\b"),
)
_REPEATS = re.compile(r"\bthe (?:table|rotation|rota) repeats\b|\brepeats (?:for ?ever|from the top)\b", re.I)
_COLUMNS = (
    ("starts", r"starts?(?: on)?|from|start date|date|beginning|week of"),
    ("label", r"weeks?|shift|period|sprint|#|no\.?"),
    ("ends", r"ends?|until|to|end date"),
    ("notes", r"notes?|comments?"),
)
YEARS = range(1970, 2200)
"""Years that a row may name: near the ends of the calendar no turn could be computed, and nobody be called."""


@dataclass(frozen=True, slots=True)
class Handover:
    """The rule in words as read; absent parts are None."""

    weekday: int | None
    clock: str | None
    tz: str | None
    repeats: bool
    length_days: int | None
    source: Source


def read_rotations(
    section: Section, file: str, roster: tuple[RosterEntry, ...], notes: Notebook
) -> list[RotationTable]:
    """The rotation tables of a section; rows that name nobody or no date are reported and left out."""
    rotations = []
    for table in section.tables():
        columns = column_names(table, _COLUMNS)
        if "starts" not in columns and "label" not in columns:
            continue
        rows = _rows(table, columns, file, roster, notes)
        if rows:
            rotations.append(_rotation(rows, _handover(section, file, table), notes))
    return rotations


def _handover(section: Section, file: str, table: Table) -> Handover:
    paragraphs = section.paragraphs()
    text = "\n".join(p.inline.text for p in paragraphs)
    text += "\n" + "\n".join(item.inline.text for item in section.items())
    day, clock, zone = _DAY.search(text), _CLOCK.search(text), _ZONE.search(text)
    lines = [p.line for p in paragraphs if _CLOCK.search(p.inline.text) or _DAY.search(p.inline.text)]
    return Handover(
        weekday=_weekday(day[0]) if day else None,
        clock=clock[0].rjust(5, "0") if clock else None,
        tz=zone[0] if zone else None,
        repeats=_REPEATS.search(" ".join(text.split())) is not None,
        length_days=next((days for days, pattern in _LENGTHS if re.search(pattern, text, re.I)), None),
        source=Source(file, lines[0] if lines else table.line),
    )


def _weekday(word: str) -> int:
    return next(n for n, name in enumerate(WEEKDAYS) if name.startswith(word.lower()[:3]))


def _rotation(rows: list[RotationRow], handover: Handover, notes: Notebook) -> RotationTable:
    first = date.fromisoformat(rows[0].starts)
    missing = [
        name
        for name, value in (
            ("weekday", handover.weekday),
            ("time", handover.clock),
            ("time zone", handover.tz),
        )
        if value is None
    ]
    if missing:
        message = f"the hand-over names no {' and no '.join(missing)}"
        repair = "write a line like: Weekly, handover Monday 09:00 Europe/Stockholm."
        notes.found("handover-unclear", handover.source, message, repair)
    weekday = first.weekday() if handover.weekday is None else handover.weekday
    _check_weekdays(rows, weekday, notes)
    return RotationTable(
        rows=tuple(rows),
        source=handover.source,
        weekday=weekday,
        clock=handover.clock or "00:00",
        tz=_zone(handover, notes),
        repeats=handover.repeats,
        length_days=handover.length_days or _distance(rows),
    )


def _check_weekdays(rows: list[RotationRow], weekday: int, notes: Notebook) -> None:
    for row in rows:
        found = date.fromisoformat(row.starts).weekday()
        if found != weekday:
            message = f"{row.starts} is a {WEEKDAYS[found].title()}, the hand-over is on {WEEKDAYS[weekday].title()}"
            notes.found(
                "handover-unclear", row.source, message, "correct the date or the weekday of the hand-over"
            )


def _zone(handover: Handover, notes: Notebook) -> str:
    name = "UTC" if handover.tz in {None, "Z", "GMT"} else str(handover.tz)
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        repair = "use a name of the IANA time zone database, e.g. Europe/Stockholm"
        notes.found("zone-unknown", handover.source, f"{name!r} is no known time zone", repair)
        return "UTC"


def _distance(rows: list[RotationRow]) -> int:
    if len(rows) < 2:
        return 7
    days = (date.fromisoformat(rows[1].starts) - date.fromisoformat(rows[0].starts)).days
    return days if days > 0 else 7


def _rows(
    table: Table, columns: dict[str, int], file: str, roster: tuple[RosterEntry, ...], notes: Notebook
) -> list[RotationRow]:
    seats = [at for at in range(len(table.header.cells)) if at not in columns.values()]
    rows = []
    for row in table.rows:
        source = Source(file, row.line)
        label = row.cells[columns["label"]].flat if "label" in columns else None
        starts = _start(row.cells[columns["starts"]].flat if "starts" in columns else "", label)
        if starts is None:
            repair = "write an ISO date like 2026-01-12 under Starts"
            notes.found("rotation-row", source, "the row has no start that can be read", repair)
            continue
        people = []
        for at in seats:
            seat, cell = slug(table.header.cells[at].flat), row.cells[at]
            handle = _seat(cell, seat, source, roster, notes)
            if handle is not None:
                people.append((seat, handle))
        rows.append(RotationRow(starts, tuple(people), source, label or None))
    return sorted(rows, key=lambda row: row.starts)


def _seat(
    cell: Inline, seat: str, source: Source, roster: tuple[RosterEntry, ...], notes: Notebook
) -> str | None:
    name = cell.flat
    if is_empty(name):
        notes.found("rotation-row", source, f"nobody is {seat}", "write a name from the roster")
        return None
    if report_blank(cell.bare, source, "the rotation", notes) is not None:
        return None
    person = find_person(name, roster)
    if person is not None:
        return person.handle
    notes.found("unknown-person", source, f"{name!r} is not in the roster", "add the person to the roster")
    return slug(name.lstrip("@"))


def _start(cell: str, label: str | None) -> str | None:
    """An ISO date from the start cell, else the Monday of an ISO week like `2026-W03`."""
    for text in (cell, label or ""):
        match = re.search(r"\b\d{4}-(?:\d{2}-\d{2}|W\d{2})\b", text)
        if match is None:
            continue
        try:
            found = date.fromisoformat(match[0] + "-1" if "W" in match[0] else match[0])
        except ValueError:
            continue
        if found.year in YEARS:
            return found.isoformat()
    return None
