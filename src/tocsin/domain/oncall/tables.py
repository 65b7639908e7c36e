"""Who is on call at an instant: the weekly table of the handbook and its hand-over rule.

Here: the resolver that pager, CLI, API and plan share. Layers, overrides and adjustments come here when they come.
Rules: docs/reference/oncall.md T1 to T7 (wall-clock hand-overs), E1 (resolved at the instant a step fires).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tocsin.domain.policy import RotationRow, RotationTable


@dataclass(frozen=True, slots=True)
class Turn:
    """One row in force: `people` maps column to handle, from `start` until `end` (half-open, UTC)."""

    people: tuple[tuple[str, str], ...]
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Ended:
    """Why nobody is on call: the table has not begun or has run out at `at`."""

    reason: str
    at: datetime


def handover_instant(day: date, rotation: RotationTable) -> datetime:
    """The first instant at which the wall clock of the rotation's zone reads the hand-over time that day (T2)."""
    hour, minute = (int(part) for part in rotation.clock.split(":"))
    zone = ZoneInfo(rotation.tz)
    local = datetime.combine(day, time(hour, minute), tzinfo=zone)
    first = local.replace(fold=0).astimezone(UTC)
    reads_back = first.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None)
    return first if reads_back else _jump_after(local, zone)


def _jump_after(local: datetime, zone: ZoneInfo) -> datetime:
    """A reading that does not exist maps to the instant of the jump over it (T2)."""
    low = local.replace(fold=1).astimezone(UTC)
    high = local.replace(fold=0).astimezone(UTC)
    low, high = min(low, high), max(low, high)
    wanted = local.replace(tzinfo=None)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).replace(tzinfo=None) >= wanted:
            high = middle
        else:
            low = middle
    return high.replace(microsecond=0)


def turn_at(rotation: RotationTable, at: datetime) -> Turn | Ended:
    """The turn that holds at `at`, or why there is none. Each hand-over is computed from its row (T4)."""
    starts = [handover_instant(_start_day(row, rotation), rotation) for row in rotation.rows]
    if not starts:
        return Ended("the rotation table is empty", at)
    if at < starts[0]:
        return Ended("the rotation table has not begun", starts[0])
    length = timedelta(days=rotation.length_days)
    if rotation.repeats:
        return _repeating_turn(rotation, at)
    for index, row in enumerate(rotation.rows):
        end = (
            starts[index + 1]
            if index + 1 < len(starts)
            else handover_instant(_start_day(row, rotation) + length, rotation)
        )
        if starts[index] <= at < end:
            return Turn(row.people, starts[index], end)
    end = handover_instant(_start_day(rotation.rows[-1], rotation) + length, rotation)
    return Ended("the rotation table has run out", end)


def _start_day(row: RotationRow, rotation: RotationTable) -> date:
    """The hand-over day of a row: the first such weekday on or after the date it names."""
    day = date.fromisoformat(row.starts)
    return day + timedelta(days=(rotation.weekday - day.weekday()) % 7)


def _repeating_turn(rotation: RotationTable, at: datetime) -> Turn:
    anchor = _start_day(rotation.rows[0], rotation)
    days = rotation.length_days
    count = (at.astimezone(ZoneInfo(rotation.tz)).date() - anchor).days // days
    while handover_instant(anchor + timedelta(days=count * days), rotation) > at:
        count -= 1
    while handover_instant(anchor + timedelta(days=(count + 1) * days), rotation) <= at:
        count += 1  # where the clock goes back over midnight, the day after had begun already
    start = anchor + timedelta(days=count * days)
    row = rotation.rows[count % len(rotation.rows)]
    return Turn(
        row.people,
        handover_instant(start, rotation),
        handover_instant(start + timedelta(days=days), rotation),
    )


def on_call(rotations: tuple[RotationTable, ...], column: str, at: datetime) -> tuple[str, ...]:
    """Handles on call at `at` in the column (`primary`, `secondary`) of any rotation, each once, in order."""
    found: list[str] = []
    for rotation in rotations:
        turn = turn_at(rotation, at)
        if isinstance(turn, Turn):
            found += [who for name, who in turn.people if name == column and who not in found]
    return tuple(found)
