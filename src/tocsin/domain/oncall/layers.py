"""One layer: its turns or shifts, cut by from/until, hours, holidays and activity, then its own adjustments (L1)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from tocsin.domain.oncall.crew import Crew
from tocsin.domain.oncall.fixes import Fixes, Shifts
from tocsin.domain.oncall.streams import Piece, Trace, cut, once, within
from tocsin.domain.oncall.turns import Line
from tocsin.domain.oncall.wall import FIRST_YEAR, FOREVER, minute, zone
from tocsin.domain.oncall.windows import Days, Hours, both
from tocsin.domain.schedules import Adjustment, InvalidSchedule, Layer, Slot


class Track:
    """A layer ready to be asked, at an instant (`at`) or for a while (`pieces`): both give the same."""

    def __init__(self, layer: Layer, adjustments: Iterable[Adjustment], crew: Crew) -> None:
        """Raises InvalidSchedule: which part of the layer cannot be computed, and the rule's number."""
        if layer.role not in {"oncall", "shadow"}:
            raise InvalidSchedule(f"a layer is oncall or shadow, not {layer.role!r} (L6)")
        self.name = layer.name
        self.priority = layer.priority
        self._crew = crew
        self._home = zone(layer.tz)
        self._hours = Hours(layer.restrictions, self._home)
        self._days = Days(layer.holidays, self._home)
        self._line = Line(layer.rotation, self._home, self._hours) if layer.rotation else None
        self._shifts = Shifts(layer.shifts)
        self._fixes = Fixes(adjustments)
        self._since = self._line.begins if self._line else -FOREVER
        if layer.since is not None:
            self._since = _instant("since", layer.since.year, minute(layer.since))
        self._until = FOREVER if layer.until is None else minute(layer.until)
        self.people = _named(layer)
        self._zones = {p: crew.zone(p, self._home) for p in self.people} if self._hours.member else {}

    def at(self, u: int) -> tuple[Slot, Trace]:
        """Who is on duty at `u`, and by which turn; nobody: the layer is transparent there."""
        if not self._since <= u < self._until or not self._days.open(u):
            return (), ()
        if not self._zones and not self._hours.open(u):
            return (), ()
        slot, turn = self._line.at(u) if self._line else self._shifts.at(u)
        return self._person_by_person(once(slot), turn, u)

    def _person_by_person(self, people: Slot, turn: int | None, u: int) -> tuple[Slot, Trace]:
        if self._zones:
            people = tuple(p for p in people if self._hours.open(u, self._zones[p]))
        people = self._crew.active(people, u)
        changed: tuple[int, ...] = ()
        if people and self._fixes:  # an adjustment of a layer does not extend its hours (A9)
            people, changed = self._fixes.fold(people, u)
        return (people, ((self.name, turn, changed),)) if people else ((), ())

    def pieces(self, start: int, end: int) -> list[Piece]:
        """All of [start, end) in which somebody is on duty."""
        start, end = max(start, self._since), min(end, self._until)
        if start >= end:
            return []
        found = self._line.pieces(start, end, self.name) if self._line else self._of_shifts(start, end)
        if not self._hours.always and not self._zones:
            spans = self._hours.spans(start, end)
            found = within(found, both(spans, self._days.spans(start, end)) if self._days.silent else spans)
        elif self._days.silent:
            found = within(found, self._days.spans(start, end))
        return self._refined(found, start, end)

    def _of_shifts(self, start: int, end: int) -> list[Piece]:
        edges = [start, *sorted(self._shifts.index.marks(start, end)), end]
        found: list[Piece] = []
        for low, high in pairwise(edges):
            people, number = self._shifts.at(low)
            if people:
                found.append((low, high, people, ((self.name, number, ()),)))
        return found

    def _refined(self, pieces: list[Piece], start: int, end: int) -> list[Piece]:
        """What differs by person or was adjusted: cut wherever it may change, then asked as at an instant."""
        marks = self._crew.marks(self.people) | self._fixes.marks(start, end)
        for where in set(self._zones.values()):
            marks |= {edge for span in self._hours.spans(start, end, where) for edge in span}
        if not marks and not self._zones and not self._fixes:
            return pieces
        found: list[Piece] = []
        for low, high, slot, trace in cut(pieces, marks):
            people, origin = self._person_by_person(once(slot), trace[0][1], low)
            if people:
                found.append((low, high, people, origin))
        return found


def _instant(field: str, year: int, u: int) -> int:
    if year < FIRST_YEAR:
        raise InvalidSchedule(f"{field} is before {FIRST_YEAR} (T12)")
    return u


def _named(layer: Layer) -> frozenset[str]:
    """Everybody whom the rotation, its changes or the shifts name."""
    slots = [shift.users for shift in layer.shifts]
    if layer.rotation:
        slots += layer.rotation.slots
        slots += [slot for change in layer.rotation.changes for slot in change.slots or ()]
    return frozenset(person for slot in slots for person in slot)
