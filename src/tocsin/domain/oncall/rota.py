"""The one resolver: every question "who is on call" is asked here and nowhere else (F2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from tocsin.domain.oncall.book import Book
from tocsin.domain.oncall.crew import Crew
from tocsin.domain.oncall.prose import columns, schedule_of
from tocsin.domain.oncall.streams import Piece
from tocsin.domain.oncall.wall import DAY, minute, moment
from tocsin.domain.policy import RotationTable
from tocsin.domain.schedules import Adjustment, Duty, Interval, InvalidSchedule, Member, Origin, Schedule

FAR = 400 * DAY
"""How far ahead is looked for the next change (16.4)."""

Turns = tuple[tuple[str, datetime, datetime], ...]
"""Schedule, start, end."""


class Rota:
    """Every schedule by name: those of the policy blocks, and `primary`, `secondary` ... of the handbook's tables.

    Nothing is computed before it is asked for, and nothing twice. All instants are rounded down to the minute. A
    schedule that cannot be computed answers nobody and is in `invalid` (T11).
    """

    def __init__(
        self,
        schedules: Iterable[Schedule] = (),
        tables: Iterable[RotationTable] = (),
        members: Iterable[Member] = (),
    ) -> None:
        self.schedules = {schedule.name: schedule for schedule in schedules}
        self.tables = tuple(tables)
        self.members = {member.handle: member for member in members}
        self._names = tuple(dict.fromkeys((*self.schedules, *columns(self.tables))))
        self._crew = Crew(self.members)
        self._books: dict[str, Book] = {}
        self._reasons: dict[str, str] = {}
        self._turns: tuple[tuple[int, int], dict[str, Turns]] | None = None

    def names(self) -> tuple[str, ...]:
        """Every schedule: those of the blocks first, then the columns of the tables."""
        return self._names

    def schedule(self, name: str) -> Schedule:
        """The schedule of that name; of a block where a table has a column of the same name.

        Raises LookupError for an unknown one, InvalidSchedule for a table that cannot be read as one.
        """
        if name in self.schedules:
            return self.schedules[name]
        if name not in self._names:
            raise LookupError(f"there is no schedule {name!r}")
        return schedule_of(self.tables, name)

    @property
    def invalid(self) -> Mapping[str, str]:
        """The schedules that cannot be computed, with the reason and the rule's number (T11, T12)."""
        for name in self._names:
            self._book(name)
        return dict(self._reasons)

    def _book(self, name: str) -> Book:
        book = self._books.get(name)
        if book is None:
            try:
                book = Book(self.schedule(name), self._crew)
            except InvalidSchedule as error:
                self._reasons[name] = str(error)
                book = Book(Schedule(name, "UTC", ()), self._crew)
            self._books[name] = book
        return book

    def who(self, name: str, at: datetime) -> tuple[str, ...]:
        """Handles on call at `at`, in order; empty is a gap. Raises LookupError for an unknown schedule."""
        return self._book(name).who(minute(at))

    def shadows(self, name: str, at: datetime) -> tuple[str, ...]:
        """Handles on the shadow layers at `at` (L6). Raises LookupError."""
        return self._book(name).shadows(minute(at))

    def final(self, name: str, start: datetime, end: datetime) -> tuple[Interval, ...]:
        """The final schedule of [start, end): minimal, contiguous, gaps explicit (F1). Raises LookupError.

        People who only change places do not divide an interval; it names them as they stand at its beginning.
        """
        found = self._book(name).final(minute(start), minute(end))
        return tuple(Interval(moment(low), moment(high), people) for low, high, people in found)

    def duties(self, name: str, start: datetime, end: datetime) -> tuple[Duty, ...]:
        """The same, cut where a turn ends or an adjustment comes or goes, with origins (F3). Raises LookupError."""
        found: list[Piece] = []
        low, high = minute(start), minute(end)
        for piece in self._book(name).pieces(low, high) if low < high else ():
            if found and found[-1][2:] == piece[2:]:
                piece = (found.pop()[0], *piece[1:])
            found.append(piece)
        return tuple(_duty(piece) for piece in found)

    def gaps(self, name: str, start: datetime, end: datetime) -> tuple[Interval, ...]:
        """When nobody is on call although the coverage wants somebody (F4). Raises LookupError."""
        found = self._book(name).gaps(minute(start), minute(end))
        return tuple(Interval(moment(low), moment(high), ()) for low, high in found)

    def until(self, name: str, at: datetime) -> datetime | None:
        """When the people of `at` change next; None: not within 400 days. Raises LookupError."""
        start = minute(at)
        stretches = self._book(name).walk(start, start + FAR)
        now = set(next(stretches)[2])
        return next((moment(low) for low, _, people in stretches if set(people) != now), None)

    def when(self, handle: str, start: datetime, end: datetime) -> Turns:
        """When a person is on call in [start, end), in all schedules: one pass serves everybody (16.6)."""
        asked = (minute(start), minute(end))
        if self._turns is None or self._turns[0] != asked:
            self._turns = (asked, self._everybody(*asked))
        return self._turns[1].get(handle, ())

    def _everybody(self, start: int, end: int) -> dict[str, Turns]:
        found: dict[str, list[tuple[str, int, int]]] = {}
        for name in self._names:
            for low, high, people in self._book(name).final(start, end):
                for person in people:
                    turns = found.setdefault(person, [])
                    goes_on = turns and turns[-1][0] == name and turns[-1][2] == low
                    turns.append((name, turns.pop()[1] if goes_on else low, high))
        return {
            person: tuple((name, moment(low), moment(high)) for name, low, high in turns)
            for person, turns in found.items()
        }

    def with_adjustments(self, name: str, adjustments: Iterable[Adjustment]) -> Rota:
        """As if these were made too: one with the `seq` of an existing one takes its place.

        Raises LookupError, and InvalidSchedule for a table that cannot be read as a schedule.
        """
        schedule = self.schedule(name)
        made = tuple(adjustments)
        again = {a.seq for a in made}
        kept = (a for a in schedule.adjustments if a.seq not in again)
        changed = replace(schedule, adjustments=(*kept, *made))
        return Rota({**self.schedules, name: changed}.values(), self.tables, self.members.values())


def _duty(piece: Piece) -> Duty:
    start, end, people, trace = piece
    return Duty(moment(start), moment(end), people, tuple(Origin(*origin) for origin in trace))
