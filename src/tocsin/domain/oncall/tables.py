"""The rows of a handbook's rotation tables: which one is in force, since when and until when.

For the card and the home page, which show the table as it is written. Who is on call: `Rota`, over the same hand-overs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from tocsin.domain.oncall.prose import cadence_of, handover, handovers
from tocsin.domain.oncall.rota import Rota
from tocsin.domain.oncall.wall import minute, moment
from tocsin.domain.policy import RotationTable


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
    return moment(handover(day, rotation))


def turn_at(rotation: RotationTable, at: datetime) -> Turn | Ended:
    """The turn that holds at `at`, or why there is none. Each hand-over is computed from its row (T4)."""
    if not rotation.rows:
        return Ended("the rotation table is empty", at)
    u = minute(at)
    begins = handovers(rotation)
    if u < begins[0]:
        return Ended("the rotation table has not begun", moment(begins[0]))
    if rotation.repeats:
        cadence = cadence_of(rotation)
        k = cadence.turn(u)
        row = rotation.rows[k % len(rotation.rows)]
        return Turn(row.people, moment(cadence.handoff(k)), moment(cadence.handoff(k + 1)))
    for row, start, end in zip(rotation.rows, begins, begins[1:], strict=False):
        if start <= u < end:
            return Turn(row.people, moment(start), moment(end))
    return Ended("the rotation table has run out", moment(begins[-1]))


def on_call(rotations: tuple[RotationTable, ...], column: str, at: datetime) -> tuple[str, ...]:
    """Handles on call at `at` in the column (`primary`, `secondary`) of any rotation, each once, in order."""
    rota = Rota(tables=rotations)
    return rota.who(column, at) if column in rota.names() else ()
