"""Adjustments of a result: overrides, swaps, temporary schedules, folded in the order they were made (A1 to A9)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from tocsin.domain.oncall.streams import Index, once
from tocsin.domain.oncall.wall import FIRST_YEAR, minute
from tocsin.domain.schedules import Adjustment, InvalidSchedule, Shift, Slot

SCOPED: Final = frozenset({"set", "replace", "remove"})
"""The kinds that can be about one layer (A9)."""


class Shifts:
    """Explicit shifts: who has one at an instant, in the order of the list, each once."""

    def __init__(self, shifts: Sequence[Shift]) -> None:
        """Raises InvalidSchedule: a shift before 1973 (T12)."""
        for shift in shifts:
            if shift.start.year < FIRST_YEAR:
                raise InvalidSchedule(f"a shift of {shift.start:%Y-%m-%d} is before {FIRST_YEAR} (T12)")
        self.index = Index([(minute(shift.start), minute(shift.end)) for shift in shifts])
        self._users = [shift.users for shift in shifts]

    def at(self, u: int) -> tuple[Slot, int | None]:
        """The people, and the number of the first shift that holds."""
        found = self.index.at(u)
        return once(user for i in found for user in self._users[i]), found[0] if found else None


class Fix:
    """One adjustment as minutes. An end before its beginning, or a swap nobody took, never holds (A4, T7)."""

    def __init__(self, said: Adjustment) -> None:
        """Raises InvalidSchedule."""
        if said.kind not in {"set", "replace", "add", "remove", "swap", "temporary"}:
            raise InvalidSchedule(f"there is no adjustment of the kind {said.kind!r} (A1 to A5)")
        if said.fallback not in {"none", "base"}:
            raise InvalidSchedule(f"fallback is none or base, not {said.fallback!r} (A5)")
        self.said = said
        self.start = minute(said.start)
        self.end = minute(said.end)
        if said.revoked_at is not None:
            self.end = min(self.end, minute(said.revoked_at))
        if said.kind in {"replace", "swap"} and not (said.add and said.remove):
            self.end = self.start
        self.shifts = Shifts(said.shifts)

    def named(self) -> set[str]:
        """Everybody it may bring in."""
        said = self.said
        return {*said.users, said.add, *(user for shift in said.shifts for user in shift.users)} - {""}

    def apply(self, people: Slot, u: int) -> Slot:
        """The result after it, at an instant at which it holds."""
        said = self.said
        if said.kind == "set":
            return once(said.users)
        if said.kind in {"replace", "swap"}:
            return once(said.add if person == said.remove else person for person in people)
        if said.kind == "add":
            return once((*people, said.add))
        if said.kind == "remove":
            return tuple(person for person in people if person != said.remove)
        own, _ = self.shifts.at(u)
        return own or (people if said.fallback == "base" else ())


class Fixes:
    """All adjustments of a schedule, or of one of its layers."""

    def __init__(self, adjustments: Iterable[Adjustment]) -> None:
        """Raises InvalidSchedule."""
        self._fixes = [Fix(said) for said in sorted(adjustments, key=_seq)]
        self._index = Index([(fix.start, fix.end) for fix in self._fixes])
        self.people = {name for fix in self._fixes for name in fix.named()}

    def __bool__(self) -> bool:
        return bool(self._index)

    def fold(self, people: Slot, u: int) -> tuple[Slot, tuple[int, ...]]:
        """The result after all that hold at `u`, and which of them changed it (A6)."""
        changed = []
        for i in self._index.at(u):
            after = self._fixes[i].apply(people, u)
            if after != people:
                changed.append(self._fixes[i].said.seq)
                people = after
        return people, tuple(changed)

    def marks(self, start: int, end: int) -> set[int]:
        """Where within (start, end) the result may change."""
        found = self._index.marks(start, end)
        for i in self._index.within(start, end):
            fix = self._fixes[i]
            found |= fix.shifts.index.marks(max(start, fix.start), min(end, fix.end))
        return found


def _seq(adjustment: Adjustment) -> int:
    return adjustment.seq
