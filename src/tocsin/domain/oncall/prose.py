"""The rotation tables of a handbook as schedules, one per column: there is only one way to compute them (F2)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from tocsin.domain.oncall.turns import Cadence, cadence
from tocsin.domain.oncall.wall import DAY, HOUR, clock, day_number, moment, zone
from tocsin.domain.oncall.windows import Hours
from tocsin.domain.policy import RotationRow, RotationTable
from tocsin.domain.schedules import Layer, Rotation, Schedule, Shift


def columns(tables: Iterable[RotationTable]) -> tuple[str, ...]:
    """`primary`, `secondary` ... in the order they come."""
    return tuple(dict.fromkeys(name for t in tables for row in t.rows for name, _ in row.people))


def schedule_of(tables: Iterable[RotationTable], column: str) -> Schedule:
    """A column over all tables that have it: layers of one priority, so that their people count together (L2).

    Raises InvalidSchedule: a table that cannot be computed, e.g. by an unknown zone (T11).
    """
    having = [t for t in tables if column in columns((t,))]
    layers = tuple(_layer(table, column, number) for number, table in enumerate(having, start=1))
    return Schedule(column, having[0].tz, layers, source=having[0].source)


def _layer(table: RotationTable, column: str, number: int) -> Layer:
    name = f"table {number}"
    if table.repeats:
        return Layer(name, 0, table.tz, table.source, rotation=_rotation(table, column))
    return Layer(name, 0, table.tz, table.source, shifts=_shifts(table, column))


def _rotation(table: RotationTable, column: str) -> Rotation:
    hours, minutes = divmod(clock(table.clock), HOUR)
    return Rotation(
        start=f"{start_day(table.rows[0], table)}T{hours:02}:{minutes:02}",
        unit="day",
        length=table.length_days,
        slots=tuple(_people(row, column) for row in table.rows),
    )


def cadence_of(table: RotationTable) -> Cadence:
    """When the turns of a table that repeats begin; it has rows. Raises InvalidSchedule."""
    where = zone(table.tz)
    return cadence(_rotation(table, ""), where, Hours((), where))


def _shifts(table: RotationTable, column: str) -> tuple[Shift, ...]:
    begins = handovers(table)
    return tuple(
        Shift(_people(row, column), moment(start), moment(end))
        for row, start, end in zip(table.rows, begins, begins[1:], strict=False)
    )


def _people(row: RotationRow, column: str) -> tuple[str, ...]:
    return tuple(person for name, person in row.people if name == column and person)


def start_day(row: RotationRow, table: RotationTable) -> date:
    """The hand-over day of a row: the first such weekday on or after the date it names."""
    day = date.fromisoformat(row.starts)
    return day + timedelta(days=(table.weekday - day.weekday()) % 7)


def handover(day: date, table: RotationTable) -> int:
    """The minute at which the wall clock of the table's zone first reads the hand-over time that day (T2)."""
    return zone(table.tz).first(day_number(day.isoformat()) * DAY + clock(table.clock))


def handovers(table: RotationTable) -> list[int]:
    """When each row begins, and when the last one ends; each from its own row (T4)."""
    days = [start_day(row, table) for row in table.rows]
    return [
        handover(day, table) for day in (*days, *(d + timedelta(days=table.length_days) for d in days[-1:]))
    ]
